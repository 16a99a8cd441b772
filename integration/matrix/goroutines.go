package matrix

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/system"
)

// Goroutines may use the system, those of an actor as well as those of a program.
var goroutines = []Behaviour{
	{
		Name: "goroutines/an actor goes on while goroutines work beside it",
		Deeds: map[string]Deed{
			// They all speak, and end only when the actor gets another message.
			"work in goroutines": func(d *Doer, ctx *actor.Context, m Do) error {
				asker, enough, sum, left := d.Asker, make(chan struct{}), 0, m.N
				d.Hear = func(ctx *actor.Context, msg any) error {
					switch msg := msg.(type) {
					case string:
						close(enough)
					case int:
						if ctx.Sender() != ctx.Self() {
							return errors.New("the result came from somebody else")
						}
						sum += msg
						if left--; left == 0 {
							ctx.Send(asker, Said{What: "all", N: sum})
						}
					}
					return nil
				}
				for i := range m.N {
					ctx.Go(func(work context.Context) any {
						ctx.Send(asker, Said{What: "beside", N: i})
						select {
						case <-enough:
							return i
						case <-work.Done():
							return nil
						}
					})
				}
				return nil
			},
		},
		Run: func(t *T) {
			a := t.Create("doer")
			for _, n := range []int{1, 10, 30, 100} {
				t.Tell(a, Do{Deed: "work in goroutines", N: n})
				seen := make(map[int]bool)
				for range n {
					said := t.Hear()
					assert.Equal(t, said.What, "beside")
					seen[said.N] = true
				}
				assert.Equal(t, len(seen), n, "all are at work, and each has said so")
				assert.Equal(t, t.Do(a, Do{Deed: "introduce"}).Who, a)
				t.Tell(a, "enough")
				said := t.Hear()
				assert.Equal(t, said.What, "all")
				assert.Equal(t, said.N, n*(n-1)/2)
			}
		},
	},
	{
		Name: "goroutines/each goroutine of a program gets its own answers",
		Deeds: map[string]Deed{
			"repeat": func(d *Doer, ctx *actor.Context, m Do) error {
				d.Say(ctx, Said{What: m.Text, N: m.N})
				return nil
			},
		},
		Run: func(t *T) {
			a := t.Create("doer")
			counts := []int{1, 2, 5, 10, 100}
			if !t.Reliable() {
				counts = counts[:4]
			}
			for _, n := range counts {
				var all sync.WaitGroup
				errs := make([]error, n)
				for i := range n {
					all.Go(func() { errs[i] = converse(t.Context(), t.System, a, fmt.Sprint("goroutine ", i)) })
				}
				all.Wait()
				assert.NilError(t, errors.Join(errs...))
			}
		},
	},
}

// converse asks an actor through the system, and speaks with it from an endpoint of its own.
func converse(ctx context.Context, sys *system.System, a address.Address, name string) error {
	own := sys.Private()
	defer own.Close()
	right := func(msg any, n int, err error) error {
		if want := (Said{What: name, N: n}); err == nil && fmt.Sprint(msg) != fmt.Sprint(want) {
			return fmt.Errorf("%s: got %v for %v", name, msg, want)
		}
		return err
	}
	for i := range 3 {
		n := 10 * i
		msg, err := sys.Ask(ctx, a, Do{Deed: "repeat", Text: name, N: n})
		if err := right(msg, n, err); err != nil {
			return err
		}
		if err := own.Tell(ctx, a, Do{Deed: "repeat", Text: name, N: n + 1}); err != nil {
			return err
		}
		msg, err = own.Ask(ctx, a, Do{Deed: "repeat", Text: name, N: n + 2}) // what was told is answered before, to another address
		if err := right(msg, n+2, err); err != nil {
			return err
		}
		msg, _, err = own.Listen(ctx)
		if err := right(msg, n+1, err); err != nil {
			return err
		}
	}
	return nil
}
