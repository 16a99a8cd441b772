package system

import (
	"maps"
	"slices"
	"sync"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
)

// names holds the actors that have a global name (Thespian 3.5 feature C9).
type names struct {
	mu     sync.Mutex
	actors map[string]*cell
}

// create returns the actor of the name, and creates it when there is none, or one that is about to end; made says which. A failure that is
// known before is not remembered under the name.
func (ns *names) create(n *node, creator *cell, k *kind, options actor.CreateOptions, err error, created chan error) (c *cell, made bool) {
	ns.mu.Lock()
	if c := ns.actors[options.GlobalName]; c.hasName() {
		ns.mu.Unlock()
		if created != nil {
			c.join(created)
		} else {
			c.expect(creator)
		}
		return c, false
	}
	c = n.newCell(k, options, err, created)
	c.expect(creator)
	c.adopt(n.root) // before others find it
	if err == nil {
		if ns.actors == nil {
			ns.actors = make(map[string]*cell)
		}
		ns.actors[options.GlobalName] = c
	}
	ns.mu.Unlock()
	return c, true
}

// expect has an actor that created c by its name told when c cannot start: it is not c's parent, whom nobody tells of it.
func (c *cell) expect(creator *cell) {
	if creator == c.node.root {
		return
	}
	c.mu.Lock()
	m := c.extra()
	unborn, over := m.unborn, c.closed
	if !over && (unborn != nil || c.phase.Load() == starting) && !slices.Contains(m.creators, creator) {
		m.creators = append(m.creators, creator)
	}
	c.mu.Unlock()
	if over && unborn != nil {
		creator.tell(envelope{message.ChildActorExited{Child: c.self, Reason: unborn.Error()}, c.self})
	}
}

func (ns *names) drop(name string, c *cell) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if ns.actors[name] == c {
		delete(ns.actors, name)
	}
}

func (ns *names) lookup(name string) address.Address {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if c := ns.actors[name]; c.hasName() {
		return c.self
	}
	return address.Address{}
}

func (ns *names) all() map[string]address.Address {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	addresses := make(map[string]address.Address, len(ns.actors))
	for name, c := range maps.All(ns.actors) {
		if c.hasName() {
			addresses[name] = c.self
		}
	}
	return addresses
}

// hasName reports whether c still has its global name: one that is about to end has given it up, since others may know of that.
func (c *cell) hasName() bool { return c != nil && c.phase.Load() < leaving }
