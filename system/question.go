package system

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"thespian.dev/address"
	"thespian.dev/address/record"
)

// A question is the mailbox behind a one-shot address: the sender of a message that wants an answer. The first message to it is
// the answer; nothing else ever is, because the address is never used for another question.
type question struct {
	rec     record.Record
	binding record.Binding
	state   atomic.Uint32

	request *request // an actor asks: it gets the answer in its own turn

	from   *Endpoint     // a program asks; messages that are no answer go to its Listen
	wake   chan struct{} // where the program waits, if it does
	answer any           // a message, or a failure
}

// The states of a question.
const (
	open     uint32 = iota
	attended        // open, and the program takes what comes
	awaited         // open, and the program waits for wake
	taken           // the answer is being written
	answered        // the answer can be read
	dropped         // nobody wants an answer any more
)

// A failure is the reason why there is no answer.
type failure struct{ err error }

// ask returns the question of a program, or of an actor: one of the two is nil.
func (n *node) ask(from *Endpoint, request *request) *question {
	q := &question{from: from, request: request}
	if id := n.id; from != nil && n.peers != nil {
		id.Counter = n.asked.number(from)
		q.rec.Init(id)
	} else {
		q.rec.Init(n.newID())
	}
	q.binding.Mailbox = q
	q.rec.Bind(&q.binding)
	return q
}

// node returns where the question was asked.
func (q *question) node() *node {
	if q.request != nil {
		return q.request.of.node
	}
	return q.from.node
}

func (q *question) address() address.Address { return address.Of(&q.rec) }

// take claims the right to answer the question, and returns the state in which it was.
func (q *question) take() (state uint32, ok bool) {
	for {
		state = q.state.Load()
		if state > awaited {
			return state, false
		}
		if q.state.CompareAndSwap(state, taken) {
			return state, true
		}
	}
}

// reply takes a message to the one-shot address. What comes when there was an answer goes to who asked, as a message like any other.
func (q *question) reply(e envelope) {
	if q.request == nil && !forProgram(e.msg) {
		return // programs do not see the system's own messages
	}
	if q.settle(e, e.msg) {
		return
	}
	if q.request != nil {
		q.node().undeliverable(e, q.address(), "the question was answered, or given up, before")
		return
	}
	q.from.mail(e)
}

// fail says why there will be no answer.
func (q *question) fail(err error) { q.settle(envelope{}, failure{err}) }

// settle gives the answer to who asked. It reports whether the question was open.
func (q *question) settle(e envelope, answer any) bool {
	state, ok := q.take()
	if !ok {
		return false
	}
	if q.request != nil {
		q.request.answered(e, answer)
		return true
	}
	q.answer = answer
	q.state.Store(answered)
	switch state {
	case attended:
		q.from.node.attention.interrupt()
	case awaited:
		q.wake <- struct{}{} // has room
	}
	q.from.node.changed()
	return true
}

// wakes keeps the channels on which programs wait for answers. Each has room for one token and is empty while it is here.
type wakes struct{ pool sync.Pool }

func (ws *wakes) get() chan struct{} {
	if c, ok := ws.pool.Get().(chan struct{}); ok {
		return c
	}
	return make(chan struct{}, 1)
}

// await waits for the answer. A question of a program is nearly always answered by an actor that runs on this processor next, so it first lets others
// run: that costs half of what going to sleep and being woken does.
func (q *question) await(ctx context.Context, to address.Address) (any, error) {
	n := q.from.node
	if n.peers != nil {
		alone := n.attention.enter()
		defer n.attention.leave()
		if alone {
			q.attend(ctx, to)
		}
	}
	for range 2 {
		if q.state.Load() != answered {
			runtime.Gosched()
		}
	}
	if q.state.Load() == answered {
		return q.result(), nil
	}
	q.wake = n.wakes.get()
	defer func() { n.wakes.pool.Put(q.wake) }()
	if !q.state.CompareAndSwap(open, awaited) {
		return q.result(), nil
	}
	var err error
	select {
	case <-q.wake:
		return q.result(), nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-n.killed:
		err = n.over()
	case <-q.from.closed:
		err = ErrClosed
	}
	if q.state.CompareAndSwap(awaited, dropped) {
		return nil, err
	}
	<-q.wake // the answer came at the last moment
	return q.result(), nil
}

// result returns the answer of a question that was taken, once: others may keep the address, but not what was said.
func (q *question) result() any {
	for q.state.Load() != answered { // it is being written
		runtime.Gosched()
	}
	answer := q.answer
	q.answer = nil
	return answer
}

// awaitSynchronously is await on the synchronous scheduler.
func (q *question) awaitSynchronously(ctx context.Context, s *synchronous) (any, error) {
	err := s.until(ctx, q.from.closed, func() bool { return q.state.Load() == answered })
	if err != nil && q.state.CompareAndSwap(open, dropped) {
		return nil, err
	}
	return q.result(), nil
}
