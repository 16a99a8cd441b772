package matrix

import (
	"errors"
	"strings"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/system"
)

// An actor is created where its kind agrees to be.
var placement = []Behaviour{
	{
		Name:         "placement/an actor is created only where its kind agrees",
		Capabilities: actor.Capabilities{"Place": "here", "Room": 3},
		Kinds: []actor.Kind{
			{Name: "content", New: newPainter, Requires: actor.Capabilities{"Place": "here", "Room": true}},
			{Name: "homesick", New: newPainter, Requires: actor.Capabilities{"Place": "there"}},
			{Name: "intransigent", New: newPainter, Check: func(actor.Capabilities, any) error { return errors.New("never") }},
			{Name: "confused", New: newPainter, Check: func(_ actor.Capabilities, requirements any) error {
				if requirements.(Do).N == 0 { // a panic without requirements
					return errors.New("not zero")
				}
				return nil
			}},
		},
		Run: func(t *T) {
			parent := t.Create("painter")
			for _, c := range []struct {
				kind         string
				requirements any
				want         string // of the refusal; "": it is created
			}{
				{"content", nil, ""},
				{"homesick", nil, "Place"},
				{"intransigent", nil, "never"},
				{"intransigent", Do{}, "never"},
				{"confused", nil, "panic"},
				{"confused", Do{}, "not zero"},
				{"confused", Do{N: 1}, ""},
			} {
				a, err := t.System.Create(t.Context(), c.kind, actor.CreateOptions{Requirements: c.requirements})
				if c.want == "" {
					assert.NilError(t, err)
					assert.Equal(t, statusOf(t, a).Kind, c.kind)
				} else {
					assert.ErrorIs(t, err, system.ErrNoCompatibleSystem)
					assert.ErrorContains(t, err, c.want)
					assert.ErrorContains(t, err, c.kind)
				}
				if c.requirements != nil {
					continue
				}
				child := paint(t, parent, c.kind)
				if c.want == "" {
					assert.Equal(t, statusOf(t, child).Parent, parent)
					continue
				}
				said := t.Hear()
				assert.Equal(t, said.Who, child)
				assert.Assert(t, strings.Contains(said.What, c.want) && strings.Contains(said.What, c.kind), said.What)
			}
		},
	},
	{
		Name: "placement/a bad address of another system hurts nobody",
		Deeds: map[string]Deed{
			"register another": func(d *Doer, ctx *actor.Context, m Do) error {
				said := Said{What: "no error"}
				if err := errors.Join(ctx.PreRegister(m.Text, nil), ctx.DeRegister(m.Text)); err != nil {
					said.What = "error"
				}
				d.Say(ctx, said)
				return nil
			},
		},
		Run: func(t *T) {
			a := t.Create("doer")
			for _, other := range []string{"", ":", "nonsense", "host:port:1900", "127.0.0.1:99999", "[::1", "\x00:1"} {
				assert.Assert(t, t.System.PreRegister(t.Context(), other, nil) != nil, "%q", other)
				assert.Equal(t, t.Do(a, Do{Deed: "register another", Text: other}).What, "error", "%q", other)
			}
			t.Do(t.Create("doer"), Do{Deed: "introduce"})
		},
	},
}
