package matrix

import (
	"os"
	"slices"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
)

// Parents hear of the ends of their children, once, and children end with their parents.
var families = []Behaviour{
	{
		Name: "families/who loses a child goes on",
		Run: func(t *T) {
			parent := t.Create("doer")
			t.Do(parent, Do{Deed: "report"})
			child, other := t.Do(parent, Do{Deed: "create", Text: "doer"}).Who, t.Do(parent, Do{Deed: "create", Text: "doer"}).Who
			t.Tell(child, message.ActorExitRequest{})
			hear(t, Said{What: "child exited: asked to exit", Who: child})
			t.Refused(child, "hello?") // it stays dead
			calm(t, parent, other)
		},
	},
	{
		Name: "families/who loses children has others in their place",
		Deeds: map[string]Deed{
			// It has so many generations below it, and a new child when it has lost one.
			"raise": func(d *Doer, ctx *actor.Context, m Do) error {
				raise := func() {
					child := ctx.Create("doer")
					ctx.Send(m.Who[0], Said{What: "raised", N: m.N, Who: child})
					if m.N > 1 {
						ctx.Send(child, Do{Deed: "raise", N: m.N - 1, Who: m.Who})
					}
				}
				leaving := false
				d.Hear = func(ctx *actor.Context, msg any) error {
					switch e := msg.(type) {
					case message.ActorExitRequest:
						leaving = true
					case message.ChildActorExited:
						ctx.Send(m.Who[0], Said{What: "lost: " + e.Reason, N: m.N, Who: e.Child})
						if !leaving {
							raise()
						}
					}
					return nil
				}
				raise()
				return nil
			},
			"leave": func(_ *Doer, ctx *actor.Context, m Do) error {
				switch m.Text {
				case "request":
					ctx.Send(ctx.Self(), message.ActorExitRequest{})
				case "exit":
					ctx.Exit()
				case "goexit":
					return failure("goexit")
				}
				return nil
			},
		},
		Run: func(t *T) {
			// raised returns so many who were raised, by how many generations there are from them on, and asserts who was lost.
			raised := func(n int, lost ...Said) map[int]address.Address {
				is := make(map[int]address.Address)
				var got, want []string
				for range n + len(lost) {
					if said := t.Hear(); said.What == "raised" {
						is[said.N] = said.Who
					} else {
						got = append(got, words(said))
					}
				}
				for _, l := range lost {
					want = append(want, words(l))
				}
				slices.Sort(got)
				slices.Sort(want)
				assert.DeepEqual(t, got, want)
				assert.Equal(t, len(is), n)
				return is
			}
			top := t.Create("doer")
			t.Tell(top, Do{Deed: "raise", N: 2, Who: []address.Address{t.System.Address()}})
			family := raised(2)
			child, grandchild := family[2], family[1]
			for _, way := range []struct {
				msg    any
				reason string
			}{
				{message.ActorExitRequest{}, "asked to exit"},
				{Do{Deed: "leave", Text: "request"}, "asked to exit"},
				{Do{Deed: "leave", Text: "exit"}, "it called Exit"},
				{Do{Deed: "leave", Text: "goexit"}, "runtime.Goexit ended the actor"},
			} {
				t.Tell(grandchild, way.msg)
				next := raised(1, Said{What: "lost: " + way.reason, N: 1, Who: grandchild})[1]
				assert.Assert(t, next != grandchild)
				grandchild = next
				calm(t, top, child, grandchild)
			}
			t.Tell(child, Do{Deed: "leave", Text: "request"}) // and its child with it
			family = raised(2, Said{What: "lost: asked to exit", N: 1, Who: grandchild}, Said{What: "lost: asked to exit", N: 2, Who: child})
			ended(t, child, grandchild)
			calm(t, top, family[2], family[1])
			t.Tell(top, message.ActorExitRequest{})
			raised(0, Said{What: "lost: asked to exit", N: 1, Who: family[1]}, Said{What: "lost: asked to exit", N: 2, Who: family[2]})
			ended(t, top, family[2], family[1])
			calm(t)
		},
	},
	{
		Name: "families/an actor takes its process along, and nobody else",
		Unsupported: func(c Config) string {
			if !c.Processes() {
				return "all actors run in the program's process: it would end with them"
			}
			return ""
		},
		Deeds: map[string]Deed{
			"exit process": func(_ *Doer, _ *actor.Context, m Do) error {
				if m.Text == "panic" {
					done := make(chan struct{})
					go func() {
						defer close(done)
						panic("on purpose")
					}()
					<-done
				}
				os.Exit(m.N)
				return nil
			},
		},
		Run: func(t *T) {
			parent := t.Create("doer apart")
			t.Do(parent, Do{Deed: "report"})
			neighbour := t.Do(parent, Do{Deed: "create", Text: "doer near"}).Who
			seen := make(map[address.Address]bool)
			for _, way := range []struct {
				msg    any
				reason string
			}{
				{Do{Deed: "exit process", N: 3}, "exit status 3"},
				{Do{Deed: "exit process"}, "exit status 0"},
				{nil, "signal: killed"},
			} {
				child := t.Do(parent, Do{Deed: "create", Text: "doer apart"}).Who
				assert.Assert(t, !seen[child])
				seen[child] = true
				calm(t, child)
				if way.msg == nil {
					assert.NilError(t, t.System.Kill(t.Context(), child))
				} else {
					t.Tell(child, way.msg)
				}
				hear(t, Said{What: "child exited: " + way.reason, Who: child})
				calm(t, parent, neighbour)
			}
		},
	},
}
