package system

import (
	"thespian.dev/address"
	"thespian.dev/message"
)

// Watch is a method of actor.Runtime. Each of the two cells knows the other, so that neither outlives the other in its tables.
func (c *cell) Watch(who address.Address, on bool) {
	other := c.node.local(who)
	switch {
	case other == c:
	case other == nil:
		if on && !c.node.eternal(who) {
			c.tell(envelope{message.ActorExited{Actor: who, Reason: "it does not live in this system"}, who})
		}
	case !on:
		other.unwatch(c)
		c.forget(other)
	case !c.remember(other):
	case !other.watchedBy(c):
		c.forget(other)
		c.tell(envelope{message.ActorExited{Actor: who, Reason: refusedEnded}, who})
	case c.phase.Load() == ended: // meanwhile: nobody else would do it
		other.unwatch(c)
	}
}

// remember notes that c watches another actor. It reports whether c lives.
func (c *cell) remember(other *cell) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	m := c.extra()
	if m.watched == nil {
		m.watched = make(map[*cell]struct{})
	}
	m.watched[other] = struct{}{}
	return true
}

// forget notes that c does not watch another actor any more, or that it has ended.
func (c *cell) forget(other *cell) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.more != nil {
		delete(c.more.watched, other)
	}
}

// watchedBy has the watcher told of c's end. It reports whether c still lives.
func (c *cell) watchedBy(watcher *cell) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	m := c.extra()
	if m.watchers == nil {
		m.watchers = make(map[*cell]struct{})
	}
	m.watchers[watcher] = struct{}{}
	return true
}

func (c *cell) unwatch(watcher *cell) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.more != nil {
		delete(c.more.watchers, watcher)
	}
}

// takeWatched returns and forgets whom c watches.
func (c *cell) takeWatched() []*cell {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*cell
	for other := range c.more.watched {
		all = append(all, other)
	}
	c.more.watched = nil
	return all
}

// local returns the actor of this node that has the address, nil when there is none.
func (n *node) local(who address.Address) *cell {
	if who.IsZero() {
		return nil
	}
	if b := who.Record().Binding(); b != nil {
		if c, ok := b.Mailbox.(*cell); ok && c.node == n {
			return c
		}
	}
	return nil
}

// eternal reports whether the address is that of the Admin or of an endpoint: they end with the system.
func (n *node) eternal(who address.Address) bool {
	if who.IsZero() {
		return false
	}
	b := who.Record().Binding()
	if b == nil {
		return false
	}
	switch m := b.Mailbox.(type) {
	case *admin:
		return m.node == n
	case *Endpoint:
		return m.node == n
	}
	return false
}
