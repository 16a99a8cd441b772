package system_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/message"
	"thespian.dev/system"
)

func TestResultsOfWorkThatAMailboxRefusesAreDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		sys := start(t, system.Options{Limits: system.Limits{Mark: 4, Resume: 1, Hard: 10}}, kind("busy", func(ctx *actor.Context, msg any) error {
			switch m := msg.(type) {
			case count:
				for i := range m.N {
					ctx.Go(func(context.Context) any { return order{N: i} })
				}
				<-gate
			case text:
				ctx.Go(func(context.Context) any { <-gate; return m })
				ctx.Exit()
			}
			return nil
		}))
		tell(t, sys, create(t, sys, "busy"), count{50})
		tell(t, sys, create(t, sys, "busy"), text{"too late"})
		synctest.Wait()
		assert.Equal(t, deadLetterCount(t, sys), 40, "the mailbox is overloaded")
		close(gate)
		synctest.Wait()
		assert.Equal(t, deadLetterCount(t, sys), 41, "the actor has ended")
	})
}

func TestHandlerThatIsFloodedHearsOfEndsAllTheSame(t *testing.T) {
	const hard = 10
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		var d diary
		sys := start(t, system.Options{Limits: system.Limits{Mark: 4, Resume: 1, Hard: hard}}, echo, kind("handler", func(ctx *actor.Context, msg any) error {
			switch m := msg.(type) {
			case refer:
				ctx.Watch(m.To)
				ctx.HandleDeadLetters(true)
				ctx.Send(ctx.Sender(), refer{ctx.Create("echo")})
			case message.DeadEnvelope, message.PoisonMessage:
				<-gate
			default:
				d.note("%s", describe(msg))
			}
			return nil
		}))
		gravestone, watched := dead(t, sys), create(t, sys, "echo")
		handler := create(t, sys, "handler")
		child := ask[refer](t, sys, handler, refer{watched}).To
		tell(t, sys, gravestone, text{"the first"})
		synctest.Wait() // the handler is stuck on it
		for range 100 {
			tell(t, sys, gravestone, text{"one more"})
			tell(t, sys, handler, message.PoisonMessage{})
		}
		status, err := sys.Status(t.Context())
		assert.NilError(t, err)
		for _, a := range status.Actors {
			if a.Actor == handler {
				assert.Equal(t, a.Pending, hard)
			}
		}
		tell(t, sys, watched, message.ActorExitRequest{})
		tell(t, sys, child, message.ActorExitRequest{})
		time.Sleep(time.Second) // with one processor, they get a worker when the monitor sees that they wait
		tell(t, sys, handler, message.ActorExitRequest{})
		close(gate)
		synctest.Wait()
		got := d.read()
		assert.Equal(t, len(got), 3, "%v", got)
		assert.Equal(t, got[2], "exit")
	})
}

func TestRequestAfterTheActorsEndDeliversNothing(t *testing.T) {
	timed(t, func(t *testing.T, o system.Options) {
		var kept *actor.Context
		var d diary
		sys := start(t, o, kind("ending", func(ctx *actor.Context, msg any) error {
			kept = ctx
			ctx.Exit()
			return nil
		}), kind("receiver", func(_ *actor.Context, msg any) error {
			d.note("%s", describe(msg))
			return nil
		}))
		ending, receiver := create(t, sys, "ending"), create(t, sys, "receiver")
		tell(t, sys, ending, text{"end"})
		gone(t, sys, ending)
		before := deadLetterCount(t, sys)
		kept.Send(receiver, text{"sent"})
		kept.Request(receiver, text{"requested"}, time.Second, func(any, error) error { d.note("answered"); return nil })
		tell(t, sys, receiver, text{"the only one"})
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.DeepEqual(t, d.read(), []string{"the only one"})
		assert.Equal(t, deadLetterCount(t, sys), before+2)
	})
}

// What is set in one actor's turn says nothing about the next actor that the same worker runs.
func TestHoldOutsideOfReceiveHoldsNothing(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		hold := func(ctx *actor.Context) error { ctx.Hold(); return nil }
		sys := start(t, o, echo, actor.Kind{Name: "holding", New: func() actor.Actor { return &holding{} }}, kind("parent", func(ctx *actor.Context, msg any) error {
			switch m := msg.(type) {
			case refer:
				asker := ctx.Sender()
				ctx.Send(ctx.Create("holding"), count{1}) // holds in Start
				ctx.Request(m.To, count{1}, 0, func(any, error) error { return hold(ctx) })
				ctx.Request(m.To, count{2}, 0, func(any, error) error { ctx.Send(asker, text{"done"}); return hold(ctx) })
			case message.ChildActorExited: // the child held its exit request
				return nil
			}
			return nil
		}))
		e, parent := create(t, sys, "echo"), create(t, sys, "parent")
		assert.Equal(t, ask[text](t, sys, parent, refer{e}).Text, "done")
		ask[count](t, sys, e, count{3})
		status, err := sys.Status(within(t))
		assert.NilError(t, err)
		for _, a := range status.Actors {
			assert.Equal(t, a.Counters["messages held"], uint64(0), "%s", a.Kind)
		}
	})
}

// holding holds where there is nothing to hold.
type holding struct{}

func (*holding) Start(ctx *actor.Context, _ any) error { ctx.Hold(); return nil }

func (*holding) Receive(ctx *actor.Context, msg any) error {
	if _, exit := msg.(message.ActorExitRequest); exit {
		ctx.Hold()
	}
	return nil
}
