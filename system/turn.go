package system

import (
	"runtime"

	"thespian.dev/message"
)

// A control is a message for the cell itself: it runs in the actor's turn.
type control func(c *cell)

// turn runs the actor until its mailbox is empty; under the synchronous scheduler for one message. When the actor ends the
// goroutine (runtime.Goexit), turn is called anew by another one and goes on where the worker's state says.
func (c *cell) turn(w *worker) {
	c.worker.Store(w)
	if c.phase.Load() == starting {
		c.start(w)
		w.stepped = c.node.synchronous != nil
	}
	for {
		phase := c.phase.Load()
		if phase == leaving {
			c.freeName(w)
		}
		if phase == ended || phase == leaving && !c.hasChildren() && !c.gather(w) {
			c.end(w)
			return
		}
		if w.next == len(w.batch) {
			if w.stepped {
				c.pause(w)
				return
			}
			if len(w.batch) > 1 && c.linger(w) {
				continue
			}
			if !c.take(w) {
				return
			}
		}
		c.drain(w)
	}
}

// linger lets others run before a turn ends that had several messages at once: probably more will come, and to go on is cheaper for their
// sender than to begin anew. It reports whether the turn took a batch.
func (c *cell) linger(w *worker) bool {
	if w.stepped || w.slot.Load() != nil {
		return false
	}
	for range lingering {
		c.lock()
		if len(c.queue) > 0 {
			c.mu.Unlock()
			return c.take(w)
		}
		c.mu.Unlock()
		runtime.Gosched()
	}
	return false
}

// lingering is how often a turn looks for more messages before it ends.
const lingering = 8

// drain hands the batch to the actor, message by message. It returns when the batch is done or the actor's end may have come nearer,
// and, by its deferred function, when the actor did not return.
func (c *cell) drain(w *worker) {
	defer func() {
		if w.inside {
			c.interrupted(w, recover())
		}
	}()
	for w.next < len(w.batch) {
		e := &w.batch[w.next]
		if w.next == w.resume {
			c.resumeSenders()
		}
		if w.slot.Load() != nil {
			c.node.handOver(w) // there is more to do here: nobody waits for the end of it
		}
		switch e.msg.(type) {
		case control, joiner, message.ActorExitRequest, message.StatusRequest:
			c.receiveOwn(w, *e)
			return
		}
		if c.phase.Load() != running {
			c.receiveLast(w, *e)
			return
		}
		c.sender = e.sender
		w.received++
		w.inside = true
		err := c.actor.Receive(&c.ctx, e.msg)
		w.inside = false
		if err != nil || w.hold {
			c.afterwards(w, secure(err))
		} else {
			w.advance()
		}
		if c.phase.Load() != running {
			return
		}
	}
}

// gather is called when the actor leaves and has no children any more, so that all notices of their ends are in its mailbox. It puts
// them before everything else, which nobody will handle, and reports whether one is left for the actor.
func (c *cell) gather(w *worker) bool {
	if !w.gathered {
		w.gathered = true
		c.mu.Lock()
		rest := append(w.rest(), c.queue...)
		c.queue = nil
		c.mu.Unlock()
		for _, notices := range [...]bool{true, false} {
			for _, e := range rest {
				if isNotice(e) == notices {
					w.batch = append(w.batch, e)
				}
			}
		}
	}
	return w.next < len(w.batch) && isNotice(w.batch[w.next])
}

func isNotice(e envelope) bool {
	_, notice := e.msg.(message.ChildActorExited)
	return notice
}

// advance goes on to the batch's next message.
func (w *worker) advance() {
	w.batch[w.next] = envelope{}
	w.next++
	w.attempt = 0
}

// receiveOwn handles a message that is (also) for the cell itself.
func (c *cell) receiveOwn(w *worker, e envelope) {
	switch m := e.msg.(type) {
	case control:
		w.control, w.inside = true, true
		m(c)
		w.control, w.inside = false, false
		w.advance()
	case joiner:
		w.advance()
		switch {
		case c.actor == nil:
			c.refuse(e)
		case c.phase.Load() >= leaving:
			m <- errEnded
		default:
			m <- nil
		}
	case message.StatusRequest:
		w.advance()
		c.flush(w)
		_ = c.node.deliver(noContext, envelope{c.status(), c.self}, e.sender, nil)
	case message.ActorExitRequest:
		c.receiveLast(w, e)
	}
}

// receiveLast handles a message that comes at the end of an actor's life: an exit request, or whatever comes after it. An actor that
// leaves gets exit requests and the notices of its children; nothing is tried again.
func (c *cell) receiveLast(w *worker, e envelope) {
	if c.actor == nil { // it never was
		w.advance()
		c.refuse(e)
		return
	}
	switch e.msg.(type) {
	case message.ActorExitRequest, message.ChildActorExited:
		c.sender = e.sender
		w.received++
		w.last, w.inside = true, true
		err := c.actor.Receive(&c.ctx, e.msg)
		w.last, w.inside, w.hold = false, false, false
		c.afterLast(w, secure(err))
	default:
		w.advance()
		c.refuse(e)
	}
}

func (c *cell) afterLast(w *worker, err error) {
	request, exit := w.batch[w.next].msg.(message.ActorExitRequest)
	if err != nil {
		c.countFailure()
		c.logFailure("actor failed while it was ending", w.batch[w.next].msg, err)
	}
	w.advance()
	if exit {
		reason := "asked to exit"
		c.mu.Lock()
		if c.more != nil && c.more.unsuited != "" {
			reason = c.more.unsuited
		}
		c.mu.Unlock()
		c.beginLeaving(reason, !request.NotRecursive)
	}
}

// Hold is a method of actor.Runtime. There is something to hold only while an ordinary message is received.
func (c *cell) Hold() {
	if w := c.worker.Load(); w != nil && w.inside && !w.control && !w.last {
		w.hold = true
	}
}

// hold puts a message aside until Release.
func (c *cell) hold(e envelope) {
	c.mu.Lock()
	m := c.extra()
	full := len(m.held) >= c.node.limits.Hard
	if !full {
		m.held = append(m.held, e)
	}
	c.mu.Unlock()
	if full {
		c.node.undeliverable(e, c.self, refusedOverloaded)
	}
}

// Release is a method of actor.Runtime: what was held comes after the message that is being received.
func (c *cell) Release() {
	w := c.worker.Load()
	c.mu.Lock()
	defer c.mu.Unlock()
	if w == nil || c.more == nil || len(c.more.held) == 0 {
		return
	}
	rest := w.batch[w.next+1:]
	batch := make([]envelope, 0, 1+len(c.more.held)+len(rest))
	batch = append(batch, w.batch[w.next])
	batch = append(batch, c.more.held...)
	w.batch = append(batch, rest...)
	w.next, w.resume = 0, -1
	c.more.held = nil
	c.wakeSenders(c.room()) // the count-down to the moment when they would have been woken is gone
}

// flush publishes what the worker counted for the actor.
func (c *cell) flush(w *worker) {
	if w.received > 0 {
		c.received.Add(w.received)
		w.received = 0
	}
}
