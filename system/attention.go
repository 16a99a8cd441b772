package system

import (
	"context"
	"sync/atomic"

	"thespian.dev/address"
)

// A program that asks an actor in another process mostly does nothing else until the answer is there. Then the goroutine that asks takes what comes from that process itself: to
// be woken by another one costs more than the way of the answer, as the runtime wakes a second thread with it, on a processor that the other process may need.

// attention is what a node knows of the calls of its program that wait for messages.
type attention struct {
	waiting atomic.Int32         // how many do
	at      atomic.Pointer[link] // the peer to which the last one attended
	lent    atomic.Bool          // perhaps nobody else takes what comes from there
}

// enter notes that a call waits, until leave. It says whether no other one does.
func (a *attention) enter() (alone bool) { return a.waiting.Add(1) == 1 }

// await is enter for a call that does not attend.
func (a *attention) await() {
	a.enter()
	a.release()
}

func (a *attention) leave() {
	if a.waiting.Add(-1) > 0 {
		a.release()
	}
}

// release sees to it that all is taken that comes, though nobody attends.
func (a *attention) release() {
	if a.lent.Load() && a.lent.CompareAndSwap(true, false) {
		a.at.Load().attendable.Release()
	}
}

// interrupt lets the call that attends look why.
func (a *attention) interrupt() {
	if at := a.at.Load(); at != nil {
		at.attendable.Interrupt()
	}
}

// attend makes a peer the one that is attended.
func (a *attention) attend(to *link, done func() bool) {
	if a.at.Load() != to {
		a.release()
		a.at.Store(to)
	}
	a.lent.Store(true)
	to.attendable.Attend(done)
}

// attendable returns the link to the process to which an address leads, nil if it cannot be attended.
func (n *node) attendable(to address.Address) *link {
	b := to.Record().Binding()
	if b == nil {
		return nil
	}
	p, is := b.Mailbox.(*peer)
	if !is || p.node != n {
		return nil
	}
	if out := p.out.Load(); out != nil && out.attendable != nil {
		return out
	}
	return nil
}

// attend takes what comes from the process of who was asked, until the answer is there or there is something else to do.
func (q *question) attend(ctx context.Context, to address.Address) {
	n := q.from.node
	out := n.attendable(to)
	if out == nil {
		n.attention.release()
		return
	}
	if !q.state.CompareAndSwap(open, attended) {
		return
	}
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, out.attendable.Interrupt)
		defer stop()
	}
	n.attention.attend(out, func() bool {
		return q.state.Load() > awaited || ctx.Err() != nil || isClosed(q.from.closed) || isClosed(n.killed)
	})
	q.state.CompareAndSwap(attended, open)
}
