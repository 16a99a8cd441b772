package system

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"thespian.dev/address"
	"thespian.dev/address/record"
	"thespian.dev/admin"
)

// inheritedAnswer is the descriptor at which a new Admin says how its start went.
const inheritedAnswer = 4

// admin runs this process as the Admin of a system, until the system has ended. It returns the status with which the process ends.
func (a App) admin(r adminRole) int {
	file := newSystemLog(r)
	log := slog.New(slog.NewTextHandler(file, nil))
	answer := os.NewFile(inheritedAnswer, "answer")
	syscall.CloseOnExec(inheritedAnswer)
	serve, socket, err := a.openAdmin(r, log, file)
	ready := adminReady{Socket: socket}
	if err != nil {
		ready.Failure = err.Error()
	}
	_ = writeControl(answer, controlMessages(), ready) // if nobody is there any more, serve finds out
	if err == nil {
		err = serve(answer)
	}
	if err != nil {
		log.Error("admin", "error", err)
		return 1
	}
	return 0
}

// openAdmin opens what an Admin needs, and returns what serves the system then. It is given the connection to the program that started the Admin.
func (a App) openAdmin(r adminRole, log *slog.Logger, file *systemLog) (serve func(starter io.Reader) error, socket string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	id := record.ID{System: draw(), Process: draw(), Counter: 1}
	var offers capabilities
	if err := offers.init(r.Base, r.Capabilities); err != nil {
		return nil, "", err
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	w := admin.Welcome{System: id.System, Process: id.Process, AdminProcess: id.Process, Admin: address.Of(record.New(id)), Base: r.Base, Key: key, Capabilities: offers.offers, Limits: r.Limits}
	ours, theirs := net.Pipe() // the lifeline of the Admin's own node, which is there before anybody can reach the node
	n, err := a.newMember(w, &Options{Logger: log}, newLifeline(theirs, controlMessages()), joining{})
	if err != nil {
		return nil, "", err
	}
	meets := r.Credentials != (admin.Credentials{})
	var meeting atomic.Pointer[meeting]
	var guest func(net.Conn)
	if meets {
		guest = func(conn net.Conn) {
			if m := meeting.Load(); m != nil {
				m.gate.serve(conn)
			} else {
				_ = conn.Close() // it comes too early
			}
		}
	}
	if err := n.takePort(ctx, a, w, net.JoinHostPort(r.bind(), strconv.Itoa(r.Port)), guest); err != nil {
		return nil, "", fmt.Errorf("the Admin Port %d: %w", r.Port, err)
	}
	endpoint := n.peers.transport.Endpoint()
	at, err := a.meet(r, endpoint)
	var listener net.Listener
	if err == nil {
		listener, err = at.listen()
	}
	if err != nil {
		_ = n.peers.close()
		return nil, "", err
	}
	options := admin.Options{
		System: id.System, Process: id.Process, Admin: w.Admin, Endpoint: endpoint, Base: r.Base, Key: key, Capabilities: offers.offers,
		Listen: net.JoinHostPort(r.Host, "0"), LowestPort: r.LowestPort, HighestPort: r.HighestPort, Limits: r.Limits, Number: draw,
	}
	var m meetingOptions
	if meets {
		base, _ := a.base(r.Base)
		if m, err = r.meets(&options, base); err != nil {
			_ = n.peers.close()
			return nil, "", err
		}
	}
	var shell *adminShell
	if meets {
		options.Convention = func() admin.ConventionReport { return shell.meeting.report() }
	}
	shell = newAdminShell(options, execLauncher{}, log)
	file.programs.Store(shell.audience)
	if meets {
		meeting.Store(shell.meet(m))
	}
	return func(starter io.Reader) error {
		go func() { // ends with the process
			if _, err := readControl(starter, shell.messages); err != nil {
				shell.endIfAlone() // nobody else would end what no program is a part of
			}
		}()
		return shell.serve(n, ours, listener, at)
	}, at.socket(), nil
}

// portPatience is how long a new Admin waits for its port. When another one was killed, its lifelines end before its port is free.
const portPatience = time.Second

// takePort is connect for a port that may be free in a moment.
func (n *node) takePort(ctx context.Context, a App, w admin.Welcome, listen string, guest func(net.Conn)) error {
	for began := time.Now(); ; {
		err := n.connect(ctx, a, w, listen, guest)
		if !errors.Is(err, syscall.EADDRINUSE) || time.Since(began) > portPatience || pause(ctx) != nil {
			return err
		}
	}
}

// endIfAlone ends the system when it has no program.
func (s *adminShell) endIfAlone() {
	s.post(func(now time.Time) []admin.Output {
		if len(s.programs) > 0 {
			return nil
		}
		return s.core.Shutdown(now, 0)
	})
}

// meet returns where programs find the Admin: the port may have been chosen only now.
func (a App) meet(r adminRole, endpoint string) (rendezvous, error) {
	port := r.Port
	if port == 0 {
		port = privatePort(endpoint)
	}
	return newRendezvous(r.Host, port)
}

// privatePort returns the number by which a system is found that was not given one: its port, or, on a base that has none, one that no port and no other such system has.
func privatePort(endpoint string) int {
	_, text, _ := net.SplitHostPort(endpoint)
	if port, err := strconv.Atoi(text); err == nil {
		return port
	}
	return 1<<16 + os.Getpid()
}

// serve attaches programs and obeys signals until the system has ended.
func (s *adminShell) serve(n *node, own net.Conn, listener net.Listener, at rendezvous) error {
	s.attachOwn(n.id.Process, own)
	go func() { _ = n.client.serve() }() // ends with the process, as do those below
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if err := samePeer(conn); err != nil {
				s.log.Warn("refused", "error", err)
				_ = conn.Close()
				continue
			}
			s.attach(conn)
		}
	}()
	var lock *os.File
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		<-s.finished
		lock, _ = at.lock()  // who starts the next system waits until this one has given up its port
		_ = listener.Close() // which removes the socket
	}()
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR1, syscall.SIGHUP)
	go func() {
		for sig := range signals {
			switch sig {
			case syscall.SIGTERM, syscall.SIGINT:
				s.post(func(now time.Time) []admin.Output { return s.core.Shutdown(now, admin.DefaultGrace) })
			case syscall.SIGUSR1:
				go s.report(n)
			}
		}
	}()
	s.log.Info("the system runs", "socket", at.socket(), "endpoint", n.peers.transport.Endpoint())
	s.run()
	<-closed
	if lock != nil { // else somebody is starting the next system
		defer at.tidy(lock)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = n.peers.shutdown(ctx)
	n.kill()
	return n.peers.close()
}

// report writes the status of the system to the log.
func (s *adminShell) report(n *node) {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	status, err := n.client.systemStatus(ctx)
	if err != nil {
		s.log.Error("status", "error", err)
		return
	}
	var text strings.Builder
	_ = status.Format(&text)
	s.log.Info("status\n" + text.String())
}
