package system

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"thespian.dev/admin"
	"thespian.dev/message"
	"thespian.dev/transport"
)

// endGrace is how long actors of a host get to exit when the Admin has gone.
const endGrace = time.Second

// host runs this process as a host, until its actors have ended, or its Admin has. It returns the status with which the process ends.
func (a App) host(conn net.Conn) int {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := a.runHost(conn, log); err != nil {
		log.Error("host", "error", err)
		return 1
	}
	return 0
}

func (a App) runHost(conn net.Conn, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	exit := make(chan struct{}, 1)
	leave := func() {
		select {
		case exit <- struct{}{}:
		default:
		}
	}
	exitOnSignals(log, leave) // first: an actor may run before join returns
	n, shared, err := a.join(ctx, conn, &Options{Logger: log}, joining{host: true, one: usesOne(), exit: leave})
	if err != nil {
		return err
	}
	return n.serveHost(shared, exit, func() { os.Exit(1) })
}

// serveHost runs the actors of a host until it is to end. die ends the process at once, whatever its actors do.
func (n *node) serveHost(shared bool, exit <-chan struct{}, die func()) error {
	lost := make(chan struct{})
	end, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { // ends with the process
		_ = n.client.serve()
		close(lost)
		time.AfterFunc(endGrace, stop)
		time.AfterFunc(2*endGrace-endGrace/4, die)
	}()
	ended := n.childless
	if shared {
		ended = nil // it waits for more
	}
	for runs := true; runs; {
		select {
		case <-ended:
			runs = shared && n.inhabited() // it may have had none before
		case <-n.retired:
			ended = n.childless
			n.allEnded() // perhaps
		case <-exit:
			runs = false
		case <-lost:
			runs = false
		}
	}
	n.closing.Store(true)
	_ = n.leave(end)
	n.kill()
	flush, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	n.peers.settle(flush)
	err := n.peers.shutdown(flush)
	_ = n.peers.close()
	n.client.part()
	late, enough := context.WithTimeout(context.Background(), settling)
	defer enough()
	n.peers.settle(late) // what came meanwhile may have needed answers to processes that this one did not know yet
	n.client.leave()
	return err
}

// joining says as what a process joins a system.
type joining struct {
	host     bool
	one      bool // its process uses one processor
	lifetime bool
	attach   bool // only
	attached bool // the system was there before
	exit     func()
	print    func(admin.Print)
	ending   func(reason string)
	expects  message.Capabilities
}

// join makes this process a part of the system at the other end of a lifeline.
func (a App) join(ctx context.Context, conn net.Conn, o *Options, j joining) (n *node, shared bool, err error) {
	line := newLifeline(conn, controlMessages())
	defer func() {
		if err != nil && j.host {
			_ = line.send(admin.Failed{Reason: err.Error()})
			line.expire(lastWords)
			line.shut()
		}
		if err != nil {
			line.close()
		}
	}()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	who := processOf(conn)
	first, err := line.receive()
	switch {
	case err != nil && ctx.Err() != nil: // which has closed the connection
		return nil, false, fmt.Errorf("the Admin%s does not answer: %w", who, context.Cause(ctx))
	case err != nil:
		return nil, false, fmt.Errorf("the Admin did not say welcome: %w", endOfAdmin(err))
	}
	welcome, ok := first.(admin.Welcome)
	if !ok {
		return nil, false, fmt.Errorf("the Admin began with %T", first)
	}
	if j.attached {
		if err := o.suits(a, welcome); err != nil {
			return nil, false, err
		}
	}
	n, err = a.newMember(welcome, o, line, j)
	if err != nil {
		return nil, false, err
	}
	if n.processors.one.Store(j.one); welcome.Shared {
		n.useAll()
	}
	if err := n.connect(ctx, a, welcome, welcome.Listen, nil); err != nil {
		return nil, false, err
	}
	defer func() {
		if err != nil {
			_ = n.peers.close()
		}
	}()
	n.peers.located(admin.Located{Process: welcome.AdminProcess, Endpoint: welcome.AdminEndpoint})
	return n, welcome.Shared, n.announce(ctx, a, j)
}

// processOf says which process is at the other end of a lifeline, as far as that is known.
func processOf(conn net.Conn) string {
	if peer, err := credentials(conn); err == nil {
		return fmt.Sprintf(" (process %d)", peer.Pid)
	}
	return ""
}

// connect opens the node's transport.
func (n *node) connect(ctx context.Context, a App, w admin.Welcome, listen string, guest func(net.Conn)) error {
	base, err := a.base(w.Base)
	if err != nil {
		return err
	}
	n.peers.features, n.peers.outside.base = base.Features, base
	n.peers.transport, err = base.Open(ctx, transport.Config{
		Self: transport.Node{System: w.System, Process: w.Process}, Handler: n.peers, Listen: listen,
		LowestPort: w.LowestPort, HighestPort: w.HighestPort, Key: w.Key, MaxMessage: n.limits.MaxMessage, Unreachable: n.limits.Unreachable, Logger: n.log, Guest: guest, Released: n.peers.buffers.released,
	})
	return err
}

// announce says what this process is, and waits for the Admin's consent. What else the Admin says meanwhile is handled.
func (n *node) announce(ctx context.Context, a App, j joining) error {
	announce := admin.Announce{Endpoint: n.peers.transport.Endpoint(), PID: os.Getpid(), Lifetime: j.lifetime, Attach: j.attach, Capabilities: j.expects}
	if !j.host {
		announce.Arguments, announce.Variables = os.Args, os.Environ()
		announce.Directory, _ = os.Getwd()
		for _, k := range a.Kinds {
			announce.Kinds = append(announce.Kinds, admin.Kind{Name: k.Name, Requires: k.Requires, Checks: k.Check != nil, Startup: string(k.Startup)})
		}
	}
	consent := make(chan any, 1)
	n.client.ask(func(number uint64) any { announce.Request = number; return announce }, func(answer any) { consent <- answer })
	for {
		msg, err := n.client.line.receive()
		if err != nil {
			return endOfAdmin(err)
		}
		n.client.handle(msg)
		select {
		case answer := <-consent:
			done, _ := answer.(admin.Done)
			return failed(done.Failure)
		default:
		}
	}
}

// newMember returns the node of this process in a system that has an Admin.
func (a App) newMember(w admin.Welcome, o *Options, line *lifeline, j joining) (*node, error) {
	registry, err := message.NewRegistry(a.Messages)
	if err != nil {
		return nil, err
	}
	n, err := newNode(a.Kinds, registry, o, Limits(w.Limits), o.Logger, &w)
	if err != nil {
		return nil, err
	}
	n.client = &adminClient{node: n, line: line, pending: make(map[uint64]func(any)), ended: make(chan struct{}), exit: j.exit, print: j.print, ending: j.ending}
	if j.host {
		n.client.run = n.run
	}
	n.shutdownSoon = func() { _ = n.client.line.send(admin.Shutdown{Grace: admin.DefaultGrace}) }
	n.adminProcess, n.hosting = w.AdminProcess, j.host
	n.peers = newPeers(n, n.client)
	n.deadLetters.setHandlers(w.Handlers)
	return n, nil
}
