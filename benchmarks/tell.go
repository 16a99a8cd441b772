package benchmarks

import (
	"context"
	"fmt"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/benchmarks/internal/contest"
)

// tell is about messages from several senders to one receiver.
func tell(senders int, goal contest.Goal) contest.Work {
	const raw = "mutex + swap mailbox"
	return contest.Work{
		Name:  fmt.Sprintf("tell %d", senders),
		About: "a message of two ints from " + oneOf(senders, "sender") + " to one receiver, until the receiver has handled all",
		Unit:  contest.MillionsPerSecond,
		Raw:   raw,
		Goal:  goal,
		Contestants: []contest.Contestant{
			{Name: raw, Run: func(_ context.Context, m contest.Meter, n int) error {
				return tellMailbox(m, newMailbox(true), senders, n)
			}},
			{Name: "the same, plain Lock", Run: func(_ context.Context, m contest.Meter, n int) error {
				return tellMailbox(m, newMailbox(false), senders, n)
			}},
			{Name: "buffered channel", Run: func(_ context.Context, m contest.Meter, n int) error {
				return tellChannel(m, senders, n)
			}},
			{Name: "program tells", Goal: true, Run: func(ctx context.Context, m contest.Meter, n int) error {
				return tellFromProgram(ctx, m, senders, n)
			}},
			{Name: "actor sends", Goal: true, Run: func(ctx context.Context, m contest.Meter, n int) error {
				return tellFromActors(ctx, m, senders, n)
			}},
		},
	}
}

func tellMailbox(m contest.Meter, box *mailbox, senders, n int) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		var batch []any
		for got := 0; got < n; {
			batch = box.take(batch)
			for _, msg := range batch {
				if _, ok := msg.(Pair); ok {
					got++
				}
			}
		}
	}()
	m.ResetTimer()
	err := inParallel(senders, n, func(n int) error {
		for i := range n {
			box.put(Pair{i, n})
		}
		return nil
	})
	<-done
	m.StopTimer()
	return err
}

func tellChannel(m contest.Meter, senders, n int) error {
	messages, done := make(chan any, mailboxMark), make(chan struct{})
	go func() {
		defer close(done)
		for got := 0; got < n; {
			if _, ok := (<-messages).(Pair); ok {
				got++
			}
		}
	}()
	m.ResetTimer()
	err := inParallel(senders, n, func(n int) error {
		for i := range n {
			messages <- Pair{i, n}
		}
		return nil
	})
	<-done
	m.StopTimer()
	return err
}

func tellFromProgram(ctx context.Context, m contest.Meter, senders, n int) error {
	done := make(chan struct{})
	sys, receiver, err := started(ctx, counterKind(n, done))
	if err != nil {
		return err
	}
	defer sys.Close()
	m.ResetTimer()
	err = inParallel(senders, n, func(n int) error {
		for i := range n {
			if err := sys.Tell(ctx, receiver, Pair{i, n}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = await(ctx, done)
	m.StopTimer()
	return err
}

func tellFromActors(ctx context.Context, m contest.Meter, senders, n int) error {
	done := make(chan struct{})
	sys, receiver, err := started(ctx, counterKind(n, done), actor.Kind{Name: "sender", New: func() actor.Actor { return actor.Func(sendPairs) }})
	if err != nil {
		return err
	}
	defer sys.Close()
	actors := make([]address.Address, senders)
	for i := range actors {
		if actors[i], err = sys.Create(ctx, "sender"); err != nil {
			return err
		}
	}
	m.ResetTimer()
	for i, a := range actors {
		if err := sys.Tell(ctx, a, Begin{N: share(n, i, senders), To: receiver}); err != nil {
			return err
		}
	}
	err = await(ctx, done)
	m.StopTimer()
	return err
}

// sendPairs sends all of its messages in one turn.
func sendPairs(ctx *actor.Context, msg any) error {
	if begin, ok := msg.(Begin); ok {
		for i := range begin.N {
			ctx.Send(begin.To, Pair{i, begin.N})
		}
	}
	return nil
}

// A counter closes a channel when it has got all of its messages.
type counter struct {
	left int
	done chan struct{}
}

func counterKind(n int, done chan struct{}) actor.Kind {
	return actor.Kind{Name: "counter", New: func() actor.Actor { return &counter{n, done} }}
}

// Receive is a method of actor.Actor.
func (c *counter) Receive(_ *actor.Context, msg any) error {
	if _, ok := msg.(Pair); ok {
		if c.left--; c.left == 0 {
			close(c.done)
		}
	}
	return nil
}
