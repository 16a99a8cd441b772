package system

import (
	"errors"
	"fmt"
	"runtime/debug"

	"thespian.dev/actor"
	"thespian.dev/message"
)

// A panicError is the error of an actor's code that panicked.
type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// errGoexit is the reason of an actor's end that it caused itself (Thespian 3.5 feature I3).
var errGoexit = errors.New("runtime.Goexit ended the actor")

// A userError is an error of an actor's code, with all that the system wants to know of it: its methods are the actor's code, too, and may panic.
type userError struct {
	text      string
	permanent bool
	cause     error // for the program that created the actor; never looked into here
}

func (e *userError) Error() string { return e.text }
func (e *userError) Unwrap() error { return e.cause }

// secure returns an error of an actor's code as one whose methods can be called anywhere.
func secure(err error) (safe error) {
	if err == nil {
		return nil
	}
	defer func() {
		if value := recover(); value != nil {
			safe = &panicError{fmt.Sprintf("in the methods of the error %T: %v", err, value), debug.Stack()}
		}
	}()
	return &userError{err.Error(), actor.IsPermanent(err), err}
}

// details returns the text for PoisonMessage.Details: with the stack, when there is one.
func details(err error) string {
	for e := err; e != nil; e = errors.Unwrap(e) {
		switch e := e.(type) {
		case *panicError:
			return fmt.Sprintf("%v\n\n%s", err, e.stack)
		case *userError:
			return err.Error()
		}
	}
	return err.Error()
}

// interrupted deals with an actor's code that ended by a panic, or by runtime.Goexit when there is no value.
func (c *cell) interrupted(w *worker, value any) {
	control, last := w.control, w.last
	w.inside, w.control, w.last = false, false, false
	if value == nil {
		w.hold = false
		request, exit := w.batch[w.next].msg.(message.ActorExitRequest)
		w.advance()
		c.beginLeaving(errGoexit.Error(), !exit || !request.NotRecursive)
		return
	}
	err := &panicError{value, debug.Stack()}
	switch {
	case control:
		c.countFailure()
		c.logFailure("actor failed beside a message", nil, err)
		w.advance()
	case last:
		w.hold = false
		c.afterLast(w, err)
	default:
		c.afterwards(w, err)
	}
}

// afterwards deals with a message that was held, or that could not be handled: it is tried again, or goes back.
func (c *cell) afterwards(w *worker, err error) {
	e := w.batch[w.next]
	hold := w.hold
	w.hold = false
	if err == nil {
		w.advance()
		if hold {
			c.hold(e)
		}
		return
	}
	c.countFailure()
	w.attempt++
	user, _ := err.(*userError)
	if w.attempt < c.kind.attempts && (user == nil || !user.permanent) && c.phase.Load() == running {
		return // once more
	}
	w.advance()
	c.logFailure("actor could not handle a message", e.msg, err)
	c.poison(e, err)
}

// poison gives a message that could not be handled back to its sender (Thespian 3.5 feature E3).
func (c *cell) poison(e envelope, err error) {
	c.grown().poisoned.Add(1)
	if _, again := e.msg.(message.PoisonMessage); again || e.sender.IsZero() {
		return
	}
	_ = c.node.deliver(noContext, envelope{message.PoisonMessage{Message: e.msg, Details: details(err)}, c.self}, e.sender, nil)
}

func (c *cell) countFailure() { c.grown().failed.Add(1) }

// logFailure never writes what a message holds: that may be secret.
func (c *cell) logFailure(what string, msg any, err error) {
	attrs := []any{"actor", c.self.String(), "kind", c.kind.Name, "error", details(err)}
	if msg != nil {
		attrs = append(attrs, "message", fmt.Sprintf("%T", msg))
	}
	c.node.log.Warn(what, attrs...)
}
