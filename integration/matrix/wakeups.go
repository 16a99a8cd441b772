package matrix

import (
	"fmt"
	"strings"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/message"
)

// A wake-up comes once to who asked for it, not before its time, with what was given along.
var wakeups = []Behaviour{
	{
		Name: "wake-ups/those that are pending come in the order of their times",
		Deeds: map[string]Deed{
			// It has N wake-ups of each delay, the longest first, and one that is cancelled; and says which came, in their order, when all have.
			"wake up": func(d *Doer, ctx *actor.Context, m Do) error {
				begin, asker := time.Now(), d.Asker
				all := []struct {
					delay   time.Duration
					payload any
				}{{400 * time.Millisecond, "last"}, {200 * time.Millisecond, 7}, {200 * time.Millisecond, ""}, {200 * time.Millisecond, nil}, {time.Millisecond, "first"}} // far apart, since they are set one after the other
				cancelled := ctx.WakeupAfter(300*time.Millisecond, "cancelled")
				for _, w := range all {
					ctx.WakeupAfter(w.delay, w.payload)
				}
				if !cancelled.Cancel() || cancelled.Cancel() {
					return fmt.Errorf("a wake-up is not cancelled once")
				}
				var came []string
				d.Hear = func(ctx *actor.Context, msg any) error {
					m, ok := msg.(message.WakeupMessage)
					if !ok {
						return nil
					}
					text := fmt.Sprintf("%#v after %v", m.Payload, m.Delay)
					if ctx.Sender() != ctx.Self() {
						text += ", from another"
					}
					if time.Since(begin) < m.Delay {
						text += ", too early"
					}
					came = append(came, text)
					if m.Payload == "last" {
						ctx.Send(asker, Said{What: strings.Join(came, "; ")})
					}
					return nil
				}
				return nil
			},
		},
		Run: func(t *T) {
			a := t.Create("doer")
			for range 2 {
				assert.Equal(t, t.Do(a, Do{Deed: "wake up"}).What, `"first" after 1ms; 7 after 200ms; "" after 200ms; <nil> after 200ms; "last" after 400ms`)
			}
		},
	},
	{
		Name: "wake-ups/the next is asked for when one has come",
		Deeds: map[string]Deed{
			"wake up again": func(d *Doer, ctx *actor.Context, m Do) error {
				asker := d.Asker
				d.Hear = func(ctx *actor.Context, msg any) error {
					if w, ok := msg.(message.WakeupMessage); ok {
						ctx.Send(asker, Said{What: "awake", N: w.Payload.(int)})
						if left := w.Payload.(int); left > 0 {
							ctx.WakeupAfter(time.Millisecond, left-1)
						}
					}
					return nil
				}
				ctx.WakeupAfter(time.Millisecond, m.N)
				return nil
			},
		},
		Run: func(t *T) {
			a := t.Create("doer")
			t.Tell(a, Do{Deed: "wake up again", N: 3})
			for n := 3; n >= 0; n-- {
				assert.Equal(t, t.Hear().N, n)
			}
			assert.Equal(t, t.Do(a, Do{Deed: "wake up"}).What != "", true, "nothing else came meanwhile, which its answer would show")
		},
	},
	{
		Name: "wake-ups/they end with their actor",
		Deeds: map[string]Deed{
			"sleep": func(d *Doer, ctx *actor.Context, m Do) error {
				for _, delay := range []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, time.Hour, 2 * time.Hour} {
					ctx.WakeupAfter(delay, "too late")
				}
				ctx.Exit()
				return nil
			},
		},
		Run: func(t *T) {
			a, other := t.Create("doer"), t.Create("doer")
			before := status(t).DeadLetters
			t.Tell(a, Do{Deed: "sleep"})
			ended(t, a)
			t.Do(other, Do{Deed: "wake up"}) // by which time the first of them would have come
			assert.Equal(t, status(t).DeadLetters, before, "a wake-up that has nobody to wake is no dead letter")
		},
	},
}
