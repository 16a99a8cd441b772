package transporttest

import (
	"time"

	"gotest.tools/v3/assert"
)

var lossChecks = []check{
	{name: "UnreachableIsReported", reliable: true, run: unreachableIsReported},
	{name: "AccountAfterReset", reliable: true, run: accountAfterReset},
	{name: "AccountAfterKill", reliable: true, run: accountAfterKill},
	{name: "AccountAfterClose", reliable: true, run: accountAfterClose},
	{name: "AccountAfterShutdown", reliable: true, run: accountAfterShutdown},
	{name: "AccountAfterForget", reliable: true, run: accountAfterForget},
}

// What is meant for a node that cannot be reached is reported after Config.Unreachable, once, and as certainly not delivered.
func unreachableIsReported(e *env) {
	a, ended := e.open(soon), e.open()
	ended.close()
	nowhere := &node{e: e}
	nowhere.id.Process = 77
	for _, c := range []struct {
		to       *node
		endpoint string
	}{{ended, ended.endpoint()}, {nowhere, ""}} {
		const count = 20
		var taken []string
		for round := range 2 { // it is tried anew for what comes later
			for i := range count {
				data := text(uint64(round), i, 50)
				assert.NilError(e, a.tr.Peer(c.to.id, c.endpoint).Send(e.ctx(), 0, []byte(data)))
				taken = append(taken, data)
			}
			a.waitLost(c.to, (round+1)*count)
		}
		lost := a.losses(c.to)
		e.account(taken, nil, lost)
		for _, l := range lost {
			assert.Assert(e, !l.perhaps, "a message is reported as perhaps delivered to a node that was never reached")
		}
	}
}

// streams lets two nodes send to each other until some messages have arrived on both sides.
func (e *env) streams() (a, b *node, ab, ba *stream) {
	a, b = e.open(smallWindow), e.open(smallWindow)
	ab, ba = a.stream(b, 3000), b.stream(a, 3000)
	b.waitFrom(a, 100)
	a.waitFrom(b, 100)
	return a, b, ab, ba
}

// A connection that breaks in mid-stream costs time alone.
func accountAfterReset(e *env) {
	if e.net.Reset == nil {
		return
	}
	a, b, ab, ba := e.streams()
	for i := range 15 {
		e.net.Reset(a.tr, b.tr)
		b.waitFrom(a, 100*(i+1))
	}
	for _, c := range []struct {
		from, to *node
		taken    []string
	}{{a, b, ab.all(e)}, {b, a, ba.all(e)}} {
		c.to.waitFrom(c.from, len(c.taken))
		assert.Equal(e, len(c.from.losses(c.to)), 0, "messages were reported although both ends live")
		e.account(c.taken, c.to.from(c.from), nil)
		e.checkDelivered(c.to.from(c.from))
	}
}

// A process that dies in mid-stream: whoever sent to it knows the fate of each message after Forget.
func accountAfterKill(e *env) {
	if e.net.Kill == nil {
		return
	}
	a, b, ab, ba := e.streams()
	e.net.Kill(b.tr)
	b.close()
	ba.end(e)
	assert.Equal(e, len(b.losses(a)), 0, "a dead process must not call its Handler")
	a.forget(b, e.ctx())
	e.account(ab.end(e), b.from(a), a.losses(b))
	e.checkDelivered(b.from(a))
	e.checkDelivered(a.from(b))
}

// A transport that closes in mid-stream: both sides know.
func accountAfterClose(e *env) {
	a, b, ab, ba := e.streams()
	b.close()
	a.forget(b, e.ctx())
	e.account(ab.end(e), b.from(a), a.losses(b))
	e.account(ba.end(e), a.from(b), b.losses(a))
	e.checkDelivered(b.from(a))
	e.checkDelivered(a.from(b))
}

// A transport that shuts down in mid-stream has brought all that it took.
func accountAfterShutdown(e *env) {
	a, b, ab, ba := e.streams()
	assert.NilError(e, b.tr.Shutdown(e.ctx()))
	sent := ba.end(e)
	assert.Equal(e, len(b.losses(a)), 0)
	e.account(sent, a.from(b), nil)
	a.forget(b, e.ctx())
	e.account(ab.end(e), b.from(a), a.losses(b))
	e.checkDelivered(b.from(a))
	e.checkDelivered(a.from(b))
}

// Forget of a node that lives, with a bounded time: both sides know in the end.
func accountAfterForget(e *env) {
	a, b, ab, ba := e.streams()
	a.forget(b, done())
	sent := ab.end(e)
	ba.stop()
	for late := time.After(deadline); ; {
		atA, atB := a.change(), b.change() // before the look: either may be the last to hear
		fate := map[string]bool{}
		for _, l := range a.losses(b) {
			fate[l.data] = true
		}
		for _, data := range b.from(a) {
			fate[data] = true
		}
		if len(fate) == len(sent) {
			break
		}
		select {
		case <-atA:
		case <-atB:
		case <-late:
			e.Fatalf("of %d messages the fate of %d is known", len(sent), len(fate))
		}
	}
	b.close()
	e.account(sent, b.from(a), a.losses(b))
	e.account(ba.end(e), a.from(b), b.losses(a))
	e.checkDelivered(b.from(a))
	e.checkDelivered(a.from(b))
}
