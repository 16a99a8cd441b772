package matrix

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/message"
	"thespian.dev/system"
)

// What the types of messages and the kinds of actors decide.
var kinds = []Behaviour{
	{
		Name:     "kinds/messages go to the handler of their type",
		Messages: []any{apple{}, pear{}, plum{}},
		Kinds: []actor.Kind{{Name: "dispatcher", New: func() actor.Actor {
			h := &actor.Handlers{}
			actor.On(h, func(ctx *actor.Context, m apple) error {
				ctx.Send(ctx.Sender(), Said{What: "apple", N: m.N})
				return nil
			})
			actor.On(h, func(ctx *actor.Context, m pear) error {
				if m.N < 0 {
					return actor.Permanent(errors.New("rotten"))
				}
				ctx.Send(ctx.Sender(), Said{What: "pear", N: m.N})
				return nil
			})
			h.Otherwise(func(ctx *actor.Context, msg any) error {
				ctx.Send(ctx.Sender(), Said{What: fmt.Sprintf("%T", msg)})
				return nil
			})
			return h
		}}},
		Run: func(t *T) {
			a := t.Create("dispatcher")
			for _, c := range []struct {
				msg  any
				want Said
			}{
				{apple{3}, Said{What: "apple", N: 3}},
				{pear{4}, Said{What: "pear", N: 4}},
				{plum{5}, Said{What: "matrix.plum"}},
				{"text", Said{What: "string"}},
			} {
				assert.Equal(t, words(t.Ask(a, c.msg).(Said)), words(c.want))
			}
			_, err := t.System.Ask(t.Context(), a, pear{-1})
			var poison message.PoisonMessage
			assert.Assert(t, errors.As(err, &poison), "%v", err)
			assert.Equal(t, poison.Message, pear{-1})
			assert.Equal(t, words(t.Ask(a, apple{6}).(Said)), words(Said{What: "apple", N: 6}))
		},
	},
	{
		Name: "kinds/transient actors end by themselves",
		Kinds: []actor.Kind{
			{Name: "mayfly", New: func() actor.Actor { return actor.Transient(&Doer{}, 500*time.Millisecond) }},
			{Name: "idler", New: func() actor.Actor { return actor.TransientIdle(&Doer{}, 500*time.Millisecond) }},
		},
		Run: func(t *T) {
			for _, kind := range []string{"mayfly", "idler"} {
				a := t.Create(kind)
				t.Tell(a, "begin")
				ended(t, a)
			}
		},
	},
	{
		Name:         "kinds/who needs a capability lives where it is, as long as it is",
		Capabilities: actor.Capabilities{"Matrix": "no"},
		Run: func(t *T) {
			var refused *system.UndeliverableError
			_, err := t.System.Create(t.Context(), "doer needy")
			assert.Assert(t, err != nil && !errors.As(err, &refused))
			assert.NilError(t, t.System.UpdateCapability(t.Context(), "Matrix", "yes"))
			assert.Equal(t, t.System.Capabilities()["Matrix"], "yes")
			a := t.Create("doer needy")
			other := t.Create("doer")
			assert.Equal(t, t.Do(a, Do{Deed: "introduce"}).Who, a)
			assert.NilError(t, t.System.UpdateCapability(t.Context(), "Other", 5))
			assert.Equal(t, t.Do(a, Do{Deed: "introduce"}).Who, a, "it is no matter to it")
			assert.NilError(t, t.System.UpdateCapability(t.Context(), "Matrix", nil))
			ended(t, a)
			calm(t, other)
			_, is := t.System.Capabilities()["Matrix"]
			assert.Assert(t, !is)
		},
	},
	{
		Name: "kinds/an actor changes what its system offers",
		Deeds: map[string]Deed{
			"offer": func(d *Doer, ctx *actor.Context, m Do) error {
				err := ctx.UpdateCapability("Offer", m.Text)
				d.Say(ctx, Said{What: fmt.Sprint(err)})
				return nil
			},
			"offers?": func(d *Doer, ctx *actor.Context, m Do) error {
				d.Say(ctx, Said{What: fmt.Sprint(ctx.Capabilities()["Offer"])})
				return nil
			},
		},
		Run: func(t *T) {
			a, b := t.Create("doer"), t.Create("doer")
			for _, offer := range []string{"tea", "coffee"} {
				assert.Equal(t, t.Do(a, Do{Deed: "offer", Text: offer}).What, "<nil>")
				for t.Do(b, Do{Deed: "offers?"}).What != offer { // it hears of it soon
					runtime.Gosched()
				}
				for t.System.Capabilities()["Offer"] != offer {
					runtime.Gosched()
				}
			}
		},
	},
	{
		Name: "kinds/the status of each actor and of the system",
		Run: func(t *T) {
			a := t.Create("doer", actor.CreateOptions{GlobalName: "seen"})
			child := t.Do(a, Do{Deed: "create", Text: "doer"}).Who
			t.Do(child, Do{Deed: "introduce"})
			one, err := system.Ask[message.ActorStatus](t.Context(), t.System, a, message.StatusRequest{})
			assert.NilError(t, err)
			assert.Equal(t, one.Actor, a)
			assert.Equal(t, one.Kind, "doer")
			assert.Equal(t, one.GlobalName, "seen")
			assert.Assert(t, one.Received > 0)
			all := status(t)
			assert.Equal(t, all.GlobalNames["seen"], a)
			found := 0
			for _, s := range all.Actors {
				if s.Actor == a || s.Actor == child && s.Parent == a {
					found++
				}
			}
			assert.Equal(t, found, 2)
			assert.Equal(t, len(all.Processes) > 1, t.Processes())
		},
	},
}

type (
	apple struct{ N int }
	pear  struct{ N int }
	plum  struct{ N int }
)
