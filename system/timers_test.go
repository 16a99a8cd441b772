package system_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/message"
	"thespian.dev/system"
)

// alarms is a kind that sets alarms with a function of the test, and tells the program of each that comes.
func alarms(set func(ctx *actor.Context)) actor.Kind {
	return actor.Kind{Name: "alarms", New: func() actor.Actor {
		var program func(msg any)
		return actor.Func(func(ctx *actor.Context, msg any) error {
			switch m := msg.(type) {
			case text:
				to := ctx.Sender()
				program = func(msg any) { ctx.Send(to, msg) }
				set(ctx)
			case message.WakeupMessage:
				if ctx.Sender() != ctx.Self() {
					return fmt.Errorf("a wake-up from %v", ctx.Sender())
				}
				program(text{fmt.Sprintf("%v after %v", m.Payload, m.Delay)})
			}
			return nil
		})
	}}
}

func TestWakeupsComeInTheOrderOfTheirTimes(t *testing.T) {
	timed(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, alarms(func(ctx *actor.Context) {
			ctx.WakeupAfter(3*time.Second, "late")
			ctx.WakeupAfter(time.Second, "early")
			for i := range 5 {
				ctx.WakeupAfter(2*time.Second, i) // those of one time come in the order in which they were set
			}
			ctx.WakeupAfter(0, "now")
			ctx.WakeupAfter(-time.Second, "overdue")
			ctx.WakeupAfter(time.Second, nil)
		}))
		a := create(t, sys, "alarms")
		begin := time.Now()
		tell(t, sys, a, text{"go"})
		for _, want := range []struct {
			at   time.Duration
			text string
		}{
			{0, "now after 0s"}, {0, "overdue after -1s"}, {1, "early after 1s"}, {1, "<nil> after 1s"},
			{2, "0 after 2s"}, {2, "1 after 2s"}, {2, "2 after 2s"}, {2, "3 after 2s"}, {2, "4 after 2s"}, {3, "late after 3s"},
		} {
			got := listen[text](t, sys).Text
			if o.Synchronous && want.at == 0 { // two that are due at once come in the order of their times
				continue
			}
			if want.at > 0 {
				assert.Equal(t, got, want.text)
			}
			assert.Equal(t, time.Since(begin), want.at*time.Second)
		}
	})
}

func TestWakeupThatHasComeIsListedNoMore(t *testing.T) {
	timed(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, alarms(func(ctx *actor.Context) {
			ctx.WakeupAfter(time.Second, "soon")
			ctx.WakeupAfter(time.Hour, "later")
		}), kind("others", func(ctx *actor.Context, msg any) error {
			if _, ok := msg.(text); ok {
				for range 10_000 { // which take a while to be crossed off
					ctx.WakeupAfter(time.Second, nil)
				}
				ctx.Send(ctx.Sender(), msg)
			}
			return nil
		}))
		for range 5 {
			ask[text](t, sys, create(t, sys, "others"), text{"go"})
			a := create(t, sys, "alarms")
			tell(t, sys, a, text{"go"})
			assert.Equal(t, listen[text](t, sys).Text, "soon after 1s")
			assert.Equal(t, len(ask[message.ActorStatus](t, sys, a, message.StatusRequest{}).Wakeups), 1)
		}
	})
}

func TestManyWakeups(t *testing.T) {
	timed(t, func(t *testing.T, o system.Options) {
		const wakeups = 2000
		var delays []time.Duration
		for range wakeups {
			delays = append(delays, time.Duration(1+rand.IntN(300))*time.Second) // many times twice
		}
		sys := start(t, o, alarms(func(ctx *actor.Context) {
			for i, delay := range delays {
				ctx.WakeupAfter(delay, i)
			}
		}))
		begin := time.Now()
		tell(t, sys, create(t, sys, "alarms"), text{"go"})
		var want []int
		for i := range delays {
			want = append(want, i)
		}
		slices.SortStableFunc(want, func(a, b int) int { return int(delays[a] - delays[b]) })
		for _, i := range want {
			assert.Equal(t, listen[text](t, sys).Text, fmt.Sprintf("%d after %v", i, delays[i]))
			assert.Equal(t, time.Since(begin), delays[i])
		}
	})
}

func TestWakeupOfABusyActorComesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := start(t, system.Options{}, alarms(func(ctx *actor.Context) {
			ctx.WakeupAfter(time.Second, "first")
			ctx.WakeupAfter(2*time.Second, "second")
			time.Sleep(10 * time.Second)
		}))
		begin := time.Now()
		tell(t, sys, create(t, sys, "alarms"), text{"go"})
		assert.Equal(t, listen[text](t, sys).Text, "first after 1s")
		assert.Equal(t, time.Since(begin), 10*time.Second)
		assert.Equal(t, listen[text](t, sys).Text, "second after 2s")
	})
}

func TestCancelledWakeupNeverComes(t *testing.T) {
	timed(t, func(t *testing.T, o system.Options) {
		var wakeups []actor.Wakeup
		sys := start(t, o, alarms(func(ctx *actor.Context) {
			for i := range 6 {
				wakeups = append(wakeups, ctx.WakeupAfter(time.Duration(1+i/3)*time.Second, i))
			}
			for _, i := range []int{0, 4} { // the very first, and the middle one of three at one time
				if !wakeups[i].Cancel() {
					t.Errorf("%d was not cancelled", i)
				}
				if wakeups[i].Cancel() {
					t.Errorf("%d was cancelled twice", i)
				}
			}
		}))
		begin := time.Now()
		tell(t, sys, create(t, sys, "alarms"), text{"go"})
		for _, i := range []int{1, 2, 3, 5} {
			assert.Equal(t, listen[text](t, sys).Text, fmt.Sprintf("%d after %ds", i, 1+i/3))
			assert.Equal(t, time.Since(begin), time.Duration(1+i/3)*time.Second)
		}
		for i, wakeup := range wakeups {
			assert.Assert(t, !wakeup.Cancel(), "%d is over", i)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, _, err := sys.Listen(ctx)
		assert.Assert(t, err != nil, "nothing more comes")
	})
}

func TestWakeupsEndWithTheirActor(t *testing.T) {
	timed(t, func(t *testing.T, o system.Options) {
		var wakeup actor.Wakeup
		sys := start(t, o, alarms(func(ctx *actor.Context) {
			wakeup = ctx.WakeupAfter(time.Second, "never")
			ctx.WakeupAfter(time.Second, "never")
			ctx.Exit()
		}))
		a := create(t, sys, "alarms")
		tell(t, sys, a, text{"go"})
		gone(t, sys, a)
		synctest.Wait()
		assert.Assert(t, !wakeup.Cancel(), "it is gone long before its time")
		before := deadLetterCount(t, sys)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, _, err := sys.Listen(ctx)
		assert.Assert(t, err != nil)
		assert.Equal(t, deadLetterCount(t, sys), before)
	})
}

func TestWakeupIsSetBesideTheActor(t *testing.T) {
	timed(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, alarms(func(ctx *actor.Context) {
			ctx.Go(func(context.Context) any {
				ctx.WakeupAfter(time.Second, "from a goroutine")
				return nil
			})
		}))
		tell(t, sys, create(t, sys, "alarms"), text{"go"})
		assert.Equal(t, listen[text](t, sys).Text, "from a goroutine after 1s")
	})
}

func TestSynchronousWakeupsComeInsideOfTheProgramsCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var came int
		sys := start(t, system.Options{Synchronous: true}, kind("alarm", func(ctx *actor.Context, msg any) error {
			switch msg.(type) {
			case text:
				ctx.WakeupAfter(time.Second, nil)
			case message.WakeupMessage:
				came++
			}
			return nil
		}))
		tell(t, sys, create(t, sys, "alarm"), text{"go"})
		time.Sleep(time.Hour)
		synctest.Wait()
		assert.Equal(t, came, 0, "nobody is in a call")
		tell(t, sys, sys.Address(), text{"any call will do"})
		assert.Equal(t, came, 1)
	})
}

func TestShutdownDoesNotWaitForWakeups(t *testing.T) {
	timed(t, func(t *testing.T, o system.Options) {
		sys := launch(t, o, alarms(func(ctx *actor.Context) { ctx.WakeupAfter(time.Hour, nil) }))
		begin := time.Now()
		tell(t, sys, create(t, sys, "alarms"), text{"go"})
		assert.NilError(t, sys.Shutdown(t.Context()))
		assert.Equal(t, time.Since(begin), time.Duration(0))
	})
}
