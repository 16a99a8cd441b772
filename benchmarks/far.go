package benchmarks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"time"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/benchmarks/internal/contest"
	"thespian.dev/integration"
	"thespian.dev/message"
	"thespian.dev/system"
	"thespian.dev/transport"
)

// The kinds of the works between processes.
const (
	sinkKind    = "sink"    // counts what comes
	floodKind   = "flood"   // sends as much as it is told
	breederKind = "breeder" // creates children
	proberKind  = "prober"  // creates children one after another, and asks each
	spawnKind   = "spawn"   // answers bytes with the same, as the next two do
	poolKind    = "pool"
	threadKind  = "thread"
)

// App is what the hosts run: whoever calls [Works] must call its Main or TestMain first, and whoever has further bases in [Far] must give them here.
func App(more ...transport.Base) system.App {
	newFar := func() actor.Actor { return farChild{} }
	return system.App{
		Bases: slices.Concat(integration.Bases(), more),
		Kinds: []actor.Kind{
			{Name: sinkKind, New: func() actor.Actor { return &sink{} }},
			{Name: floodKind, New: func() actor.Actor { return actor.Func(flood) }},
			{Name: breederKind, New: func() actor.Actor { return &breeder{} }},
			{Name: proberKind, New: func() actor.Actor { return &prober{} }},
			{Name: spawnKind, New: newFar},
			{Name: poolKind, New: newFar, Startup: actor.Forkserver},
			{Name: threadKind, New: newFar, Startup: actor.Goroutine},
		},
		Messages: message.Types(Begin{}, Sale{}, Flood{}, Received{}, Count{}, Breed{}, Announce{}, Present{}, Bred{}, Probe{}, Probed{}),
	}
}

// A Venue is a base on which works between processes are done.
type Venue struct {
	Name string // follows the names of the contestants; "" where they need none
	transport.Features

	// With calls do with the base, and has all there that it needs beside the system until do returns.
	With func(ctx context.Context, do func(transport.Base) error) error
}

// Venues returns the bases of the project that need nothing else. The goals are set for the first.
func Venues() (all []Venue) {
	for i, base := range integration.Bases() {
		v := Venue{Name: base.Short, Features: base.Features, With: func(_ context.Context, do func(transport.Base) error) error { return do(base) }}
		if i == 0 {
			v.Name = ""
		}
		all = append(all, v)
	}
	return all
}

// Far returns the works between processes, where there are bases that have some.
func Far(on []Venue) []contest.Work {
	if runtime.GOOS != "linux" {
		return nil
	}
	return []contest.Work{
		farTell(on, "64 B", contest.MillionsPerSecond, contest.Goal{Ratio: 0.2}, 64),
		farTell(on, "CBOR", contest.MillionsPerSecond, contest.Goal{Value: 1.2}, 0),
		farTell(on, "1 KiB", contest.MillionsPerSecond, contest.Goal{Ratio: 0.3}, 1<<10),
		farTell(on, "1 MiB", contest.ThousandsPerSecond, contest.Goal{Ratio: 0.5}, 1<<20),
		FarAsk(on, 1),
		FarAsk(on, 64),
		farCreate(on, spawnKind, contest.Goal{Value: 400}),
		farCreate(on, poolKind, contest.Goal{}),
		farCreate(on, threadKind, contest.Goal{}),
		farAnswer(on, spawnKind, contest.Goal{Value: 3000}),
		farAnswer(on, poolKind, contest.Goal{Value: 300}),
		farAnswer(on, threadKind, contest.Goal{Value: 10}),
		farCrowdAnswer(on),
		farCrowdAsk(on),
		farMemory(on, 100),
		farMemory(on, 500),
	}
}

// endTime is how long a system gets to end after a measurement.
const endTime = 20 * time.Second

// onEach returns a contestant for each venue. The goal is set for the first.
func onEach(venues []Venue, c contest.Contestant) (all []contest.Contestant) {
	for i, v := range venues {
		on := contest.Contestant{Name: c.Name, Goal: c.Goal && i == 0, Run: v.run(c.Run)}
		if v.Name != "" {
			on.Name += ", " + v.Name
		}
		all = append(all, on)
	}
	return all
}

// run returns what runs a contestant there.
func (v Venue) run(do func(context.Context, contest.Meter, int) error) func(context.Context, contest.Meter, int) error {
	return func(ctx context.Context, m contest.Meter, n int) error {
		return v.With(ctx, func(base transport.Base) error { return do(context.WithValue(ctx, baseKey{}, base), m, n) })
	}
}

// A baseKey is that of the context's base.
type baseKey struct{}

// baseOf returns the base on which a contestant runs.
func baseOf(ctx context.Context) transport.Base {
	base, _ := ctx.Value(baseKey{}).(transport.Base)
	return base
}

// mayLose reports whether what is said on the base of a contestant may get lost; where there is no base, nothing does.
func mayLose(ctx context.Context) bool {
	base := baseOf(ctx)
	return base.Name != "" && !base.Features.Reliable
}

// lostTime is after what time without an answer a question, or its answer, is taken to be lost where that may be.
const lostTime = time.Second

// askOnce is [system.Ask], which takes no longer than lostTime where something may get lost.
func askOnce[T any](ctx context.Context, sys *system.System, to address.Address, question any) (answer T, lost bool, err error) {
	if !mayLose(ctx) {
		answer, err = system.Ask[T](ctx, sys, to, question)
		return answer, false, err
	}
	limited, cancel := context.WithTimeout(ctx, lostTime)
	defer cancel()
	answer, err = system.Ask[T](limited, sys, to, question)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return answer, true, nil
	}
	return answer, false, err
}

// insist asks until there is an answer. So who is asked may be asked again while it does what it was asked for, or when it has done it.
func insist[T any](ctx context.Context, sys *system.System, to address.Address, question any) (T, error) {
	for {
		if answer, lost, err := askOnce[T](ctx, sys, to, question); !lost {
			return answer, err
		}
	}
}

// reportLost reports how many of n got lost, where that may be.
func reportLost(ctx context.Context, m contest.Meter, lost, n int) {
	if mayLose(ctx) {
		m.ReportMetric(100*float64(lost)/float64(n), "% lost")
	}
}

// withFar has a function work with a new system, whose actors live in other processes. The system ends in any case.
func withFar(ctx context.Context, do func(*system.System) error) error {
	app := App()
	app.Bases = []transport.Base{baseOf(ctx)}
	sys, err := app.Start(ctx, &system.Options{
		Capabilities: actor.Capabilities{"Admin Port": 0},
		Logger:       slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	err = do(sys)
	end, cancel := context.WithTimeout(context.Background(), endTime)
	defer cancel()
	return errors.Join(err, sys.Shutdown(end))
}

// A farChild answers bytes with the same.
type farChild struct{}

// Start is a method of actor.Starter.
func (farChild) Start(ctx *actor.Context, args any) error {
	if _, ok := args.(Announce); ok {
		ctx.Send(ctx.Parent(), Present{os.Getpid()})
	}
	return nil
}

// Receive is a method of actor.Actor.
func (farChild) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case []byte:
		ctx.Send(ctx.Sender(), m)
	case Announce: // again
		ctx.Send(ctx.Sender(), Present{os.Getpid()})
	}
	return nil
}

// A breeder creates children in one turn, and says when all of them have started.
type breeder struct {
	Breed
	asker   address.Address
	present int
	missing map[address.Address]bool // those that have not said that they are present, where that may get lost
	bred    Bred
}

// Receive is a method of actor.Actor.
func (b *breeder) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case Breed:
		if b.Insist && m == b.Breed {
			b.again(ctx)
			return nil
		}
		*b = breeder{Breed: m, asker: ctx.Sender()}
		if m.Insist {
			b.missing = make(map[address.Address]bool, m.N)
		}
		for range m.N {
			child := ctx.Create(m.Kind, actor.CreateOptions{Args: Announce{}})
			if m.Insist {
				b.missing[child] = true
			}
		}
	case Present:
		if b.Insist {
			if !b.missing[ctx.Sender()] {
				return nil
			}
			delete(b.missing, ctx.Sender())
		}
		if b.List {
			b.bred.Actors, b.bred.PIDs = append(b.bred.Actors, ctx.Sender()), append(b.bred.PIDs, m.PID)
		}
		if b.present++; b.present == b.N {
			ctx.Send(b.asker, b.bred)
		}
	case message.ChildActorExited:
		if b.present < b.N && b.bred.Failure == "" {
			b.bred.Failure = fmt.Sprintf("only %d of %d children started: %s", b.present, b.N, m.Reason)
			ctx.Send(b.asker, Bred{Failure: b.bred.Failure})
		}
	}
	return nil
}

// again is the same order once more: what is missing may have got lost.
func (b *breeder) again(ctx *actor.Context) {
	b.asker = ctx.Sender()
	if b.present == b.N || b.bred.Failure != "" {
		ctx.Send(b.asker, b.bred)
		return
	}
	for child := range b.missing {
		ctx.Send(child, Announce{})
	}
}

// breed has a breeder create children, and waits until all of them have started.
func breed(ctx context.Context, sys *system.System, parent address.Address, order Breed) (Bred, error) {
	order.Insist = mayLose(ctx)
	bred, err := insist[Bred](ctx, sys, parent, order)
	if err == nil && bred.Failure != "" {
		err = errors.New(bred.Failure)
	}
	return bred, err
}
