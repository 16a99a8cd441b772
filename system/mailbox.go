package system

import (
	"context"
	"runtime"

	"thespian.dev/address"
)

// smallQueue is how many messages the queue of an idle actor may have room for; a larger one is given up.
const smallQueue = 4

// push puts an envelope into the mailbox. It waits, as the rule of back-pressure says, when the mailbox is above its
// mark: from is the actor that sends, ctx bounds the wait of a program. It returns "" or why the
// message cannot be delivered; the error is the reason why a program waits no longer.
func (c *cell) push(ctx context.Context, e envelope, from *cell) (refused string, err error) {
	n := c.node
	mark, concurrent := n.limits.Mark, n.synchronous == nil
	c.lock()
	if c.closed || len(c.queue)+1 >= mark || !concurrent || from != nil && from.phase.Load() == ended {
		c.mu.Unlock()
		return c.pushSlow(ctx, e, from)
	}
	c.queue = append(c.queue, e)
	idle := !c.scheduled
	c.scheduled = true
	c.mu.Unlock()
	if idle {
		n.ready(c, from)
	}
	return "", nil
}

// pushAll puts what came from another process into the mailbox, whose senders have no way to wait here, if there is room for all of it below the hard limit. It reports
// whether it did, whether the actor is behind, and whether the mailbox has reached its mark.
func (c *cell) pushAll(mail []envelope) (done, behind, full bool) {
	n := c.node
	c.lock()
	if c.closed || len(c.queue)+len(mail) > n.limits.Hard || n.synchronous != nil {
		c.mu.Unlock()
		return false, false, false
	}
	c.queue = append(c.queue, mail...)
	behind = len(c.queue) > n.limits.Mark/4
	if full = c.room() == 0; full && c.more != nil {
		c.more.freeSends()
	}
	idle := !c.scheduled
	c.scheduled = true
	c.mu.Unlock()
	if idle {
		n.ready(c, nil)
	}
	return true, behind, full
}

// enqueue puts an envelope into the queue, and reports whether the actor has to be made ready. The lock is held.
func (c *cell) enqueue(e envelope) (idle bool) {
	c.queue = append(c.queue, e)
	if c.room() == 0 && c.more != nil {
		c.more.freeSends()
	}
	if s := c.node.synchronous; s != nil {
		s.add(c) // in one step with the queue: who drives must find a turn for each message
		return false
	}
	idle = !c.scheduled
	c.scheduled = true
	return idle
}

// lock locks the mailbox. It is held for nanoseconds, but a goroutine that went to sleep for it takes a hundred times as long to wake up: with more
// senders than processors, letting others run first, a few times, doubles what a mailbox takes.
func (c *cell) lock() {
	if c.mu.TryLock() {
		return
	}
	for range yielding {
		runtime.Gosched()
	}
	c.mu.Lock()
}

// yielding is how often who found the mailbox locked lets others run. With eight senders on two processors once gave 7.5 M tells a second, three times 13 M, and
// more of it no more.
const yielding = 3

// noContext is the context of who never waits, or does not wait for a context.
var noContext context.Context

// tell puts a message of the system into the mailbox. It never waits. A mailbox that is closed drops it.
func (c *cell) tell(e envelope) {
	if refused, _ := c.push(noContext, e, nil); refused == refusedOverloaded {
		c.node.undeliverable(e, c.self, refused)
	}
}

const (
	refusedEnded      = "the actor has ended"
	refusedSender     = "its sender has ended"
	refusedOverloaded = "overloaded"
	refusedClosed     = "the endpoint was closed"
)

// pushSlow is push for a mailbox that is closed, or reaches its mark or is above it, and for the synchronous scheduler.
//
// An actor waits for another mailbox only while its own is below the mark, and is woken when it reaches it. So of the actors
// in a circle of waits the last that began to wait did so for one that did not wait any more: somebody always
// moves, and no circle can close.
//
// Of the senders that wait only as many are woken as there is room for. While there are any, there is a message in the mailbox, whose turn will wake
// more of them, or one of them was woken: it puts a message there, or wakes the next when it gives up.
func (c *cell) pushSlow(ctx context.Context, e envelope, from *cell) (refused string, err error) {
	mayWait := (from != nil || ctx != nil) && from != c && !passesMark(e.msg) && c.node.synchronous == nil
	woken := false
	c.mu.Lock()
	for {
		if c.closed && c.more != nil && c.more.away != nil {
			away := c.more.away
			c.mu.Unlock()
			return "", away.send(ctx, e, c.self, from)
		}
		if err == nil {
			refused = c.refusal(e, from)
		}
		switch {
		case err != nil || refused != "":
			if woken {
				c.wakeSenders(min(1, c.room()))
			}
			c.mu.Unlock()
			return refused, err
		case c.room() > 0 || !mayWait:
			if c.room() == 0 {
				c.node.crowdings.Add(1)
			}
			idle := c.enqueue(e)
			c.mu.Unlock()
			if idle {
				c.node.ready(c, from)
			}
			return "", nil
		}
		wake := make(chan struct{})
		waiting := &c.extra().waiting
		place := waiting.PushBack(wake)
		if woken { // and somebody else was faster
			waiting.MoveToFront(place)
		}
		c.mu.Unlock()
		if from != nil {
			mayWait = from.block(wake)
		} else {
			err = c.node.await(ctx, wake, closing(e.sender))
		}
		c.mu.Lock()
		waiting.Remove(place) // which does nothing if it was woken
		woken = isClosed(wake)
	}
}

// refusal returns why the mailbox does not take the envelope, or "". The lock is held.
func (c *cell) refusal(e envelope, from *cell) string {
	switch {
	case c.closed:
		return refusedEnded
	case from != nil && from.phase.Load() == ended: // nothing comes behind the notice of its end, which takes the same lock
		return refusedSender
	case len(c.queue) >= c.node.limits.Hard && !passesLimit(e.msg):
		return refusedOverloaded
	}
	return ""
}

// room returns how many messages there may be more before senders wait. The lock is held.
func (c *cell) room() int { return max(0, c.node.limits.Mark-len(c.queue)) }

// prepareToWait returns the channel that is closed when c's own mailbox reaches its mark, so that c must wait no longer; nil if it must not wait at all.
func (c *cell) prepareToWait() <-chan struct{} {
	c.mu.Lock()
	if c.room() == 0 || c.closed {
		c.mu.Unlock()
		return nil
	}
	m := c.extra()
	if m.full == nil {
		m.full = make(chan struct{})
	}
	full := m.full
	c.mu.Unlock()
	if worker := c.worker.Load(); worker != nil {
		c.node.handOver(worker) // what the actor woke must not wait with it
	}
	return full
}

// block waits until wake is closed or c's own mailbox reaches its mark, in which case it returns false: c must not wait any more.
func (c *cell) block(wake <-chan struct{}) bool {
	full := c.prepareToWait()
	if full == nil {
		return false
	}
	select {
	case <-wake:
		return true
	case <-full:
	case <-c.node.killed:
	}
	return false
}

// await waits until wake is closed, or returns why a program waits no longer.
func (n *node) await(ctx context.Context, wake, closed <-chan struct{}) error {
	n.attention.await()
	defer n.attention.leave()
	select {
	case <-wake:
		return nil
	case <-closed:
		return ErrClosed
	case <-n.killed:
		return n.over()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// closing returns the channel that is closed with the endpoint from which a program sends; nil if an actor does.
func closing(sender address.Address) <-chan struct{} {
	if b := sender.Record().Binding(); b != nil {
		switch m := b.Mailbox.(type) {
		case *Endpoint:
			return m.closed
		case *question:
			if m.from != nil {
				return m.from.closed
			}
		}
	}
	return nil
}

// freeSends has this actor's own sends wait no longer. The cell's mu is held.
func (m *more) freeSends() {
	if m.full != nil {
		close(m.full)
		m.full = nil
	}
}

// wakeSenders wakes the senders that have waited longest, n of them. The lock is held.
func (c *cell) wakeSenders(n int) {
	for ; n > 0 && c.more != nil && c.more.waiting.Len() > 0; n-- {
		close(c.more.waiting.Remove(c.more.waiting.Front()).(chan struct{}))
	}
}

// take gives the turn's worker what came into the mailbox since it last did; false ends the turn, and leaves the actor idle.
func (c *cell) take(w *worker) bool {
	c.lock()
	defer c.mu.Unlock()
	w.next, w.resume = 0, -1
	if len(c.queue) == 0 {
		c.idle(w)
		return false
	}
	if c.node.synchronous != nil { // a message a turn
		w.batch = append(w.batch[:0], c.queue[0])
		c.queue[0] = envelope{}
		c.queue = c.queue[1:]
		w.stepped = true
		return true
	}
	w.batch, c.queue = c.queue, w.batch[:0]
	if c.more != nil && (c.more.waiting.Len() > 0 || len(c.more.crowd) > 0) {
		if w.resume = len(w.batch) - c.node.limits.Resume; w.resume <= 0 {
			w.resume = -1
			c.wakeSenders(c.room())
			c.disperse()
		}
	}
	return true
}

// idle ends the worker's turn. The cell's mu is held.
func (c *cell) idle(w *worker) {
	switch {
	case cap(c.queue) > smallQueue: // a burst is over: give the room to whom the worker serves next
		w.batch, c.queue = c.queue, nil
	case c.queue == nil && cap(w.batch) <= smallQueue:
		w.batch, c.queue = nil, w.batch[:0]
	default:
		w.batch = w.batch[:0]
	}
	c.scheduled = false
	c.leaveTurn(w)
}

// leaveTurn leaves nothing of the turn with the worker.
func (c *cell) leaveTurn(w *worker) {
	c.flush(w)
	w.stepped, w.gathered, w.failure = false, false, nil
	c.worker.Store(nil)
}

// resumeSenders wakes those that wait for the mailbox, once the batch that they waited for is nearly done.
func (c *cell) resumeSenders() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wakeSenders(c.room())
	c.disperse()
}
