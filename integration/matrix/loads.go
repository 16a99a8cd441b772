package matrix

import (
	"slices"
	"sync"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
)

// Many messages come through, whoever sends them.
var loads = []Behaviour{
	{
		Name: "loads/messages go down a chain of actors and come back",
		Deeds: map[string]Deed{
			// N is how many actors there are to be behind this one.
			"chain": func(d *Doer, ctx *actor.Context, m Do) error {
				asker := d.Asker
				if m.N == 0 {
					d.Hear = func(ctx *actor.Context, msg any) error { ctx.Send(ctx.Parent(), msg); return nil }
					ctx.Send(asker, Said{What: "chained"})
					return nil
				}
				next := ctx.Create("doer")
				ctx.Send(next, Do{Deed: "chain", N: m.N - 1})
				d.Hear = func(ctx *actor.Context, msg any) error {
					if ctx.Sender() == next { // the first who hears of it is not its parent
						ctx.Send(asker, msg)
					} else {
						ctx.Send(next, msg)
					}
					return nil
				}
				return nil
			},
		},
		Run: func(t *T) {
			for _, c := range []struct{ depth, count int }{{2, 50}, {3, 20}, {5, 5}} {
				first := t.Create("doer")
				t.Tell(first, Do{Deed: "chain", N: c.depth - 1})
				assert.Equal(t, t.Hear().What, "chained")
				for i := range c.count {
					t.Tell(first, Said{What: "down", N: i})
				}
				for i := range c.count {
					hear(t, Said{What: "down", N: i})
				}
			}
		},
	},
	{
		Name: "loads/a flood waits for the receiver, and loses nothing",
		Unsupported: func(c Config) string {
			if !c.Reliable() {
				return "messages may get lost, and a flood loses some"
			}
			return ""
		},
		Deeds: map[string]Deed{
			"flood": func(d *Doer, ctx *actor.Context, m Do) error {
				for i := range m.N {
					ctx.Send(m.Who[0], Said{What: "drop", N: i})
				}
				return nil
			},
			"drain": func(d *Doer, ctx *actor.Context, m Do) error {
				asker := d.Asker
				d.Hear = func(ctx *actor.Context, msg any) error {
					if said, ok := msg.(Said); ok && said.N == d.Count {
						if d.Count++; d.Count == m.N {
							ctx.Send(asker, Said{What: "all came, in order", N: d.Count})
						}
					}
					return nil
				}
				d.Say(ctx, Said{What: "ready"})
				return nil
			},
		},
		Run: func(t *T) {
			const n = 20_000
			from, to := t.Create("doer"), t.Create("doer")
			assert.Equal(t, t.Do(to, Do{Deed: "drain", N: n}).What, "ready")
			t.Tell(from, Do{Deed: "flood", N: n, Who: []address.Address{to}})
			hear(t, Said{What: "all came, in order", N: n})
		},
	},
	{
		Name: "loads/a hundred goroutines of a program ask at once, each with an endpoint of its own",
		Unsupported: func(c Config) string {
			if c.Synchronous {
				return "calls of a synchronous system wait for each other"
			}
			return ""
		},
		Run: func(t *T) {
			const callers = 100
			actors := []address.Address{t.Create("doer"), t.Create("doer")}
			var work sync.WaitGroup
			answers := make([]address.Address, callers)
			var told [callers]Said
			for i := range callers {
				work.Go(func() {
					own := t.System.Private()
					defer own.Close()
					if answer, err := own.Ask(t.Context(), actors[i%2], Do{Deed: "introduce"}); err == nil {
						said, _ := answer.(Said)
						answers[i] = said.Who
					}
					if own.Tell(t.Context(), actors[i%2], Do{Deed: "introduce"}) == nil {
						msg, _, _ := own.Listen(t.Context())
						told[i], _ = msg.(Said)
					}
				})
			}
			work.Wait()
			for i, a := range answers {
				assert.Equal(t, a, actors[i%2])
				assert.Equal(t, told[i].Who, actors[i%2])
			}
			calm(t, actors...)
		},
	},
	{
		Name: "loads/each program's endpoint hears what it is told, and nothing else",
		Run: func(t *T) {
			a := t.Create("doer")
			one, two := t.System.Private(), t.System.Private()
			defer one.Close()
			defer two.Close()
			for range 3 {
				assert.NilError(t, one.Tell(t.Context(), a, Do{Deed: "introduce"}))
				assert.NilError(t, two.Tell(t.Context(), a, Do{Deed: "count"}))
				msg, from, err := one.Listen(t.Context())
				assert.NilError(t, err)
				assert.Equal(t, from, a)
				assert.Equal(t, msg.(Said).What, "doer")
				msg, _, err = two.Listen(t.Context())
				assert.NilError(t, err)
				assert.Assert(t, !slices.Contains([]string{"doer"}, msg.(Said).What))
			}
			calm(t, a)
		},
	},
}
