package benchmarks

import (
	"context"
	"slices"
	"sync/atomic"

	"thespian.dev/actor"
	"thespian.dev/benchmarks/internal/contest"
	"thespian.dev/benchmarks/internal/second"
	"thespian.dev/system"
)

// farCreate is about how many actors with a startup method come to be in a time.
func farCreate(on []Venue, kind string, goal contest.Goal) contest.Work {
	w := contest.Work{
		Name: "far create " + startup(kind),
		Unit: contest.PerSecond,
		Goal: goal,
		Contestants: slices.Concat(
			onEach(on, contest.Contestant{Name: "children of an actor", Goal: true, Run: func(ctx context.Context, m contest.Meter, n int) error {
				return createFarChildren(ctx, m, kind, n)
			}}),
			onEach(on, contest.Contestant{Name: "program creates", Run: func(ctx context.Context, m contest.Meter, n int) error {
				return createFarFromProgram(ctx, m, kind, n)
			}}),
		),
	}
	switch kind {
	case spawnKind:
		const raw = "bare processes"
		w.About = "a new actor in a process of its own, until all of 100 have started; children: all in one turn, program: one after another; raw: until the process has said where it listens, two at once"
		w.N = 100
		w.Raw = raw
		w.Contestants = append([]contest.Contestant{{Name: raw, Run: startBare}}, w.Contestants...)
	case poolKind:
		w.About = "the same out of the pool, as many as it holds"
		w.N = poolSize
	case threadKind:
		w.About = "the same in the process of the creator, or in one that they share; as many as take the time, up to 4000, for no child shall wait for its parent's mailbox"
		w.Most = 4000
	}
	return w
}

// startup returns the method by which actors of a kind start.
func startup(kind string) string {
	for _, k := range App().Kinds {
		if k.Name == kind && k.Startup != "" {
			return string(k.Startup)
		}
	}
	return string(actor.Spawn)
}

func startBare(ctx context.Context, m contest.Meter, n int) error {
	m.ResetTimer()
	processes, err := bareProcesses(ctx, n)
	m.StopTimer()
	return stopAll(processes, err)
}

// bareProcesses starts second processes, two at once. Those that it returns must be stopped also when there is an error.
func bareProcesses(ctx context.Context, n int) ([]*second.Process, error) {
	processes := make([]*second.Process, n)
	var count atomic.Int64
	err := inParallel(2, n, func(n int) error {
		for range n {
			p, err := second.Start(ctx, echoRole, "")
			if err != nil {
				return err
			}
			processes[count.Add(1)-1] = p
		}
		return nil
	})
	return processes[:count.Load()], err
}

func stopAll(processes []*second.Process, err error) error {
	for _, p := range processes {
		if stopped := p.Stop(); err == nil {
			err = stopped
		}
	}
	return err
}

func createFarChildren(ctx context.Context, m contest.Meter, kind string, n int) error {
	return withFar(ctx, func(sys *system.System) error {
		parent, err := sys.Create(ctx, breederKind)
		if err != nil {
			return err
		}
		if err := fillPool(ctx, sys, kind); err != nil {
			return err
		}
		m.ResetTimer()
		_, err = breed(ctx, sys, parent, Breed{N: n, Kind: kind})
		m.StopTimer()
		return err
	})
}

func createFarFromProgram(ctx context.Context, m contest.Meter, kind string, n int) error {
	return withFar(ctx, func(sys *system.System) error {
		if err := fillPool(ctx, sys, kind); err != nil {
			return err
		}
		m.ResetTimer()
		for range n {
			if _, err := sys.Create(ctx, kind); err != nil {
				return err
			}
		}
		m.StopTimer()
		return nil
	})
}
