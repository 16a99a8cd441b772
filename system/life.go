package system

import (
	"cmp"
	"errors"
	"fmt"
	"runtime/debug"

	"thespian.dev/actor"
	"thespian.dev/message"
)

// A joiner is a message for the cell: it wants to know whether the actor could start.
type joiner chan error

var errEnded = errors.New(refusedEnded)

// join has the outcome of the actor's start sent to the channel.
func (c *cell) join(created chan error) {
	if c.phase.Load() == running {
		created <- nil
		return
	}
	if refused, _ := c.push(noContext, envelope{msg: joiner(created)}, nil); refused != "" {
		created <- errEnded
	}
}

// start makes the actor and runs its Start method.
func (c *cell) start(w *worker) {
	err := w.failure // of a start that ended its goroutine
	w.failure = nil
	if err == nil {
		err = c.make(w)
	}
	b := c.birth
	c.birth = nil
	if err != nil {
		c.countFailure()
		if _, panicked := err.(*panicError); panicked {
			c.logFailure("actor could not start", nil, err)
		}
		c.actor = nil
		c.mu.Lock()
		c.extra().unborn = err
		c.mu.Unlock()
		c.phase.CompareAndSwap(starting, leaving)
		c.beginLeaving(err.Error(), true)
	} else if !c.phase.CompareAndSwap(starting, running) {
		err = ErrShutdown
	} else if reason := c.started(); reason != "" {
		c.beginLeaving(reason, true) // it called Exit, and may have created children since
	}
	if b != nil && b.created != nil {
		b.created <- err
	}
}

// make runs the actor's constructor and its Start method, if the system may run it at all.
func (c *cell) make(w *worker) (err error) {
	w.failure = errGoexit
	defer func() {
		if value := recover(); value != nil {
			err = &panicError{value, debug.Stack()}
			w.failure = nil
		}
	}()
	err = secure(c.construct())
	w.failure = nil
	return err
}

func (c *cell) construct() error {
	var args any
	if b := c.birth; b != nil {
		if b.err != nil {
			return b.err
		}
		args = b.args
	}
	if err := c.suits(); err != nil {
		return err
	}
	a := c.kind.New()
	if a == nil {
		return fmt.Errorf("kind %q: New returned no actor", c.kind.Name)
	}
	c.actor = a
	return actor.Start(&c.ctx, a, args)
}

// Exit is a method of actor.Runtime.
func (c *cell) Exit() {
	c.beginLeaving("it called Exit", true)
	c.tell(envelope{msg: control(func(*cell) {})}) // a turn, in case there is none
}

// started says that the actor could start, so that those who created it by its name need not be told. It returns the reason for
// which it leaves already.
func (c *cell) started() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.more == nil {
		return ""
	}
	c.more.creators = nil
	return c.more.reason
}

// beginLeaving says that the actor will end, once its children have. The first reason is the one that counts. Children that are
// not told to exit become the system's.
func (c *cell) beginLeaving(reason string, recursive bool) {
	c.mu.Lock()
	m := c.extra()
	if m.reason == "" {
		m.reason = reason
	}
	c.mu.Unlock()
	first := c.phase.CompareAndSwap(running, leaving)
	if !recursive {
		if first {
			c.orphan()
		}
		return
	}
	for _, child := range c.children() {
		child.tell(envelope{message.ActorExitRequest{}, c.self})
	}
}

// orphan gives the children to the root.
func (c *cell) orphan() {
	root := c.node.root
	c.mu.Lock()
	children := c.childrenLocked()
	var away []*cell
	if len(children) > 0 {
		root.mu.Lock()
		for _, child := range children {
			c.unlink(child)
			child.parent.Store(root)
			if child.stub {
				away = append(away, child)
			} else {
				root.link(child)
			}
		}
		root.mu.Unlock()
	}
	c.mu.Unlock()
	for _, child := range away {
		child.handToAdmin()
	}
	for _, child := range children {
		if !child.stub {
			c.node.adopted(child)
		}
	}
}

// end is the end of the actor: it is called in its last turn. What the actor sent is in the mailboxes of the receivers before
// anybody hears of the end.
func (c *cell) end(w *worker) {
	rest, m, first := c.close()
	rest = append(w.rest(), rest...)
	c.leaveTurn(w)
	if !first {
		return // the system was closed
	}
	c.orphan()
	reason := m.reason
	if m.unborn != nil {
		reason = m.unborn.Error()
	}
	for _, e := range append(m.held, rest...) {
		c.refuse(e)
	}
	c.deregister(m)
	c.actor = nil
	c.farewell(m, reason)
}

// refuse sends away what comes too late. Who wrote to an actor that never was learns of it (Thespian 3.5 feature A1).
func (c *cell) refuse(e envelope) {
	c.mu.Lock()
	unborn := c.more.unborn
	c.mu.Unlock()
	switch m := e.msg.(type) {
	case control:
		return
	case joiner:
		m <- cmp.Or(unborn, errEnded)
		return
	}
	if unborn != nil && !message.IsSystem(e.msg) {
		c.poison(e, fmt.Errorf("child aborted: %w", unborn))
		return
	}
	c.node.undeliverable(e, c.self, refusedEnded)
}

// close closes the mailbox and says what was in it, what else there is, and whether this was the first call.
func (c *cell) close() (rest []envelope, m *more, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m = c.extra()
	if c.closed {
		return nil, m, false
	}
	if m.unborn == nil {
		c.self.Record().Unbind()
	} // else whoever writes to it, now or later, is to learn why it never was
	c.closed = true
	c.phase.Store(ended)
	rest, c.queue = c.queue, nil
	c.wakeSenders(m.waiting.Len())
	m.freeSends()
	if m.cancel != nil {
		m.cancel()
	}
	return rest, m, true
}

// deregister gives up what the actor had registered elsewhere.
func (c *cell) deregister(m *more) {
	c.node.timers.dropAll(c)
	_ = c.handleDeadLetters(false)
	if m.files != nil {
		m.files.stop()
	}
	if m.globalName != "" {
		c.node.names.drop(m.globalName, c)
	}
	c.disperse()
	for other := range c.takeWatched() {
		other.unwatch(c)
	}
}

// farewell takes the actor out of the tree, tells the parent of it in the same step, so exactly once, and then whoever watched.
func (c *cell) farewell(m *more, reason string) {
	p := c.lockParent()
	root, idle := p == c.node.root, false
	if root {
		c.node.parting.Add(1)
	}
	p.unlink(c)
	if !root && !p.closed {
		idle = p.enqueue(envelope{message.ChildActorExited{Child: c.self, Reason: reason}, c.self})
	}
	p.mu.Unlock()
	if idle {
		p.node.ready(p, nil)
	}
	c.mu.Lock()
	watchers, creators, observers := m.watchers, m.creators, m.observers
	m.watchers, m.creators, m.observers = nil, nil, nil
	c.mu.Unlock()
	for p := range observers {
		p.keep(c, false)
		c.node.peers.say(p, flowOf(c.self), exited{Actor: c.self, Reason: reason})
	}
	if m.abroad != nil {
		c.node.endedHere(c, m, reason)
	}
	for _, creator := range creators {
		creator.tell(envelope{message.ChildActorExited{Child: c.self, Reason: reason}, c.self})
	}
	tellWatchers(watchers, c, c.self, reason)
	if root && c.node.parting.Add(-1) == 0 && !p.hasChildren() {
		c.node.allEnded()
	}
}

// kill ends the actor without a word to anybody: the system is being closed.
func (c *cell) kill() {
	_, m, first := c.close()
	if !first {
		return
	}
	if m.files != nil {
		m.files.stop()
	}
}
