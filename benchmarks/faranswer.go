package benchmarks

import (
	"context"
	"errors"
	"fmt"
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
func farAnswer(on []Venue, kind string, goal contest.Goal) contest.Work {
	w := contest.Work{
		Name:  "far answer " + startup(kind),
		About: "from a creation to the new actor's first answer, of 64 bytes; the median of 20",
		Unit:  microseconds,
		Goal:  goal,
		N:     20,
		Contestants: slices.Concat(
			onEach(on, contest.Contestant{Name: "actor creates", Goal: true, Run: func(ctx context.Context, m contest.Meter, n int) error {
				return withFar(ctx, func(sys *system.System) error { return answerToActor(ctx, m, sys, kind, n) })
			}}),
			onEach(on, contest.Contestant{Name: "program creates", Goal: kind != threadKind, Run: func(ctx context.Context, m contest.Meter, n int) error {
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

// reportMedian reports what was measured one by one, and how many were lost besides.
func reportMedian(ctx context.Context, m contest.Meter, took []time.Duration, lost int) error {
	if len(took) == 0 {
		return fmt.Errorf("all of %d were lost", lost)
	}
	slices.Sort(took)
	m.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, string(microseconds))
	reportLost(ctx, m, lost, lost+len(took))
	return nil
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
	return reportMedian(ctx, m, took, 0)
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
		_, lost, err := askOnce[any](ctx, sys, a, make([]byte, 64))
		if err != nil {
			return err
		}
		if !lost {
			took = append(took, time.Since(begin))
		}
		if err := sys.Tell(ctx, a, message.ActorExitRequest{}); err != nil {
			return err
		}
		if err := pause(ctx, pauseAfter(kind)); err != nil {
			return err
		}
	}
	m.StopTimer()
	return reportMedian(ctx, m, took, n-len(took))
}

func answerToActor(ctx context.Context, m contest.Meter, sys *system.System, kind string, n int) error {
	a, err := sys.Create(ctx, proberKind)
	if err != nil {
		return err
	}
	if err := fillPool(ctx, sys, kind); err != nil {
		return err
	}
	probe := Probe{N: n, Kind: kind, Pause: pauseAfter(kind)}
	if mayLose(ctx) {
		probe.Patience = lostTime
	}
	m.ResetTimer()
	probed, err := insist[Probed](ctx, sys, a, probe)
	m.StopTimer()
	if err == nil && probed.Failure != "" {
		err = errors.New(probed.Failure)
	}
	if err != nil {
		return err
	}
	return reportMedian(ctx, m, probed.Took, probed.Lost)
}

// A prober creates one child after another, and measures how long the first answer of each takes.
type prober struct {
	Probe
	asker   address.Address
	child   address.Address
	begin   time.Time
	waiting bool         // for the child's answer
	late    actor.Wakeup // of the Patience; nil: there is none
	result  Probed
	over    bool
}

// Receive is a method of actor.Actor.
func (p *prober) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case Probe:
		p.asker = ctx.Sender()
		switch {
		case p.over:
			ctx.Send(p.asker, p.result)
		case p.N == 0:
			p.Probe = m
			p.next(ctx)
		}
	case []byte:
		if p.waiting && ctx.Sender() == p.child {
			if p.late != nil {
				p.late.Cancel()
			}
			p.result.Took = append(p.result.Took, time.Since(p.begin))
			p.leave(ctx)
		}
	case message.ChildActorExited:
		switch {
		case p.over:
		case p.waiting:
			p.end(ctx, Probed{Failure: "a child ended: " + m.Reason})
		case len(p.result.Took)+p.result.Lost == p.N:
			p.end(ctx, p.result)
		case p.Pause > 0:
			ctx.WakeupAfter(p.Pause, nil)
		default:
			p.next(ctx)
		}
	case message.WakeupMessage:
		switch child, late := m.Payload.(address.Address); {
		case !late:
			p.next(ctx)
		case p.waiting && child == p.child:
			p.result.Lost++
			p.leave(ctx)
		}
	}
	return nil
}

func (p *prober) next(ctx *actor.Context) {
	question := make([]byte, 64)
	p.waiting = true
	p.begin = time.Now()
	p.child = ctx.Create(p.Kind)
	ctx.Send(p.child, question)
	if p.Patience > 0 {
		p.late = ctx.WakeupAfter(p.Patience, p.child)
	}
}

// leave has the child exit.
func (p *prober) leave(ctx *actor.Context) {
	p.waiting = false
	ctx.Send(p.child, message.ActorExitRequest{})
}

func (p *prober) end(ctx *actor.Context, result Probed) {
	p.over, p.result = true, result
	ctx.Send(p.asker, result)
}

// A crowd of processes, as farCrowdAnswer and farCrowdAsk have it beside what they measure.
const (
	fewAlive  = 5
	manyAlive = 500
)

// noSlower is the ratio that is taken to be the same: less is within what one run differs from the next by.
const noSlower = 1.1

// farCrowd is about whether something takes longer where many processes live, on the first of the bases.
func farCrowd(on []Venue, name, about string, n int, do func(ctx context.Context, m contest.Meter, sys *system.System, some []address.Address, n int) error) contest.Work {
	with := func(most int) func(context.Context, contest.Meter, int) error {
		return on[0].run(func(ctx context.Context, m contest.Meter, n int) error {
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
		})
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

func farCrowdAnswer(on []Venue) contest.Work {
	return farCrowd(on, "far crowd answer", "from an actor's creation of another by spawn to the first answer, the median of 50, while others live", 50,
		func(ctx context.Context, m contest.Meter, sys *system.System, _ []address.Address, n int) error {
			return answerToActor(ctx, m, sys, spawnKind, n)
		})
}

func farCrowdAsk(on []Venue) contest.Work {
	return farCrowd(on, "far crowd ask", "a question of a program to five of its actors in turn and its answer, the median of 5000, while others live", 5000,
		func(ctx context.Context, m contest.Meter, sys *system.System, some []address.Address, n int) error {
			var question any = make([]byte, 64)
			for _, a := range some { // opens the connections
				if _, err := insist[any](ctx, sys, a, question); err != nil {
					return err
				}
			}
			took := make([]time.Duration, 0, n)
			m.ResetTimer()
			for i := range n {
				begin := time.Now()
				_, lost, err := askOnce[any](ctx, sys, some[i%len(some)], question)
				if err != nil {
					return err
				}
				if !lost {
					took = append(took, time.Since(begin))
				}
			}
			m.StopTimer()
			return reportMedian(ctx, m, took, n-len(took))
		})
}
