package matrix

import (
	"strings"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

// A stillborn cannot start, in the way that its arguments say.
type stillborn struct{}

func (stillborn) Start(_ *actor.Context, args any) error {
	how, _ := args.(string)
	return failure(how)
}

func (stillborn) Receive(*actor.Context, any) error { return nil }

// Actors are created by the names of their kinds, and who creates one that cannot be learns why.
var births = []Behaviour{
	{
		Name: "births/an actor gets its arguments",
		Deeds: map[string]Deed{
			"create with": func(d *Doer, ctx *actor.Context, m Do) error {
				d.Say(ctx, Said{What: "created", Who: ctx.Create(m.Text, actor.CreateOptions{Args: string(m.Data)})})
				return nil
			},
			"present": func(d *Doer, ctx *actor.Context, _ Do) error {
				args, _ := d.Args.(string)
				d.Say(ctx, Said{What: ctx.Kind() + ": " + args, Who: ctx.Parent()})
				return nil
			},
		},
		Run: func(t *T) {
			for _, kind := range []string{"doer", "doer near", "doer apart"} {
				a := t.Create(kind, actor.CreateOptions{Args: "one"})
				assert.Equal(t, words(t.Do(a, Do{Deed: "present"})), words(Said{What: kind + ": one", Who: t.System.Admin()}))
				child := t.Do(a, Do{Deed: "create with", Text: kind, Data: []byte("two")}).Who
				assert.Equal(t, words(t.Do(child, Do{Deed: "present"})), words(Said{What: kind + ": two", Who: a}))
			}
		},
	},
	{
		Name: "births/who cannot be created",
		Kinds: []actor.Kind{
			{Name: "stillborn", New: func() actor.Actor { return stillborn{} }},
			{Name: "unmade", New: func() actor.Actor { panic("on purpose") }},
		},
		Run: func(t *T) {
			parent := t.Create("doer")
			t.Do(parent, Do{Deed: "report"})
			for _, c := range []struct {
				kind, args, want string
				is               error
			}{
				{"stillborn", "error", "on purpose", nil},
				{"stillborn", "panic", "panic: on purpose", nil},
				{"stillborn", "goexit", "runtime.Goexit", nil},
				{"unmade", "", "panic: on purpose", nil},
				{"mute", "anything", actor.ErrNoArguments.Error(), nil},
				{"nobody knows it", "", "unknown kind", system.ErrUnknownKind},
				{"", "", "unknown kind", system.ErrUnknownKind},
				{"doer needy", "", "no compatible system", system.ErrNoCompatibleSystem},
			} {
				_, err := t.System.Create(t.Context(), c.kind, actor.CreateOptions{Args: c.args})
				assert.ErrorContains(t, err, c.want, "%q", c.kind)
				if c.is != nil {
					assert.ErrorIs(t, err, c.is)
				}
				child := t.Do(parent, Do{Deed: "create with", Text: c.kind, Data: []byte(c.args)}).Who
				said := t.Hear()
				assert.Assert(t, strings.HasPrefix(said.What, "child exited: ") && strings.Contains(said.What, c.want), "%q: %s", c.kind, said.What)
				assert.Equal(t, said.Who, child)
				_ = t.Unanswered(child, "hello?")
				calm(t, parent)
			}
			child := t.Do(parent, Do{Deed: "create", Text: "doer"}).Who
			calm(t, parent, child)
		},
	},
	{
		Name: "births/what was sent to who could not start comes back",
		Unsupported: func(c Config) string {
			if !c.Reliable() {
				return "messages may get lost with the process of who could not start"
			}
			return ""
		},
		Deeds: map[string]Deed{
			"create in vain": func(d *Doer, ctx *actor.Context, m Do) error {
				child := ctx.Create("stillborn", actor.CreateOptions{Args: "error"})
				for range m.N {
					ctx.Send(child, "welcome")
				}
				d.Say(ctx, Said{What: "created", Who: child})
				return nil
			},
		},
		Run: func(t *T) {
			parent := t.Create("doer")
			t.Do(parent, Do{Deed: "report"})
			child := t.Do(parent, Do{Deed: "create in vain", N: 3}).Who
			poison := Said{What: "poison: child aborted: on purpose", Who: child}
			hear(t, poison, poison, poison, Said{What: "child exited: on purpose", Who: child})
			calm(t, parent)
		},
	},
	{
		Name: "births/who could not start may be created again",
		Deeds: map[string]Deed{
			// It creates actors that cannot start, so many, each when the one before was not born, and then one that can.
			"insist": func(d *Doer, ctx *actor.Context, m Do) error {
				asker, left := d.Asker, m.N
				create := func() {
					kind, args := "stillborn", any("error")
					if left == 0 {
						kind, args = "doer", nil
					}
					left--
					ctx.Send(asker, Said{What: kind, Who: ctx.Create(kind, actor.CreateOptions{Args: args})})
				}
				d.Hear = func(_ *actor.Context, msg any) error {
					if _, ok := msg.(message.ChildActorExited); ok {
						create()
					}
					return nil
				}
				create()
				return nil
			},
		},
		Run: func(t *T) {
			parent := t.Create("doer")
			t.Tell(parent, Do{Deed: "insist", N: 3})
			tried := make(map[address.Address]bool)
			for _, kind := range []string{"stillborn", "stillborn", "stillborn", "doer"} {
				said := t.Hear()
				assert.Equal(t, said.What, kind)
				assert.Assert(t, !tried[said.Who], "none has the address of another one")
				tried[said.Who] = true
				if kind == "doer" {
					calm(t, parent, said.Who)
				}
			}
		},
	},
	{
		Name: "births/many at once, who get mail at once",
		Deeds: map[string]Deed{
			// Each of its children creates as many again, as long as there is a text to shorten; all say that they are there.
			"multiply": func(_ *Doer, ctx *actor.Context, m Do) error {
				for range m.N {
					child := ctx.Create("doer")
					ctx.Send(child, Do{Deed: "answer", Who: m.Who})
					if m.Text != "" {
						ctx.Send(child, Do{Deed: "multiply", N: m.N, Text: m.Text[1:], Who: m.Who})
					}
				}
				return nil
			},
		},
		Run: func(t *T) {
			a := t.Create("doer")
			n := several(t, 2, 12)
			t.Tell(a, Do{Deed: "multiply", N: n, Text: ".", Who: []address.Address{t.System.Address()}})
			there := make(map[address.Address]bool)
			for range n + n*n {
				there[t.Hear().Who] = true
			}
			assert.Equal(t, len(there), n+n*n)
			calm(t, a)
			for child := range there {
				assert.Equal(t, t.Do(child, Do{Deed: "introduce"}).Who, child)
			}
			t.Tell(a, message.ActorExitRequest{})
			for child := range there {
				t.Tell(child, "are you there?") // which is no matter to who ends
			}
			ended(t, a)
			for child := range there {
				t.Refused(child, message.StatusRequest{}) // the children ended before their parent
			}
		},
	},
}
