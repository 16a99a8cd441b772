package matrix

import (
	"runtime"
	"sync"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
)

// A global name stands for one actor of a system, whoever creates it.
var names = []Behaviour{
	{
		Name: "names/one actor has a name, until it ends",
		Deeds: map[string]Deed{
			"create named": func(d *Doer, ctx *actor.Context, m Do) error {
				d.Say(ctx, Said{What: "created", Who: ctx.Create("doer", actor.CreateOptions{GlobalName: m.Text})})
				return nil
			},
		},
		Run: func(t *T) {
			creator, other := t.Create("doer"), t.Create("doer")
			a := t.Do(creator, Do{Deed: "create named", Text: "Ann"}).Who
			assert.Equal(t, t.Do(other, Do{Deed: "create named", Text: "Ann"}).Who, a)
			assert.Equal(t, t.Create("doer", actor.CreateOptions{GlobalName: "Ann"}), a)
			assert.Equal(t, named(t, "Ann"), a)
			assert.Assert(t, t.Create("doer", actor.CreateOptions{GlobalName: "Bob"}) != a)
			assert.Assert(t, t.Create("doer") != a)
			t.Tell(creator, message.ActorExitRequest{})
			t.Refused(creator, "hello?")
			assert.Equal(t, t.Do(a, Do{Deed: "introduce"}).Who, a, "it is nobody's child")
			t.Tell(a, message.ActorExitRequest{})
			t.Refused(a, "hello?")
			for b := a; b == a; runtime.Gosched() { // until the Admin knows
				b = t.Create("doer", actor.CreateOptions{GlobalName: "Ann"})
				if b != a {
					assert.Equal(t, t.Do(b, Do{Deed: "introduce"}).Who, b)
				}
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

// status returns that of the system.
func status(t *T) message.SystemStatus {
	s, err := t.System.Status(t.Context())
	assert.NilError(t, err)
	return s
}

// handling waits until so many actors handle dead letters.
func handling(t *T, count int) {
	for len(status(t).DeadLetterHandlers) != count {
		runtime.Gosched()
	}
}
