package transporttest

import (
	"context"
	"sync"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
)

var closeChecks = []check{
	{name: "CloseIsIdempotent", run: closeIsIdempotent},
	{name: "CloseReports", reliable: true, run: closeReports},
	{name: "CloseWaitsForTheHandler", reliable: true, run: closeWaitsForTheHandler},
	{name: "ShutdownBringsWhatWasTaken", reliable: true, run: shutdownBringsWhatWasTaken},
	{name: "ShutdownIsBounded", run: shutdownIsBounded},
	{name: "GoodbyeIsCertain", reliable: true, run: goodbyeIsCertain},
}

// Close may be called again, at the same time too, and after Shutdown; then all is refused.
func closeIsIdempotent(e *env) {
	a, b := e.open(), e.open()
	a.sendUntilThere(b, "before")
	peer := a.peer(b)
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() {
			if err := a.tr.Close(); err != nil {
				e.Errorf("Close: %v", err)
			}
		})
	}
	e.await("all calls of Close to return", beside(calls.Wait))
	a.close()
	ctx := e.ctx()
	for _, p := range []transport.Peer{peer, a.peer(b), a.tr.Peer(transport.Node{System: 1, Process: 1}, "")} {
		assert.ErrorIs(e, p.Send(ctx, 0, []byte("after")), transport.ErrClosed)
		assert.ErrorIs(e, p.Send(noWait, 0, []byte("after")), transport.ErrClosed)
	}
	e.await("Forget to return", beside(func() { peer.Forget(ctx) }))
	assert.NilError(e, a.tr.Shutdown(ctx))

	assert.NilError(e, b.tr.Shutdown(ctx))
	assert.NilError(e, b.tr.Shutdown(ctx))
	b.close()
	assert.ErrorIs(e, b.peer(a).Send(ctx, 0, []byte("after")), transport.ErrClosed)
}

// What was not confirmed is reported before Close returns; what may have been delivered is perhaps so.
func closeReports(e *env) {
	a, b, release := e.blocked()
	defer release()
	const count = 20
	taken := []string{text(0, 0, 16)}
	for i := range count {
		taken = append(taken, text(0, i+1, 100))
		a.send(b, 0, taken[i+1])
	}
	a.close()
	lost := a.losses(b)
	e.account(taken, nil, lost)
	for _, l := range lost {
		if l.data == taken[0] {
			assert.Assert(e, l.perhaps, "a message that Deliver has, but has not returned from, is perhaps delivered")
		}
	}
}

// Close waits for a Handler that is being called.
func closeWaitsForTheHandler(e *env) {
	a, b, release := e.blocked()
	defer release()
	a.send(b, 0, text(0, 1, 16))
	closed := beside(func() {
		if err := b.tr.Close(); err != nil {
			e.Errorf("Close: %v", err)
		}
	})
	e.settle()
	select {
	case <-closed:
		e.Errorf("Close returned while the Handler was being called")
	default:
	}
	release()
	e.await("Close to return", closed)
	b.close()
}

// Shutdown brings all that was taken to the peers, slow as they are.
func shutdownBringsWhatWasTaken(e *env) {
	a := e.open()
	const count = 50
	var peers []*node
	for range 3 {
		b := e.open()
		b.onDeliver = func(transport.Node, []byte) { time.Sleep(100 * time.Microsecond) } // slow
		peers = append(peers, b)
	}
	for i := range count {
		for _, b := range peers {
			a.send(b, 0, text(0, i, 200))
		}
	}
	assert.NilError(e, a.tr.Shutdown(e.ctx()))
	for _, b := range peers {
		assert.Equal(e, len(b.from(a)), count)
		assert.Equal(e, len(a.losses(b)), 0)
		e.checkDelivered(b.from(a))
	}
	a.close()
}

// Shutdown ends with its context; what is left is reported.
func shutdownIsBounded(e *env) {
	a, b, nobody := e.open(), e.open(), e.open()
	nobody.close()
	a.sendUntilThere(b, "one")
	const count = 10
	var taken []string
	for i := range count {
		taken = append(taken, text(0, i, 40))
		a.send(nobody, 0, taken[i])
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	err := a.tr.Shutdown(ctx)
	a.close()
	if e.features.Reliable {
		assert.ErrorIs(e, err, context.DeadlineExceeded)
		e.account(taken, nil, a.losses(nobody))
	}
}

// What is sent to a node that has said goodbye did certainly not arrive.
func goodbyeIsCertain(e *env) {
	a, b := e.open(soon), e.open()
	a.send(b, 0, text(0, 0, 40))
	b.waitFrom(a, 1)
	assert.NilError(e, b.tr.Shutdown(e.ctx()))
	b.close()
	if !e.settle() {
		return // it is not known whether the goodbye has arrived
	}
	a.send(b, 0, text(0, 1, 40))
	a.waitLost(b, 1)
	for _, l := range a.losses(b) {
		assert.Assert(e, !l.perhaps || l.data != text(0, 1, 40))
	}
}
