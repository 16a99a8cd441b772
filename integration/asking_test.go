//go:build linux

package integration

import (
	"context"
	"sync"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/address"
	"thespian.dev/system"
)

// A program that asks again and again takes the answers from the connection itself. Nothing else may depend on that.

// asking starts a system whose program has asked an actor so often that it would now take the answer itself.
func asking(t *testing.T) (*system.System, address.Address) {
	sys := doers(t, system.Options{Base: baseHere()})
	a := create(t, sys, "doer")
	for range 5 {
		does(t, sys, a, Do{Deed: "count"})
	}
	return sys, a
}

// askInVain asks for what is not answered, beside the test, and returns when the question is there.
func askInVain(t *testing.T, ctx context.Context, sys *system.System, from interface {
	Ask(context.Context, address.Address, any) (any, error)
}, a address.Address) (outcome <-chan error) {
	failed := make(chan error, 1)
	go func() {
		_, err := from.Ask(ctx, a, Do{Deed: "received", Who: sys.Address()})
		failed <- err
	}()
	assert.Equal(t, says(t, sys).What, "received")
	return failed
}

// ends fails the test if there is no outcome.
func ends(t *testing.T, outcome <-chan error) error {
	t.Helper()
	select {
	case err := <-outcome:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("Ask did not return")
		return nil
	}
}

func TestAskThatWaitsEnds(t *testing.T) {
	onEachBase(t, func(t *testing.T) {
		t.Run("with its context", func(t *testing.T) {
			sys, a := asking(t)
			for range 10 {
				ctx, cancel := context.WithCancel(t.Context())
				outcome := askInVain(t, ctx, sys, sys, a)
				cancel()
				assert.ErrorIs(t, ends(t, outcome), context.Canceled)
				does(t, sys, a, Do{Deed: "count"})
			}
		})
		t.Run("with its endpoint", func(t *testing.T) {
			sys, a := asking(t)
			for range 10 {
				private := sys.Private()
				outcome := askInVain(t, within(t), sys, private, a)
				assert.NilError(t, private.Close())
				assert.ErrorIs(t, ends(t, outcome), system.ErrClosed)
				does(t, sys, a, Do{Deed: "count"})
			}
		})
		t.Run("with its system", func(t *testing.T) {
			for _, end := range []func(*system.System) error{
				func(sys *system.System) error { return sys.Shutdown(within(t)) },
				func(sys *system.System) error { return sys.Close() },
			} {
				sys, a := asking(t)
				outcome := askInVain(t, within(t), sys, sys, a)
				assert.NilError(t, end(sys))
				assert.Assert(t, ends(t, outcome) != nil)
			}
		})
	})
}

// Whoever answers: the answer is there at once, also when it comes from another process than the one that was asked.
func TestAnswersFromElsewhere(t *testing.T) {
	onEachBase(t, func(t *testing.T) {
		sys := start(t, nil)
		one, two := create(t, sys, "servant"), create(t, sys, "servant")
		first, second := ask(t, sys, one, Order{What: "who"}).PID, ask(t, sys, two, Order{What: "who"}).PID
		for range 50 * rounds() {
			assert.Equal(t, ask(t, sys, one, Order{What: "forward", Who: two}).PID, second)
			assert.Equal(t, ask(t, sys, one, Order{What: "who"}).PID, first)
			assert.Equal(t, ask(t, sys, two, Order{What: "who"}).PID, second)
		}
	})
}

// Who listens, and who asks as well, misses nothing while another goroutine asks.
func TestAskersAndListeners(t *testing.T) {
	onEachBase(t, func(t *testing.T) {
		sys, a := asking(t)
		const count = 300
		var beside sync.WaitGroup
		for range 2 {
			private := sys.Private()
			defer private.Close()
			beside.Go(func() {
				for i := range count {
					if i%2 == 0 {
						_, err := private.Ask(within(t), a, Do{Deed: "count"})
						assert.Check(t, err)
					}
				}
			})
		}
		for range count {
			told(t, sys, a, Do{Deed: "received", Who: sys.Address()})
			says(t, sys)
		}
		beside.Wait()
		assert.Equal(t, does(t, sys, a, Do{Deed: "count"}).N, 5+count+1)
	})
}

// A flood behind questions neither overruns the receiver nor gets lost: what the receiver says of it is heard.
func TestFloodBehindQuestions(t *testing.T) {
	for _, b := range Bases() {
		if !b.Features.Reliable {
			continue // a flood gets lost there
		}
		t.Run(b.Short, func(t *testing.T) {
			t.Setenv(baseVariable, b.Name)
			sys, a := asking(t)
			const n = 5000
			for i := range 5 * rounds() {
				for range n {
					told(t, sys, a, Do{Deed: "flooded"})
				}
				assert.Equal(t, does(t, sys, a, Do{Deed: "count"}).N, 5+(i+1)*(n+1))
			}
		})
	}
}
