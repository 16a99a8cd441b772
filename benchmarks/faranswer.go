package benchmarks

import (
	"context"
	"errors"
	"slices"
	"time"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/benchmarks/internal/contest"
	"thespian.dev/message"
	"thespian.dev/system"
)

// microseconds is a figure: the median of what was measured one by one.
const microseconds contest.Unit = "µs"

// farAnswer is about the time from the creation of an actor to its first answer.
func farAnswer(kind string, goal contest.Goal) contest.Work {
	w := contest.Work{
		Name:  "far answer " + startup(kind),
		About: "from a creation to the new actor's first answer, of 64 bytes; the median of 20",
		Unit:  microseconds,
		Goal:  goal,
		N:     20,
		Contestants: slices.Concat(
			onBases(contest.Contestant{Name: "actor creates", Goal: true, Run: func(ctx context.Context, m contest.Meter, n int) error {
				return withFar(ctx, func(sys *system.System) error { return answerToActor(ctx, m, sys, kind, n) })
			}}),
			onBases(contest.Contestant{Name: "program creates", Goal: kind != threadKind, Run: func(ctx context.Context, m contest.Meter, n int) error {
				return withFar(ctx, func(sys *system.System) error { return answerToProgram(ctx, m, sys, kind, n) })
			}}),
		),
	}
	switch kind {
	case spawnKind:
		const raw = "bare process"
		w.Raw = raw
		w.Contestants = append([]contest.Contestant{{Name: raw, Run: answerOfBare}}, w.Contestants...)
	case poolKind:
		w.About += "; the pool has been filled again each time"
	case threadKind:
		w.N = 2000
		w.About = "the same in the creator's process, the median of 2000; where a program creates, in another process than its own"
	}
	return w
}

// The pool of the startup method forkserver: how many processes it holds, what time it gets to be filled, and to have one replaced.
const (
	poolSize   = 8
	fillTime   = 500 * time.Millisecond
	refillTime = 50 * time.Millisecond
)

// fillPool has the system keep processes ready, where the kind is one that uses them. No message tells when they are.
func fillPool(ctx context.Context, sys *system.System, kind string) error {
	if kind != poolKind {
		return nil
	}
	if _, err := sys.Create(ctx, kind); err != nil {
		return err
	}
	return pause(ctx, fillTime)
}

// pauseAfter is how long the end of one actor, and the start of a process in its stead, is waited for.
func pauseAfter(kind string) time.Duration {
	switch kind {
	case poolKind:
		return refillTime
	case spawnKind:
		return refillTime / 5
	}
	return 0
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reportMedian reports what was measured one by one.
func reportMedian(m contest.Meter, took []time.Duration) {
	slices.Sort(took)
	m.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, string(microseconds))
}

func answerOfBare(ctx context.Context, m contest.Meter, n int) error {
	var took []time.Duration
	m.ResetTimer()
	for range n {
		begin := time.Now()
		err := withWire(ctx, echoRole, func(w *wire) error {
			err := w.ask(make([]byte, 64))
			took = append(took, time.Since(begin))
			return err
		})
		if err != nil {
			return err
		}
	}
	m.StopTimer()
	reportMedian(m, took)
	return nil
}

func answerToProgram(ctx context.Context, m contest.Meter, sys *system.System, kind string, n int) error {
	if err := fillPool(ctx, sys, kind); err != nil {
		return err
	}
	var took []time.Duration
	m.ResetTimer()
	for range n {
		begin := time.Now()
		a, err := sys.Create(ctx, kind)
		if err != nil {
			return err
		}
		if _, err := sys.Ask(ctx, a, make([]byte, 64)); err != nil {
			return err
		}
		took = append(took, time.Since(begin))
		if err := sys.Tell(ctx, a, message.ActorExitRequest{}); err != nil {
			return err
		}
		if err := pause(ctx, pauseAfter(kind)); err != nil {
			return err
		}
	}
	m.StopTimer()
	reportMedian(m, took)
	return nil
}

func answerToActor(ctx context.Context, m contest.Meter, sys *system.System, kind string, n int) error {
	a, err := sys.Create(ctx, proberKind)
	if err != nil {
		return err
	}
	if err := fillPool(ctx, sys, kind); err != nil {
		return err
	}
	m.ResetTimer()
	probed, err := system.Ask[Probed](ctx, sys, a, Probe{n, kind, pauseAfter(kind)})
	m.StopTimer()
	if err == nil && probed.Failure != "" {
		err = errors.New(probed.Failure)
	}
	if err != nil {
		return err
	}
	reportMedian(m, probed.Took)
	return nil
}

// A prober creates one child after another, and measures how long the first answer of each takes.
type prober struct {
	Probe
	asker    address.Address
	child    address.Address
	begin    time.Time
	answered bool
	took     []time.Duration
}

// Receive is a method of actor.Actor.
func (p *prober) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case Probe:
		*p = prober{Probe: m, asker: ctx.Sender()}
		p.next(ctx)
	case []byte:
		p.took = append(p.took, time.Since(p.begin))
		p.answered = true
		ctx.Send(p.child, message.ActorExitRequest{})
	case message.ChildActorExited:
		switch {
		case !p.answered:
			ctx.Send(p.asker, Probed{Failure: "a child ended: " + m.Reason})
		case len(p.took) == p.N:
			ctx.Send(p.asker, Probed{Took: p.took})
		case p.Pause > 0:
			ctx.WakeupAfter(p.Pause, nil)
		default:
			p.next(ctx)
		}
	case message.WakeupMessage:
		p.next(ctx)
	}
	return nil
}

func (p *prober) next(ctx *actor.Context) {
	question := make([]byte, 64)
	p.answered = false
	p.begin = time.Now()
	p.child = ctx.Create(p.Kind)
	ctx.Send(p.child, question)
}

// A crowd of processes, as farCrowdAnswer and farCrowdAsk have it beside what they measure.
const (
	fewAlive  = 5
	manyAlive = 500
)

// noSlower is the ratio that is taken to be the same: less is within what one run differs from the next by.
const noSlower = 1.1

// farCrowd is about whether something takes longer where many processes live.
func farCrowd(name, about string, n int, do func(ctx context.Context, m contest.Meter, sys *system.System, some []address.Address, n int) error) contest.Work {
	with := func(most int) func(context.Context, contest.Meter, int) error {
		return func(ctx context.Context, m contest.Meter, n int) error {
			return withFar(ctx, func(sys *system.System) error {
				parent, err := sys.Create(ctx, breederKind)
				if err != nil {
					return err
				}
				bred, err := breed(ctx, sys, parent, Breed{N: max(fewAlive, min(most, 10*n)), Kind: spawnKind, List: true}) // fewer where somebody only tries it
				if err != nil {
					return err
				}
				return do(ctx, m, sys, bred.Actors[:fewAlive], n)
			})
		}
	}
	const raw = "5 others alive"
	return contest.Work{
		Name:   name,
		About:  about,
		Unit:   microseconds,
		Raw:    raw,
		Goal:   contest.Goal{Ratio: noSlower},
		N:      n,
		Rounds: 3,
		Contestants: []contest.Contestant{
			{Name: raw, Run: with(fewAlive)},
			{Name: "500 others alive", Goal: true, Run: with(manyAlive)},
		},
	}
}

func farCrowdAnswer() contest.Work {
	return farCrowd("far crowd answer", "from an actor's creation of another by spawn to the first answer, the median of 50, while others live", 50,
		func(ctx context.Context, m contest.Meter, sys *system.System, _ []address.Address, n int) error {
			return answerToActor(ctx, m, sys, spawnKind, n)
		})
}

func farCrowdAsk() contest.Work {
	return farCrowd("far crowd ask", "a question of a program to five of its actors in turn and its answer, the median of 5000, while others live", 5000,
		func(ctx context.Context, m contest.Meter, sys *system.System, some []address.Address, n int) error {
			var question any = make([]byte, 64)
			for _, a := range some { // opens the connections
				if _, err := sys.Ask(ctx, a, question); err != nil {
					return err
				}
			}
			took := make([]time.Duration, 0, n)
			m.ResetTimer()
			for i := range n {
				begin := time.Now()
				if _, err := sys.Ask(ctx, some[i%len(some)], question); err != nil {
					return err
				}
				took = append(took, time.Since(begin))
			}
			m.StopTimer()
			reportMedian(m, took)
			return nil
		})
}
