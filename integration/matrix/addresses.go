package matrix

import (
	"slices"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
)

// Addresses that are sent in messages stay what they are: who gets one can send to it, and it equals that which others have.
var addresses = []Behaviour{
	{
		Name: "addresses/a message goes along a route",
		Deeds: map[string]Deed{
			// The first of the addresses gets the rest; the last one is who hears of it.
			"route": func(_ *Doer, ctx *actor.Context, m Do) error {
				next := m.Who[0]
				if m.Who, m.N = m.Who[1:], m.N+1; len(m.Who) == 0 {
					ctx.Send(next, Said{What: "arrived", N: m.N, Who: ctx.Self()})
				} else {
					ctx.Send(next, m)
				}
				return nil
			},
		},
		Run: func(t *T) {
			a, b, c := t.Create("doer"), t.Create("doer"), t.Create("doer")
			me := t.System.Address()
			for _, route := range [][]address.Address{{a}, {a, b}, {a, b, c}, {a, b, a}, {b, b, b, a}, {a, b, c, a, b, c, a}} {
				t.Tell(route[0], Do{Deed: "route", Who: slices.Concat(route[1:], []address.Address{me})})
				said := t.Hear()
				assert.Equal(t, said.Who, route[len(route)-1])
				assert.Equal(t, said.N, len(route))
			}
		},
	},
	{
		Name: "addresses/a child's address is good for who did not create it",
		Deeds: map[string]Deed{
			"create": func(d *Doer, ctx *actor.Context, m Do) error {
				d.Say(ctx, Said{What: "created", Who: ctx.Create(m.Text)})
				return nil
			},
			"introduce": func(d *Doer, ctx *actor.Context, m Do) error {
				d.Say(ctx, Said{What: ctx.Kind(), Who: ctx.Self()})
				return nil
			},
		},
		Run: func(t *T) {
			seen := make(map[address.Address]bool)
			for range 2 {
				parent := t.Create("doer")
				seen[parent] = true
				for range 2 {
					child := t.Do(parent, Do{Deed: "create", Text: "doer"}).Who
					seen[child] = true
					assert.Equal(t, t.Do(child, Do{Deed: "introduce"}).Who, child, "an actor knows itself by the address that its creator has")
				}
			}
			assert.Equal(t, len(seen), 6, "all are different")
		},
	},
}
