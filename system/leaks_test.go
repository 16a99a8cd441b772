package system_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

// heapGrowth returns by how many bytes the heap has grown by what the function does.
func heapGrowth(do func()) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	do()
	runtime.GC()
	runtime.GC() // what was in a sync.Pool goes with the second
	runtime.ReadMemStats(&after)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

func TestWatcherForgetsThoseThatEnded(t *testing.T) {
	const cycles = 10_000
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, echo, watchman)
		watcher := create(t, sys, "watchman")
		cycle := func(n int) {
			for range n {
				a, _ := sys.Create(context.Background(), "echo")
				_, _ = sys.Ask(context.Background(), watcher, refer{a})
				_ = sys.Tell(context.Background(), a, message.ActorExitRequest{})
				_, _, _ = sys.Listen(context.Background())
			}
		}
		cycle(100)
		grown := heapGrowth(func() { cycle(cycles) })
		assert.Assert(t, grown < 100*cycles, "%d bytes for each", grown/cycles)
	})
}

func TestBurstLeavesNoRoomBehind(t *testing.T) {
	const burst = 200_000
	sys := start(t, system.Options{}, kind("self", func(ctx *actor.Context, msg any) error {
		if m, ok := msg.(job); ok {
			for i := range m.Done {
				ctx.Send(ctx.Self(), count{i})
			}
			ctx.Send(ctx.Self(), order{ctx.Sender(), 0})
		}
		if m, ok := msg.(order); ok {
			ctx.Send(m.From, text{"done"})
		}
		return nil
	}))
	a := create(t, sys, "self")
	grown := heapGrowth(func() {
		tell(t, sys, a, job{burst})
		listen[text](t, sys)
		eventually(t, "the end of the turn", func() bool { return ask[message.ActorStatus](t, sys, a, message.StatusRequest{}).Pending == 0 })
	})
	assert.Assert(t, grown < burst*8, "%d bytes", grown)
}

// Whoever keeps the sender of a question, to know it again, does not keep its answer, nor what waited for it.
func TestQuestionThatWasAnsweredHoldsNothing(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		var left atomic.Int32
		var asker address.Address
		large := func() *[1 << 16]int {
			left.Add(1)
			p := new([1 << 16]int)
			runtime.AddCleanup(p, func(int) { left.Add(-1) }, 0)
			return p
		}
		sys := start(t, o, kind("answerer", func(ctx *actor.Context, msg any) error {
			if _, ok := msg.(text); ok {
				asker = ctx.Sender()
				ctx.Send(asker, large()[:])
			}
			return nil
		}), asking(func(ctx *actor.Context, to address.Address, say func(string, ...any)) {
			held := large()
			ctx.Request(to, text{"?"}, time.Minute, func(any, error) error { say("answered %d", held[0]); return nil })
		}))
		answerer, asks := create(t, sys, "answerer"), create(t, sys, "asking")
		ask[[]int](t, sys, answerer, text{"?"})
		first := asker
		tell(t, sys, asks, refer{answerer})
		listen[text](t, sys)
		ask[text](t, sys, asks, text{"the turn has ended"})
		eventually(t, "nothing is held", func() bool { runtime.GC(); return left.Load() == 0 })
		runtime.KeepAlive(first)
		runtime.KeepAlive(asker)
	})
}

func TestContextsOfAnActorNeedNoGoroutines(t *testing.T) {
	const contexts = 100
	schedulers(t, func(t *testing.T, o system.Options) {
		var derived []context.Context
		var more int
		var stopped, called atomic.Int32
		sys := start(t, o, kind("deriving", func(ctx *actor.Context, msg any) error {
			if _, ok := msg.(text); ok {
				before := runtime.NumGoroutine()
				for range contexts {
					child, cancel := context.WithCancel(ctx)
					t.Cleanup(cancel)
					derived = append(derived, child)
				}
				more = runtime.NumGoroutine() - before
				stop := context.AfterFunc(ctx, func() { stopped.Add(1) })
				context.AfterFunc(ctx, func() { called.Add(1) })
				if !stop() {
					t.Error("the actor has not ended")
				}
				ctx.Send(ctx.Sender(), msg)
			}
			return nil
		}))
		a := create(t, sys, "deriving")
		ask[text](t, sys, a, text{"derive"})
		assert.Assert(t, more < contexts/2, "%d goroutines", more)
		for _, child := range derived {
			assert.NilError(t, child.Err())
		}
		tell(t, sys, a, message.ActorExitRequest{})
		for _, child := range derived {
			<-child.Done()
		}
		eventually(t, "the function", func() bool { return called.Load() == 1 })
		assert.Equal(t, stopped.Load(), int32(0))
	})
}

// A timer that is set beside its actor, while that ends, does not stay.
func TestTimersOfAnActorThatEndsDoNotStay(t *testing.T) {
	const actors = 3000
	var left atomic.Int32
	sys := start(t, system.Options{}, kind("setter", func(ctx *actor.Context, msg any) error {
		if _, ok := msg.(text); ok {
			ctx.Go(func(context.Context) any {
				for over := false; !over; {
					over = ctx.Err() != nil
					left.Add(1)
					p := new([64]int)
					runtime.AddCleanup(p, func(int) { left.Add(-1) }, 0)
					ctx.WakeupAfter(time.Hour, p)
				}
				return nil
			})
			ctx.Exit()
		}
		return nil
	}))
	for range actors {
		tell(t, sys, create(t, sys, "setter"), text{"go"})
	}
	eventually(t, "no timer is left", func() bool { runtime.GC(); return left.Load() == 0 })
}
