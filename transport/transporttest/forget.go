package transporttest

import (
	"context"
	"sync"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
)

var forgetChecks = []check{
	{name: "ForgetReadsToTheEnd", reliable: true, run: forgetReadsToTheEnd},
	{name: "ForgetReportsBeforeItReturns", reliable: true, run: forgetReportsBeforeItReturns},
	{name: "ForgetIsForEver", run: forgetIsForEver},
	{name: "ForgetIsBounded", reliable: true, run: forgetIsBounded},
	{name: "ForgetInDeliver", reliable: true, run: forgetInDeliver},
	{name: "ForgottenNodeCannotConnect", run: forgottenNodeCannotConnect},
}

// forget calls Forget, which must return.
func (n *node) forget(o *node, ctx context.Context) {
	n.e.Helper()
	peer := n.peer(o)
	n.e.await("Forget to return", beside(func() { peer.Forget(ctx) }))
	if ctx.Err() == nil {
		n.update(func() { n.mute[o.id] = true })
	}
}

// What a dead process had sent is delivered before Forget returns, however slow the receiver is.
func forgetReadsToTheEnd(e *env) {
	if e.net.Kill == nil {
		return
	}
	a, b := e.open(), e.open()
	gate := make(chan struct{})
	a.onDeliver = func(transport.Node, []byte) { <-gate }
	open := sync.OnceFunc(func() { close(gate) })
	defer open()
	const count = 100
	for i := range count {
		b.send(a, 0, text(0, i, 40))
	}
	a.waitFrom(b, 1)
	settled := e.settle()
	e.net.Kill(b.tr)
	b.close()

	peer := a.peer(b)
	forgotten := beside(func() { peer.Forget(e.ctx()) })
	e.settle()
	select {
	case <-forgotten:
		e.Errorf("Forget returned while what the dead node had sent was not delivered")
	default:
	}
	open()
	e.await("Forget to return", forgotten)
	a.update(func() { a.mute[b.id] = true })
	if settled {
		assert.Equal(e, len(a.from(b)), count, "all that had been sent must be delivered")
	}
	e.checkDelivered(a.from(b))
}

// What is left for the node is reported before Forget returns, and what was never on its way is so for certain.
func forgetReportsBeforeItReturns(e *env) {
	a, b := e.open(), e.open()
	b.close()
	const count = 30
	var taken []string
	for i := range count {
		taken = append(taken, text(0, i, 40))
		a.send(b, 0, taken[i])
	}
	a.forget(b, e.ctx())
	lost := a.losses(b)
	e.account(taken, nil, lost)
	for _, l := range lost {
		assert.Assert(e, !l.perhaps)
	}
}

// A forgotten node is refused from then on, also by peers that Peer returns later; more calls of Forget do nothing.
func forgetIsForEver(e *env) {
	a, b := e.open(), e.open()
	a.sendUntilThere(b, "before")
	old := a.peer(b)
	b.close()
	ctx := e.ctx()
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() { old.Forget(ctx) })
	}
	e.await("all calls of Forget to return", beside(calls.Wait))
	a.forget(b, ctx)
	for _, peer := range []transport.Peer{old, a.peer(b), a.tr.Peer(b.id, "")} {
		assert.ErrorIs(e, peer.Send(ctx, 0, []byte("after")), transport.ErrForgotten)
		assert.ErrorIs(e, peer.Send(noWait, 0, []byte("after")), transport.ErrForgotten)
	}
	for _, l := range a.losses(b) {
		assert.Assert(e, l.data != "after", "what was not taken must not be reported")
	}
}

// Forget returns when its context ends, even if the node lives or the Handler is stuck.
func forgetIsBounded(e *env) {
	a, b := e.open(), e.open()
	gate := make(chan struct{})
	a.onDeliver = func(transport.Node, []byte) { <-gate }
	open := sync.OnceFunc(func() { close(gate) })
	defer open()
	b.send(a, 0, text(0, 0, 40))
	b.send(a, 0, text(0, 1, 40))
	a.waitFrom(b, 1)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	var calls sync.WaitGroup
	peer := a.peer(b)
	for range 2 {
		calls.Go(func() { peer.Forget(ctx) })
	}
	e.await("Forget to return as its context is done", beside(calls.Wait))
	assert.ErrorIs(e, peer.Send(e.ctx(), 0, []byte("after")), transport.ErrForgotten)
	open()
	c := e.open()
	c.sendUntilThere(a, "others are not concerned")
}

// A Handler may forget any peer: another one, and, within a bounded time, the one whose message it is being given.
func forgetInDeliver(e *env) {
	a, b, c := e.open(), e.open(), e.open()
	called := make(chan struct{})
	var once sync.Once
	forgetAll := func() {
		defer close(called)
		for _, o := range []*node{c, b} {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
			defer cancel()
			a.peer(o).Forget(ctx)
		}
	}
	a.onDeliver = func(from transport.Node, _ []byte) {
		if from == b.id {
			once.Do(forgetAll)
		}
	}
	c.send(a, 0, text(0, 0, 40))
	a.waitFrom(c, 1)
	c.close()
	b.send(a, 0, text(0, 0, 40))
	e.await("Forget in Deliver to return", called)
	for _, o := range []*node{b, c} {
		assert.ErrorIs(e, a.peer(o).Send(e.ctx(), 0, nil), transport.ErrForgotten)
	}
}

// A node that was forgotten while it lived gets no message through any more. It learns in the end what was not delivered.
func forgottenNodeCannotConnect(e *env) {
	a, b := e.open(), e.open(soon)
	a.sendUntilThere(b, text(0, 0, 40))
	b.sendUntilThere(a, text(0, 0, 40))
	a.forget(b, done())
	a.update(func() { a.mute[b.id] = e.features.Reliable }) // a datagram may have been on its way to the Handler
	const count = 10
	for i := range count {
		b.send(a, 0, text(1, i, 40))
	}
	if e.features.Reliable {
		b.waitLost(a, count)
	}
	c := e.open()
	c.sendUntilThere(a, "others are not concerned")
	for _, data := range a.from(b) {
		flow, _, _ := parse(data)
		assert.Equal(e, flow, uint64(0), "a message of a forgotten node was delivered")
	}
}
