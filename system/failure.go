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

// details returns the text for PoisonMessage.Details: with the stack, when there is one.
func details(err error) string {
	if p := (*panicError)(nil); errors.As(err, &p) {
		return fmt.Sprintf("%v\n\n%s", err, p.stack)
	}
	return err.Error()
}

// interrupted deals with an actor's code that ended by a panic, or by runtime.Goexit when there is no value.
func (c *cell) interrupted(w *worker, value any) {
	control, last := w.control, w.last
	w.inside, w.control, w.last = false, false, false
	if value == nil {
		w.hold = false
		w.finish()
		c.beginLeaving(errGoexit.Error(), true)
		return
	}
	err := &panicError{value, debug.Stack()}
	switch {
	case control:
		c.countFailure()
		c.logFailure("actor failed beside a message", nil, err)
		w.finish()
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
		w.finish()
		if hold {
			c.hold(e)
		}
		return
	}
	c.countFailure()
	w.attempt++
	if w.attempt < c.kind.attempts && !actor.IsPermanent(err) && c.phase.Load() == running {
		return // once more
	}
	w.finish()
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
