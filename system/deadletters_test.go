package system_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

// undertaker is a kind that handles dead letters when told to, and answers with all that it got.
var undertaker = actor.Kind{Name: "undertaker", New: func() actor.Actor {
	var got []string
	return actor.Func(func(ctx *actor.Context, msg any) error {
		switch m := msg.(type) {
		case message.DeadEnvelope:
			got = append(got, fmt.Sprintf("%v to %v from %v: %s", m.Message, m.Target, m.Sender, m.Reason))
		case text:
			switch m.Text {
			case "on":
				ctx.HandleDeadLetters(true)
			case "off":
				ctx.HandleDeadLetters(false)
			case "fail":
				return errBroken
			}
			ctx.Send(ctx.Sender(), text{fmt.Sprint(got)})
		}
		return nil
	})
}}

// dead returns the address of an actor that has ended.
func dead(t *testing.T, sys *system.System) address.Address {
	t.Helper()
	a := create(t, sys, "echo")
	tell(t, sys, a, message.ActorExitRequest{})
	gone(t, sys, a)
	return a
}

func deadLetterCount(t *testing.T, sys *system.System) int {
	t.Helper()
	status, err := sys.Status(within(t))
	assert.NilError(t, err)
	return int(status.DeadLetters)
}

func TestEachHandlerGetsEachDeadLetter(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, echo, undertaker, kind("writer", func(ctx *actor.Context, msg any) error {
			if m, ok := msg.(refer); ok {
				ctx.Send(m.To, text{"from an actor"})
				ctx.Send(ctx.Sender(), text{"written"})
			}
			return nil
		}))
		gravestone := dead(t, sys)
		first, second, third := create(t, sys, "undertaker"), create(t, sys, "undertaker"), create(t, sys, "undertaker")
		writer := create(t, sys, "writer")
		for _, u := range []address.Address{first, second} {
			ask[text](t, sys, u, text{"on"})
			ask[text](t, sys, u, text{"on"}) // twice is once
		}
		tell(t, sys, gravestone, text{"from a program"})
		ask[text](t, sys, writer, refer{gravestone})
		want := fmt.Sprintf("[{from a program} to %v from %v: the actor has ended {from an actor} to %v from %v: the actor has ended]",
			gravestone, sys.Address(), gravestone, writer)
		assert.Equal(t, ask[text](t, sys, first, text{"got?"}).Text, want)
		assert.Equal(t, ask[text](t, sys, second, text{"got?"}).Text, want)
		assert.Equal(t, ask[text](t, sys, third, text{"got?"}).Text, "[]")

		// One that deregisters gets no more, nor does one that was not registered lose anything by it.
		ask[text](t, sys, first, text{"off"})
		ask[text](t, sys, third, text{"off"})
		tell(t, sys, gravestone, text{"later"})
		assert.Equal(t, ask[text](t, sys, first, text{"got?"}).Text, want)
		later := fmt.Sprintf(" {later} to %v from %v: the actor has ended]", gravestone, sys.Address())
		assert.Equal(t, ask[text](t, sys, second, text{"got?"}).Text, want[:len(want)-1]+later)
	})
}

func TestHandlerThatEndsIsNoHandlerAnyMore(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, echo, undertaker)
		gravestone := dead(t, sys)
		first, second := create(t, sys, "undertaker"), create(t, sys, "undertaker")
		ask[text](t, sys, first, text{"on"})
		ask[text](t, sys, second, text{"on"})
		tell(t, sys, first, message.ActorExitRequest{})
		gone(t, sys, first)
		eventually(t, "the second is the only handler", func() bool {
			status, err := sys.Status(within(t))
			assert.NilError(t, err)
			return slices.Equal(status.DeadLetterHandlers, []address.Address{second})
		})
		ask[text](t, sys, second, text{"off"})
		ask[text](t, sys, second, text{"on"}) // forgets nothing, gets what comes from now on
		before := ask[text](t, sys, second, text{"got?"}).Text
		tell(t, sys, gravestone, text{"x"})
		assert.Assert(t, ask[text](t, sys, second, text{"got?"}).Text != before)
	})
}

// What says that something could not be delivered, or that somebody ended, is no dead letter itself, so that nothing goes round in circles.
func TestDeadLettersDoNotBreedDeadLetters(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, echo, undertaker)
		gravestone := dead(t, sys)
		u := create(t, sys, "undertaker")
		ask[text](t, sys, u, text{"on"})
		before := deadLetterCount(t, sys)
		for _, msg := range []any{message.DeadEnvelope{Message: text{"x"}}, message.ChildActorExited{}, message.ActorExited{}} {
			tell(t, sys, gravestone, msg)
		}
		assert.Equal(t, deadLetterCount(t, sys), before)
		assert.Equal(t, ask[text](t, sys, u, text{"got?"}).Text, "[]")

		// A handler that ends with envelopes in its mailbox, or fails on one, hurts nobody.
		for range 10 {
			tell(t, sys, gravestone, text{"x"})
		}
		tell(t, sys, u, message.ActorExitRequest{})
		for range 10 {
			tell(t, sys, gravestone, text{"x"})
		}
		gone(t, sys, u)
		after := deadLetterCount(t, sys)
		tell(t, sys, gravestone, text{"x"})
		assert.Equal(t, deadLetterCount(t, sys), after+1)
	})
}

func TestHandlerThatFailsOnAnEnvelopeHurtsNobody(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		tries := make(chan struct{}, 100)
		sys := start(t, o, echo, kind("clumsy", func(ctx *actor.Context, msg any) error {
			switch msg.(type) {
			case text:
				ctx.HandleDeadLetters(true)
				ctx.Send(ctx.Sender(), text{"ready"})
			case count:
				ctx.Send(ctx.Sender(), msg)
			case message.DeadEnvelope:
				tries <- struct{}{}
				return errBroken
			}
			return nil
		}))
		gravestone := dead(t, sys)
		clumsy := create(t, sys, "clumsy")
		ask[text](t, sys, clumsy, text{"go"})
		before := deadLetterCount(t, sys)
		tell(t, sys, gravestone, text{"x"})
		ask[count](t, sys, clumsy, count{})
		assert.Equal(t, len(tries), 2)
		assert.Equal(t, deadLetterCount(t, sys), before+1)
	})
}

func TestWhatIsLeftInAMailboxBecomesDeadLetters(t *testing.T) {
	timed(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, undertaker, kind("busy", func(ctx *actor.Context, msg any) error {
			switch m := msg.(type) {
			case text:
				if !o.Synchronous {
					time.Sleep(time.Second) // its mailbox fills
				}
				for i := range 3 { // before and after its end
					ctx.Send(ctx.Self(), count{i})
				}
				ctx.Exit()
			case count:
				t.Errorf("got %v after Exit", m)
			}
			return nil
		}))
		u := create(t, sys, "undertaker")
		ask[text](t, sys, u, text{"on"})
		busy := create(t, sys, "busy")
		tell(t, sys, busy, text{"work"})
		gone(t, sys, busy)
		synctest.Wait() // the question that found it gone may have been refused before its other mail
		got := ask[text](t, sys, u, text{"got?"}).Text
		var want string
		for i := range 3 {
			want += fmt.Sprintf(" {%d} to %v from %v: the actor has ended", i, busy, busy)
		}
		assert.Assert(t, is.Contains(" "+strings.Trim(got, "[]"), want))
	})
}

func TestPlacesThatTakeNoLetters(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, undertaker)
		closed := sys.Private()
		assert.NilError(t, closed.Close())
		for name, c := range map[string]struct {
			to     address.Address
			reason string
		}{
			"the Admin":          {sys.Admin(), "the Admin takes no such message"},
			"an endpoint closed": {closed.Address(), "the endpoint was closed"},
		} {
			u := create(t, sys, "undertaker")
			ask[text](t, sys, u, text{"on"})
			tell(t, sys, c.to, text{name})
			want := fmt.Sprintf("[{%s} to %v from %v: %s]", name, c.to, sys.Address(), c.reason)
			assert.Equal(t, ask[text](t, sys, u, text{"got?"}).Text, want)
			ask[text](t, sys, u, text{"off"})
		}
		// Who asks there learns of it at once.
		_, err := sys.Ask(within(t), sys.Admin(), text{"?"})
		assert.ErrorContains(t, err, "the Admin takes no such message")
		_, err = sys.Ask(within(t), closed.Address(), text{"?"})
		assert.ErrorContains(t, err, "cannot be reached")
	})
}
