package matrix

import (
	"slices"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
)

// Many messages come through.
var loads = []Behaviour{
	{
		Name: "loads/a chain is left with messages on their way",
		Deeds: map[string]Deed{
			// The message goes to the first of Who, with the others. The last one answers, if that is wanted, whoever asked the first.
			"pass on": func(d *Doer, ctx *actor.Context, m Do) error {
				if m.N++; m.N == 1 && m.Text == "answer" {
					m.Who = append(slices.Clone(m.Who), d.Asker)
				}
				d.Count++
				switch {
				case len(m.Who) == 0:
				case len(m.Who) == 1 && m.Text == "answer":
					ctx.Send(m.Who[0], Said{N: m.N, Data: []byte{byte(d.Count)}})
				default:
					next := m.Who[0]
					m.Who = m.Who[1:]
					ctx.Send(next, m)
				}
				return nil
			},
		},
		Run: func(t *T) {
			for _, c := range []struct{ messages, depth int }{{5, 2}, {20, 3}, {50, 5}} {
				chain := chained(t, c.depth)
				fire(t, chain, c.messages)
				for _, a := range chain {
					t.Tell(a, message.ActorExitRequest{})
				}
			}
			chain := chained(t, 1)
			assert.Equal(t, t.Do(chain[0], Do{Deed: "pass on", Text: "answer"}).N, 1, "the system goes on")
		},
	},
	{
		Name: "loads/a question goes behind many messages along a chain",
		Run: func(t *T) {
			chain, sent := chained(t, 5), 0
			for _, depth := range []int{5, 3, 2} {
				for _, messages := range []int{5, 20, 50} {
					chain := chain[5-depth:]
					fire(t, chain, messages)
					said := t.Do(chain[0], Do{Deed: "pass on", Who: chain[1:], Text: "answer"})
					assert.Equal(t, said.N, depth)
					if sent += messages + 1; t.Reliable() {
						assert.Equal(t, said.Data[0], byte(sent), "all that was sent before has come to the last of the chain")
					}
				}
			}
		},
	},
	{
		Name: "loads/questions go along a chain one after the other",
		Run: func(t *T) {
			chain := chained(t, 5)
			for _, depth := range []int{2, 3, 5} {
				for _, messages := range []int{5, 20, 50} {
					for range messages {
						assert.Equal(t, t.Do(chain[0], Do{Deed: "pass on", Who: chain[1:depth], Text: "answer"}).N, depth)
					}
				}
			}
		},
	},
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
}

// chained returns so many actors.
func chained(t *T, depth int) (all []address.Address) {
	for range depth {
		all = append(all, t.Create("doer"))
	}
	return all
}

// fire sends messages along a chain, which nobody answers.
func fire(t *T, chain []address.Address, messages int) {
	for range messages {
		t.Tell(chain[0], Do{Deed: "pass on", Who: chain[1:]})
	}
}
