package system

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/admin"
	"thespian.dev/message"
)

// An adminClient is a node's side of its lifeline: it asks the Admin for what concerns the whole system, and hears from it. On the base simple there is none.
type adminClient struct {
	node *node
	line *lifeline

	run    func(admin.Run)   // the node is a host's
	exit   func()            // likewise
	print  func(admin.Print) // a program's
	ending func(reason string)

	over bool // the Admin said that the system has ended; set by the goroutine that reads, before it ends

	mu      sync.Mutex
	serial  uint64
	pending map[uint64]func(any) // what is done with the answer to a request; nil: there is none
	lost    bool
	ended   chan struct{} // closed with the lifeline
}

// ask sends a request and has its answer handled, soon, on the goroutine that reads the lifeline. The answer is nil when the Admin has gone.
func (a *adminClient) ask(request func(number uint64) any, then func(answer any)) {
	a.node.attention.release() // who it concerns may have something to say, too
	a.mu.Lock()
	if a.lost {
		a.mu.Unlock()
		then(nil)
		return
	}
	a.serial++
	number := a.serial
	a.pending[number] = then
	a.mu.Unlock()
	if err := a.line.bring(request(number)); err != nil {
		a.answered(number, admin.Done{Request: number, Failure: admin.Failure{Code: admin.CodeFailed, Text: err.Error()}})
	}
}

// call is ask for who waits. When ctx is done first, late is called with the answer.
func (a *adminClient) call(ctx context.Context, request func(number uint64) any, late func(any)) (any, error) {
	answers := make(chan any, 1)
	a.ask(request, func(answer any) { answers <- answer })
	select {
	case answer := <-answers:
		if answer == nil {
			return nil, ErrAdminGone
		}
		if done, ok := answer.(admin.Done); ok {
			return done, failed(done.Failure)
		}
		return answer, nil
	case <-ctx.Done():
		if late != nil {
			a.node.goroutines.begin()
			go func() { // which ends with the lifeline at the latest
				defer a.node.goroutines.end()
				late(<-answers)
			}()
		}
		return nil, ctx.Err()
	}
}

// failed returns a failure as the error that programs branch on.
func failed(f admin.Failure) error {
	switch f.Code {
	case "":
		return nil
	case admin.CodeUnknownKind:
		return &coded{ErrUnknownKind, f.Text}
	case admin.CodeNoSystem:
		return &coded{ErrNoCompatibleSystem, f.Text}
	case admin.CodeShutdown:
		return &coded{ErrShutdown, f.Text}
	}
	return errors.New(f.Text)
}

// A coded error is one of another process: its text says it all.
type coded struct {
	is   error
	text string
}

func (e *coded) Error() string { return e.text }
func (e *coded) Unwrap() error { return e.is }

// failureOf is the opposite of failed.
func failureOf(err error) admin.Failure {
	if err == nil {
		return admin.Failure{}
	}
	f := admin.Failure{Code: admin.CodeFailed, Text: err.Error()}
	switch {
	case errors.Is(err, ErrUnknownKind):
		f.Code = admin.CodeUnknownKind
	case errors.Is(err, ErrNoCompatibleSystem):
		f.Code = admin.CodeNoSystem
	case errors.Is(err, ErrShutdown):
		f.Code = admin.CodeShutdown
	}
	return f
}

func (a *adminClient) answered(number uint64, answer any) {
	a.mu.Lock()
	then := a.pending[number]
	delete(a.pending, number)
	a.mu.Unlock()
	if then != nil {
		then(answer)
	}
}

// serve handles what the Admin says until the lifeline ends, and returns why it did.
func (a *adminClient) serve() error {
	for {
		msg, err := a.line.receive()
		if err != nil {
			a.mu.Lock()
			pending := a.pending
			a.pending, a.lost = make(map[uint64]func(any)), true
			a.mu.Unlock()
			close(a.ended)
			for _, then := range pending {
				then(nil)
			}
			return err
		}
		a.handle(msg)
	}
}

func (a *adminClient) handle(msg any) {
	n := a.node
	switch m := msg.(type) {
	case admin.Created:
		if m.Failure == (admin.Failure{}) && !m.Actor.IsZero() {
			if m.System == 0 { // else it was told before
				n.peers.located(admin.Located{Process: m.Process, Endpoint: m.Endpoint})
			}
			n.peers.place(m.Actor, n.in(m.System, m.Process))
		}
		a.answered(m.Request, m)
	case admin.Done:
		a.answered(m.Request, m)
	case admin.Status:
		a.answered(m.Request, m)
	case admin.Located:
		n.peers.located(m)
	case admin.Approach:
		n.peers.located(admin.Located{Process: m.Process, Endpoint: m.Endpoint})
		n.peers.say(n.peers.get(n.in(0, m.Process)), 0, approach{})
	case admin.Meet:
		n.peers.outside.meet(m.Outside)
	case admin.Part:
		n.peers.outside.part()
	case admin.Orphaned:
		n.orphaned(m.Child)
	case admin.ConventionUpdate:
		n.tellOfConvention(m)
	case admin.Relayed:
		n.peers.relayed(m)
	case admin.Gone:
		n.peers.gone(n.in(m.System, m.Process), m.Reason, m.Cut)
	case admin.Capabilities:
		n.setCapabilities(m.Offers)
	case admin.Handlers:
		n.deadLetters.setHandlers(m.DeadLetters)
	case admin.StatusRequest:
		_ = a.line.send(admin.Status{Request: m.Request, Status: n.status()})
	case admin.Run:
		if a.run != nil {
			a.run(m)
		}
	case admin.Adopted:
		n.adoptedByAdmin(m.Child)
	case admin.Exit:
		if a.exit != nil {
			a.exit()
		}
	case admin.Retire:
		a.node.retireSoon()
	case admin.Print:
		if a.print != nil {
			a.print(m)
		}
	case admin.Ending:
		a.over = true
		if a.ending != nil {
			a.ending(m.Reason)
		}
	}
}

// maxArguments is how long the arguments and requirements of an actor may be, so that they go over lifelines with all that belongs to them.
const maxArguments = message.MaxFrame - 64<<10

// creation returns the request for an actor in a process of its own, or by name.
func (n *node) creation(child, parent address.Address, kind string, o actor.CreateOptions, wait bool) (func(uint64) any, error) {
	request := admin.Create{Child: child, Parent: parent, Kind: kind, Name: o.GlobalName, Wait: wait}
	for _, part := range []struct {
		to   *[]byte
		data any
	}{{&request.Args, o.Args}, {&request.Requirements, o.Requirements}} {
		if part.data == nil {
			continue
		}
		var err error
		if *part.to, err = n.messages.Append(nil, part.data); err != nil {
			return nil, err
		}
	}
	if size := len(request.Args) + len(request.Requirements); size > maxArguments {
		return nil, fmt.Errorf("create %q: its arguments have %d bytes, the limit is %d", kind, size, maxArguments)
	}
	return func(number uint64) any { request.Request = number; return request }, nil
}

// shutdownSystem asks the Admin to end the system.
func (a *adminClient) shutdownSystem(ctx context.Context, grace time.Duration) error {
	_, err := a.call(ctx, func(number uint64) any { return admin.Shutdown{Request: number, Grace: grace} }, nil)
	return err
}

// part has nothing more relayed to this process, and waits until all is taken that was.
func (a *adminClient) part() {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	_, _ = a.call(ctx, func(number uint64) any { return admin.Parting{Request: number} }, nil)
}

// leave ends the connection to the Admin, once it has all that was said.
func (a *adminClient) leave() {
	if _, letters := a.node.deadLetters.state(); letters > 0 {
		_ = a.line.send(admin.Account{DeadLetters: letters})
	}
	a.line.shut()
}

// systemStatus asks for the status of the whole system.
func (a *adminClient) systemStatus(ctx context.Context) (message.SystemStatus, error) {
	answer, err := a.call(ctx, func(number uint64) any { return admin.StatusRequest{Request: number} }, nil)
	if err != nil {
		return message.SystemStatus{}, err
	}
	s, ok := answer.(admin.Status)
	if !ok {
		return message.SystemStatus{}, fmt.Errorf("the Admin answered with %T", answer)
	}
	return s.Status, nil
}
