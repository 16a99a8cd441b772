package system

import (
	"context"
	"runtime"
	"slices"

	"thespian.dev/address"
)

// smallQueue is how many messages the queue of an idle actor may have room for; a larger one is given up.
const smallQueue = 4

// push puts an envelope into the mailbox. It waits, as the rule of back-pressure says, when the mailbox is above its
// mark: from is the actor that sends, ctx bounds the wait of a program. It returns "" or why the
// message cannot be delivered; the error is the context's.
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

// enqueue puts an envelope into the queue, and reports whether the actor has to be made ready. The lock is held.
func (c *cell) enqueue(e envelope) (idle bool) {
	c.queue = append(c.queue, e)
	if len(c.queue) >= c.node.limits.Mark && c.more != nil {
		wakeAll(&c.more.blocked) // this actor's own sends wait no longer
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
)

// pushSlow is push for a mailbox that is closed, or reaches its mark or is above it, and for the synchronous scheduler.
//
// An actor waits for another mailbox only while its own is below the mark, and is woken when it reaches it. So of the actors
// in a circle of waits the last that began to wait did so for one that did not wait any more: somebody always
// moves, and no circle can close.
func (c *cell) pushSlow(ctx context.Context, e envelope, from *cell) (refused string, err error) {
	limits := &c.node.limits
	passes := passesMark(e.msg)
	mayWait := !passes && from != c && (from != nil || ctx != nil) && c.node.synchronous == nil
	for {
		c.mu.Lock()
		if c.closed {
			c.mu.Unlock()
			return refusedEnded, nil
		}
		if from != nil && from.phase.Load() == ended { // nothing comes behind the notice of its end, which takes the same lock
			c.mu.Unlock()
			return refusedSender, nil
		}
		n := len(c.queue)
		if n >= limits.Hard && !passesLimit(e.msg) {
			c.mu.Unlock()
			return refusedOverloaded, nil
		}
		if n < limits.Mark || !mayWait {
			idle := c.enqueue(e)
			c.mu.Unlock()
			if idle {
				c.node.ready(c, from)
			}
			return "", nil
		}
		w := &waiter{wake: make(chan struct{}, 1)}
		c.extra().waiting = append(c.more.waiting, w)
		c.mu.Unlock()
		if from != nil {
			mayWait = from.block(ctx, w)
		} else {
			err = c.node.await(ctx, w, closing(e.sender))
		}
		c.mu.Lock()
		c.more.waiting = remove(c.more.waiting, w)
		c.mu.Unlock()
		if err != nil {
			return "", err
		}
	}
}

// A waiter is one send that waits for a mailbox to fall below its mark.
type waiter struct {
	wake chan struct{}
}

// block waits until w is woken or c's own mailbox reaches its mark, in which case it returns false: c must not wait any more.
func (c *cell) block(ctx context.Context, w *waiter) bool {
	c.mu.Lock()
	if len(c.queue) >= c.node.limits.Mark || c.closed {
		c.mu.Unlock()
		return false
	}
	c.extra().blocked = append(c.more.blocked, w)
	c.mu.Unlock()
	if worker := c.worker.Load(); worker != nil {
		c.node.release(worker) // what the actor woke must not wait with it
	}
	_ = c.node.await(ctx, w, nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.more.blocked = remove(c.more.blocked, w)
	return len(c.queue) < c.node.limits.Mark && !c.closed
}

// await waits for w, the end of the context (which may be nil), of the endpoint or of the system.
func (n *node) await(ctx context.Context, w *waiter, closed <-chan struct{}) error {
	var done <-chan struct{}
	if ctx != nil {
		done = ctx.Done()
	}
	select {
	case <-w.wake:
		return nil
	case <-closed:
		return ErrClosed
	case <-n.killed:
		return ErrShutdown
	case <-done:
		return ctx.Err()
	}
}

// closing returns the channel that is closed with the endpoint from which a program sends.
func closing(sender address.Address) <-chan struct{} {
	if b := sender.Record().Binding(); b != nil {
		switch m := b.Mailbox.(type) {
		case *Endpoint:
			return m.closed
		case *question:
			return m.from.closed
		}
	}
	return nil
}

// wakeAll wakes the waiters and forgets them. The lock that guards the list is held.
func wakeAll(list *[]*waiter) {
	for _, w := range *list {
		select {
		case w.wake <- struct{}{}:
		default: // woken already
		}
	}
	*list = nil
}

func remove(list []*waiter, w *waiter) []*waiter {
	if i := slices.Index(list, w); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
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
	if c.more != nil && len(c.more.waiting) > 0 {
		if w.resume = len(w.batch) - c.node.limits.Resume; w.resume <= 0 {
			w.resume = -1
			wakeAll(&c.more.waiting)
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
	if c.more != nil {
		wakeAll(&c.more.waiting)
	}
}
