package system

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"thespian.dev/address"
	"thespian.dev/message"
)

// A request is a question of an actor. Its answer is handled in the actor's own turn.
type request struct {
	of    *cell
	then  func(reply any, err error) error
	timer atomic.Pointer[timer] // of the timeout
}

// Request is a method of actor.Runtime.
func (c *cell) Request(to address.Address, msg any, timeout time.Duration, then func(any, error) error) {
	q := c.node.ask(nil, &request{of: c, then: then})
	prepared, err := c.node.prepare(to, msg)
	if err != nil {
		q.fail(err)
		return
	}
	if c.node.peers != nil && timeout <= 0 {
		c.keepQuestion(q)
	}
	if timeout > 0 {
		q.request.timer.Store(c.node.timers.add(c, timeout, func() {
			q.fail(fmt.Errorf("no answer within %v: %w", timeout, context.DeadlineExceeded))
		}))
	}
	c.submit(to, envelope{prepared, q.address()})
}

// answered has the function run in the actor's turn, with a message or a failure.
func (r *request) answered(e envelope, answer any) {
	then := r.then
	r.then = nil // whoever keeps the address of the question does not keep what the function holds
	r.of.tell(envelope{control(func(c *cell) {
		if t := r.timer.Load(); t != nil {
			t.Cancel()
		} else {
			c.dropQuestion(r)
		}
		if c.phase.Load() != running {
			return
		}
		var err error
		switch m := answer.(type) {
		case failure:
			answer, err = nil, m.err
		case message.PoisonMessage:
			answer, err = nil, m
		}
		c.sender = e.sender
		if err := secure(then(answer, err)); err != nil {
			c.countFailure()
			c.logFailure("actor failed on the answer to a request", e.msg, err)
		}
	}), e.sender})
}

// keepQuestion keeps a question that has no timer, which would keep it: its address leaves the process, and other processes keep nothing here.
func (c *cell) keepQuestion(q *question) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.extra()
	if m.questions == nil {
		m.questions = make(map[*request]*question)
	}
	m.questions[q.request] = q
}

// dropQuestion is called when the question was answered.
func (c *cell) dropQuestion(r *request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.more != nil {
		delete(c.more.questions, r)
	}
}

// Go is a method of actor.Runtime.
func (c *cell) Go(work func(context.Context) any) {
	n := c.node
	n.useAll()
	n.beginWork(c)
	go func() {
		var result any
		returned := false
		defer func() {
			if !returned {
				how := "runtime.Goexit"
				if value := recover(); value != nil {
					how = fmt.Sprintf("panic: %v\n\n%s", value, debug.Stack())
				}
				result = message.PoisonMessage{Details: how}
			}
			if result != nil {
				_ = n.deliver(noContext, envelope{result, c.self}, c.self, nil)
			}
			n.endWork(c)
		}()
		result = work(&c.ctx)
		returned = true
	}()
}
