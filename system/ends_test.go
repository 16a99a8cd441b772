package system_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

// brokenError panics in its own methods, as an error does that is a typed nil.
type brokenError struct{ text string }

func (e *brokenError) Error() string { return e.text }

func TestErrorWhoseMethodsPanicHurtsOnlyItsMessage(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		fail := func() error { return (*brokenError)(nil) }
		sys := start(t, o, echo, starter("stillborn", fail), kind("broken", func(ctx *actor.Context, msg any) error {
			switch m := msg.(type) {
			case text:
				return fail()
			case refer:
				ctx.Request(m.To, count{1}, 0, func(any, error) error { return fail() })
			case message.ActorExitRequest:
				return fail()
			}
			return nil
		}))
		a := create(t, sys, "broken")
		_, err := sys.Ask(within(t), a, text{"?"})
		assert.ErrorContains(t, err, "in the methods of the error *system_test.brokenError")
		_, err = sys.Create(within(t), "stillborn")
		assert.ErrorContains(t, err, "in the methods of the error *system_test.brokenError")
		e := create(t, sys, "echo")
		tell(t, sys, a, refer{e})
		tell(t, sys, a, message.ActorExitRequest{})
		assert.Equal(t, ask[text](t, sys, e, text{"still here"}).Text, "still here")
	})
}

func TestProgramSeesTheCauseOfAFailedStart(t *testing.T) {
	sys := start(t, system.Options{}, starter("stillborn", func() error { return actor.Permanent(errBroken) }))
	_, err := sys.Create(within(t), "stillborn")
	assert.ErrorIs(t, err, errBroken)
}

// A notice of an end fills the parent's mailbox up to its mark: its own send, which waits, must go on.
func TestNoticeOfAnEndWakesAParentThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, finish := make(chan struct{}), make(chan struct{})
		sys := start(t, system.Options{Limits: system.Limits{Mark: 4, Resume: 1, Hard: 1000}}, kind("other", func(ctx *actor.Context, msg any) error {
			if m, ok := msg.(refer); ok {
				<-release
				ctx.Send(m.To, count{1}) // its mailbox is at the mark, and this actor's is empty
			}
			return nil
		}), kind("child", func(ctx *actor.Context, msg any) error {
			<-finish
			ctx.Exit()
			return nil
		}), kind("parent", func(ctx *actor.Context, msg any) error {
			if m, ok := msg.(refer); ok {
				ctx.Send(ctx.Create("child"), text{"end"})
				ctx.Send(m.To, refer{ctx.Self()})
				for i := range 12 {
					ctx.Send(m.To, count{i})
				}
				ctx.Send(ctx.Sender(), text{"sent"})
			}
			return nil
		}))
		other, parent := create(t, sys, "other"), create(t, sys, "parent")
		tell(t, sys, parent, refer{other})
		time.Sleep(time.Second) // the parent waits for the other
		for i := range 3 {
			tell(t, sys, parent, count{i})
		}
		close(finish)
		time.Sleep(time.Second)
		close(release)
		msg, _, err := sys.Listen(within(t))
		assert.NilError(t, err)
		assert.Equal(t, msg, text{"sent"})
	})
}

func TestNothingComesBehindTheNoticeOfAnEnd(t *testing.T) {
	const ends = 300
	var late atomic.Int32
	sys := start(t, system.Options{}, kind("child", func(ctx *actor.Context, msg any) error {
		if m, ok := msg.(refer); ok {
			ctx.Go(func(context.Context) any {
				for ctx.Err() == nil {
					ctx.Send(m.To, order{ctx.Self(), 1})
				}
				ctx.Send(m.To, order{ctx.Self(), 2})
				ctx.Request(m.To, order{ctx.Self(), 3}, 0, func(any, error) error { return nil })
				return nil
			})
			ctx.Exit()
		}
		return nil
	}), actor.Kind{Name: "parent", New: func() actor.Actor {
		gone := make(map[address.Address]bool)
		var program address.Address
		return actor.Func(func(ctx *actor.Context, msg any) error {
			switch m := msg.(type) {
			case job:
				program = ctx.Sender()
				for range m.Done {
					ctx.Send(ctx.Create("child"), refer{ctx.Self()})
				}
			case order:
				if gone[m.From] {
					late.Add(1)
				}
			case message.ChildActorExited:
				if gone[m.Child] = true; len(gone) == ends {
					ctx.Send(program, count{len(gone)})
				}
			}
			return nil
		})
	}})
	assert.Equal(t, ask[count](t, sys, create(t, sys, "parent"), job{ends}).N, ends)
	assert.Equal(t, late.Load(), int32(0))
}

// early calls Exit in Start, and then creates a child.
type early struct{}

func (early) Start(ctx *actor.Context, args any) error {
	ctx.Exit()
	ctx.Create("echo")
	return nil
}

func (early) Receive(ctx *actor.Context, msg any) error { return nil }

func TestExitInStartEndsTheActorWithAllItsChildren(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		var program address.Address
		sys := start(t, o, echo, actor.Kind{Name: "early", New: func() actor.Actor { return early{} }}, kind("parent", func(ctx *actor.Context, msg any) error {
			switch m := msg.(type) {
			case text:
				program = ctx.Sender()
				ctx.Create("early")
			case message.ChildActorExited:
				ctx.Send(program, text{describe(m)})
			}
			return nil
		}))
		tell(t, sys, create(t, sys, "parent"), text{"go"})
		assert.Equal(t, listen[text](t, sys).Text, "child exited: it called Exit")
	})
}

func TestCreateThatGivesUpWaitingDoesNotEndTheNamedActorOfOthers(t *testing.T) {
	release := make(chan struct{})
	sys := start(t, system.Options{}, kind("shared", func(ctx *actor.Context, msg any) error {
		switch m := msg.(type) {
		case text:
			<-release
		case count:
			ctx.Send(ctx.Sender(), m)
		}
		return nil
	}), starter("slow", func() error { <-release; return nil }))
	shared := create(t, sys, "shared", actor.CreateOptions{GlobalName: "shared"})
	tell(t, sys, shared, text{"be busy"})
	again, err := sys.Create(within(t), "shared", actor.CreateOptions{GlobalName: "shared"})
	assert.NilError(t, err, "it has started: nobody waits for its mailbox")
	assert.Equal(t, again, shared)

	// Two creates of one name: the second gives up while the first goes on.
	first := make(chan error)
	go func() {
		_, err := sys.Create(context.Background(), "slow", actor.CreateOptions{GlobalName: "slow"})
		first <- err
	}()
	for {
		if a, err := sys.Lookup(within(t), "slow"); err == nil && !a.IsZero() {
			break
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	_, err = sys.Create(ctx, "slow", actor.CreateOptions{GlobalName: "slow"})
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	close(release)
	assert.NilError(t, <-first)
	assert.Equal(t, ask[count](t, sys, shared, count{7}).N, 7)
	slow, err := sys.Lookup(within(t), "slow")
	assert.NilError(t, err)
	assert.Assert(t, !slow.IsZero(), "it lives")
}

func TestNameOfAnActorThatEndsCanBeTakenAtOnce(t *testing.T) {
	sys := start(t, system.Options{}, echo)
	for range 2000 { // that it is about to end may be in its mailbox still, but no Create fails for it
		tell(t, sys, create(t, sys, "echo", actor.CreateOptions{GlobalName: "name"}), message.ActorExitRequest{})
	}
}
