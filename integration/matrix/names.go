package matrix

import (
	"fmt"
	"sync"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
)

// A global name stands for one actor of the system.
var names = []Behaviour{
	{
		Name:  "names/a name is one actor, whoever creates it",
		Alone: "a name stands for an actor in the system where it was given",
		Deeds: map[string]Deed{
			// Data holds the name.
			"create by name": func(d *Doer, ctx *actor.Context, m Do) error {
				d.Say(ctx, Said{Who: ctx.Create(m.Text, actor.CreateOptions{GlobalName: string(m.Data)})})
				return nil
			},
		},
		Run: func(t *T) {
			parents := []address.Address{{}, t.Create("doer"), t.Create("doer")} // the zero address: the program
			create := func(parent address.Address, kind, name string) address.Address {
				if parent.IsZero() {
					return t.Create(kind, actor.CreateOptions{GlobalName: name})
				}
				return t.Do(parent, Do{Deed: "create by name", Text: kind, Data: []byte(name)}).Who
			}
			for i, first := range parents {
				name := fmt.Sprint("of ", i)
				one := create(first, "doer", name)
				for _, parent := range parents {
					assert.Equal(t, create(parent, "doer", name), one)
					assert.Equal(t, create(parent, "doer patient", name), one, "the name counts, not the kind")
					assert.Equal(t, create(parent, "nothing that there is", name), one)
				}
				assert.Equal(t, named(t, name), one)
				other, none := create(first, "doer", name+" too"), create(first, "doer", "")
				assert.Assert(t, other != one && none != one && other != none)
				said := t.Do(one, Do{Deed: "tell the name"})
				assert.Equal(t, said.Who, one)
				assert.Equal(t, said.What, name+", a doer", "the kind is that of who created it first")
				assert.Equal(t, t.Do(none, Do{Deed: "tell the name"}).What, ", a doer")
			}
		},
	},
	{
		Name: "names/an actor knows its name",
		Deeds: map[string]Deed{
			"tell the name": func(d *Doer, ctx *actor.Context, m Do) error {
				d.Say(ctx, Said{What: fmt.Sprintf("%s, a %s", ctx.GlobalName(), ctx.Kind()), Who: ctx.Self()})
				return nil
			},
		},
		Run: func(t *T) {
			for _, name := range []string{"", "Éloïse", "a longer name with\nlines"} {
				assert.Equal(t, t.Do(t.Create("doer", actor.CreateOptions{GlobalName: name}), Do{Deed: "tell the name"}).What, name+", a doer")
			}
		},
	},
	{
		Name: "names/a name is free after the end of its actor",
		Run: func(t *T) {
			mortal := actor.CreateOptions{GlobalName: "mortal"}
			first := t.Create("doer", mortal)
			assert.Equal(t, t.Create("nothing that there is", mortal), first)
			t.Tell(first, message.ActorExitRequest{})
			t.Refused(first, "hello?")
			assert.Assert(t, named(t, "mortal").IsZero())
			second := t.Create("doer", mortal)
			assert.Assert(t, second != first, "an address is never used again")
			ended(t, first)
			assert.Equal(t, t.Do(second, Do{Deed: "introduce"}).Who, second)
			assert.Equal(t, named(t, "mortal"), second)
			t.Refused(first, "hello?")
		},
	},
	{
		Name:  "names/a named actor outlives who created it, whose child it is not",
		Alone: "a name stands for an actor in the system where it was given",
		Run: func(t *T) {
			creator := t.Create("doer")
			a := t.Do(creator, Do{Deed: "create by name", Text: "doer", Data: []byte("free")}).Who
			assert.Equal(t, t.Do(a, Do{Deed: "present"}).Who, t.System.Admin())
			t.Tell(creator, message.ActorExitRequest{})
			ended(t, creator)
			calm(t, a)
			assert.Equal(t, named(t, "free"), a)
		},
	},
	{
		Name: "names/messages wait in their order for an actor that is created by name",
		Deeds: map[string]Deed{
			"create twice by name": func(d *Doer, ctx *actor.Context, m Do) error {
				var one [2]address.Address
				for i := range one {
					one[i] = ctx.Create("doer", actor.CreateOptions{GlobalName: m.Text})
					ctx.Send(one[i], Do{Deed: "count to", N: 2*i + 1})
					ctx.Send(one[i], Do{Deed: "count to", N: 2*i + 2})
				}
				if one[0] != one[1] {
					return fmt.Errorf("there are two: %v", one)
				}
				ctx.Send(one[0], Do{Deed: "count to", N: 5, Who: []address.Address{d.Asker}})
				return nil
			},
			"count to": func(d *Doer, ctx *actor.Context, m Do) error {
				if d.Count++; d.Count != m.N {
					return fmt.Errorf("%d came after %d", m.N, d.Count-1)
				}
				if len(m.Who) > 0 {
					ctx.Send(m.Who[0], Said{N: d.Count, Who: ctx.Self()})
				}
				return nil
			},
		},
		Run: func(t *T) {
			parent := t.Create("doer")
			for _, name := range []string{"counter", "another"} {
				said := t.Do(parent, Do{Deed: "create twice by name", Text: name})
				assert.Equal(t, said.N, 5)
				assert.Equal(t, t.Do(said.Who, Do{Deed: "tell the name"}).What, name+", a doer")
			}
		},
	},
	{
		Name:  "names/many children are created by name, with requirements that nobody asks for",
		Alone: "a name stands for an actor in the system where it was given",
		Deeds: map[string]Deed{
			"create all by name": func(d *Doer, ctx *actor.Context, m Do) error {
				for i := range m.N {
					child := ctx.Create("doer", actor.CreateOptions{GlobalName: fmt.Sprint("child ", i), Requirements: Do{Text: "ignored"}})
					ctx.Send(child, Do{Deed: "tell the name to", Who: []address.Address{d.Asker}})
				}
				return nil
			},
			"tell the name to": func(d *Doer, ctx *actor.Context, m Do) error {
				ctx.Send(m.Who[0], Said{What: ctx.GlobalName(), Who: ctx.Self()})
				return nil
			},
		},
		Run: func(t *T) {
			const n = 8
			t.Tell(t.Create("doer"), Do{Deed: "create all by name", N: n})
			children := make(map[string]address.Address)
			for range n {
				said := t.Hear()
				children[said.What] = said.Who
			}
			for i := range n {
				name := fmt.Sprint("child ", i)
				assert.Assert(t, !children[name].IsZero())
				assert.Equal(t, named(t, name), children[name])
			}
		},
	},
	{
		Name: "names/many ask for one at once",
		Unsupported: func(c Config) string {
			if c.Synchronous {
				return "calls of a synchronous system wait for each other"
			}
			return ""
		},
		Run: func(t *T) {
			var all [8]address.Address
			var work sync.WaitGroup
			for i := range all {
				work.Go(func() { all[i], _ = t.System.Create(t.Context(), "doer", actor.CreateOptions{GlobalName: "only"}) })
			}
			work.Wait()
			for _, a := range all {
				assert.Equal(t, a, all[0])
			}
			assert.Equal(t, t.Do(all[0], Do{Deed: "introduce"}).Who, all[0])
		},
	},
}

// named returns the actor of a global name.
func named(t *T, name string) address.Address {
	a, err := t.System.Lookup(t.Context(), name)
	assert.NilError(t, err)
	return a
}
