package matrix

import (
	"regexp"
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
			a, b := t.Create("doer"), t.Create("doer")
			c, d := t.Do(a, Do{Deed: "create", Text: "doer"}).Who, t.Do(b, Do{Deed: "create", Text: "doer"}).Who
			me := t.System.Address()
			for _, route := range [][]address.Address{{a}, {a, b}, {a, b, c}, {a, b, a}, {b, b, b, a}, {c, d}, {a, d, c, b, d, d}, {a, b, c, a, b, c, a}} {
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
	{
		Name: "addresses/who comes later is made known to those who wait",
		Deeds: map[string]Deed{
			// When so many have entered, a message goes along them, and to whoever asked.
			"gather": func(d *Doer, ctx *actor.Context, m Do) error {
				d.Args = &cast{m.N, nil, d.Asker}
				d.Say(ctx, Said{What: "gathering"})
				return nil
			},
			"enter": func(d *Doer, ctx *actor.Context, m Do) error {
				c := d.Args.(*cast)
				if c.entered = append(c.entered, m.Who...); len(c.entered) == c.wanted {
					ctx.Send(c.entered[0], Do{Deed: "route", Who: append(c.entered[1:], c.audience)})
				}
				return nil
			},
		},
		Run: func(t *T) {
			stage := t.Create("doer")
			t.Do(stage, Do{Deed: "gather", N: 3})
			for range 2 {
				t.Tell(stage, Do{Deed: "enter", Who: []address.Address{t.Create("doer")}})
				calm(t, stage)
			}
			last := t.Create("doer")
			t.Tell(stage, Do{Deed: "enter", Who: []address.Address{last}})
			hear(t, Said{What: "arrived", N: 3, Who: last})
		},
	},
	{
		Name: "addresses/all are different, and can be read",
		Run: func(t *T) {
			readable := regexp.MustCompile(`^[0-9a-f]+(\.[0-9a-f]+)+$`)
			seen := make(map[string]address.Address)
			for range several(t, 6, 50) {
				a := t.Create("doer")
				assert.Assert(t, readable.MatchString(a.String()), a.String())
				assert.Assert(t, seen[a.String()].IsZero())
				seen[a.String()] = a
			}
			for text, a := range seen {
				said := t.Do(a, Do{Deed: "introduce"})
				assert.Equal(t, said.Who, a)
				assert.Equal(t, said.Who.String(), text)
			}
		},
	},
}

// A cast is who has entered a stage.
type cast struct {
	wanted   int
	entered  []address.Address
	audience address.Address
}
