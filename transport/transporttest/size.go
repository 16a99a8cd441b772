package transporttest

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
)

var sizeChecks = []check{
	{name: "Sizes", run: sizes},
	{name: "TooLarge", run: tooLarge},
	{name: "ReceiverTakesLess", reliable: true, run: receiverTakesLess},
	{name: "LongAmongShort", reliable: true, run: longAmongShort},
	{name: "LongReleased", reliable: true, run: longReleased},
}

// limited opens with a limit for messages, and returns it as the transport has it.
func (e *env) limited(limit int) (func(*transport.Config), int) {
	if e.features.MaxMessage > 0 {
		limit = min(limit, e.features.MaxMessage)
	}
	return func(c *transport.Config) { c.MaxMessage = limit }, limit
}

// Messages of all lengths up to the limit arrive as they were sent.
func sizes(e *env) {
	config, limit := e.limited(100_000)
	a, b := e.open(config), e.open(config)
	for _, size := range []int{0, 1, 2, 7, 127, 128, 255, 256, 1000, 4095, 4096, 4097, 16384, 65535, 65536, 65537, limit - 1, limit} {
		if size > limit {
			continue
		}
		data := strings.Repeat(fmt.Sprintf("%d,", size), size/2+1)[:size]
		a.sendUntilThere(b, data)
	}
}

// A message above the limit is refused with both numbers, and harms nothing.
func tooLarge(e *env) {
	config, limit := e.limited(100_000)
	a, b := e.open(config), e.open(config)
	for _, size := range []int{limit + 1, 3 * limit} {
		err := a.peer(b).Send(e.ctx(), 0, make([]byte, size))
		assert.ErrorIs(e, err, transport.ErrTooLarge)
		assert.ErrorContains(e, err, fmt.Sprint(size))
		assert.ErrorContains(e, err, fmt.Sprint(limit))
		assert.ErrorIs(e, a.peer(b).Send(noWait, 0, make([]byte, size)), transport.ErrTooLarge)
	}
	a.sendUntilThere(b, "this one is short")
	assert.Equal(e, len(a.losses(b)), 0, "what was not taken must not be reported")
}

// A message that the receiver's limit excludes is not delivered, and does not get lost without a word; others pass.
func receiverTakesLess(e *env) {
	config, _ := e.limited(4000)
	less, _ := e.limited(2000)
	a, b := e.open(config), e.open(less)
	a.sendUntilThere(b, "one")
	var taken []string
	for i := range 3 {
		long := text(uint64(i), 0, 3000)
		if err := a.peer(b).Send(e.ctx(), 0, []byte(long)); err == nil {
			taken = append(taken, long)
		} else {
			assert.ErrorIs(e, err, transport.ErrTooLarge)
		}
		a.sendUntilThere(b, fmt.Sprint("short ", i))
	}
	a.waitLost(b, len(taken))
	for _, data := range b.from(a) {
		assert.Assert(e, len(data) <= 2000, "a message above the limit of the receiver was delivered")
	}
	for _, l := range a.losses(b) {
		assert.Assert(e, slices.Contains(taken, l.data))
	}

	// The limit of the receiver cannot be known yet.
	first := e.open(config)
	first.send(b, 0, text(0, 0, 3000))
	first.send(b, 0, text(0, 1, 30))
	b.waitFrom(first, 1)
	first.waitLost(b, 1)
	e.account([]string{text(0, 0, 3000), text(0, 1, 30)}, b.from(first), first.losses(b))
}

// Long messages travel among short ones; each flow keeps its order.
func longAmongShort(e *env) {
	config, limit := e.limited(4 << 20)
	long := min(limit, 3*transport.LongMessage)
	a, b := e.open(config), e.open(config)
	var senders sync.WaitGroup
	const flows, count = 3, 40
	for flow := range uint64(flows) {
		senders.Go(func() {
			for i := range count {
				size := 16 + i
				if i%10 == 5 && flow != 0 {
					size = long
				}
				a.send(b, flow, text(flow, i, size))
			}
		})
	}
	e.await("Send to return", beside(senders.Wait))
	b.waitFrom(a, flows*count)
	e.checkDelivered(b.from(a))
}

// A long message is the transport's until it gives it back: once, and when nothing depends on it any more. One that was not taken stays the sender's.
func longReleased(e *env) {
	config, limit := e.limited(4 << 20)
	long := 2 * transport.LongMessage
	if limit < long {
		return
	}
	a, b := e.open(config), e.open(config)
	const count = 10
	var want []string
	for i := range count {
		want = append(want, text(0, i, long+i))
		a.send(b, 0, want[i])
	}
	b.waitFrom(a, count)
	a.wait("long messages to be released", func() bool { return a.released == count })
	assert.DeepEqual(e, b.from(a), want)
	assert.ErrorIs(e, a.peer(b).Send(e.ctx(), 0, make([]byte, limit+1)), transport.ErrTooLarge)
	a.tr.Close()
	assert.ErrorIs(e, a.peer(b).Send(e.ctx(), 0, make([]byte, long)), transport.ErrClosed)
	assert.Equal(e, a.released, count)
}
