package system_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/system"
)

// tight are limits at which senders wait all the time.
var tight = system.Limits{Mark: 8, Resume: 2, Hard: 1 << 20}

// tightly runs a test on each scheduler with tight limits and with the default ones.
func tightly(t *testing.T, test func(t *testing.T, o system.Options)) {
	schedulers(t, func(t *testing.T, o system.Options) {
		for name, limits := range map[string]system.Limits{"default limits": {}, "tight limits": tight} {
			t.Run(name, func(t *testing.T) {
				o.Limits = limits
				test(t, o)
			})
		}
	})
}

// noneLost fails when a message was lost or became a dead letter.
func noneLost(t *testing.T, sys *system.System) {
	t.Helper()
	status, err := sys.Status(within(t))
	assert.NilError(t, err)
	assert.Equal(t, status.DeadLetters, uint64(0))
}

func TestTwoActorsThatFloodEachOtherBothFinish(t *testing.T) {
	const n = 20_000
	tightly(t, func(t *testing.T, o system.Options) {
		flooder := actor.Kind{Name: "flooder", New: func() actor.Actor {
			got := 0
			var program address.Address
			report := func(ctx *actor.Context) {
				if got == n && !program.IsZero() {
					ctx.Send(program, count{got})
				}
			}
			return actor.Func(func(ctx *actor.Context, msg any) error {
				switch m := msg.(type) {
				case order: // flood From
					program = ctx.Sender()
					for range m.N {
						ctx.Send(m.From, count{1})
					}
					report(ctx)
				case count:
					got++
					report(ctx)
				}
				return nil
			})
		}}
		sys := start(t, o, flooder)
		a, b := create(t, sys, "flooder"), create(t, sys, "flooder")
		tell(t, sys, a, order{b, n})
		tell(t, sys, b, order{a, n})
		assert.Equal(t, listen[count](t, sys).N, n)
		assert.Equal(t, listen[count](t, sys).N, n)
		noneLost(t, sys)
	})
}

func TestCoordinatorThatSendsAllJobsInOneTurnGetsAllAnswers(t *testing.T) {
	const jobs, workers = 20_000, 4
	tightly(t, func(t *testing.T, o system.Options) {
		worker := kind("worker", func(ctx *actor.Context, msg any) error {
			if m, ok := msg.(count); ok {
				ctx.Send(ctx.Sender(), text{"begun"})
				ctx.Send(ctx.Sender(), m)
			}
			return nil
		})
		coordinator := actor.Kind{Name: "coordinator", New: func() actor.Actor {
			var program address.Address
			begun, sum := 0, 0
			return actor.Func(func(ctx *actor.Context, msg any) error {
				switch m := msg.(type) {
				case job:
					program = ctx.Sender()
					var all []address.Address
					for range workers {
						all = append(all, ctx.Create("worker"))
					}
					for i := range m.Done {
						ctx.Send(all[i%workers], count{i})
					}
				case text:
					begun++
				case count:
					sum += m.N
					if begun == jobs && sum == jobs*(jobs-1)/2 {
						ctx.Send(program, count{sum})
					}
				}
				return nil
			})
		}}
		sys := start(t, o, worker, coordinator)
		c := create(t, sys, "coordinator")
		assert.Equal(t, ask[count](t, sys, c, job{jobs}).N, jobs*(jobs-1)/2)
		noneLost(t, sys)
	})
}

func TestRingThatIsFilledFromEveryMemberFinishes(t *testing.T) {
	const members, each, hops = 10, 200, 50
	tightly(t, func(t *testing.T, o system.Options) {
		member := actor.Kind{Name: "member", New: func() actor.Actor {
			var next, program address.Address
			return actor.Func(func(ctx *actor.Context, msg any) error {
				switch m := msg.(type) {
				case refer:
					next, program = m.To, ctx.Sender()
					ctx.Send(program, text{"ready"})
				case job:
					for range m.Done {
						ctx.Send(next, count{hops})
					}
				case count:
					if m.N == 0 {
						ctx.Send(program, text{"round"})
						return nil
					}
					ctx.Send(next, count{m.N - 1})
				}
				return nil
			})
		}}
		sys := start(t, o, member)
		ring := make([]address.Address, members)
		for i := range ring {
			ring[i] = create(t, sys, "member")
		}
		for i := range ring {
			tell(t, sys, ring[i], refer{ring[(i+1)%members]})
			assert.Equal(t, listen[text](t, sys).Text, "ready")
		}
		for i := range ring {
			tell(t, sys, ring[i], job{each})
		}
		for range members * each {
			assert.Equal(t, listen[text](t, sys).Text, "round")
		}
		noneLost(t, sys)
	})
}

func TestActorThatSendsToItselfNeverWaits(t *testing.T) {
	const n = 10_000
	tightly(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, actor.Kind{Name: "self", New: func() actor.Actor {
			var program address.Address
			next := 0
			return actor.Func(func(ctx *actor.Context, msg any) error {
				switch m := msg.(type) {
				case job:
					program = ctx.Sender()
					for i := range m.Done {
						ctx.Send(ctx.Self(), count{i})
					}
				case count:
					if m.N != next {
						return fmt.Errorf("got %d, wanted %d", m.N, next)
					}
					if next++; next == n {
						ctx.Send(program, count{next})
					}
				}
				return nil
			})
		}})
		assert.Equal(t, ask[count](t, sys, create(t, sys, "self"), job{n}).N, n)
		noneLost(t, sys)
	})
}

// gate is a kind whose actors do not return from their first message until the channel is closed.
func gate(open <-chan struct{}) actor.Kind {
	return kind("gate", func(ctx *actor.Context, msg any) error {
		if _, ok := msg.(text); ok {
			<-open
		}
		return nil
	})
}

func TestSenderThatWaitsGoesOnWhenItsOwnMailboxFills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(chan struct{})
		sys := start(t, system.Options{Limits: system.Limits{Mark: 10, Resume: 5, Hard: 100}}, gate(open), kind("sender", func(ctx *actor.Context, msg any) error {
			if m, ok := msg.(refer); ok {
				for i := range 30 {
					ctx.Send(m.To, count{i})
				}
				ctx.Send(ctx.Sender(), text{"sent"})
			}
			return nil
		}))
		a, sender := create(t, sys, "gate"), create(t, sys, "sender")
		tell(t, sys, a, text{"wait"})
		synctest.Wait()
		tell(t, sys, sender, refer{a})
		time.Sleep(time.Second) // of virtual time: with one processor, the sender gets a worker when the monitor sees that it waits
		for i := range 9 {
			tell(t, sys, sender, count{i})
		}
		synctest.Wait()
		status, err := sys.Status(t.Context())
		assert.NilError(t, err)
		for _, s := range status.Actors {
			if s.Kind == "gate" {
				assert.Equal(t, s.Pending, 10, "the sender waits at the mark")
			}
		}
		tell(t, sys, sender, count{9}) // its own mailbox is at the mark now: it must not wait any more
		assert.Equal(t, listen[text](t, sys).Text, "sent")
		close(open)
	})
}

func TestMailboxAtItsHardLimitMakesDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := start(t, system.Options{Limits: system.Limits{Mark: 10, Resume: 5, Hard: 20}}, kind("self", func(ctx *actor.Context, msg any) error {
			if m, ok := msg.(job); ok {
				for i := range m.Done {
					ctx.Send(ctx.Self(), count{i})
				}
			}
			return nil
		}))
		self := create(t, sys, "self")
		tell(t, sys, self, job{50})
		synctest.Wait()
		status, err := sys.Status(t.Context())
		assert.NilError(t, err)
		assert.Equal(t, status.DeadLetters, uint64(30))
	})
}

func TestOverloadedQuestionFailsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(chan struct{})
		sys := start(t, system.Options{Limits: system.Limits{Mark: 4, Resume: 2, Hard: 4}}, gate(open))
		a := create(t, sys, "gate")
		tell(t, sys, a, text{"wait"})
		synctest.Wait()
		for i := range 4 {
			tell(t, sys, a, count{i})
		}
		_, err := sys.Ask(t.Context(), a, count{5})
		var undeliverable *system.UndeliverableError
		assert.Assert(t, errors.As(err, &undeliverable), "%v", err)
		assert.Equal(t, undeliverable.Reason, "overloaded")
		assert.Equal(t, undeliverable.Target, a)
		close(open)
	})
}

func TestShutdownFreesSendersThatWait(t *testing.T) {
	open := make(chan struct{})
	sys := start(t, system.Options{Limits: system.Limits{Mark: 4, Resume: 2, Hard: 100}}, gate(open))
	a := create(t, sys, "gate")
	tell(t, sys, a, text{"wait"})
	done := make(chan error)
	go func() {
		for {
			if err := sys.Tell(context.Background(), a, count{1}); err != nil {
				done <- err
				return
			}
		}
	}()
	go func() { _ = sys.Close() }()
	assert.ErrorIs(t, <-done, system.ErrShutdown)
	close(open)
}
