package matrix

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

// unanswered asserts that an actor gives no answer.
func unanswered(t *T, who address.Address, msg any) {
	want, ctx := system.ErrNoAnswer, t.Context()
	if !t.Synchronous { // where nobody knows that none will come
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 10*time.Millisecond)
		defer cancel()
		want = context.DeadlineExceeded
	}
	answer, err := t.System.Ask(ctx, who, msg)
	assert.ErrorIs(t, err, want, "%#v", answer)
}

// Programs ask, tell and listen.
var asks = []Behaviour{
	{
		Name: "asks/an answer comes to who asks, or listens",
		Deeds: map[string]Deed{
			"count": func(d *Doer, ctx *actor.Context, m Do) error {
				d.Count++
				d.Say(ctx, Said{What: m.Text, N: d.Count, Who: ctx.Self()})
				return nil
			},
		},
		Run: func(t *T) {
			a := t.Create("doer")
			for i := range 3 {
				asked := t.Do(a, Do{Deed: "count", Text: "asked"})
				assert.Equal(t, words(asked), words(Said{What: "asked", N: 2*i + 1, Who: a}))
				t.Tell(a, Do{Deed: "count", Text: "told"})
				told, from := t.Listen()
				assert.Equal(t, words(told.(Said)), words(Said{What: "told", N: 2*i + 2, Who: a}))
				assert.Equal(t, from, a)
			}
		},
	},
	{
		Name: "asks/each actor keeps its own state",
		Run: func(t *T) {
			actors := []address.Address{t.Create("doer"), t.Create("doer"), t.Create("doer")}
			for i := range 10 {
				for j, a := range actors {
					if i%(j+1) == 0 {
						assert.Equal(t, words(t.Do(a, Do{Deed: "count"})), words(Said{N: i/(j+1) + 1, Who: a}))
					}
				}
			}
		},
	},
	{
		Name: "asks/nobody answers",
		Kinds: []actor.Kind{
			{Name: "mute", New: func() actor.Actor { return actor.Func(func(*actor.Context, any) error { return nil }) }},
			{Name: "deaf", New: func() actor.Actor { return new(actor.Handlers) }}, // which has no handler for anything
		},
		Run: func(t *T) {
			var all []address.Address
			for _, kind := range []string{"mute", "deaf"} {
				a := t.Create(kind)
				all = append(all, a)
				t.Tell(a, "hello")
				unanswered(t, a, "hello?")
				_, err := system.Ask[message.ActorStatus](t.Context(), t.System, a, message.StatusRequest{})
				assert.NilError(t, err, "it lives")
			}
			calm(t, t.Create("doer"))
			for _, a := range all {
				t.Tell(a, message.ActorExitRequest{})
			}
			ended(t, all...)
			for _, a := range all {
				assert.Equal(t, t.Refused(a, "hello?").Target, a, "who cannot answer any more is not waited for")
			}
		},
	},
	{
		Name: "asks/what comes after the answer is listened to",
		Deeds: map[string]Deed{
			// With a text it says that, and at the next message something more.
			"promise": func(d *Doer, ctx *actor.Context, m Do) error {
				if m.Text != "" {
					d.Say(ctx, Said{What: m.Text})
				}
				asker := d.Asker
				d.Hear = func(ctx *actor.Context, msg any) error {
					ctx.Send(asker, Said{What: "later", Who: ctx.Self()})
					return nil
				}
				return nil
			},
		},
		Run: func(t *T) {
			a, b := t.Create("doer"), t.Create("doer")
			for range 3 {
				assert.Equal(t, t.Do(a, Do{Deed: "promise", Text: "now"}).What, "now")
				unanswered(t, b, Do{Deed: "promise"})
				for _, other := range []address.Address{a, b} {
					for range 50 {
						t.Do(other, Do{Deed: "count"})
					}
					runtime.GC() // by then the program does not hold the address of the question any more
					t.Tell(other, "do it")
					msg, from := t.Listen()
					assert.Equal(t, words(msg.(Said)), words(Said{What: "later", Who: other}))
					assert.Equal(t, from, other)
				}
			}
		},
	},
	{
		Name: "asks/the answer may come from anybody",
		Deeds: map[string]Deed{
			// All of them are to answer in its place.
			"delegate": func(d *Doer, ctx *actor.Context, m Do) error {
				for _, a := range m.Who {
					ctx.Send(a, Do{Deed: "answer", Who: []address.Address{d.Asker}})
				}
				return nil
			},
			"answer": func(_ *Doer, ctx *actor.Context, m Do) error {
				ctx.Send(m.Who[0], Said{What: "answer", Who: ctx.Self()})
				return nil
			},
		},
		Run: func(t *T) {
			a, b, c := t.Create("doer"), t.Create("doer"), t.Create("doer")
			assert.Equal(t, t.Do(a, Do{Deed: "delegate", Who: []address.Address{b}}).Who, b)
			for range 3 {
				first := t.Do(a, Do{Deed: "delegate", Who: []address.Address{b, c}})
				msg, from := t.Listen()
				second := msg.(Said)
				assert.Equal(t, from, second.Who)
				both := map[address.Address]bool{first.Who: true, second.Who: true}
				assert.Assert(t, both[b] && both[c], "%s, %s", words(first), words(second))
			}
			calm(t, a, b, c)
		},
	},
	{
		Name: "asks/what was told before an exit request is done",
		Run: func(t *T) {
			a := t.Create("doer")
			for range 5 {
				t.Tell(a, Do{Deed: "count"})
			}
			t.Tell(a, message.ActorExitRequest{})
			for i := range 5 {
				hear(t, Said{N: i + 1, Who: a})
			}
			ended(t, a)
		},
	},
	{
		Name: "asks/an actor speaks with itself",
		Deeds: map[string]Deed{
			"soliloquize": func(d *Doer, ctx *actor.Context, m Do) error {
				d.Hear = func(ctx *actor.Context, msg any) error {
					if ctx.Sender() != ctx.Self() {
						return actor.Permanent(errors.New("it was to come from itself"))
					}
					d.Say(ctx, Said{What: fmt.Sprintf("%v", msg), Who: ctx.Self()})
					return nil
				}
				for i := range m.N {
					ctx.Send(ctx.Self(), []any{"line", i, true})
				}
				return nil
			},
		},
		Run: func(t *T) {
			a := t.Create("doer")
			t.Tell(a, Do{Deed: "soliloquize", N: 20})
			for i := range 20 {
				hear(t, Said{What: fmt.Sprintf("[line %d true]", i), Who: a})
			}
		},
	},
}
