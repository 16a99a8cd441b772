package actor

import (
	"time"

	"thespian.dev/message"
)

// DefaultTransient is how long a transient actor lives when no time is given (Thespian 3.5 feature G3).
const DefaultTransient = 10 * time.Second

// Transient returns an actor that behaves like a and sends itself an ActorExitRequest when the given time has passed since
// its first message (0: DefaultTransient). Messages of the system do not count; without any message it lives on.
func Transient(a Actor, life time.Duration) Actor {
	return &transient{Actor: a, life: life}
}

// TransientIdle is like [Transient], with the time counted from the last message that came.
func TransientIdle(a Actor, idle time.Duration) Actor {
	return &transient{Actor: a, life: idle, renew: true}
}

type transient struct {
	Actor
	life  time.Duration
	renew bool // each message begins the time anew
	end   Wakeup
	times int // how often the time began
}

// expired is the payload of the wake-up that ends a transient actor: its own, so that actors can be wrapped twice, and the last, as one that was
// on its way already cannot be cancelled.
type expired struct {
	of    *transient
	times int
}

func (t *transient) Start(ctx *Context, args any) error { return Start(ctx, t.Actor, args) }

func (t *transient) Initialized(ctx *Context) error {
	if a, ok := t.Actor.(Initialized); ok {
		return a.Initialized(ctx)
	}
	return nil
}

func (t *transient) Receive(ctx *Context, msg any) error {
	if w, ok := msg.(message.WakeupMessage); ok {
		if e, own := w.Payload.(expired); own && e.of == t {
			if e.times == t.times {
				ctx.Send(ctx.Self(), message.ActorExitRequest{})
			}
			return nil
		}
	}
	if !message.IsSystem(msg) && (t.end == nil || t.renew) {
		if t.end != nil {
			t.end.Cancel()
		}
		life := t.life
		if life == 0 {
			life = DefaultTransient
		}
		t.times++
		t.end = ctx.WakeupAfter(life, expired{t, t.times})
	}
	return t.Actor.Receive(ctx, msg)
}
