package transporttest

import (
	"fmt"
	"sync/atomic"
	"syscall"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
)

// Of transports whose peers are not transport.Attendable nothing is asked here.
var attendChecks = []check{
	{name: "AttendedAnswersArrive", reliable: true, run: attendedAnswersArrive},
	{name: "UnattendedMessagesArrive", reliable: true, run: unattendedMessagesArrive},
	{name: "AttendedLongMessages", reliable: true, run: attendedLongMessages},
	{name: "InterruptAsksDone", reliable: true, run: interruptAsksDone},
	{name: "ReleaseHasOthersRead", reliable: true, run: releaseHasOthersRead},
	{name: "CloseEndsAttendance", reliable: true, run: closeEndsAttendance},
	{name: "ForgetReadsWhatIsAttended", reliable: true, run: forgetReadsWhatIsAttended},
	{name: "ResetWhileAttended", reliable: true, run: resetWhileAttended},
}

// attendable returns a's peer for b, nil if it is not to be attended.
func (e *env) attendable(a, b *node) transport.Attendable {
	p, _ := a.peer(b).(transport.Attendable)
	return p
}

// attends says whether who asks a node gets to attend: each node is reached by sockets, of which the runtime tells whoever reads.
func (e *env) attends(a, b *node) bool {
	if e.attendable(a, b) == nil || e.net.Dial == nil {
		return false
	}
	c, err := e.net.Dial(b.endpoint())
	assert.NilError(e, err)
	defer c.Close()
	_, direct := c.(syscall.Conn)
	return direct
}

// echo has a node send back what it gets.
func (n *node) echo(to func() *node) {
	n.onDeliver = func(_ transport.Node, data []byte) {
		if err := n.sendIn(n.e.ctx(), to(), 0, string(data)); err != nil {
			n.e.Errorf("Send: %v", err)
		}
	}
}

// asks returns two nodes of which the second sends back what it gets.
func (e *env) asks() (a, b *node) {
	a, b = e.open(), e.open()
	b.echo(func() *node { return a })
	return a, b
}

// has says whether so many messages have come from a node.
func (n *node) has(from *node, count int) func() bool {
	return func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return len(n.delivered[from.id]) >= count
	}
}

// ask sends the next message and waits until so many have come back, attending if it can be. It says whether it could.
func (a *node) ask(b *node, number int) (attended bool) {
	a.send(b, 0, text(0, number, 40))
	attended = a.e.attendable(a, b).Attend(a.has(b, number+1))
	a.waitFrom(b, number+1)
	return attended
}

// attend asks until it can attend, and returns how many messages have come back then.
func (a *node) attend(b *node) (count int) {
	a.e.Helper()
	for count < 10_000 {
		attended := a.ask(b, count)
		count++
		if attended {
			return count
		}
	}
	a.e.Fatalf("of %d calls of Attend none attended", count)
	return 0
}

// Each question is answered, whoever reads, while others come and go.
func attendedAnswersArrive(e *env) {
	a, b := e.asks()
	peer := e.attendable(a, b)
	if peer == nil {
		return
	}
	const count = 2000
	disturb := make(chan struct{})
	disturbed := beside(func() {
		for i := 0; ; i++ {
			select {
			case <-disturb:
				return
			case <-a.change():
			}
			switch {
			case i%7 == 0:
				peer.Release()
			case i%3 == 0:
				peer.Interrupt()
			case i%11 == 0:
				peer.Attend(func() bool { return true })
			}
		}
	})
	attended := 0
	for i := range count {
		if a.ask(b, i) {
			attended++
		}
	}
	close(disturb)
	e.await("who disturbs", disturbed)
	e.checkDelivered(a.from(b))
	if e.attends(a, b) {
		assert.Assert(e, attended > 0, "nobody could attend")
	}
}

// What comes when nobody attends any more is delivered all the same.
func unattendedMessagesArrive(e *env) {
	a, b := e.asks()
	if !e.attends(a, b) {
		return
	}
	for range 20 {
		count := a.attend(b)
		b.send(a, 0, text(0, count, 40))
		a.waitFrom(b, count+1)
		b.send(a, 0, text(0, count+1, 40))
		a.waitFrom(b, count+2)
		a.update(func() { a.delivered[b.id] = nil })
	}
}

// Long messages, which come in pieces, arrive as others do.
func attendedLongMessages(e *env) {
	a, b := e.asks()
	peer := e.attendable(a, b)
	if peer == nil {
		return
	}
	size := 3 * transport.LongMessage
	if limit := e.features.MaxMessage; limit > 0 {
		size = min(size, limit)
	}
	for i := range 40 {
		n := 40
		if i%4 == 3 {
			n = size
		}
		a.send(b, 0, text(0, i, n))
		peer.Attend(a.has(b, i+1))
		a.waitFrom(b, i+1)
	}
	e.checkDelivered(a.from(b))
}

// attendBeside attends on a goroutine of its own: asked gets something when done is asked, left is closed when Attend has returned, and attended is what it returned.
func attendBeside(peer transport.Attendable, done func() bool) (asked, left <-chan struct{}, attended *bool) {
	looked := make(chan struct{}, 1)
	attended = new(bool)
	left = beside(func() {
		*attended = peer.Attend(func() bool {
			select {
			case looked <- struct{}{}:
			default:
			}
			return done()
		})
	})
	return looked, left, attended
}

// Whoever attends leaves when it is interrupted and has nothing to wait for any more, and the next one attends.
func interruptAsksDone(e *env) {
	a, b := e.asks()
	if !e.attends(a, b) {
		return
	}
	peer := e.attendable(a, b)
	count := a.attend(b)
	for range 20 {
		var over atomic.Bool
		asked, left, attended := attendBeside(peer, over.Load)
		select {
		case <-asked:
			peer.Interrupt() // for nothing
			over.Store(true)
			peer.Interrupt()
			<-left
		case <-left:
			assert.Assert(e, !*attended, "Attend left without having asked")
		}
		a.ask(b, count)
		count++
	}
}

// What comes after Release is delivered while who was there has left and nobody attends.
func releaseHasOthersRead(e *env) {
	a, b := e.asks()
	if !e.attends(a, b) {
		return
	}
	peer := e.attendable(a, b)
	count := a.attend(b)
	peer.Release()
	peer.Release()
	assert.Assert(e, !peer.Attend(func() bool { return true }), "the transport must read after Release")
	b.send(a, 0, text(0, count, 40))
	a.waitFrom(b, count+1)
}

// Close, Shutdown and the end of the other node end the waiting of who attends. Nothing is delivered after Close.
func closeEndsAttendance(e *env) {
	for _, how := range []struct {
		name string
		end  func(a, b *node)
	}{
		{"Close", func(a, b *node) { a.close() }},
		{"Shutdown", func(a, b *node) { assert.Check(e, a.tr.Shutdown(e.ctx())) }},
		{"the other's Close", func(a, b *node) { b.close() }},
		{"Forget", func(a, b *node) { b.close(); a.peer(b).Forget(e.ctx()) }},
	} {
		a, b := e.asks()
		if !e.attends(a, b) {
			return
		}
		peer := e.attendable(a, b)
		a.attend(b)
		asked, left, _ := attendBeside(peer, func() bool { return false })
		select {
		case <-asked:
		case <-left: // the transport had just begun to read again
		}
		e.await(how.name, beside(func() { how.end(a, b) }))
		e.await("Attend to return after "+how.name, left)
	}
}

// What a dead process had sent is delivered before Forget returns, though nobody attends.
func forgetReadsWhatIsAttended(e *env) {
	a, b := e.asks()
	if e.net.Kill == nil || !e.attends(a, b) {
		return
	}
	count := a.attend(b)
	const more = 50
	for i := range more {
		b.send(a, 0, text(0, count+i, 40))
	}
	settled := e.settle()
	e.net.Kill(b.tr)
	b.close()
	a.forget(b, e.ctx())
	if settled {
		assert.Equal(e, len(a.from(b)), count+more)
	}
	e.checkDelivered(a.from(b))
}

// Nothing is lost, and nothing comes twice, when a connection breaks on which somebody attends or could.
func resetWhileAttended(e *env) {
	a, b := e.asks()
	if e.attendable(a, b) == nil || e.net.Reset == nil {
		return
	}
	for i := range 300 {
		if i%10 == 5 {
			broken := beside(func() { e.net.Reset(a.tr, b.tr) })
			a.ask(b, i)
			e.await(fmt.Sprintf("reset %d", i), broken)
			continue
		}
		a.ask(b, i)
	}
	e.checkDelivered(a.from(b))
}
