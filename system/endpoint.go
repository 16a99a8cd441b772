package system

import (
	"context"
	"fmt"
	"sync"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/address/record"
	"thespian.dev/message"
)

// An Endpoint is a place outside of all actors from which messages are sent and where they arrive. A [System] is one itself; more are
// made by [System.Private], so that goroutines of a program do not take each other's messages (Thespian 3.5 feature B10).
//
// All methods may be called from several goroutines at once.
type Endpoint struct {
	binding record.Binding
	node    *node
	self    address.Address

	numbers, nextNumber uint64 // that are left for its questions; node.asked guards them

	mu       sync.Mutex
	mailbox  []envelope
	watchers map[*cell]struct{}
	arrived  chan struct{} // holds a token while the mailbox is not empty
	closed   chan struct{} // closed while mu is held; the address still leads here, where it is looked at
}

func newEndpoint(n *node) *Endpoint {
	e := &Endpoint{node: n, self: n.newAddress(), arrived: make(chan struct{}, 1), closed: make(chan struct{})}
	e.binding.Mailbox = e
	e.self.Record().Bind(&e.binding)
	return e
}

// Address returns the endpoint's own address: messages to it are what Listen returns.
func (e *Endpoint) Address() address.Address { return e.self }

// Close makes the endpoint unreachable. Calls that wait return [ErrClosed]; what was not listened to, and what still comes, becomes dead letters. Actors that
// watch the endpoint are told. It may be called again.
func (e *Endpoint) Close() error {
	e.mu.Lock()
	if isClosed(e.closed) {
		e.mu.Unlock()
		return nil
	}
	close(e.closed)
	rest, watchers := e.mailbox, e.watchers
	e.mailbox, e.watchers = nil, nil
	e.mu.Unlock()
	e.node.asked.forget(e)
	e.node.attention.interrupt()
	for _, m := range rest {
		e.node.undeliverable(m, e.self, refusedClosed)
	}
	tellWatchers(watchers, e, e.self, refusedClosed)
	return nil
}

// open returns why the endpoint cannot be used, or nil.
func (e *Endpoint) open() error { return e.node.open(e.closed) }

// open returns why an endpoint cannot be used that ends when closed is closed, or nil.
func (n *node) open(closed <-chan struct{}) error {
	switch { // one after the other: a select over two channels takes their locks
	case isClosed(n.killed):
		return n.over()
	case isClosed(closed):
		return ErrClosed
	}
	return nil
}

// over returns the error of who does something with a system that has ended.
func (n *node) over() error {
	if why := n.why.Load(); why != nil {
		return *why
	}
	return ErrShutdown
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Tell sends a message whose sender is this endpoint. It waits, while the receiver's mailbox is above its mark, until ctx is done. The error says
// that the message cannot be sent; a message to an actor that has ended becomes a dead letter, without an error.
func (e *Endpoint) Tell(ctx context.Context, to address.Address, msg any) error {
	e.node.attention.release() // others may have to say that they take no more
	if err := e.send(ctx, to, msg, e.self); err != nil {
		return fmt.Errorf("tell: %w", err)
	}
	e.node.drive(ctx, e.closed)
	return nil
}

func (e *Endpoint) send(ctx context.Context, to address.Address, msg any, sender address.Address) error {
	if err := e.open(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	prepared, err := e.node.prepare(to, msg)
	if err != nil {
		return err
	}
	return e.node.deliver(ctx, envelope{prepared, sender}, to, nil)
}

// Ask sends a message and returns its answer: the first message that is sent to the question's sender, an address that
// serves for this question alone. It waits until ctx is done; an answer that comes later is returned by Listen. The error is
// the receiver's [message.PoisonMessage] when it could not handle the question, an *[UndeliverableError] when the question did not
// reach an actor, [ErrNoAnswer] when the synchronous scheduler has nothing left to do, or that of ctx.
func (e *Endpoint) Ask(ctx context.Context, to address.Address, msg any) (any, error) {
	reply, err := e.ask(ctx, to, msg)
	if err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	return reply, nil
}

func (e *Endpoint) ask(ctx context.Context, to address.Address, msg any) (any, error) {
	q := e.node.ask(e, nil)
	if err := e.send(ctx, to, msg, q.address()); err != nil {
		return nil, err
	}
	var answer any
	var err error
	if s := e.node.synchronous; s != nil {
		answer, err = q.awaitSynchronously(ctx, s)
	} else {
		answer, err = q.await(ctx, to)
	}
	switch m := answer.(type) {
	case failure:
		if e.node.why.Load() != nil { // the end of the system is why
			return nil, fmt.Errorf("%w: %w", e.node.over(), m.err)
		}
		return nil, m.err
	case message.PoisonMessage:
		return nil, m
	}
	return answer, err
}

// Ask is [Endpoint.Ask] for an answer of type T; another answer is an *[actor.UnexpectedReply]. It takes a *System as well.
func Ask[T any](ctx context.Context, from interface {
	Ask(ctx context.Context, to address.Address, msg any) (any, error)
}, to address.Address, msg any) (T, error) {
	reply, err := from.Ask(ctx, to, msg)
	if err != nil {
		var none T
		return none, err
	}
	return actor.As[T](reply)
}

// Listen returns the next message that was sent to this endpoint, and its sender: answers to Tell, and those to Ask that came too
// late. It waits until ctx is done. Messages of the system are not handed out, but for PoisonMessage and statuses (Thespian 3.5 feature B9).
func (e *Endpoint) Listen(ctx context.Context) (msg any, sender address.Address, err error) {
	for {
		e.node.drive(ctx, e.closed)
		if next, ok := e.pop(); ok {
			return next.msg, next.sender, nil
		}
		if err := e.open(); err != nil {
			return nil, address.Address{}, fmt.Errorf("listen: %w", err)
		}
		if err := e.awaitMail(ctx); err != nil {
			return nil, address.Address{}, fmt.Errorf("listen: %w", err)
		}
	}
}

func (e *Endpoint) awaitMail(ctx context.Context) error {
	if s := e.node.synchronous; s != nil {
		return s.until(ctx, e.closed, func() bool {
			select {
			case <-e.arrived:
				return true
			default:
				return false
			}
		})
	}
	e.node.attention.await()
	defer e.node.attention.leave()
	select {
	case <-e.arrived:
	case <-ctx.Done():
		return ctx.Err()
	case <-e.node.killed:
	case <-e.closed:
	}
	return nil
}

func (e *Endpoint) pop() (envelope, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.mailbox) == 0 {
		return envelope{}, false
	}
	first := e.mailbox[0]
	e.mailbox[0] = envelope{}
	e.mailbox = e.mailbox[1:]
	if len(e.mailbox) > 0 {
		e.announce()
	}
	return first, true
}

func (e *Endpoint) announce() {
	select {
	case e.arrived <- struct{}{}:
	default:
	}
	e.node.changed()
}

// mail puts a message into the mailbox. Nobody waits for a program: what is above the limit is a dead letter.
func (e *Endpoint) mail(m envelope) {
	if !forProgram(m.msg) {
		return
	}
	if refused := e.take(m); refused != "" {
		e.node.undeliverable(m, e.self, refused)
	}
}

// take puts a message into the mailbox, or returns why not.
func (e *Endpoint) take(m envelope) (refused string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case isClosed(e.closed):
		return refusedClosed
	case len(e.mailbox) >= e.node.limits.Hard:
		return refusedOverloaded
	}
	e.mailbox = append(e.mailbox, m)
	e.announce()
	return ""
}

func forProgram(msg any) bool { return !message.IsSystem(msg) || message.ForProgram(msg) }
