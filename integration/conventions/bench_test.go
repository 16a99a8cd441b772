//go:build linux

package conventions

import (
	"context"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/system"
)

// The ways between two systems that are measured: as if they were on two hosts, and within one system for comparison.
var measured = []struct {
	name         string
	near, far    actor.Capabilities
	sameSystem   bool
	throughThird bool
}{
	{name: "one system", sameSystem: true},
	{name: "plain"},
	{name: "by its Admin", far: actor.Capabilities{"Admin Routing": true}},
	{name: "by both Admins", near: actor.Capabilities{"Outbound Only": true}, far: actor.Capabilities{"Admin Routing": true}, throughThird: true},
	{name: "by three Admins", near: actor.Capabilities{"Outbound Only": true}, far: actor.Capabilities{"Outbound Only": true}, throughThird: true},
}

// across has a program of one system reach an actor of another, in each of the ways.
func across(b *testing.B, work func(b *testing.B, from *system.System, to address.Address)) {
	for _, way := range measured {
		b.Run(way.name, func(b *testing.B) {
			apart := func(c actor.Capabilities, more string) actor.Capabilities {
				all := with(c, more)
				all["Direct Within Host"] = false
				return all
			}
			var leader *member
			if way.throughThird {
				leader = start(b, "leader", nil, apart(nil, "Leads"))
			}
			near := start(b, "near", leader, apart(way.near, "Near"))
			if way.sameSystem {
				to, err := near.Create(context.Background(), "servant")
				assert.NilError(b, err)
				work(b, near.System, to)
				return
			}
			if leader == nil {
				leader = near
			}
			start(b, "far", leader, apart(way.far, "GPU"))
			to, err := near.Create(context.Background(), "gpu")
			assert.NilError(b, err)
			work(b, near.System, to)
		})
	}
}

func BenchmarkAskAcross(b *testing.B) {
	across(b, func(b *testing.B, from *system.System, to address.Address) {
		ctx := context.Background()
		for b.Loop() {
			if _, err := from.Ask(ctx, to, Where{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkTellAcross(b *testing.B) {
	across(b, func(b *testing.B, from *system.System, to address.Address) {
		ctx, n := context.Background(), 0
		for b.Loop() {
			if err := from.Tell(ctx, to, Drop(0)); err != nil {
				b.Fatal(err)
			}
			n++
		}
		reply, err := from.Ask(ctx, to, Dropped{})
		assert.NilError(b, err)
		assert.Equal(b, reply, n)
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
	})
}

// The longest that a message waits while many go by way of an Admin.
func BenchmarkLongestWaitAcross(b *testing.B) {
	across(b, func(b *testing.B, from *system.System, to address.Address) {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			defer close(done)
			for ctx.Err() == nil {
				_ = from.Tell(ctx, to, Drop(0))
			}
		}()
		var longest time.Duration
		for b.Loop() {
			began := time.Now()
			if _, err := from.Ask(context.Background(), to, Where{}); err != nil {
				b.Fatal(err)
			}
			longest = max(longest, time.Since(began))
		}
		cancel()
		<-done
		b.ReportMetric(float64(longest.Microseconds()), "µs-longest")
	})
}

func BenchmarkCreateAcross(b *testing.B) {
	across(b, func(b *testing.B, from *system.System, to address.Address) {
		kind := "light gpu"
		if from.Capabilities()["GPU"] == nil {
			if _, err := from.Create(context.Background(), kind); err != nil {
				kind = "light" // in the same system
			}
		}
		for b.Loop() {
			if _, err := from.Create(context.Background(), kind); err != nil {
				b.Fatal(err)
			}
		}
	})
}
