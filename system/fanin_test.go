package system_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/system"
)

func TestManySendersToOneReceiver(t *testing.T) {
	const senders = 5000
	tightly(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, actor.Kind{Name: "collector", New: func() actor.Actor {
			var program address.Address
			got := 0
			return actor.Func(func(ctx *actor.Context, msg any) error {
				switch msg.(type) {
				case text:
					program = ctx.Sender()
				case count:
					got++
				}
				if got == senders {
					ctx.Send(program, count{got})
				}
				return nil
			})
		}}, kind("sender", func(ctx *actor.Context, msg any) error {
			if m, ok := msg.(refer); ok {
				ctx.Send(m.To, count{1})
			}
			return nil
		}))
		collector := create(t, sys, "collector")
		tell(t, sys, collector, text{"tell me"})
		for range senders {
			tell(t, sys, create(t, sys, "sender"), refer{collector})
		}
		assert.Equal(t, listen[count](t, sys).N, senders)
		noneLost(t, sys)
	})
}

func TestSendersThatWaitGoOnInTheirOrder(t *testing.T) {
	const senders = 20
	for _, mark := range []int{1, 4} {
		t.Run(fmt.Sprint(mark), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				open := make(chan struct{})
				var got []int
				sys := start(t, system.Options{Limits: system.Limits{Mark: mark, Resume: 1}}, kind("slow", func(ctx *actor.Context, msg any) error {
					switch m := msg.(type) {
					case text:
						<-open
					case count:
						got = append(got, m.N)
						time.Sleep(time.Second) // those who were woken go on before more are
					}
					return nil
				}))
				slow := create(t, sys, "slow")
				tell(t, sys, slow, text{"wait"})
				synctest.Wait()
				for i := range mark {
					tell(t, sys, slow, count{i})
				}
				for i := range senders {
					go func() { _ = sys.Tell(t.Context(), slow, count{mark + i}) }()
					synctest.Wait()
				}
				close(open)
				time.Sleep(time.Minute)
				synctest.Wait()
				assert.Equal(t, len(got), mark+senders)
				for i, n := range got {
					// As many as are woken at once go on in any order.
					assert.Assert(t, i/mark == n/mark, "%v", got)
				}
			})
		})
	}
}

// A sender that was woken and gives up in that moment leaves its place to the next: nobody else would wake it.
func TestSenderThatGivesUpLeavesItsPlaceToTheNext(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			open := make(chan struct{})
			ctx, giveUp := context.WithCancel(t.Context())
			defer giveUp()
			sys := start(t, system.Options{Limits: system.Limits{Mark: 1, Resume: 1}}, kind("slow", func(_ *actor.Context, msg any) error {
				switch msg.(type) {
				case text:
					<-open
				case refer: // by then the first of those who wait was woken
					giveUp()
				}
				return nil
			}))
			slow := create(t, sys, "slow")
			tell(t, sys, slow, text{"wait"})
			synctest.Wait()
			tell(t, sys, slow, refer{})
			for range 3 {
				go func() { _ = sys.Tell(ctx, slow, count{1}) }()
			}
			synctest.Wait()
			told := make(chan error, 1)
			go func() { told <- sys.Tell(t.Context(), slow, count{2}) }()
			synctest.Wait()
			close(open)
			assert.NilError(t, <-told)
		})
	}
}
