package benchmarks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"time"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/benchmarks/internal/contest"
	"thespian.dev/integration"
	"thespian.dev/message"
	"thespian.dev/system"
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

// App is what the hosts run: whoever calls [Works] must call its Main or TestMain first.
func App() system.App {
	newFar := func() actor.Actor { return farChild{} }
	return system.App{
		Bases: integration.Bases(),
		Kinds: []actor.Kind{
			{Name: sinkKind, New: func() actor.Actor { return &sink{} }},
			{Name: floodKind, New: func() actor.Actor { return actor.Func(flood) }},
			{Name: breederKind, New: func() actor.Actor { return &breeder{} }},
			{Name: proberKind, New: func() actor.Actor { return &prober{} }},
			{Name: spawnKind, New: newFar},
			{Name: poolKind, New: newFar, Startup: actor.Forkserver},
			{Name: threadKind, New: newFar, Startup: actor.Goroutine},
		},
		Messages: message.Types(Begin{}, Sale{}, Flood{}, Received{}, Breed{}, Announce{}, Present{}, Bred{}, Probe{}, Probed{}),
	}
}

// far returns the works between processes, where there are bases that have some.
func far() []contest.Work {
	if runtime.GOOS != "linux" {
		return nil
	}
	return []contest.Work{
		farTell("64 B", contest.MillionsPerSecond, contest.Goal{Ratio: 0.2}, 64),
		farTell("CBOR", contest.MillionsPerSecond, contest.Goal{Value: 1.2}, 0),
		farTell("1 KiB", contest.MillionsPerSecond, contest.Goal{Ratio: 0.3}, 1<<10),
		farTell("1 MiB", contest.ThousandsPerSecond, contest.Goal{Ratio: 0.5}, 1<<20),
		FarAsk(1),
		FarAsk(64),
		farCreate(spawnKind, contest.Goal{Value: 400}),
		farCreate(poolKind, contest.Goal{}),
		farCreate(threadKind, contest.Goal{}),
		farAnswer(spawnKind, contest.Goal{Value: 3000}),
		farAnswer(poolKind, contest.Goal{Value: 300}),
		farAnswer(threadKind, contest.Goal{Value: 10}),
		farCrowdAnswer(),
		farCrowdAsk(),
		farMemory(100),
		farMemory(500),
	}
}

// endTime is how long a system gets to end after a measurement.
const endTime = 20 * time.Second

// onBases returns a contestant for each base with processes that loses nothing: all works wait for what was sent. The goal is set for the first.
func onBases(c contest.Contestant) (all []contest.Contestant) {
	for i, base := range integration.Reliable() {
		on := contest.Contestant{Name: c.Name, Goal: c.Goal && i == 0, Run: func(ctx context.Context, m contest.Meter, n int) error {
			return c.Run(context.WithValue(ctx, baseKey{}, base.Name), m, n)
		}}
		if i > 0 {
			on.Name += ", " + base.Short
		}
		all = append(all, on)
	}
	return all
}

// A baseKey is that of the context's base.
type baseKey struct{}

// baseOf returns the base on which a contestant runs.
func baseOf(ctx context.Context) string {
	name, _ := ctx.Value(baseKey{}).(string)
	return name
}

// withFar has a function work with a new system, whose actors live in other processes. The system ends in any case.
func withFar(ctx context.Context, do func(*system.System) error) error {
	app := App()
	sys, err := app.Start(ctx, &system.Options{
		Base:         baseOf(ctx),
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
	if bytes, ok := msg.([]byte); ok {
		ctx.Send(ctx.Sender(), bytes)
	}
	return nil
}

// A breeder creates children in one turn, and says when all of them have started.
type breeder struct {
	Breed
	asker   address.Address
	present int
	bred    Bred
}

// Receive is a method of actor.Actor.
func (b *breeder) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case Breed:
		*b = breeder{Breed: m, asker: ctx.Sender()}
		for range m.N {
			ctx.Create(m.Kind, actor.CreateOptions{Args: Announce{}})
		}
	case Present:
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

// breed has a breeder create children, and waits until all of them have started.
func breed(ctx context.Context, sys *system.System, parent address.Address, order Breed) (Bred, error) {
	bred, err := system.Ask[Bred](ctx, sys, parent, order)
	if err == nil && bred.Failure != "" {
		err = errors.New(bred.Failure)
	}
	return bred, err
}
