package transporttest

import (
	"context"
	"errors"
	"sync"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
)

var windowChecks = []check{
	{name: "WindowWithoutWaiting", reliable: true, run: windowWithoutWaiting},
	{name: "WindowWithWaiting", reliable: true, run: windowWithWaiting},
	{name: "LongerThanTheWindow", reliable: true, run: longerThanTheWindow},
	{name: "WaitingSendsAreRefused", reliable: true, run: waitingSendsAreRefused},
}

const window = 64 << 10

// noWait is the nil context, with which Send must not wait.
var noWait context.Context

func smallWindow(c *transport.Config) { c.Window = window }

// blocked returns two nodes; b is stuck in Deliver with a first message from a until release is called.
func (e *env) blocked() (a, b *node, release func()) {
	e.Helper()
	a, b = e.open(smallWindow), e.open(smallWindow)
	gate := make(chan struct{})
	b.onDeliver = func(transport.Node, []byte) { <-gate }
	release = sync.OnceFunc(func() { close(gate) })
	e.Cleanup(release) // before the transports are closed, which wait for it
	assert.NilError(e, a.peer(b).Assure(e.ctx(), 0, []byte(text(0, 0, 16))))
	b.waitFrom(a, 1)
	return a, b, release
}

// fill sends until ErrFull without ever waiting, and returns how many messages b is to get in all.
func (e *env) fill(a, b *node, size int) int {
	e.Helper()
	peer := a.peer(b)
	count := 1
	var err error
	e.await("Send to return, which must not wait", beside(func() {
		for ; err == nil && count*size <= 3*window; count++ {
			err = peer.Send(noWait, 0, []byte(text(0, count, size)))
		}
		count--
	}))
	assert.ErrorIs(e, err, transport.ErrFull)
	assert.Assert(e, (count-1)*size <= 2*window, "a window of %d bytes took %d bytes of which none were confirmed", window, (count-1)*size)
	return count
}

// Without a context Send does not wait: it takes up to twice the window, then nothing. With one it waits for room, or for the end of the context.
func windowWithoutWaiting(e *env) {
	a, b, release := e.blocked()
	const size = 1000
	count := e.fill(a, b, size)
	assert.Assert(e, count*size > window, "only %d messages of %d bytes were taken without waiting at a window of %d bytes", count, size, window)

	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	assert.ErrorIs(e, a.peer(b).Send(ctx, 0, []byte("no")), context.DeadlineExceeded)

	ctx, cancel = context.WithCancel(context.Background())
	waiting := beside(func() {
		if err := a.peer(b).Send(ctx, 0, []byte("no")); !errors.Is(err, context.Canceled) {
			e.Errorf("Send with a full window and a context that was cancelled: %v", err)
		}
	})
	cancel()
	e.await("Send to return as its context is done", waiting)

	waiting = beside(func() { a.send(b, 0, text(0, count, size)) })
	release()
	e.await("Send to find room", waiting)
	b.waitFrom(a, count+1)
	got := b.from(a)
	assert.Equal(e, len(got), count+1, "what was refused must not arrive")
	e.checkDelivered(got)
	assert.Equal(e, len(a.losses(b)), 0)
}

// Sends that wait keep within the window, and all of them get their turn.
func windowWithWaiting(e *env) {
	a, b, release := e.blocked()
	const size, flows, count = 1000, 5, 40
	var mu sync.Mutex
	taken := 0
	var senders sync.WaitGroup
	for flow := range uint64(flows) {
		senders.Go(func() {
			for i := range count {
				a.send(b, flow+1, text(flow+1, i, size))
				mu.Lock()
				taken += size
				mu.Unlock()
			}
		})
	}
	if e.settle() {
		mu.Lock()
		assert.Assert(e, taken <= window, "a window of %d bytes took %d bytes of which none were confirmed", window, taken)
		mu.Unlock()
	}
	release()
	e.await("Send to find room", beside(senders.Wait))
	b.waitFrom(a, 1+flows*count)
	e.checkDelivered(b.from(a))
}

// A message that is longer than the window fits by itself.
func longerThanTheWindow(e *env) {
	config, limit := e.limited(1 << 20)
	a, b := e.open(config, smallWindow), e.open(config, smallWindow)
	size := min(limit, 5*window)
	for i := range 3 {
		a.send(b, 0, text(0, i, size))
	}
	b.waitFrom(a, 3)
	e.checkDelivered(b.from(a))

	c := e.open(config, smallWindow)
	assert.NilError(e, c.sendIn(noWait, b, 0, text(0, 0, size)))
	b.waitFrom(c, 1)
}

// What waits for room learns at once that there will be none, even while Forget or Shutdown have yet to wait.
func waitingSendsAreRefused(e *env) {
	for _, c := range []struct {
		name string
		end  func(ctx context.Context, a, b *node) // returns when ctx is done, at the latest
		want error
	}{
		{"Forget", func(ctx context.Context, a, b *node) { a.peer(b).Forget(ctx) }, transport.ErrForgotten},
		{"Close", func(_ context.Context, a, b *node) { _ = a.tr.Close() }, transport.ErrClosed},
		{"Shutdown", func(ctx context.Context, a, b *node) {
			if err := a.tr.Shutdown(ctx); !errors.Is(err, context.Canceled) {
				e.Errorf("Shutdown with messages left and a context that is done: %v", err)
			}
		}, transport.ErrClosed},
	} {
		a, b, release := e.blocked()
		e.fill(a, b, 1000)
		var senders sync.WaitGroup
		for range 3 {
			senders.Go(func() {
				if err := a.peer(b).Send(e.ctx(), 0, []byte("no")); !errors.Is(err, c.want) {
					e.Errorf("Send that waited: got %v, want %v", err, c.want)
				}
			})
		}
		e.settle()
		ctx, cancel := context.WithCancel(context.Background())
		ended := beside(func() { c.end(ctx, a, b) })
		e.await("Send to be refused by "+c.name, beside(senders.Wait))
		cancel()
		e.await(c.name+" to return", ended)
		release()
	}
}

// done returns a context that has ended.
func done() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
