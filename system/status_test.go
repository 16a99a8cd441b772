package system_test

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

func TestStatusOfAnActor(t *testing.T) {
	timed(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, clumsy("clumsy", 0), kind("busy", func(ctx *actor.Context, msg any) error {
			switch msg.(type) {
			case message.StatusRequest:
				t.Error("the actor was shown the request")
			case text:
				ctx.WakeupAfter(time.Hour, "later")
				ctx.WakeupAfter(time.Minute, "sooner")
				for range 3 {
					ctx.Send(ctx.Sender(), refer{ctx.Create("clumsy")})
				}
			case count:
				return errBroken
			}
			return nil
		}))
		a := create(t, sys, "busy", named("one"))
		time.Sleep(5 * time.Second)
		tell(t, sys, a, text{"go"})
		var children []address.Address
		for range 3 {
			children = append(children, listen[refer](t, sys).To)
		}
		tell(t, sys, a, count{})
		listen[message.PoisonMessage](t, sys)
		time.Sleep(time.Second)

		s := ask[message.ActorStatus](t, sys, a, message.StatusRequest{})
		assert.Equal(t, s.Actor, a)
		assert.Equal(t, s.Parent, sys.Admin())
		assert.Equal(t, s.Admin, sys.Admin())
		assert.Equal(t, s.Kind, "busy")
		assert.Equal(t, s.GlobalName, "one")
		assert.Equal(t, s.Exiting, false)
		assert.Equal(t, s.Pending, 0)
		assert.Equal(t, s.Received, uint64(3), "the go and two tries")
		assert.Equal(t, s.Sent, uint64(3))
		assert.Equal(t, s.Failed, uint64(2))
		assert.Equal(t, s.Poisoned, uint64(1))
		assert.Equal(t, s.Counters["children created"], uint64(3))
		assert.Equal(t, s.Uptime, 6*time.Second)
		assert.DeepEqual(t, s.Wakeups, []message.PendingWakeup{{In: 59 * time.Second}, {In: time.Hour - time.Second}})
		assert.Equal(t, len(s.Children), 3)
		for i, child := range children {
			assert.Equal(t, s.Children[i], child, "the oldest comes first")
		}
		assert.Equal(t, ask[message.ActorStatus](t, sys, children[0], message.StatusRequest{}).Parent, a)
	})
}

func TestStatusOfABusyActor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		sys := start(t, system.Options{}, kind("busy", func(ctx *actor.Context, msg any) error {
			if _, ok := msg.(text); ok {
				<-gate
			}
			return nil
		}))
		a := create(t, sys, "busy")
		tell(t, sys, a, text{"wait"})
		synctest.Wait()
		for i := range 3 {
			tell(t, sys, a, count{i})
		}
		status, err := sys.Status(t.Context()) // which waits for nobody
		assert.NilError(t, err)
		assert.Equal(t, status.Actors[0].Pending, 3)
		close(gate)
	})
}

func TestActorsAskForStatus(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, echo, kind("inspector", func(ctx *actor.Context, msg any) error {
			if m, ok := msg.(refer); ok {
				asker := ctx.Sender()
				ctx.Request(m.To, message.StatusRequest{}, time.Minute, func(reply any, err error) error {
					switch s := reply.(type) {
					case message.ActorStatus:
						ctx.Send(asker, text{"actor " + s.Kind})
					case message.SystemStatus:
						ctx.Send(asker, text{"system " + s.Base})
					}
					return err
				})
			}
			return nil
		}))
		inspector := create(t, sys, "inspector")
		assert.Equal(t, ask[text](t, sys, inspector, refer{create(t, sys, "echo")}).Text, "actor echo")
		assert.Equal(t, ask[text](t, sys, inspector, refer{inspector}).Text, "actor inspector")
		assert.Equal(t, ask[text](t, sys, inspector, refer{sys.Admin()}).Text, "system simple")
	})
}

func TestStatusOfASystem(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		o.Capabilities = actor.Capabilities{"GPU": true}
		sys := start(t, o, echo, undertaker, family(new(diary)))
		gravestone := dead(t, sys)
		before := deadLetterCount(t, sys)
		u := create(t, sys, "undertaker", named("undertaker"))
		ask[text](t, sys, u, text{"on"})
		tell(t, sys, gravestone, text{"x"})
		top, middle, leaf := grow(t, sys)
		e := create(t, sys, "echo")

		direct, err := sys.Status(within(t))
		assert.NilError(t, err)
		for _, s := range []message.SystemStatus{direct, ask[message.SystemStatus](t, sys, sys.Admin(), message.StatusRequest{})} {
			assert.Equal(t, s.Admin, sys.Admin())
			assert.Equal(t, s.Base, "simple")
			assert.Equal(t, s.InShutdown, false)
			assert.Equal(t, s.Capabilities["GPU"], true)
			assert.Equal(t, len(s.GlobalNames), 1)
			assert.Equal(t, s.GlobalNames["undertaker"], u)
			assert.Equal(t, len(s.DeadLetterHandlers), 1)
			assert.Equal(t, s.DeadLetterHandlers[0], u)
			assert.Equal(t, s.DeadLetters, uint64(before+1))
			assert.Assert(t, s.ConventionLeader.IsZero())
			var actors, parents []address.Address
			for _, a := range s.Actors {
				actors, parents = append(actors, a.Actor), append(parents, a.Parent)
			}
			for i, want := range []struct{ self, parent address.Address }{
				{u, sys.Admin()}, {top, sys.Admin()}, {middle, top}, {leaf, middle}, {e, sys.Admin()},
			} {
				assert.Equal(t, actors[i], want.self, "%d", i)
				assert.Equal(t, parents[i], want.parent, "%d", i)
			}
			assert.Equal(t, len(actors), 5)
		}
	})
}

// The golden files are written anew by: go test -run Format -update
func TestFormatOfStatuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := start(t, system.Options{Synchronous: true, Capabilities: actor.Capabilities{"GPU": true}}, undertaker, clumsy("clumsy", 0), family(new(diary)),
			alarms(func(ctx *actor.Context) { ctx.WakeupAfter(90*time.Second, nil) }))
		u := create(t, sys, "undertaker", named("undertaker"))
		tell(t, sys, u, text{"on"})
		grow(t, sys)
		clumsy := create(t, sys, "clumsy")
		tell(t, sys, clumsy, text{"panic"})
		tell(t, sys, sys.Admin(), text{"nothing for the Admin"})
		alarm := create(t, sys, "alarms")
		tell(t, sys, alarm, text{"go"})
		time.Sleep(1500 * time.Millisecond)

		// Of what differs from run to run only the width stays.
		prefix, _, _ := strings.Cut(sys.Admin().String(), ".")
		process := strings.Split(sys.Admin().String(), ".")[1]
		plain := strings.NewReplacer(prefix+"."+process+".", "SSSS.PPPP.", runtime.Version(), "go1.x", "Supported = false", "Supported = true").Replace

		var b strings.Builder
		status, err := sys.Status(t.Context())
		assert.NilError(t, err)
		assert.NilError(t, status.Format(&b))
		golden.Assert(t, plain(b.String()), "system-status.golden")
		b.Reset()
		for _, a := range []address.Address{u, clumsy, alarm, status.Actors[1].Actor} {
			assert.NilError(t, ask[message.ActorStatus](t, sys, a, message.StatusRequest{}).Format(&b))
			b.WriteString("\n")
		}
		golden.Assert(t, plain(b.String()), "actor-status.golden")
	})
}
