package transporttest

import (
	"context"
	"runtime"
	"sync"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
)

var deliveryChecks = []check{
	{name: "ManySenders", run: manySenders},
	{name: "ManyPeers", run: manyPeers},
	{name: "BothOpenAtOnce", reliable: true, run: bothOpenAtOnce},
	{name: "BufferIsTheCallersAgain", run: bufferIsTheCallersAgain},
	{name: "SlowReceiverHoldsUpNobodyElse", reliable: true, run: slowReceiver},
	{name: "HandlerSends", reliable: true, run: handlerSends},
	{name: "IdleConnectionsLoseNothing", reliable: true, run: idleConnections},
}

// exchange sends count messages in each of several flows between all nodes at once and checks what arrives.
func (e *env) exchange(nodes []*node, flows uint64, count int) {
	e.Helper()
	var senders sync.WaitGroup
	for _, from := range nodes {
		for _, to := range nodes {
			if from == to {
				continue
			}
			peer := from.peer(to)
			for flow := range flows {
				senders.Go(func() {
					for i := range count {
						if err := peer.Send(e.ctx(), flow, []byte(text(flow, i, 16+i%300))); err != nil {
							e.Errorf("Send: %v", err)
							return
						}
					}
				})
			}
		}
	}
	e.await("Send to return", beside(senders.Wait))
	for _, from := range nodes {
		for _, to := range nodes {
			if from == to {
				continue
			}
			if e.features.Reliable {
				to.waitFrom(from, int(flows)*count)
			} else {
				from.sendUntilThere(to, text(flows, 0, 16))
			}
			got := to.from(from)
			if e.features.Reliable {
				assert.Equal(e, len(got), int(flows)*count)
				assert.Equal(e, len(from.losses(to)), 0, "messages were reported that arrived")
			} else {
				got = withoutFlow(got, flows)
			}
			e.checkDelivered(got)
		}
	}
}

func withoutFlow(messages []string, flow uint64) []string {
	var others []string
	for _, m := range messages {
		if f, _, _ := parse(m); f != flow {
			others = append(others, m)
		}
	}
	return others
}

// Order of each sender at each receiver, with many senders in both directions; Deliver is never called twice at once for a peer.
func manySenders(e *env) {
	a, b := e.open(), e.open()
	for _, n := range []*node{a, b} {
		n.onDeliver = func(transport.Node, []byte) { runtime.Gosched() } // to be seen by a call at the same time
	}
	e.exchange([]*node{a, b}, 8, 150)
}

// Many peers at once.
func manyPeers(e *env) {
	var nodes []*node
	for range 7 {
		nodes = append(nodes, e.open())
	}
	e.exchange(nodes, 2, 20)
}

// Two nodes that start to send to each other at the same moment lose nothing and deliver nothing twice.
func bothOpenAtOnce(e *env) {
	for range 25 {
		a, b := e.open(), e.open()
		e.exchange([]*node{a, b}, 1, 10)
		a.close()
		b.close()
	}
}

// What Send was given is copied or gone when it returns.
func bufferIsTheCallersAgain(e *env) {
	a, b := e.open(), e.open()
	a.sendUntilThere(b, text(9, 0, 16))
	buffer := make([]byte, 0, 1000)
	const count = 100
	for i := range count {
		buffer = append(buffer[:0], text(1, i, 16+i*9)...)
		assert.NilError(e, a.peer(b).Send(e.ctx(), 1, buffer))
		for j := range buffer {
			buffer[j] = 0xff
		}
	}
	if e.features.Reliable {
		b.waitFrom(a, count+1)
	} else {
		a.sendUntilThere(b, text(9, 1, 16))
	}
	got := withoutFlow(b.from(a), 9)
	e.checkDelivered(got)
}

// A receiver that takes its time with one peer's messages holds up neither those of others nor what it sends itself.
func slowReceiver(e *env) {
	a, b, c := e.open(), e.open(), e.open()
	release := make(chan struct{})
	b.onDeliver = func(from transport.Node, _ []byte) {
		if from == a.id {
			<-release
		}
	}
	released := sync.OnceFunc(func() { close(release) })
	defer released()
	for i := range 20 {
		a.send(b, 0, text(0, i, 100))
	}
	b.waitFrom(a, 1)
	for i := range 20 {
		c.send(b, 0, text(0, i, 100))
		b.send(a, 0, text(0, i, 100))
		b.send(c, 0, text(0, i, 100))
		a.send(c, 0, text(0, i, 100))
	}
	b.waitFrom(c, 20)
	a.waitFrom(b, 20)
	c.waitFrom(b, 20)
	c.waitFrom(a, 20)
	assert.Equal(e, len(b.from(a)), 1)
	released()
	b.waitFrom(a, 20)
	e.checkDelivered(b.from(a))
}

// A Handler may send.
func handlerSends(e *env) {
	a, b := e.open(), e.open()
	const count = 100
	answer := func(n, to *node) func(transport.Node, []byte) {
		return func(_ transport.Node, data []byte) {
			_, number, _ := parse(string(data))
			if number+1 < count {
				ctx, cancel := context.WithTimeout(context.Background(), deadline)
				defer cancel()
				if err := n.peer(to).Send(ctx, 0, []byte(text(0, number+1, 16))); err != nil {
					e.Errorf("Send in Deliver: %v", err)
				}
			}
		}
	}
	a.onDeliver, b.onDeliver = answer(a, b), answer(b, a)
	a.send(b, 0, text(0, 0, 16))
	b.waitFrom(a, count/2)
	a.waitFrom(b, count/2)
}

// A connection that is closed because nothing was sent is there again when something is, and what is sent just then is not lost.
func idleConnections(e *env) {
	const idle = 2 * time.Millisecond
	short := func(c *transport.Config) { c.Idle = idle }
	a, b := e.open(short), e.open(short)
	for i := range 60 {
		a.send(b, 0, text(0, i, 16))
		b.send(a, 0, text(0, i, 16))
		if i%2 == 0 {
			b.waitFrom(a, i+1)
			a.waitFrom(b, i+1)
		}
		time.Sleep(idle * time.Duration(i%5) / 2) // not to wait for something: to send at all times of the connection's life
	}
	b.waitFrom(a, 60)
	a.waitFrom(b, 60)
	e.checkDelivered(b.from(a))
	e.checkDelivered(a.from(b))
	assert.Equal(e, len(a.losses(b))+len(b.losses(a)), 0)
}
