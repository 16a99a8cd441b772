package matrix

import (
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"strconv"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/system"
)

// port returns an Admin Port that is free, below those that are given to who asks for any.
func port(t *T) int {
	for {
		p := 10_000 + rand.IntN(20_000)
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p))); err == nil {
			assert.NilError(t, l.Close())
			return p
		}
	}
}

// within asks an actor from another system than the behaviour's first.
func within(t *T, sys *system.System, who address.Address, do Do) Said {
	said, err := system.Ask[Said](t.Context(), sys, who, do)
	assert.NilError(t, err)
	return said
}

// Systems begin, end, and say what they are.
var systems = []Behaviour{
	{
		Name: "systems/end once",
		Run: func(t *T) {
			a := t.Create("doer")
			calm(t, a)
			for range 2 {
				assert.NilError(t, t.System.Shutdown(t.Context()))
				<-t.System.Done()
				_, err := t.System.Create(t.Context(), "doer")
				assert.ErrorIs(t, err, system.ErrShutdown)
				assert.ErrorIs(t, t.System.Tell(t.Context(), a, Do{}), system.ErrShutdown)
				_, err = t.System.Ask(t.Context(), a, Do{})
				assert.ErrorIs(t, err, system.ErrShutdown)
				_, _, err = t.System.Listen(t.Context())
				assert.ErrorIs(t, err, system.ErrShutdown)
			}
			assert.NilError(t, t.System.Close())
		},
	},
	{
		Name: "systems/begin again at the same place",
		Run: func(t *T) {
			place := actor.Capabilities{"Admin Port": port(t)}
			seen := make(map[address.Address]bool)
			for range 3 {
				sys := t.Start(place)
				a, err := sys.Create(t.Context(), "doer", actor.CreateOptions{GlobalName: "the same"})
				assert.NilError(t, err)
				assert.Assert(t, !seen[a] && !seen[sys.Admin()], "it is a new system")
				seen[a], seen[sys.Admin()] = true, true
				assert.Equal(t, within(t, sys, a, Do{Deed: "count"}).N, 1)
				assert.NilError(t, sys.Shutdown(t.Context()))
			}
		},
	},
	{
		Name: "systems/who starts one that runs becomes a part of it",
		Unsupported: func(c Config) string {
			if !c.Processes() {
				return "the base simple has no place where a system could be found: each Start is another one"
			}
			return ""
		},
		Run: func(t *T) {
			place := actor.Capabilities{"Admin Port": port(t)}
			one, two := t.Start(place), t.Start(place)
			assert.Equal(t, one.Admin(), two.Admin())
			assert.Assert(t, one.Address() != two.Address())
			a, err := one.Create(t.Context(), "doer", actor.CreateOptions{GlobalName: "theirs"})
			assert.NilError(t, err)
			found, err := two.Lookup(t.Context(), "theirs")
			assert.NilError(t, err)
			assert.Equal(t, found, a)
			for i, sys := range []*system.System{one, two, one, two} {
				assert.Equal(t, words(within(t, sys, a, Do{Deed: "count"})), words(Said{N: i + 1, Who: a}))
			}
			assert.NilError(t, one.Close())
			<-one.Done()
			assert.Equal(t, within(t, two, a, Do{Deed: "count"}).N, 5, "it outlives who has started it")
			three := t.Start(place)
			assert.NilError(t, three.Shutdown(t.Context()))
			<-two.Done()
			assert.ErrorIs(t, two.Tell(t.Context(), a, Do{}), system.ErrShutdown)
		},
	},
	{
		Name:         "systems/say what they offer",
		Alone:        "each system says what it offers itself",
		Capabilities: actor.Capabilities{"Colour": "red", "Cores": 4, "Sizes": []any{1, "two", 3.5, true}},
		Deeds: map[string]Deed{
			"see": func(d *Doer, ctx *actor.Context, _ Do) error {
				d.Say(ctx, Said{What: fmt.Sprintf("%#v", ctx.Capabilities())})
				return nil
			},
		},
		Run: func(t *T) {
			offers := t.System.Capabilities()
			for name, want := range map[string]any{
				"Go Version": runtime.Version(), "Thespian Generation": []any{3, 5}, "Thespian ActorSystem Version": 2, "Thespian Watch Supported": runtime.GOOS != "windows",
				"Colour": "red", "Cores": 4, "Sizes": []any{1, "two", 3.5, true},
			} {
				assert.DeepEqual(t, offers[name], want)
			}
			for _, name := range []string{"Thespian ActorSystem Name", "Thespian Version"} {
				value, _ := offers[name].(string)
				assert.Assert(t, value != "", name)
			}
			for _, kind := range []string{"doer", "doer near", "doer apart"} {
				a := t.Create(kind)
				assert.Equal(t, t.Do(a, Do{Deed: "see"}).What, fmt.Sprintf("%#v", offers))
			}
		},
	},
}
