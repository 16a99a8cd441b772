package transporttest

import (
	"gotest.tools/v3/assert"
)

var assuredChecks = []check{
	{name: "AssuredAllArrive", run: assuredAllArrive},
	{name: "AssuredAccountAfterForget", run: assuredAccountAfterForget},
	{name: "AssuredAccountAfterClose", run: assuredAccountAfterClose},
	{name: "AssuredAreBrought", run: assuredAreBrought},
	{name: "LostAreCounted", run: lostAreCounted},
}

const (
	assuredFlow = 1
	floodFlow   = 2
)

func (n *node) assure(to *node, i int) {
	n.e.Helper()
	if err := n.peer(to).Assure(n.e.ctx(), assuredFlow, []byte(text(assuredFlow, i, 16+i%300))); err != nil {
		n.e.Errorf("Assure: %v", err)
	}
}

func ofFlow(messages []string, flow uint64) (some []string) {
	for _, m := range messages {
		if f, _, _ := parse(m); f == flow {
			some = append(some, m)
		}
	}
	return some
}

// What is assured arrives, once and in order, while a flood goes the same way that the receiver cannot keep up with.
func assuredAllArrive(e *env) {
	a, b := e.open(smallWindow), e.open(smallWindow)
	const count = 100
	done := beside(func() {
		for i := range count {
			for k := range 8 {
				a.send(b, floodFlow, text(floodFlow, 8*i+k, 400))
			}
			a.assure(b, i)
		}
	})
	b.wait("all that is assured", func() bool { return len(ofFlow(b.delivered[a.id], assuredFlow)) >= count })
	e.await("Send and Assure", done)
	got := ofFlow(b.from(a), assuredFlow)
	assert.Equal(e, len(got), count)
	if e.features.Reliable && !e.features.Ordered {
		return // there it is as all is
	}
	for i, data := range got {
		assert.Assert(e, data == text(assuredFlow, i, 16+i%300), "number %d is another one, or harmed", i)
	}
}

// What is assured is reported when its node is forgotten or the transport closes, unless it has arrived.
func assuredAccountAfterForget(e *env) {
	a, b, release := e.blocked()
	const count = 50
	var taken []string
	for i := range count {
		a.assure(b, i)
		taken = append(taken, text(assuredFlow, i, 16+i%300))
	}
	if e.net.Kill != nil {
		e.net.Kill(b.tr)
	}
	release()
	a.peer(b).Forget(e.ctx())
	var lost []loss // but for the message with which b is stuck
	for _, l := range a.losses(b) {
		if flow, _, _ := parse(l.data); flow == assuredFlow {
			lost = append(lost, l)
		}
	}
	e.account(taken, ofFlow(b.from(a), assuredFlow), lost)
}

func assuredAccountAfterClose(e *env) {
	a, b, release := e.blocked()
	const count = 50
	var taken []string
	for i := range count {
		a.assure(b, i)
		taken = append(taken, text(assuredFlow, i, 16+i%300))
	}
	a.close()
	release()
	b.close()
	var lost []loss // but for the message with which b is stuck
	for _, l := range a.losses(b) {
		if flow, _, _ := parse(l.data); flow == assuredFlow {
			lost = append(lost, l)
		}
	}
	e.account(taken, ofFlow(b.from(a), assuredFlow), lost)
}

// Shutdown brings what is assured.
func assuredAreBrought(e *env) {
	a, b := e.open(), e.open()
	const count = 300
	for i := range count {
		a.assure(b, i)
	}
	assert.NilError(e, a.tr.Shutdown(e.ctx()))
	b.wait("all that is assured", func() bool { return len(ofFlow(b.delivered[a.id], assuredFlow)) >= count })
	assert.Equal(e, len(a.losses(b)), 0)
}

// What does not arrive is counted, at the latest when something arrives that was sent behind it.
func lostAreCounted(e *env) {
	a, b := e.open(), e.open()
	a.sendUntilThere(b, text(0, 0, 16))
	sent := 0
	const count = 2000
	for i := range count {
		a.send(b, floodFlow, text(floodFlow, i, 400))
		sent++
	}
	a.sendUntilThere(b, text(0, 1, 16))
	if e.features.Reliable {
		assert.Equal(e, b.tr.Lost(), uint64(0))
		return
	}
	for i := 2; len(ofFlow(b.from(a), floodFlow))+int(b.tr.Lost()) < sent; i++ {
		assert.Assert(e, i < 1000, "of %d messages %d arrived, and %d are said to be lost", sent, len(ofFlow(b.from(a), floodFlow)), b.tr.Lost())
		a.sendUntilThere(b, text(0, i, 16))
	}
}
