package benchmarks

import (
	"context"
	"runtime"
	"time"

	"thespian.dev/actor"
	"thespian.dev/benchmarks/internal/contest"
)

// Figures about actors that do nothing.
const (
	bytesEach  = "B/actor"
	goroutines = "goroutines" // more than before; the system may keep one ready for each processor
)

// idleMemory is about what an actor costs that has nothing to do.
func idleMemory() contest.Work {
	return contest.Work{
		Name:   "idle memory",
		About:  "what each of 100,000 idle actors or goroutines keeps after a garbage collection: heap in use and stacks",
		Unit:   bytesEach,
		Raw:    "goroutine + channel",
		Goal:   contest.Goal{Value: 400, AtMost: map[string]float64{goroutines: float64(runtime.GOMAXPROCS(0))}},
		N:      100_000,
		Rounds: 3,
		Apart:  true,
		Contestants: []contest.Contestant{
			{Name: "goroutine + channel", Run: idleGoroutines},
			{Name: "actors, new", Goal: true, Run: func(ctx context.Context, m contest.Meter, n int) error {
				return idleActors(ctx, m, n, false)
			}},
			{Name: "actors, had a message", Goal: true, Run: func(ctx context.Context, m contest.Meter, n int) error {
				return idleActors(ctx, m, n, true)
			}},
		},
	}
}

// measureIdle measures what is there after create and was not before it.
func measureIdle(m contest.Meter, n int, create func() error) error {
	count, bytes := quietGoroutines(), inUse()
	m.ResetTimer()
	if err := create(); err != nil {
		return err
	}
	m.StopTimer()
	m.ReportMetric(float64(quietGoroutines()-count), goroutines)
	m.ReportMetric((float64(inUse())-float64(bytes))/float64(n), bytesEach)
	return nil
}

// inUse returns how many bytes of heap and of stacks are in use after a garbage collection.
func inUse() uint64 {
	runtime.GC()
	runtime.GC() // what the first one has found to be unreachable may have kept something
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc + stats.StackInuse
}

// quietGoroutines returns how many goroutines there are once their number has not changed for a while, or a second has passed.
func quietGoroutines() int {
	count, same := runtime.NumGoroutine(), 0
	for range 1000 {
		time.Sleep(time.Millisecond)
		if now := runtime.NumGoroutine(); now != count {
			count, same = now, 0
		} else if same++; same == 20 {
			break
		}
	}
	return count
}

func idleGoroutines(_ context.Context, m contest.Meter, n int) error {
	all := newCrowd(n)
	flock := flock{mailboxes: make([]chan any, 0, n)}
	err := measureIdle(m, n, func() error {
		for range n {
			flock.add(all)
		}
		<-all.there
		return nil
	})
	flock.release()
	return err
}

func idleActors(ctx context.Context, m contest.Meter, n int, greet bool) error {
	all := newCrowd(n)
	newChild := func() actor.Actor { return &child{all} }
	if greet {
		newChild = func() actor.Actor { return &greeted{all} }
	}
	sys, parent, err := started(ctx,
		actor.Kind{Name: "parent", New: func() actor.Actor { return &nursery{greet} }},
		actor.Kind{Name: "child", New: newChild})
	if err != nil {
		return err
	}
	defer sys.Close()
	return measureIdle(m, n, func() error {
		if err := sys.Tell(ctx, parent, Begin{N: n}); err != nil {
			return err
		}
		return await(ctx, all.there)
	})
}

// A greeted actor counts itself when it gets its message.
type greeted struct{ all *crowd }

// Receive is a method of actor.Actor.
func (g *greeted) Receive(_ *actor.Context, msg any) error {
	if _, ok := msg.(Pair); ok {
		g.all.come()
	}
	return nil
}
