package benchmarks

import (
	"context"
	"fmt"

	"thespian.dev/actor"
	"thespian.dev/benchmarks/internal/contest"
)

// ask is about questions of several callers to one receiver, which answers with what it was asked.
func ask(callers int, unit contest.Unit, goal contest.Goal) contest.Work {
	const raw = "two channels"
	return contest.Work{
		Name:  fmt.Sprintf("ask %d", callers),
		About: "a question of " + oneOf(callers, "caller") + " to one receiver, and its answer, for which the caller waits",
		Unit:  unit,
		Raw:   raw,
		Goal:  goal,
		Contestants: []contest.Contestant{
			{Name: raw, Run: func(_ context.Context, m contest.Meter, n int) error {
				if callers == 1 {
					return askChannels(m, n)
				}
				return askSharedChannel(m, callers, n)
			}},
			{Name: "program asks", Goal: true, Run: func(ctx context.Context, m contest.Meter, n int) error {
				return askActor(ctx, m, callers, n)
			}},
		},
	}
}

func askChannels(m contest.Meter, n int) error {
	questions, answers := make(chan any), make(chan any)
	go func() {
		defer close(answers)
		for msg := range questions {
			answers <- msg
		}
	}()
	m.ResetTimer()
	for i := range n {
		questions <- Pair{i, n}
		<-answers
	}
	m.StopTimer()
	close(questions)
	<-answers
	return nil
}

// A question goes over a channel that all callers share, and so says where its answer goes.
type question struct {
	msg     any
	answers chan any
}

func askSharedChannel(m contest.Meter, callers, n int) error {
	questions, ended := make(chan question), make(chan struct{})
	go func() {
		defer close(ended)
		for q := range questions {
			q.answers <- q.msg
		}
	}()
	m.ResetTimer()
	err := inParallel(callers, n, func(n int) error {
		answers := make(chan any, 1)
		for i := range n {
			questions <- question{Pair{i, n}, answers}
			<-answers
		}
		return nil
	})
	m.StopTimer()
	close(questions)
	<-ended
	return err
}

func askActor(ctx context.Context, m contest.Meter, callers, n int) error {
	sys, receiver, err := started(ctx, actor.Kind{Name: "echo", New: func() actor.Actor { return actor.Func(echo) }})
	if err != nil {
		return err
	}
	defer sys.Close()
	m.ResetTimer()
	err = inParallel(callers, n, func(n int) error {
		for i := range n {
			if _, err := sys.Ask(ctx, receiver, Pair{i, n}); err != nil {
				return err
			}
		}
		return nil
	})
	m.StopTimer()
	return err
}

// echo answers a message with itself.
func echo(ctx *actor.Context, msg any) error {
	if _, ok := msg.(Pair); ok {
		ctx.Send(ctx.Sender(), msg)
	}
	return nil
}
