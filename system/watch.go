package system

import (
	"thespian.dev/address"
	"thespian.dev/message"
)

// A watchable is what an actor can watch: another actor, or an endpoint. Its methods are called while the watcher's cell is not locked.
type watchable interface {
	// watchedBy has the watcher told of the end, or returns why that has come already.
	watchedBy(watcher *cell) (reason string)
	unwatch(watcher *cell)
}

// Watch is a method of actor.Runtime. The watcher and whom it watches know each other, so that neither outlives the other in its tables.
func (c *cell) Watch(who address.Address, on bool) {
	other := c.node.local(who)
	switch {
	case who == c.self || who == c.node.admin.self: // who does not outlive himself, nor the system
	case other == nil:
		if on {
			c.tell(envelope{message.ActorExited{Actor: who, Reason: "it does not live in this system"}, who})
		}
	case !on:
		other.unwatch(c)
		c.forget(other)
	case !c.remember(other):
	default:
		reason := other.watchedBy(c)
		if reason == movedAway {
			c.forget(other)
			c.Watch(who, true)
			return
		}
		if reason != "" {
			c.forget(other)
			c.tell(envelope{message.ActorExited{Actor: who, Reason: reason}, who})
		} else if c.phase.Load() == ended { // meanwhile: nobody else would do it
			other.unwatch(c)
		}
	}
}

// tellWatchers tells those who watched of the end.
func tellWatchers(watchers map[*cell]struct{}, of watchable, self address.Address, reason string) {
	for watcher := range watchers {
		watcher.forget(of)
		watcher.tell(envelope{message.ActorExited{Actor: self, Reason: reason}, self})
	}
}

// remember notes that c watches another. It reports whether c lives.
func (c *cell) remember(other watchable) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	m := c.extra()
	if m.watched == nil {
		m.watched = make(map[watchable]struct{})
	}
	m.watched[other] = struct{}{}
	return true
}

// forget notes that c does not watch the other any more, or that it has ended.
func (c *cell) forget(other watchable) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.more != nil {
		delete(c.more.watched, other)
	}
}

// movedAway is the reason for which a stub has no watchers any more: they watch its actor where that is.
const movedAway = "it runs in another process"

func (c *cell) watchedBy(watcher *cell) (reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed && c.more != nil && c.more.away != nil {
		return movedAway
	}
	if c.closed {
		return refusedEnded
	}
	note(&c.extra().watchers, watcher)
	return ""
}

func (e *Endpoint) watchedBy(watcher *cell) (reason string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if isClosed(e.closed) {
		return refusedClosed
	}
	note(&e.watchers, watcher)
	return ""
}

func note(watchers *map[*cell]struct{}, watcher *cell) {
	if *watchers == nil {
		*watchers = make(map[*cell]struct{})
	}
	(*watchers)[watcher] = struct{}{}
}

func (e *Endpoint) unwatch(watcher *cell) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.watchers, watcher)
}

func (c *cell) unwatch(watcher *cell) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.more != nil {
		delete(c.more.watchers, watcher)
	}
}

// takeWatched returns and forgets whom c watches.
func (c *cell) takeWatched() map[watchable]struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.more.watched
	c.more.watched = nil
	return all
}

// local returns the actor or the endpoint of this node that has the address, nil when there is none.
func (n *node) local(who address.Address) watchable {
	if who.IsZero() {
		return nil
	}
	if b := who.Record().Binding(); b != nil {
		switch m := b.Mailbox.(type) {
		case *cell:
			if m.node == n {
				return m
			}
		case *Endpoint:
			if m.node == n {
				return m
			}
		}
	}
	if n.peers != nil {
		if p, err := n.peers.of(who); err == nil && p != nil {
			return distant{n, who}
		}
	}
	return nil
}
