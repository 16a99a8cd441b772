package benchmarks

import (
	"context"
	"fmt"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/benchmarks/internal/contest"
)

// ring is about one message that goes round among several.
func ring(name string, size int, goal contest.Goal) contest.Work {
	const raw = "goroutines and channels"
	return contest.Work{
		Name:  name,
		About: fmt.Sprintf("one hop of a single message, sent on unchanged, that goes round among %d", size),
		Unit:  contest.Nanoseconds,
		Raw:   raw,
		Goal:  goal,
		Contestants: []contest.Contestant{
			{Name: raw, Run: func(_ context.Context, m contest.Meter, n int) error {
				return ringOfChannels(m, size, n)
			}},
			{Name: "actors", Goal: true, Run: func(ctx context.Context, m contest.Meter, n int) error {
				return ringOfActors(ctx, m, size, n)
			}},
		},
	}
}

// lastReceipt returns which receipt of the i-th in the ring is the n-th hop; 0 when none is.
func lastReceipt(n, i, size int) int {
	if i == (n-1)%size {
		return (n-1)/size + 1
	}
	return 0
}

func ringOfChannels(m contest.Meter, size, n int) error {
	channels := make([]chan any, size)
	for i := range channels {
		channels[i] = make(chan any)
	}
	done, ended := make(chan struct{}), make(chan struct{})
	pass := func(in <-chan any, out chan<- any, left int) {
		for msg := range in {
			if left--; left == 0 {
				close(done)
				break
			}
			out <- msg
		}
		for range in { // until it is closed
		}
		ended <- struct{}{}
	}
	for i, in := range channels {
		go pass(in, channels[(i+1)%size], lastReceipt(n, i, size))
	}
	m.ResetTimer()
	channels[0] <- Pair{1, n}
	<-done
	m.StopTimer()
	for _, c := range channels {
		close(c)
	}
	for range channels {
		<-ended
	}
	return nil
}

func ringOfActors(ctx context.Context, m contest.Meter, size, n int) error {
	done := make(chan struct{})
	created := 0
	sys, err := start(ctx, actor.Kind{Name: "player", New: func() actor.Actor {
		created++ // they are created one after the other
		return &player{left: lastReceipt(n, created-1, size), done: done}
	}})
	if err != nil {
		return err
	}
	defer sys.Close()
	players := make([]address.Address, size)
	for i := range players {
		if players[i], err = sys.Create(ctx, "player"); err != nil {
			return err
		}
	}
	for i, p := range players {
		if _, err := sys.Ask(ctx, p, Next{players[(i+1)%size]}); err != nil {
			return err
		}
	}
	m.ResetTimer()
	if err := sys.Tell(ctx, players[0], Pair{1, n}); err != nil {
		return err
	}
	err = await(ctx, done)
	m.StopTimer()
	return err
}

// A player hands the message on to the next one in its ring.
type player struct {
	next address.Address
	left int
	done chan struct{}
}

// Receive is a method of actor.Actor.
func (p *player) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case Next:
		p.next = m.Next
		ctx.Send(ctx.Sender(), msg)
	case Pair:
		if p.left--; p.left == 0 {
			close(p.done)
			return nil
		}
		ctx.Send(p.next, msg)
	}
	return nil
}
