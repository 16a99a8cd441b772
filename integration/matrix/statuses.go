package matrix

import (
	"slices"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

// Each actor says how it is, without knowing of it.
var statuses = []Behaviour{
	{
		Name: "statuses/of an actor that does nothing",
		Run: func(t *T) {
			a := t.Create("doer", actor.CreateOptions{GlobalName: "idle"})
			for range 2 {
				s := statusOf(t, a)
				assert.Equal(t, s.Actor, a)
				assert.Equal(t, s.Parent, t.System.Admin())
				assert.Equal(t, s.Admin == t.System.Admin(), !t.Apart())
				assert.Equal(t, s.Kind+" "+s.GlobalName, "doer idle")
				assert.Equal(t, s.PID != 0, t.Processes())
				assert.Equal(t, s.Exiting, false)
				assert.Equal(t, s.Received+s.Sent+s.Failed+s.Poisoned, uint64(0), "statuses do not count")
				assert.Equal(t, len(s.Children)+len(s.Wakeups)+s.Pending, 0)
			}
		},
	},
	{
		Name: "statuses/children are listed as they come and go",
		Deeds: map[string]Deed{
			// It tells the asker when children have ended.
			"have a child": func(d *Doer, ctx *actor.Context, m Do) error {
				asker := d.Asker
				d.Hear = func(ctx *actor.Context, msg any) error {
					if m, ok := msg.(message.ChildActorExited); ok {
						ctx.Send(asker, Said{What: "lost", Who: m.Child})
					}
					return nil
				}
				d.Say(ctx, Said{What: "created", Who: ctx.Create("doer")})
				return nil
			},
		},
		Run: func(t *T) {
			parent := t.Create("doer")
			var children []address.Address
			lose := func(i int) {
				t.Tell(children[i], message.ActorExitRequest{})
				said := t.Hear()
				assert.Equal(t, said.What, "lost")
				assert.Equal(t, said.Who, children[i])
				children = slices.Delete(children, i, i+1)
			}
			for i := range 4 {
				t.Tell(parent, Do{Deed: "have a child"})
				said := t.Hear()
				assert.Equal(t, said.What, "created")
				children = append(children, said.Who)
				assert.Assert(t, slices.Equal(statusOf(t, parent).Children, children), "the oldest first")
				if i == 2 {
					lose(1)
					assert.Assert(t, slices.Equal(statusOf(t, parent).Children, children))
				}
			}
			for _, child := range children {
				assert.Equal(t, statusOf(t, child).Parent, parent)
			}
			for len(children) > 0 {
				lose(0)
				assert.Assert(t, slices.Equal(statusOf(t, parent).Children, children))
			}
			assert.Equal(t, statusOf(t, parent).Counters["children created"], uint64(4))
		},
	},
	{
		Name: "statuses/wake-ups are listed as long as they are waited for",
		Deeds: map[string]Deed{
			"wait": func(d *Doer, ctx *actor.Context, m Do) error {
				asker := d.Asker
				d.Hear = func(ctx *actor.Context, msg any) error {
					if _, ok := msg.(message.WakeupMessage); ok {
						ctx.Send(asker, Said{What: "awake"})
					}
					return nil
				}
				ctx.WakeupAfter(time.Duration(m.N)*time.Millisecond, nil)
				d.Say(ctx, Said{What: "waiting"})
				return nil
			},
		},
		Run: func(t *T) {
			a := t.Create("doer")
			const hour = int(time.Hour / time.Millisecond)
			for i, delay := range []int{2 * hour, hour, 3 * hour} {
				assert.Equal(t, t.Do(a, Do{Deed: "wait", N: delay}).What, "waiting")
				assert.Equal(t, len(statusOf(t, a).Wakeups), i+1)
			}
			var hours []time.Duration
			for _, w := range statusOf(t, a).Wakeups {
				hours = append(hours, w.In.Round(time.Hour))
			}
			assert.DeepEqual(t, hours, []time.Duration{time.Hour, 2 * time.Hour, 3 * time.Hour})
			for range 10 {
				t.Tell(a, Do{Deed: "wait", N: 1})
				assert.Equal(t, t.Hear().What, "waiting")
				assert.Equal(t, t.Hear().What, "awake")
				assert.Equal(t, len(statusOf(t, a).Wakeups), 3)
			}
		},
	},
	{
		Name:  "statuses/of the system",
		Alone: "a system lists its own actors",
		Run: func(t *T) {
			a := t.Create("doer", actor.CreateOptions{GlobalName: "seen"})
			child := t.Do(a, Do{Deed: "create", Text: "doer"}).Who
			t.Do(child, Do{Deed: "introduce"})
			assert.Assert(t, statusOf(t, a).Received > 0)
			all := status(t)
			assert.Equal(t, all.GlobalNames["seen"], a)
			found := 0
			for _, s := range all.Actors {
				if s.Actor == a && s.GlobalName == "seen" || s.Actor == child && s.Parent == a {
					found++
				}
			}
			assert.Equal(t, found, 2)
			assert.Equal(t, len(all.Processes) > 1, t.Processes())
		},
	},
}

// status returns that of the system.
func status(t *T) message.SystemStatus {
	s, err := t.System.Status(t.Context())
	assert.NilError(t, err)
	return s
}

// statusOf returns that of an actor.
func statusOf(t *T, a address.Address) message.ActorStatus {
	s, err := system.Ask[message.ActorStatus](t.Context(), t.System, a, message.StatusRequest{})
	assert.NilError(t, err)
	return s
}
