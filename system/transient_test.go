package system_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

// counting is an actor that answers "n?" with how many messages it got, and tells whoever asked last of its exit request.
func counting() actor.Actor {
	n := 0
	var asker address.Address
	return actor.Func(func(ctx *actor.Context, msg any) error {
		switch m := msg.(type) {
		case text:
			if m.Text == "n?" {
				asker = ctx.Sender()
				ctx.Send(asker, count{n})
				return nil
			}
			n++
		case message.ActorExitRequest:
			ctx.Send(asker, text{"exit"})
		}
		return nil
	})
}

// patiently returns the next message to the program, however long it takes.
func patiently(t *testing.T, sys *system.System) any {
	t.Helper()
	msg, _, err := sys.Listen(context.Background())
	assert.NilError(t, err)
	return msg
}

func alive(t *testing.T, sys *system.System, a address.Address) bool {
	t.Helper()
	status, err := sys.Status(t.Context())
	assert.NilError(t, err)
	for _, s := range status.Actors {
		if s.Actor == a {
			return true
		}
	}
	return false
}

func TestTransientActorExitsThatLongAfterItsFirstMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := start(t, system.Options{},
			actor.Kind{Name: "default", New: func() actor.Actor { return actor.Transient(counting(), 0) }},
			actor.Kind{Name: "minute", New: func() actor.Actor { return actor.Transient(counting(), time.Minute) }})
		for kind, life := range map[string]time.Duration{"default": actor.DefaultTransient, "minute": time.Minute} {
			a := create(t, sys, kind)
			time.Sleep(time.Hour)
			assert.Assert(t, alive(t, sys, a), "without a message it lives on")
			began := time.Now()
			tell(t, sys, a, text{"first"})
			time.Sleep(life / 2)
			assert.Equal(t, ask[count](t, sys, a, text{"n?"}).N, 1)
			assert.Equal(t, patiently(t, sys), text{"exit"}, "it is asked to exit like any actor")
			assert.Equal(t, time.Since(began), life, "later messages do not prolong its life")
			synctest.Wait()
			assert.Assert(t, !alive(t, sys, a))
		}
	})
}

func TestTransientIdleActorExitsThatLongAfterItsLastMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := start(t, system.Options{}, actor.Kind{Name: "idle", New: func() actor.Actor { return actor.TransientIdle(counting(), time.Minute) }})
		a := create(t, sys, "idle")
		for range 10 {
			tell(t, sys, a, text{"more"})
			time.Sleep(50 * time.Second)
		}
		began := time.Now()
		assert.Equal(t, ask[count](t, sys, a, text{"n?"}).N, 10)
		assert.Equal(t, patiently(t, sys), text{"exit"})
		assert.Equal(t, time.Since(began), time.Minute)
	})
}

func TestTransientActorsDoNotCountTheSystemsMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := start(t, system.Options{}, actor.Kind{Name: "idle", New: func() actor.Actor { return actor.TransientIdle(counting(), time.Minute) }})
		a := create(t, sys, "idle")
		ask[message.ActorStatus](t, sys, a, message.StatusRequest{})
		tell(t, sys, a, message.WakeupMessage{Payload: "not its own"})
		time.Sleep(time.Hour)
		assert.Assert(t, alive(t, sys, a))
	})
}

// mayfly is a transient kind around an actor that has a diary.
func mayfly(wrap func(actor.Actor) actor.Actor, d *diary) actor.Kind {
	return actor.Kind{Name: "mayfly", New: func() actor.Actor {
		return wrap(actor.Func(func(ctx *actor.Context, msg any) error {
			switch m := msg.(type) {
			case text:
				ctx.WakeupAfter(time.Second, m.Text) // a message of the system, which renews nothing
				if m.Text == "fail" {
					return actor.Permanent(errBroken)
				}
			default:
				d.note("%s", describe(msg))
			}
			return nil
		}))
	}}
}

func TestTransientActorEndsAtItsTime(t *testing.T) {
	first := func(life time.Duration) func(actor.Actor) actor.Actor {
		return func(a actor.Actor) actor.Actor { return actor.Transient(a, life) }
	}
	idle := func(life time.Duration) func(actor.Actor) actor.Actor {
		return func(a actor.Actor) actor.Actor { return actor.TransientIdle(a, life) }
	}
	for _, c := range []struct {
		name string
		wrap func(actor.Actor) actor.Actor
		at   []time.Duration // when it gets a message
		ends time.Duration
	}{
		{"after its first message", first(5 * time.Second), []time.Duration{time.Hour}, time.Hour + 5*time.Second},
		{"whatever comes then", first(5 * time.Second), []time.Duration{time.Minute, time.Minute + 2*time.Second, time.Minute + 4*time.Second}, time.Minute + 5*time.Second},
		{"by default", first(0), []time.Duration{0, 8 * time.Second}, 10 * time.Second},
		{"after its last message", idle(5 * time.Second), []time.Duration{time.Minute, time.Minute + 2*time.Second, time.Minute + 6*time.Second}, time.Minute + 11*time.Second},
		{"after its last message by default", idle(0), []time.Duration{0, 8 * time.Second}, 18 * time.Second},
		{"in two ways, the first", func(a actor.Actor) actor.Actor { return idle(3 * time.Second)(first(20 * time.Second)(a)) }, []time.Duration{0, 2 * time.Second}, 5 * time.Second},
		{"in two ways, the second", func(a actor.Actor) actor.Actor { return idle(30 * time.Second)(first(20 * time.Second)(a)) }, []time.Duration{0, 19 * time.Second}, 20 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			timed(t, func(t *testing.T, o system.Options) {
				var d diary
				sys := start(t, o, mayfly(c.wrap, &d), watchman)
				begin := time.Now()
				a, watcher := create(t, sys, "mayfly"), create(t, sys, "watchman")
				watching(t, sys, watcher, a)
				for _, at := range c.at {
					time.Sleep(at - time.Since(begin))
					tell(t, sys, a, text{"x"})
				}
				assert.Equal(t, listen[text](t, sys).Text, "actor exited: asked to exit")
				assert.Equal(t, time.Since(begin), c.ends)
				lines := d.read()
				assert.Equal(t, lines[len(lines)-1], "exit", "it is asked to exit like any other")
				for _, line := range lines[:len(lines)-1] {
					assert.Equal(t, line, "wakeup: x", "it sees its own wake-ups alone")
				}
			})
		})
	}
}

func TestTransientActorThatFailsEndsAllTheSame(t *testing.T) {
	timed(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, mayfly(func(a actor.Actor) actor.Actor { return actor.Transient(a, time.Second) }, new(diary)), watchman)
		a, watcher := create(t, sys, "mayfly"), create(t, sys, "watchman")
		watching(t, sys, watcher, a)
		begin := time.Now()
		_, err := sys.Ask(within(t), a, text{"fail"})
		var poison message.PoisonMessage
		assert.Assert(t, errors.As(err, &poison))
		assert.Equal(t, listen[text](t, sys).Text, "actor exited: asked to exit")
		assert.Equal(t, time.Since(begin), time.Second)
	})
}

// fed is an actor that wants a name and a number before it works.
type fed struct {
	log []string
}

func (f *fed) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case text:
		if m.Text == "log?" {
			ctx.Send(ctx.Sender(), holder{append([]string(nil), f.log...)})
			return nil
		}
		f.log = append(f.log, m.Text)
	case count:
		if m.N < 0 {
			return actor.Permanent(errBroken)
		}
		f.log = append(f.log, "number")
	case make_:
		f.log = append(f.log, "name "+m.Name)
	case message.WakeupMessage:
		f.log = append(f.log, "wakeup")
	}
	return nil
}

func (f *fed) Initialized(ctx *actor.Context) error {
	f.log = append(f.log, "complete")
	return nil
}

func TestInitializingActorHoldsOtherMessagesUntilAllInitialOnesCame(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, actor.Kind{Name: "fed", New: func() actor.Actor { return actor.Initializing(&fed{}, count{}, make_{}) }})
		a := create(t, sys, "fed")
		for _, msg := range []any{
			text{"early 1"}, make_{Name: "first"}, text{"early 2"}, message.WakeupMessage{}, make_{Name: "second"}, count{-1}, text{"early 3"}, count{1}, text{"late"},
		} {
			tell(t, sys, a, msg)
		}
		log := ask[holder](t, sys, a, text{"log?"}).Any.([]string)
		assert.DeepEqual(t, log, []string{
			"name first", "wakeup", "name second", "number", "complete", "early 1", "early 2", "early 3", "late",
		})
		poison := listen[message.PoisonMessage](t, sys)
		assert.Equal(t, poison.Message, count{-1}, "an initial message that failed does not count")
	})
}

func TestHeldQuestionIsAnsweredToItsAsker(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, actor.Kind{Name: "fed", New: func() actor.Actor { return actor.Initializing(&fed{}, count{}) }})
		a := create(t, sys, "fed")
		private := sys.Private()
		defer private.Close()
		assert.NilError(t, private.Tell(within(t), a, text{"log?"}))
		tell(t, sys, a, count{1})
		msg, sender, err := private.Listen(within(t))
		assert.NilError(t, err)
		assert.Equal(t, sender, a)
		assert.DeepEqual(t, msg.(holder).Any, []string{"number", "complete"})
	})
}

// A wake-up that was in the mailbox already when a message renewed the time ends nothing.
func TestTransientActorThatWasRenewedInTimeLivesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := start(t, system.Options{}, actor.Kind{Name: "idle", New: func() actor.Actor {
			return actor.TransientIdle(actor.Func(func(ctx *actor.Context, msg any) error {
				if m, ok := msg.(count); ok && m.N == 1 {
					time.Sleep(3 * time.Second)
				}
				return nil
			}), 2*time.Second)
		}}, watchman)
		a, watcher := create(t, sys, "idle"), create(t, sys, "watchman")
		watching(t, sys, watcher, a)
		begin := time.Now()
		tell(t, sys, a, count{1})
		tell(t, sys, a, count{2}) // waits before the wake-up that comes after two seconds
		assert.Equal(t, listen[text](t, sys).Text, "actor exited: asked to exit")
		assert.Equal(t, time.Since(begin), 5*time.Second)
	})
}

func TestTransientActorIsToldThatItIsInitialized(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, actor.Kind{Name: "machine", New: func() actor.Actor {
			return actor.Initializing(actor.Transient(&machine{}, time.Minute), count{}, refer{})
		}}, actor.Kind{Name: "plain", New: func() actor.Actor {
			return actor.Initializing(actor.Transient(actor.Func(func(ctx *actor.Context, msg any) error {
				ctx.Send(ctx.Sender(), msg)
				return nil
			}), time.Minute), count{})
		}})
		a := create(t, sys, "machine")
		tell(t, sys, a, count{1})
		tell(t, sys, a, refer{a})
		assert.Equal(t, ask[text](t, sys, a, text{"got?"}).Text, "count refer initialized")
		plain := create(t, sys, "plain")
		assert.Equal(t, ask[count](t, sys, plain, count{1}).N, 1)
	})
}
