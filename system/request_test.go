package system_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
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

// asking is a kind that does what the test says on a refer, to whom it is referred; say tells the program.
func asking(do func(ctx *actor.Context, to address.Address, say func(format string, args ...any))) actor.Kind {
	return kind("asking", func(ctx *actor.Context, msg any) error {
		switch m := msg.(type) {
		case refer:
			program := ctx.Sender()
			do(ctx, m.To, func(format string, args ...any) { ctx.Send(program, text{fmt.Sprintf(format, args...)}) })
		case text:
			ctx.Send(ctx.Sender(), m)
		}
		return nil
	})
}

func TestAnswerIsHandledInTheActorsTurn(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		inside, answers := 0, 0
		sys := start(t, o, echo, asking(func(ctx *actor.Context, to address.Address, say func(string, ...any)) {
			inside++
			for i := range 100 {
				ctx.Request(to, count{i}, time.Minute, func(reply any, err error) error {
					inside++ // the race detector would find two at once
					if err != nil || reply != (count{i}) || ctx.Sender() != to {
						say("%d: %v from %v, %v", i, reply, ctx.Sender(), err)
					}
					if answers++; answers == 100 {
						say("all answered")
					}
					inside--
					return nil
				})
			}
			runtime.Gosched()
			if inside != 1 {
				say("answered inside of Receive")
			}
			inside--
		}))
		tell(t, sys, create(t, sys, "asking"), refer{create(t, sys, "echo")})
		assert.Equal(t, listen[text](t, sys).Text, "all answered")
	})
}

func TestRequestThatGetsNoAnswer(t *testing.T) {
	var undeliverable *system.UndeliverableError
	var poison message.PoisonMessage
	for _, c := range []struct {
		name string
		to   func(sys *system.System, t *testing.T) address.Address
		msg  any
		want string
		is   func(error) bool
	}{
		{"dead", func(sys *system.System, t *testing.T) address.Address { return dead(t, sys) }, text{"?"},
			"the actor has ended", func(err error) bool { return errors.As(err, &undeliverable) }},
		{"failing", func(sys *system.System, t *testing.T) address.Address { return create(t, sys, "clumsy") }, text{"error"},
			"broken on purpose", func(err error) bool { return errors.As(err, &poison) && poison.Message == text{"error"} }},
		{"nobody", func(*system.System, *testing.T) address.Address { return address.Address{} }, text{"?"},
			"zero address", func(err error) bool { return errors.Is(err, system.ErrNoAddress) }},
		{"nothing", func(sys *system.System, t *testing.T) address.Address { return create(t, sys, "echo") }, nil,
			"nil", func(err error) bool { return errors.Is(err, message.ErrNilMessage) }},
		{"unregistered", func(sys *system.System, t *testing.T) address.Address { return create(t, sys, "echo") }, unknown{},
			"not registered", func(err error) bool { return errors.Is(err, message.ErrUnregistered) }},
		{"the Admin", func(sys *system.System, t *testing.T) address.Address { return sys.Admin() }, text{"?"},
			"takes no such message", func(err error) bool { return errors.As(err, &undeliverable) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			schedulers(t, func(t *testing.T, o system.Options) {
				sys := start(t, o, echo, clumsy("clumsy", 0), asking(func(ctx *actor.Context, to address.Address, say func(string, ...any)) {
					ctx.Request(to, c.msg, 0, func(reply any, err error) error {
						say("%v, %v, %v", reply, c.is(err), err)
						return nil
					})
				}))
				tell(t, sys, create(t, sys, "asking"), refer{c.to(sys, t)})
				got := listen[text](t, sys).Text
				assert.Assert(t, strings.HasPrefix(got, "<nil>, true, "), got)
				assert.Assert(t, is.Contains(got, c.want))
			})
		})
	}
}

func TestRequestTimesOut(t *testing.T) {
	timed(t, func(t *testing.T, o system.Options) {
		begin := time.Now()
		sys := start(t, o, undertaker, kind("slow", func(ctx *actor.Context, msg any) error {
			switch m := msg.(type) {
			case text:
				ctx.WakeupAfter(5*time.Second, ctx.Sender())
			case message.WakeupMessage:
				ctx.Send(m.Payload.(address.Address), text{"at last"})
			}
			return nil
		}), asking(func(ctx *actor.Context, to address.Address, say func(string, ...any)) {
			for _, timeout := range []time.Duration{3 * time.Second, time.Second, 7 * time.Second, 0} {
				ctx.Request(to, text{"?"}, timeout, func(reply any, err error) error {
					say("%v: %v %v after %v", timeout, reply, errors.Is(err, context.DeadlineExceeded), time.Since(begin))
					return nil
				})
			}
		}))
		u := create(t, sys, "undertaker")
		ask[text](t, sys, u, text{"on"})
		tell(t, sys, create(t, sys, "asking"), refer{create(t, sys, "slow")})
		for _, want := range []string{
			"1s: <nil> true after 1s", "3s: <nil> true after 3s", "7s: {at last} false after 5s", "0s: {at last} false after 5s",
		} {
			assert.Equal(t, listen[text](t, sys).Text, want)
		}
		// The answers that came too late are dead letters.
		got := ask[text](t, sys, u, text{"got?"}).Text
		assert.Equal(t, strings.Count(got, "{at last}"), 2, got)
		assert.Equal(t, strings.Count(got, "the question was answered, or given up, before"), 2, got)
	})
}

func TestSecondAnswerToARequestIsADeadLetter(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, undertaker, kind("twice", func(ctx *actor.Context, msg any) error {
			if m, ok := msg.(text); ok {
				ctx.Send(ctx.Sender(), text{m.Text + " once"})
				ctx.Send(ctx.Sender(), text{m.Text + " twice"})
			}
			return nil
		}), asking(func(ctx *actor.Context, to address.Address, say func(string, ...any)) {
			ctx.Request(to, text{"said"}, 0, func(reply any, err error) error {
				say("%v %v", reply, err)
				return nil
			})
		}))
		u := create(t, sys, "undertaker")
		ask[text](t, sys, u, text{"on"})
		tell(t, sys, create(t, sys, "asking"), refer{create(t, sys, "twice")})
		assert.Equal(t, listen[text](t, sys).Text, "{said once} <nil>")
		eventually(t, "the dead letter", func() bool { return ask[text](t, sys, u, text{"got?"}).Text != "[]" })
		assert.Assert(t, is.Contains(ask[text](t, sys, u, text{"got?"}).Text, "{said twice}"))
	})
}

func TestRequestToOneself(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, asking(func(ctx *actor.Context, to address.Address, say func(string, ...any)) {
			ctx.Request(ctx.Self(), text{"me"}, 0, func(reply any, err error) error {
				say("%v %v", reply, err)
				return nil
			})
		}))
		tell(t, sys, create(t, sys, "asking"), refer{})
		assert.Equal(t, listen[text](t, sys).Text, "{me} <nil>")
	})
}

func TestFailureOnAnAnswerHurtsNobody(t *testing.T) {
	for name, fail := range map[string]func() error{
		"error": func() error { return errBroken },
		"panic": func() error { panic("broken on purpose") },
	} {
		t.Run(name, func(t *testing.T) {
			schedulers(t, func(t *testing.T, o system.Options) {
				tries := 0
				sys := start(t, o, echo, asking(func(ctx *actor.Context, to address.Address, say func(string, ...any)) {
					ctx.Request(to, text{"?"}, 0, func(any, error) error {
						tries++
						say("tried")
						return fail()
					})
				}))
				a, e := create(t, sys, "asking"), create(t, sys, "echo")
				tell(t, sys, a, refer{e})
				assert.Equal(t, listen[text](t, sys).Text, "tried")
				assert.Equal(t, ask[text](t, sys, a, text{"still here"}).Text, "still here")
				assert.Equal(t, tries, 1, "an answer is not handled again")
				assert.Equal(t, ask[message.ActorStatus](t, sys, a, message.StatusRequest{}).Failed, uint64(1))
			})
		})
	}
}

func TestAnswerToAnActorThatHasEnded(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		asker := make(chan address.Address, 1)
		sys := start(t, o, kind("slow", func(ctx *actor.Context, msg any) error {
			switch msg.(type) {
			case text:
				asker <- ctx.Sender()
			case count:
				ctx.Send(<-asker, text{"too late"})
				ctx.Send(ctx.Sender(), msg)
			}
			return nil
		}), asking(func(ctx *actor.Context, to address.Address, say func(string, ...any)) {
			ctx.Request(to, text{"?"}, time.Hour, func(reply any, err error) error {
				t.Errorf("an answer after the end: %v %v", reply, err)
				return nil
			})
			ctx.Exit()
		}))
		slow, a := create(t, sys, "slow"), create(t, sys, "asking")
		tell(t, sys, a, refer{slow})
		gone(t, sys, a)
		ask[count](t, sys, slow, count{})
	})
}

func TestAnswerToAnActorThatWaitsForItsChildren(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		sys := start(t, system.Options{}, kind("slow", func(ctx *actor.Context, msg any) error {
			switch msg.(type) {
			case text:
				<-gate
				ctx.Send(ctx.Sender(), text{"too late"})
			case message.ActorExitRequest:
				time.Sleep(time.Second)
			}
			return nil
		}), asking(func(ctx *actor.Context, _ address.Address, say func(string, ...any)) {
			ctx.Request(ctx.Create("slow"), text{"?"}, 0, func(reply any, err error) error {
				t.Errorf("an answer after Exit: %v %v", reply, err)
				return nil
			})
			ctx.Exit()
		}))
		a := create(t, sys, "asking")
		tell(t, sys, a, refer{})
		synctest.Wait()
		assert.Assert(t, ask[message.ActorStatus](t, sys, a, message.StatusRequest{}).Exiting)
		close(gate)
		synctest.Wait()
		time.Sleep(time.Minute)
		gone(t, sys, a)
	})
}

func TestTypedRequest(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, echo, asking(func(ctx *actor.Context, to address.Address, say func(string, ...any)) {
			for _, msg := range []any{count{3}, text{"three"}, unknown{}} {
				actor.Request(ctx, to, msg, time.Minute, func(reply count, err error) error {
					say("%v %v", reply, err)
					return nil
				})
			}
		}))
		tell(t, sys, create(t, sys, "asking"), refer{create(t, sys, "echo")})
		got := map[string]bool{}
		for range 3 {
			got[listen[text](t, sys).Text] = true
		}
		for _, want := range []string{
			"{3} <nil>", "{0} the answer is a system_test.text, wanted system_test.count",
			"{0} system_test.unknown: " + message.ErrUnregistered.Error(),
		} {
			assert.Assert(t, got[want], "%q is missing in %v", want, got)
		}
	})
}

// beside is a kind that runs a function of the test beside itself, and tells the program what came of it.
func beside(work func(context.Context) any) actor.Kind {
	return actor.Kind{Name: "beside", New: func() actor.Actor {
		var program address.Address
		return actor.Func(func(ctx *actor.Context, msg any) error {
			switch m := msg.(type) {
			case refer:
				program = ctx.Sender()
				ctx.Go(work)
			case text:
				ctx.Send(ctx.Sender(), m)
			case message.ActorExitRequest:
			default:
				if ctx.Sender() != ctx.Self() {
					return errors.New("a result of somebody else's")
				}
				if p, ok := msg.(message.PoisonMessage); ok && p.Message != nil {
					return errors.New("it holds a message")
				}
				ctx.Send(program, text{fmt.Sprintf("%T: %v", msg, msg)})
			}
			return nil
		})
	}}
}

func TestResultOfWorkBesideAnActor(t *testing.T) {
	for _, c := range []struct {
		name string
		work func(context.Context) any
		want []string
	}{
		{"a message", func(context.Context) any { return count{3} }, []string{"system_test.count: {3}"}},
		{"of an unregistered type", func(context.Context) any { return unknown{4} }, []string{"system_test.unknown: {4}"}},
		{"panic", func(context.Context) any { panic("broken on purpose") },
			[]string{"message.PoisonMessage: panic: broken on purpose"}},
		{"Goexit", func(context.Context) any { runtime.Goexit(); return nil }, []string{"message.PoisonMessage: runtime.Goexit"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			schedulers(t, func(t *testing.T, o system.Options) {
				sys := start(t, o, beside(c.work))
				a := create(t, sys, "beside")
				tell(t, sys, a, refer{})
				for _, want := range c.want {
					assert.Equal(t, listen[text](t, sys).Text, want)
				}
				assert.Equal(t, ask[text](t, sys, a, text{"still here"}).Text, "still here")
			})
		})
	}
}

func TestWorkBesideAnActorDoesNotHoldItUp(t *testing.T) {
	timed(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, beside(func(ctx context.Context) any {
			time.Sleep(10 * time.Second)
			return count{1}
		}))
		a := create(t, sys, "beside")
		begin := time.Now()
		tell(t, sys, a, refer{})
		assert.Equal(t, ask[text](t, sys, a, text{"meanwhile"}).Text, "meanwhile")
		assert.Equal(t, time.Since(begin), time.Duration(0))
		assert.Equal(t, listen[text](t, sys).Text, "system_test.count: {1}")
		assert.Equal(t, time.Since(begin), 10*time.Second)
	})
}

// A program hears what is said beside an actor even if the work never ends.
func TestWorkThatGoesOnSpeaksToAProgram(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, kind("speaker", func(ctx *actor.Context, msg any) error {
			if _, ok := msg.(text); ok {
				program := ctx.Sender()
				ctx.Go(func(work context.Context) any {
					runtime.Gosched() // the program waits by now, mostly
					ctx.Send(program, text{"beside"})
					<-work.Done()
					return nil
				})
			}
			return nil
		}))
		a := create(t, sys, "speaker")
		for range 100 {
			tell(t, sys, a, text{"speak"})
			assert.Equal(t, listen[text](t, sys).Text, "beside")
			assert.Equal(t, ask[text](t, sys, a, text{"speak"}).Text, "beside")
		}
	})
}

func TestWorkWithoutResultIsNoMessage(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		done := make(chan struct{})
		sys := start(t, o, beside(func(context.Context) any { close(done); return nil }))
		a := create(t, sys, "beside")
		tell(t, sys, a, refer{})
		<-done
		assert.NilError(t, sys.Shutdown(t.Context())) // waits for the work
		_, _, err := sys.Listen(t.Context())
		assert.ErrorIs(t, err, system.ErrShutdown)
	})
}

func TestWorkEndsWithItsActor(t *testing.T) {
	timed(t, func(t *testing.T, o system.Options) {
		ended := make(chan error, 1)
		sys := start(t, o, beside(func(ctx context.Context) any {
			<-ctx.Done()
			ended <- ctx.Err()
			return count{1} // nobody is there to take it
		}))
		a := create(t, sys, "beside")
		tell(t, sys, a, refer{})
		synctest.Wait()
		assert.Equal(t, len(ended), 0)
		tell(t, sys, a, message.ActorExitRequest{})
		assert.ErrorIs(t, <-ended, context.Canceled)
	})
}

// A keeper holds what it is told to hold until it is told to release.
var keeper = actor.Kind{Name: "keeper", New: func() actor.Actor {
	holding := false
	var got []string
	return actor.Func(func(ctx *actor.Context, msg any) error {
		m, ok := msg.(text)
		switch {
		case !ok:
		case m.Text == "hold":
			holding = true
		case m.Text == "release":
			holding = false
			ctx.Release()
			got = append(got, m.Text)
		case m.Text == "fail and hold":
			ctx.Hold()
			return errBroken
		case m.Text == "got?":
			ctx.Send(ctx.Sender(), text{strings.Join(got, " ")})
		case holding:
			ctx.Hold()
		default:
			got = append(got, m.Text)
		}
		return nil
	})
}}

func TestHeldMessagesComeInTheirOrderAfterRelease(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, keeper)
		a := create(t, sys, "keeper")
		for _, msg := range strings.Fields("1 hold 2 3 4 release 5 release hold 6 release 7") {
			tell(t, sys, a, text{msg})
		}
		assert.Equal(t, ask[text](t, sys, a, text{"got?"}).Text, "1 release 2 3 4 5 release release 6 7")
	})
}

func TestHeldMessagesComeBeforeThoseThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := start(t, system.Options{}, keeper, kind("sender", func(ctx *actor.Context, msg any) error {
			if m, ok := msg.(refer); ok {
				for _, s := range strings.Fields("hold 1 2 release 3 4") {
					ctx.Send(m.To, text{s})
				}
			}
			return nil
		}))
		a := create(t, sys, "keeper")
		tell(t, sys, create(t, sys, "sender"), refer{a})
		synctest.Wait()
		assert.Equal(t, ask[text](t, sys, a, text{"got?"}).Text, "release 1 2 3 4")
	})
}

func TestHeldMessagesOfAnActorThatEndsAreDeadLetters(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, keeper, undertaker)
		u := create(t, sys, "undertaker")
		ask[text](t, sys, u, text{"on"})
		a := create(t, sys, "keeper")
		for _, msg := range strings.Fields("hold 1 2") {
			tell(t, sys, a, text{msg})
		}
		assert.Equal(t, ask[message.ActorStatus](t, sys, a, message.StatusRequest{}).Counters["messages held"], uint64(2))
		tell(t, sys, a, message.ActorExitRequest{})
		var got string
		eventually(t, "the dead letters", func() bool {
			got = ask[text](t, sys, u, text{"got?"}).Text
			return strings.Contains(got, "{2} to")
		})
		assert.Assert(t, strings.Index(got, "{1} to") < strings.Index(got, "{2} to"), got)
		assert.Assert(t, is.Contains(got, "{1} to"))
	})
}

func TestMessageThatFailsIsNotHeld(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, keeper)
		a := create(t, sys, "keeper")
		_, err := sys.Ask(within(t), a, text{"fail and hold"})
		var poison message.PoisonMessage
		assert.Assert(t, errors.As(err, &poison), "%v", err)
		tell(t, sys, a, text{"release"})
		assert.Equal(t, ask[text](t, sys, a, text{"got?"}).Text, "release")
	})
}
