package matrix

import (
	"context"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
)

// notForPrograms are messages of the system that are meant for actors.
var notForPrograms = []any{
	message.ActorExitRequest{}, message.ChildActorExited{Reason: "a"}, message.ActorExited{Reason: "b"}, message.DeadEnvelope{Message: "c"}, message.WakeupMessage{Payload: "d"},
	message.ConventionUpdate{Added: true}, message.ValidateSource{Hash: "e"}, message.ValidatedSource{Hash: "f"}, message.LoadedSource{Hash: "g"}, message.UnloadedSource{Hash: "h"},
	message.PoisonMessage{Message: message.WakeupMessage{}, Details: "i"},
}

// What the system says is for actors, whoever says it.
var news = []Behaviour{
	{
		Name: "news/a program sees what concerns it alone",
		Deeds: map[string]Deed{
			"say all": func(d *Doer, ctx *actor.Context, _ Do) error {
				for _, msg := range notForPrograms {
					ctx.Send(d.Asker, msg)
				}
				d.Say(ctx, Said{What: "done"})
				return nil
			},
			"say poison": func(d *Doer, ctx *actor.Context, m Do) error {
				ctx.Send(d.Asker, message.PoisonMessage{Message: m, Details: "poison"})
				return nil
			},
			"say status": func(d *Doer, ctx *actor.Context, _ Do) error {
				ctx.Send(d.Asker, message.ActorStatus{Actor: ctx.Self()})
				return nil
			},
		},
		Run: func(t *T) {
			a := t.Create("doer")
			assert.Equal(t, t.Do(a, Do{Deed: "say all"}).What, "done")
			t.Tell(a, Do{Deed: "say all"})
			hear(t, Said{What: "done"})

			_, err := t.System.Ask(t.Context(), a, Do{Deed: "say poison"})
			assert.Equal(t, asPoison(t, err).Details, "poison")
			t.Tell(a, Do{Deed: "say poison"})
			msg, _ := t.Listen()
			poison, _ := msg.(message.PoisonMessage)
			assert.Equal(t, poison.Details, "poison", "%#v", msg)

			status, _ := t.Ask(a, Do{Deed: "say status"}).(message.ActorStatus)
			assert.Equal(t, status.Actor, a)
			calm(t, a)
		},
	},
	{
		Name: "news/an actor gets them from programs, too",
		Deeds: map[string]Deed{
			// It answers whatever comes with what that is.
			"answer all": func(d *Doer, ctx *actor.Context, _ Do) error {
				d.Hear = func(ctx *actor.Context, msg any) error {
					ctx.Send(ctx.Sender(), report(ctx, msg))
					return nil
				}
				d.Say(ctx, Said{What: "ready"})
				return nil
			},
		},
		Run: func(t *T) {
			a := t.Create("doer")
			t.Do(a, Do{Deed: "answer all"})
			for _, c := range []struct {
				msg  any
				want string
			}{
				{message.ChildActorExited{Reason: "why"}, "child exited: why"},
				{message.ActorExited{}, "exited"},
				{message.PoisonMessage{Message: "text", Details: "why\nand where"}, "poison: why"},
				{message.DeadEnvelope{Message: "text"}, "message.DeadEnvelope"},
				{message.WakeupMessage{}, "message.WakeupMessage"},
				{message.ConventionUpdate{}, "message.ConventionUpdate"},
				{message.LoadedSource{}, "message.LoadedSource"},
			} {
				said, _ := t.Ask(a, c.msg).(Said)
				assert.Equal(t, said.What, c.want)
				t.Tell(a, c.msg)
				assert.Equal(t, t.Hear().What, c.want)
			}
			calm(t, a)
		},
	},
	{
		Name: "news/who is asked to exit may answer",
		Run: func(t *T) {
			var all []address.Address
			for range 2 {
				a := t.Create("doer")
				t.Do(a, Do{Deed: "answer all"})
				all = append(all, a)
			}
			said, _ := t.Ask(all[0], message.ActorExitRequest{}).(Said)
			assert.Equal(t, words(said), words(Said{What: "asked to exit", Who: all[0]}))
			t.Tell(all[1], message.ActorExitRequest{})
			hear(t, Said{What: "asked to exit", Who: all[1]})
			mute := t.Create("mute")
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			answer, err := t.System.Ask(ctx, mute, message.ActorExitRequest{})
			assert.Assert(t, err != nil, "%#v", answer) // it may be known by then that the process has ended
			ended(t, append(all, mute)...)
		},
	},
	{
		Name: "news/neither the system nor a program exits on a request",
		Run: func(t *T) {
			for _, who := range []address.Address{t.System.Admin(), t.System.Address()} {
				t.Tell(who, message.ActorExitRequest{})
				calm(t, t.Create("doer"))
			}
		},
	},
}
