package system

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"reflect"
	"strings"
	"syscall"
	"time"

	"thespian.dev/admin"
	"thespian.dev/message"
	"thespian.dev/transport"
)

// attach makes this program a part of the system at the Admin Port. If there is none, it is started.
func (a App) attach(ctx context.Context, o *Options, base transport.Base) (*System, error) {
	if !mainRan.Load() {
		return nil, ErrNoMain
	}
	// What is wrong with the app, or the options, is said before a system is started for it, which would stay.
	if err := o.Capabilities.Validate(); err != nil {
		return nil, err
	}
	if _, err := newKinds(a.Kinds); err != nil {
		return nil, err
	}
	if _, err := message.NewRegistry(a.Messages); err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	port, err := adminPort(o, base)
	if err != nil {
		return nil, err
	}
	known, given, err := o.credentials()
	if err != nil {
		return nil, err
	}
	if err := o.checkConvention(given, base.Network.Dial != nil); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		conn, begun, err := a.reach(ctx, o, base, port, known)
		if err != nil {
			return nil, err
		}
		sys, err := a.program(ctx, conn, o, begun != nil, port == 0)
		begun.settle(err)
		if _, member := o.Capabilities[conventionAddress]; err == nil && begun != nil && member {
			sys.node.awaitLeader(ctx)
		}
		if !errors.Is(err, ErrShutdown) && !errors.Is(err, errLeaving) {
			return sys, err
		}
		if late := pause(ctx); late != nil { // the system that was there is about to end: another will be started
			return nil, fmt.Errorf("%w: %w", late, err)
		}
	}
}

// errLeaving is the end of a lifeline of a system that ends in the moment in which a program attaches.
var errLeaving = errors.New("the Admin has gone")

// endOfAdmin says of the end of a lifeline that it was the Admin's, if it was.
func endOfAdmin(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("%w: %w", errLeaving, err)
	}
	return err
}

const retryTime = 20 * time.Millisecond

func pause(ctx context.Context) error {
	select {
	case <-time.After(retryTime):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reach returns a connection to the Admin, and what there is to know of it if it was started for that.
func (a App) reach(ctx context.Context, o *Options, base transport.Base, port int, known admin.Credentials) (net.Conn, *newAdminProcess, error) {
	if o.New && o.Attach {
		return nil, nil, errors.New("the options Attach and New exclude each other")
	}
	if port == 0 && o.Attach {
		return nil, nil, fmt.Errorf("%w: port 0 is that of a new one", ErrNoSystem)
	}
	if port == 0 { // nobody else can mean this system
		return startAdmin(ctx, o, base, port, os.DevNull, known)
	}
	at, err := newRendezvous(listenHost(o), port)
	if err != nil {
		return nil, nil, err
	}
	for {
		if conn, err := at.dial(); err == nil {
			return a.found(conn, o, port)
		} else if !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ECONNREFUSED) {
			return nil, nil, fmt.Errorf("the system at port %d: %w", port, err)
		}
		if o.Attach {
			return nil, nil, fmt.Errorf("%w at port %d of base %s: there is no socket of it in %s (XDG_RUNTIME_DIR and TMPDIR say where it is)", ErrNoSystem, port, base.Name, at.folder())
		}
		lock, err := at.lock()
		if err == nil {
			defer lock.Close()
			if conn, err := at.dial(); err == nil { // meanwhile somebody has started it
				return a.found(conn, o, port)
			}
			conn, begun, err := startAdmin(ctx, o, base, port, at.log(), known)
			if err != nil && strings.Contains(err.Error(), syscall.EADDRINUSE.Error()) { // a text, as it comes from the Admin's process
				err = fmt.Errorf("%w; if a system of this user holds it, its socket is not in %s: set XDG_RUNTIME_DIR and TMPDIR as they were for that one", err, at.folder())
			}
			if err != nil {
				_ = os.Remove(lock.Name())
			}
			return conn, begun, err
		}
		if !errors.Is(err, errLocked) {
			return nil, nil, err
		}
		if err := pause(ctx); err != nil {
			return nil, nil, fmt.Errorf("%w: %w", errLocked, err)
		}
	}
}

// found returns the connection to an Admin that runs, unless there is to be none.
func (a App) found(conn net.Conn, o *Options, port int) (net.Conn, *newAdminProcess, error) {
	if o.New {
		_ = conn.Close()
		return nil, nil, fmt.Errorf("%w at port %d", ErrSystemRuns, port)
	}
	return conn, nil, nil
}

// A newAdminProcess is an Admin that this program has started, and that is not yet known to be needed.
type newAdminProcess struct{ conn net.Conn }

// settle tells the Admin how it went: if this program could not become a part of its system, or ends before it says so, nobody else may ever end it. It may be nil.
func (p *newAdminProcess) settle(err error) {
	if p == nil {
		return
	}
	if err == nil {
		_ = writeControl(p.conn, controlMessages(), adminStarted{})
	}
	_ = p.conn.Close()
}

// startAdmin starts an Admin from this program's executable, and attaches to it.
func startAdmin(ctx context.Context, o *Options, base transport.Base, port int, log string, known admin.Credentials) (conn net.Conn, begun *newAdminProcess, err error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, nil, err
	}
	defer theirs.Close()
	begun = &newAdminProcess{ours}
	defer func() {
		if err != nil {
			begun.settle(err)
		}
	}()
	stop := context.AfterFunc(ctx, func() { _ = ours.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	socket, err := beginAdmin(ctx, o, base, port, log, known, ours, theirs)
	if err != nil {
		return nil, nil, err
	}
	conn, err = dialAt(socket)
	return conn, begun, err
}

// beginAdmin starts an Admin that has the other end of a connection, and returns where it can be attached to.
func beginAdmin(ctx context.Context, o *Options, base transport.Base, port int, log string, known admin.Credentials, ours net.Conn, theirs *os.File) (socket string, err error) {
	limits, err := o.Limits.complete()
	if err != nil {
		return "", err
	}
	messages := controlMessages()
	r := role{&adminRole{
		Base: base.Name, Host: listenHost(o), Port: port, LowestPort: o.LowestPort, HighestPort: o.HighestPort, Limits: admin.Limits(limits), Capabilities: o.Capabilities, Credentials: known, Detach: true,
	}}
	if err := writeControl(ours, messages, r); err != nil {
		return "", err
	}
	file, err := os.OpenFile(log, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return "", err
	}
	defer file.Close()
	process, err := startSelf("admin", file, theirs)
	if err != nil {
		return "", err
	}
	_ = theirs.Close()
	if state, err := process.Wait(); err != nil || !state.Success() {
		return "", fmt.Errorf("the Admin could not be started: %v %v", state, err)
	}
	said, err := readControl(ours, messages)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		err = fmt.Errorf("the Admin did not start: %w", err)
		if port != 0 {
			err = fmt.Errorf("%w; the reason may stand in %s", err, log)
		}
		return "", err
	}
	ready, ok := said.(adminReady)
	switch {
	case !ok:
		return "", fmt.Errorf("the Admin began with %T", said)
	case ready.Failure != "":
		if port != 0 {
			_ = os.Remove(log) // it says no more
		}
		return "", errors.New(ready.Failure)
	}
	return ready.Socket, nil
}

// startSelf starts this executable once more, with files from number 3 on.
func startSelf(title string, output *os.File, files ...*os.File) (*os.Process, error) {
	exe, err := openExecutable("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	defer exe.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	return startProcess(exe, &os.ProcAttr{
		Dir: "/", Env: os.Environ(), Files: append([]*os.File{null, output, output}, files...), Sys: &syscall.SysProcAttr{Setsid: true},
	}, []string{"thespian: " + title})
}

// program joins the system at the other end of the lifeline as a program.
func (a App) program(ctx context.Context, conn net.Conn, o *Options, started, private bool) (*System, error) {
	var sys *System // once the system has taken this program; what is said before is said on this goroutine
	left := false
	out := newOutput()
	j := joining{
		lifetime: o.Lifetime || private,
		attach:   o.Attach,
		print:    out.add,
		ending: func(reason string) {
			if left = true; sys != nil {
				sys.over(ErrShutdown)
			}
		},
	}
	if !started {
		j.attached = true
		j.expects = o.Capabilities.Clone()
		delete(j.expects, "Admin Port") // by which it was found
	}
	n, _, err := a.join(ctx, conn, o, j)
	if err != nil {
		return nil, err
	}
	if left {
		_ = n.peers.close()
		n.client.line.close()
		return nil, errLeaving
	}
	sys = newSystem(n)
	n.goroutines.begin()
	go func() {
		defer n.goroutines.end()
		_ = n.client.serve()
		out.end()
		sys.over(ErrAdminGone)
	}()
	sys.output = out
	out.written = func(bytes int) { _ = n.client.line.send(admin.Printed{Bytes: bytes}) }
	n.goroutines.begin()
	go func() {
		defer n.goroutines.end()
		out.write(os.Stdout, os.Stderr)
	}()
	return sys, nil
}

// adminPort returns where the system is to be found.
func adminPort(o *Options, base transport.Base) (int, error) {
	given, ok := o.Capabilities["Admin Port"]
	if !ok {
		return base.AdminPort, nil
	}
	port, ok := asInt(given)
	if !ok || port < 0 || port > 65535 {
		return 0, fmt.Errorf(`capability "Admin Port" is %v: wanted a number from 0 to 65535`, given)
	}
	return port, nil
}

func asInt(value any) (int, bool) {
	switch v := reflect.ValueOf(value); {
	case v.CanInt():
		return int(v.Int()), true
	case v.CanUint() && v.Uint() < 1<<31:
		return int(v.Uint()), true
	}
	return 0, false
}

func listenHost(o *Options) string {
	if o.Host == "" {
		return "127.0.0.1"
	}
	return o.Host
}
