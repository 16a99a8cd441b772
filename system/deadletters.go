package system

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"thespian.dev/address"
	"thespian.dev/admin"
	"thespian.dev/message"
)

// deadLetters takes what could not be delivered to the actors that asked for it (Thespian 3.5 features A11 and E4).
type deadLetters struct {
	mu       sync.Mutex
	handlers []*cell
	known    []address.Address // those of the whole system, when it has several processes; nil otherwise
	count    uint64
}

// handle says whether an actor of this process takes dead letters, and reports whether that is new.
func (d *deadLetters) handle(c *cell, on bool) (changed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.Index(d.handlers, c)
	switch {
	case on && c.phase.Load() == ended: // it has been taken out, or will be
		return false
	case on && i < 0:
		d.handlers = append(slices.Clone(d.handlers), c)
	case !on && i >= 0:
		d.handlers = slices.Delete(slices.Clone(d.handlers), i, i+1)
	default:
		return false
	}
	return true
}

// add passes a dead letter on. Envelopes of dead letters and notices of ends are none themselves.
func (d *deadLetters) add(n *node, e envelope, to address.Address, reason string) {
	switch e.msg.(type) {
	case control, joiner, message.DeadEnvelope, message.ChildActorExited, message.ActorExited:
		return
	}
	d.mu.Lock()
	d.count++
	handlers, known := d.handlers, d.known
	d.mu.Unlock()
	if ctx := context.Background(); n.log.Enabled(ctx, slog.LevelDebug) {
		n.log.LogAttrs(ctx, slog.LevelDebug, "dead letter",
			slog.String("message", fmt.Sprintf("%T", e.msg)), slog.Any("target", to), slog.String("reason", reason))
	}
	if n.client != nil {
		for _, handler := range known {
			_ = n.deliver(noContext, envelope{message.DeadEnvelope{Message: e.msg, Target: to, Sender: e.sender, Reason: reason}, n.admin.self}, handler, nil)
		}
		return
	}
	for _, c := range handlers {
		c.tell(envelope{message.DeadEnvelope{Message: e.msg, Target: to, Sender: e.sender, Reason: reason}, n.admin.self})
	}
}

// setHandlers says who takes dead letters in the whole system.
func (d *deadLetters) setHandlers(all []address.Address) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known = all
}

func (d *deadLetters) state() (handlers []address.Address, count uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.handlers {
		handlers = append(handlers, c.self)
	}
	return handlers, d.count
}

// handleDeadLetters says whether the actor takes dead letters, here and to the Admin.
func (c *cell) handleDeadLetters(on bool) error {
	n := c.node
	if n.deadLetters.handle(c, on) && n.client != nil {
		return n.client.line.send(admin.HandleDeadLetters{Handler: c.self, On: on})
	}
	return nil
}
