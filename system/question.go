package system

import (
	"sync/atomic"

	"thespian.dev/address"
	"thespian.dev/address/record"
)

// A question is the mailbox behind a one-shot address: the sender of a message that wants an answer. The first message to it is
// the answer; nothing else ever is, because the address is never used for another question.
type question struct {
	rec      record.Record
	binding  record.Binding
	node     *node
	answered atomic.Bool

	from   *Endpoint   // a program asks; later messages go to its Listen
	answer chan answer // where the program waits

	request *request // an actor asks
}

type answer struct {
	msg any
	err error
}

func (n *node) newQuestion() *question {
	q := &question{node: n}
	q.rec.Init(n.newID())
	q.binding.Mailbox = q
	q.rec.Bind(&q.binding)
	return q
}

func (q *question) address() address.Address { return address.Of(&q.rec) }

// close reports whether the question was open, and closes it.
func (q *question) close() bool { return q.answered.CompareAndSwap(false, true) }

// reply takes a message to the one-shot address, or the reason why there will be none.
func (q *question) reply(e envelope, err error) {
	switch {
	case q.request != nil:
		if q.close() {
			q.request.answered(e, err)
		} else if err == nil {
			q.node.undeliverable(e, q.address(), "the question was answered, or given up, before")
		}
	case err == nil && !forProgram(e.msg): // programs do not see the system's own messages
	case q.close():
		a, failed := asError(e.msg)
		if err == nil {
			err = failed
		}
		q.answer <- answer{a, err}
	case err == nil:
		q.from.mail(e)
	}
}
