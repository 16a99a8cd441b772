package system_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

// An actor must never wait for the one that woke it: here the one that wakes does not return until the other has run.
func TestActorRunsWhileTheOneThatWokeItDoesNotReturn(t *testing.T) {
	ran := make(chan struct{}, 1)
	sys := start(t, system.Options{}, kind("waker", func(ctx *actor.Context, msg any) error {
		if m, ok := msg.(refer); ok {
			ctx.Send(m.To, text{"run"})
			<-ran
			ctx.Send(ctx.Sender(), text{"it ran"})
		}
		return nil
	}), kind("woken", func(ctx *actor.Context, msg any) error {
		if _, ok := msg.(text); ok {
			ran <- struct{}{}
		}
		return nil
	}))
	waker, woken := create(t, sys, "waker"), create(t, sys, "woken")
	for range 50 {
		assert.Equal(t, ask[text](t, sys, waker, refer{woken}).Text, "it ran")
	}
}

func TestActorHandlesOneMessageAtATimeInTheOrderOfItsSenders(t *testing.T) {
	const senders, each = 8, 2000
	var inside atomic.Int32
	sys := start(t, system.Options{}, actor.Kind{Name: "receiver", New: func() actor.Actor {
		last := make(map[address.Address]int)
		got := 0
		var program address.Address
		return actor.Func(func(ctx *actor.Context, msg any) error {
			if inside.Add(1) != 1 {
				t.Error("two messages at once")
			}
			defer inside.Add(-1)
			switch m := msg.(type) {
			case text:
				program = ctx.Sender()
			case order:
				if m.N != last[m.From] {
					return fmt.Errorf("from %v: got %d, wanted %d", m.From, m.N, last[m.From])
				}
				last[m.From]++
				got++
			case message.PoisonMessage:
				t.Errorf("%v", m)
			}
			if got == senders*each && !program.IsZero() {
				ctx.Send(program, count{got})
			}
			return nil
		})
	}}, kind("sender", func(ctx *actor.Context, msg any) error {
		switch m := msg.(type) {
		case refer:
			for i := range each {
				ctx.Send(m.To, order{ctx.Self(), i})
			}
		case message.PoisonMessage:
			t.Errorf("%v", m)
		}
		return nil
	}))
	receiver := create(t, sys, "receiver")
	for range senders {
		tell(t, sys, create(t, sys, "sender"), refer{receiver})
	}
	assert.Equal(t, ask[count](t, sys, receiver, text{"how many?"}).N, senders*each)
}

// A message that goes round while many others do, with work between, exercises every way in which a turn can be handed over.
func TestNoMessageIsStrandedBetweenTurns(t *testing.T) {
	const actors, balls, hops = 50, 100, 500
	sys := start(t, system.Options{}, actor.Kind{Name: "player", New: func() actor.Actor {
		return actor.Func(func(ctx *actor.Context, msg any) error {
			m, ok := msg.(holder)
			if !ok {
				return nil
			}
			state := m.Any.([]any)
			left, all := state[0].(int), state[1].([]any)
			program := all[len(all)-1].(address.Address)
			if left == 0 {
				ctx.Send(program, count{1})
				return nil
			}
			to := all[(left*7919)%(len(all)-1)].(address.Address)
			pass := func() { ctx.Send(to, holder{[]any{left - 1, all}}) }
			if left%17 == 0 { // from a goroutine beside the turn
				ctx.Go(func(context.Context) any { pass(); return nil })
			} else {
				pass()
			}
			return nil
		})
	}})
	var all []any
	for range actors {
		all = append(all, create(t, sys, "player"))
	}
	all = append(all, sys.Address())
	for i := range balls {
		tell(t, sys, all[i%actors].(address.Address), holder{[]any{hops, all}})
	}
	for range balls {
		listen[count](t, sys)
	}
}

func TestIdleActorsHaveNoGoroutine(t *testing.T) {
	const n = 10_000
	sys := start(t, system.Options{}, echo)
	all := make([]address.Address, n)
	for i := range all {
		all[i] = create(t, sys, "echo")
	}
	for _, a := range all {
		ask[text](t, sys, a, text{"x"})
	}
	status, err := sys.Status(within(t))
	assert.NilError(t, err)
	assert.Equal(t, len(status.Actors), n)
	assert.Assert(t, status.Counters["goroutines"] < 100, "%d", status.Counters["goroutines"])
}

func TestSynchronousOrderIsThatOfSending(t *testing.T) {
	var log []string
	sys := start(t, system.Options{Synchronous: true}, kind("a", func(ctx *actor.Context, msg any) error {
		if m, ok := msg.(text); ok {
			log = append(log, ctx.Kind()+" "+m.Text)
			if m.Text == "begin" {
				b1, b2 := ctx.Create("b"), ctx.Create("b")
				ctx.Send(b1, text{"1"})
				ctx.Send(b2, text{"2"})
				ctx.Send(ctx.Self(), text{"3"})
				ctx.Send(b1, text{"4"})
			}
		}
		return nil
	}), kind("b", func(ctx *actor.Context, msg any) error {
		if m, ok := msg.(text); ok {
			log = append(log, ctx.Kind()+" "+m.Text)
			if len(m.Text) == 1 {
				ctx.Send(ctx.Self(), text{m.Text + m.Text})
			}
		}
		return nil
	}))
	a := create(t, sys, "a")
	tell(t, sys, a, text{"begin"})
	assert.DeepEqual(t, log, []string{"a begin", "b 1", "b 2", "a 3", "b 4", "b 11", "b 22", "b 44"})
}

func TestSynchronousAskReturnsWhenNothingIsLeftToDo(t *testing.T) {
	sys := start(t, system.Options{Synchronous: true}, kind("silent", func(*actor.Context, any) error { return nil }))
	a := create(t, sys, "silent")
	_, err := sys.Ask(within(t), a, text{"?"})
	assert.ErrorIs(t, err, system.ErrNoAnswer)
	_, _, err = sys.Listen(within(t))
	assert.ErrorIs(t, err, system.ErrNoAnswer)
}

func TestSynchronousSystemCanBeUsedFromManyGoroutines(t *testing.T) {
	sys := start(t, system.Options{Synchronous: true}, echo)
	a := create(t, sys, "echo")
	var wg sync.WaitGroup
	for g := range 20 {
		wg.Go(func() {
			for i := range 50 {
				reply, err := system.Ask[count](within(t), sys, a, count{g*1000 + i})
				if err != nil || reply.N != g*1000+i {
					t.Errorf("%v %v", reply, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestSynchronousSystemStopsWithTheContextOfItsCaller(t *testing.T) {
	sys := start(t, system.Options{Synchronous: true}, kind("restless", func(ctx *actor.Context, msg any) error {
		if _, ok := msg.(count); ok {
			ctx.Send(ctx.Self(), count{})
		}
		return nil
	}))
	a := create(t, sys, "restless")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := sys.Ask(ctx, a, count{})
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}
