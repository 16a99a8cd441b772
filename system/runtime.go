package system

import (
	"context"
	"log/slog"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
)

// A cell is what its actor's Context works on. The methods that have to do with one thing stand in the file of that thing.
var _ actor.Runtime = (*cell)(nil)

// Self is a method of actor.Runtime.
func (c *cell) Self() address.Address { return c.self }

// Parent is a method of actor.Runtime.
func (c *cell) Parent() address.Address {
	parent := c.parent.Load()
	if parent == c.node.root && c.node.client != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.more != nil && c.more.abroad != nil {
			return c.more.abroad.parent
		}
	}
	return parent.self
}

// Sender is a method of actor.Runtime.
func (c *cell) Sender() address.Address { return c.sender }

// Kind is a method of actor.Runtime.
func (c *cell) Kind() string { return c.kind.Name }

// GlobalName is a method of actor.Runtime.
func (c *cell) GlobalName() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.more == nil {
		return ""
	}
	return c.more.globalName
}

// Logger is a method of actor.Runtime.
func (c *cell) Logger() *slog.Logger {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.extra()
	if m.logger == nil {
		m.logger = c.node.log.With("actor", c.self.String(), "kind", c.kind.Name)
	}
	return m.logger
}

// Send is a method of actor.Runtime.
func (c *cell) Send(to address.Address, msg any) {
	n := c.node
	prepared, err := n.prepare(to, msg)
	if err != nil {
		c.logFailure("actor could not send a message", msg, err)
		c.tell(envelope{message.PoisonMessage{Message: msg, Details: err.Error()}, to})
		return
	}
	c.submit(to, envelope{prepared, c.self})
}

// submit sends what the actor sends, unless it has ended.
func (c *cell) submit(to address.Address, e envelope) {
	if c.phase.Load() == ended {
		c.node.undeliverable(e, to, refusedSender)
		return
	}
	c.sent.Add(1)
	_ = c.node.deliver(noContext, e, to, c)
}

// Create is a method of actor.Runtime.
func (c *cell) Create(kindName string, options actor.CreateOptions) address.Address {
	if c.phase.Load() >= leaving {
		return c.node.newAddress() // of nobody (Thespian 3.5 feature A9)
	}
	c.grown().created.Add(1)
	if options.GlobalName != "" && c.node.client != nil {
		_, options, err := c.node.admit(kindName, options)
		return c.node.createNamed(c, kindName, options, err)
	}
	child, _ := c.node.create(c, kindName, options, nil)
	return child.self
}

// Done is a method of actor.Runtime.
func (c *cell) Done() <-chan struct{} { return c.life().Done() }

// AfterFunc is a method of actor.Runtime.
func (c *cell) AfterFunc(f func()) (stop func() bool) { return context.AfterFunc(c.life(), f) }

// life returns a context that is done when the actor has ended. It is made when it is first wanted.
func (c *cell) life() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.extra()
	if m.context == nil {
		m.context, m.cancel = context.WithCancel(context.Background())
		if c.closed {
			m.cancel()
		}
	}
	return m.context
}

// Err is a method of actor.Runtime.
func (c *cell) Err() error {
	if c.phase.Load() == ended {
		return context.Canceled
	}
	return nil
}
