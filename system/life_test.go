package system_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
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

// A diary notes what happened, in its order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.lines)
}

// family is a kind whose actors create children of their own kind, with names, and write a diary together.
func family(d *diary) actor.Kind {
	return actor.Kind{Name: "family", New: func() actor.Actor { return &member{diary: d} }}
}

type member struct {
	diary *diary
	name  string
}

func (m *member) Start(ctx *actor.Context, args any) error {
	m.name = args.(text).Text
	return nil
}

func (m *member) Receive(ctx *actor.Context, msg any) error {
	switch v := msg.(type) {
	case make_:
		ctx.Send(ctx.Sender(), refer{ctx.Create(v.Kind, actor.CreateOptions{Args: text{v.Name}})})
	case text:
		switch v.Text {
		case "parent?":
			ctx.Send(ctx.Sender(), refer{ctx.Parent()})
		case "exit":
			ctx.Exit()
		case "exit beside":
			ctx.Go(func(context.Context) any { ctx.Exit(); return nil })
		case "exit by message":
			ctx.Send(ctx.Self(), message.ActorExitRequest{})
		}
	case message.ActorExitRequest:
		m.diary.note("%s is asked to exit", m.name)
	case message.ChildActorExited:
		m.diary.note("%s lost a child: %s", m.name, v.Reason)
	}
	return nil
}

// grow makes a line of a grandparent, a parent and a child.
func grow(t *testing.T, sys *system.System) (top, middle, leaf address.Address) {
	t.Helper()
	top = create(t, sys, "family", actor.CreateOptions{Args: text{"top"}})
	middle = ask[refer](t, sys, top, make_{"family", "middle"}).To
	leaf = ask[refer](t, sys, middle, make_{"family", "leaf"}).To
	return top, middle, leaf
}

func TestParents(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, family(new(diary)))
		top, middle, leaf := grow(t, sys)
		for child, parent := range map[address.Address]address.Address{top: sys.Admin(), middle: top, leaf: middle} {
			assert.Equal(t, ask[refer](t, sys, child, text{"parent?"}).To, parent)
		}
	})
}

func TestExitRequestIsRecursive(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		var d diary
		sys := start(t, o, family(&d))
		top, middle, leaf := grow(t, sys)
		tell(t, sys, top, message.ActorExitRequest{})
		for _, a := range []address.Address{top, middle, leaf} {
			gone(t, sys, a)
		}
		assert.DeepEqual(t, d.read(), []string{
			"top is asked to exit", "middle is asked to exit", "leaf is asked to exit",
			"middle lost a child: asked to exit", "top lost a child: asked to exit",
		})
	})
}

func TestExitRequestThatIsNotRecursiveLeavesOrphans(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		var d diary
		sys := start(t, o, family(&d))
		top, middle, leaf := grow(t, sys)
		tell(t, sys, top, message.ActorExitRequest{NotRecursive: true})
		gone(t, sys, top)
		assert.Equal(t, ask[refer](t, sys, middle, text{"parent?"}).To, sys.Admin())
		assert.Equal(t, ask[refer](t, sys, leaf, text{"parent?"}).To, middle)
		tell(t, sys, middle, message.ActorExitRequest{NotRecursive: true})
		gone(t, sys, middle)
		assert.Equal(t, ask[refer](t, sys, leaf, text{"parent?"}).To, sys.Admin())
		tell(t, sys, leaf, message.ActorExitRequest{})
		gone(t, sys, leaf)
		assert.DeepEqual(t, d.read(), []string{"top is asked to exit", "middle is asked to exit", "leaf is asked to exit"})
	})
}

func TestWaysToExit(t *testing.T) {
	for _, c := range []struct {
		say  string
		want []string
	}{
		{"exit", []string{"top lost a child: it called Exit"}},
		{"exit beside", []string{"top lost a child: it called Exit"}},
		{"exit by message", []string{"middle is asked to exit", "top lost a child: asked to exit"}},
	} {
		t.Run(c.say, func(t *testing.T) {
			schedulers(t, func(t *testing.T, o system.Options) {
				var d diary
				sys := start(t, o, family(&d))
				top := create(t, sys, "family", actor.CreateOptions{Args: text{"top"}})
				middle := ask[refer](t, sys, top, make_{"family", "middle"}).To
				tell(t, sys, middle, text{c.say})
				gone(t, sys, middle)
				eventually(t, "the notice comes", func() bool { return len(d.read()) >= len(c.want) })
				ask[refer](t, sys, top, text{"parent?"}) // and no other
				assert.DeepEqual(t, d.read(), c.want)
			})
		})
	}
}

func TestExitTakesTheChildrenAlong(t *testing.T) {
	for _, say := range []string{"exit", "exit beside"} {
		t.Run(say, func(t *testing.T) {
			schedulers(t, func(t *testing.T, o system.Options) {
				var d diary
				sys := start(t, o, family(&d))
				_, middle, leaf := grow(t, sys)
				tell(t, sys, middle, text{say})
				gone(t, sys, leaf)
				gone(t, sys, middle)
				eventually(t, "the notices come", func() bool { return len(d.read()) >= 3 })
				assert.DeepEqual(t, d.read(), []string{
					"leaf is asked to exit", "middle lost a child: asked to exit", "top lost a child: it called Exit",
				})
			})
		})
	}
}

// shortLived calls Exit before its first message.
type shortLived struct{}

func (shortLived) Start(ctx *actor.Context, args any) error {
	ctx.Exit()
	return nil
}

func (shortLived) Receive(ctx *actor.Context, msg any) error {
	panic("it gets no message")
}

func TestExitInStart(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		var d diary
		sys := start(t, o, family(&d), actor.Kind{Name: "short-lived", New: func() actor.Actor { return shortLived{} }})
		top := create(t, sys, "family", actor.CreateOptions{Args: text{"top"}})
		child := ask[refer](t, sys, top, make_{Kind: "short-lived"}).To
		gone(t, sys, child)
		eventually(t, "the notice comes", func() bool { return len(d.read()) > 0 })
		ask[refer](t, sys, top, text{"parent?"}) // and no other
		assert.DeepEqual(t, d.read(), []string{"top lost a child: it called Exit"})
		gone(t, sys, create(t, sys, "short-lived"))
	})
}

// Each of many children says something, with its last word on exit, while others flood the parent.
func TestOneNoticeForEachChildAfterItsLastMessage(t *testing.T) {
	const children = 1000
	schedulers(t, func(t *testing.T, o system.Options) {
		ended := make(chan struct{})
		sys := start(t, o, kind("child", func(ctx *actor.Context, msg any) error {
			switch msg.(type) {
			case count:
				ctx.Send(ctx.Parent(), order{ctx.Self(), 1})
			case message.ActorExitRequest:
				ctx.Send(ctx.Parent(), order{ctx.Self(), 2})
			}
			return nil
		}), kind("flood", func(ctx *actor.Context, msg any) error {
			if m, ok := msg.(refer); ok {
				for i := range 2 * children {
					ctx.Send(m.To, count{i})
				}
			}
			return nil
		}), actor.Kind{Name: "parent", New: func() actor.Actor {
			last := make(map[address.Address]int)
			notices := make(map[address.Address]int)
			return actor.Func(func(ctx *actor.Context, msg any) error {
				switch m := msg.(type) {
				case job:
					for i := range m.Done {
						child := ctx.Create("child")
						last[child] = 0
						ctx.Send(child, count{i})
						ctx.Send(child, message.ActorExitRequest{})
						ctx.Send(child, message.ActorExitRequest{}) // once more, which changes nothing
					}
				case order:
					if last[m.From] != m.N-1 {
						t.Errorf("%v: message %d came after %d", m.From, m.N, last[m.From])
					}
					last[m.From] = m.N
				case message.ChildActorExited:
					if last[m.Child] != 2 {
						t.Errorf("%v: its end came after message %d", m.Child, last[m.Child])
					}
					if m.Reason != "asked to exit" || ctx.Sender() != m.Child {
						t.Errorf("%v: %s, from %v", m.Child, m.Reason, ctx.Sender())
					}
					if notices[m.Child]++; len(notices) == children {
						close(ended)
					}
				case text:
					total := 0
					for _, n := range notices {
						total += n
					}
					ctx.Send(ctx.Sender(), count{total})
				}
				return nil
			})
		}})
		parent := create(t, sys, "parent")
		for range 3 {
			tell(t, sys, create(t, sys, "flood"), refer{parent})
		}
		tell(t, sys, parent, job{children})
		select {
		case <-ended:
		case <-within(t).Done():
			t.Fatal("not every child's end was told")
		}
		assert.Equal(t, ask[count](t, sys, parent, text{"total?"}).N, children)
	})
}

func TestCreateWhileExitingCreatesNothing(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		notices := 0
		sys := start(t, o, echo, kind("dying", func(ctx *actor.Context, msg any) error {
			switch msg.(type) {
			case message.ActorExitRequest:
				ctx.Send(ctx.Sender(), refer{ctx.Create("echo")}) // that one lives, until the exit has begun
			case message.ChildActorExited:
				if notices++; notices > 1 {
					t.Error("a child that never was has exited")
				}
				ctx.Create("echo", actor.CreateOptions{GlobalName: "too late"})
				ctx.Send(ctx.Create("echo"), text{"anybody?"})
			}
			return nil
		}))
		dying := create(t, sys, "dying")
		tell(t, sys, dying, message.ActorExitRequest{})
		child := listen[refer](t, sys).To
		gone(t, sys, child)
		gone(t, sys, dying)
		assert.Equal(t, notices, 1)
		eventually(t, "its name is free", func() bool {
			status, err := sys.Status(within(t))
			assert.NilError(t, err)
			assert.Equal(t, len(status.Actors), 0)
			return len(status.GlobalNames) == 0
		})
	})
}

func TestAddressIsNeverUsedAgain(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, echo)
		seen := make(map[address.Address]bool)
		for range 100 {
			a := create(t, sys, "echo")
			assert.Assert(t, !seen[a])
			seen[a] = true
			tell(t, sys, a, message.ActorExitRequest{})
			gone(t, sys, a)
		}
		create(t, sys, "echo")
		for a := range seen {
			_, err := sys.Ask(within(t), a, text{"anybody?"})
			assert.ErrorContains(t, err, "the actor has ended")
		}
	})
}

func TestContextIsDoneWhenTheActorHasEnded(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		contexts := make(chan *actor.Context, 1)
		sys := start(t, o, kind("lender", func(ctx *actor.Context, msg any) error {
			if _, ok := msg.(text); ok {
				contexts <- ctx
			}
			if _, ok := msg.(message.ActorExitRequest); ok && ctx.Err() != nil {
				t.Error("the context ends before the actor")
			}
			return nil
		}))
		lender := create(t, sys, "lender")
		tell(t, sys, lender, text{"lend"})
		ctx := <-contexts
		assert.NilError(t, ctx.Err())
		select {
		case <-ctx.Done():
			t.Fatal("done while the actor lives")
		default:
		}
		_, bounded := ctx.Deadline()
		assert.Assert(t, !bounded)
		assert.Equal(t, ctx.Value("x"), nil)
		derived, cancel := context.WithCancel(ctx)
		defer cancel()

		tell(t, sys, lender, message.ActorExitRequest{})
		<-derived.Done()
		<-ctx.Done()
		assert.ErrorIs(t, ctx.Err(), context.Canceled)
		assert.ErrorIs(t, derived.Err(), context.Canceled)

		// What an actor does after its end has no effect.
		ctx.Send(sys.Address(), text{"from beyond"})
		ctx.Exit()
		ctx.Release()
		gone(t, sys, ctx.Create("lender"))
		ctx.WakeupAfter(0, nil)
		ctx.Watch(sys.Admin())
		ctx.HandleDeadLetters(true)
		status, err := sys.Status(within(t))
		assert.NilError(t, err)
		assert.Equal(t, len(status.Actors), 0)
		assert.Equal(t, len(status.DeadLetterHandlers), 0)
		tell(t, sys, sys.Address(), text{"the next"})
		assert.Equal(t, listen[text](t, sys).Text, "the next")
	})
}

// launch starts a system that the test ends itself.
func launch(t testing.TB, o system.Options, kinds ...actor.Kind) *system.System {
	t.Helper()
	o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	sys, err := system.App{Kinds: kinds, Messages: testMessages}.Start(t.Context(), &o)
	assert.NilError(t, err)
	return sys
}

func ended(sys *system.System) bool {
	select {
	case <-sys.Done():
		return true
	default:
		return false
	}
}

func TestShutdownAsksEveryActorToExit(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		var d diary
		sys := launch(t, o, family(&d))
		grow(t, sys)
		assert.Assert(t, !ended(sys))
		assert.NilError(t, sys.Shutdown(t.Context()))
		assert.Assert(t, ended(sys))
		assert.DeepEqual(t, d.read(), []string{
			"top is asked to exit", "middle is asked to exit", "leaf is asked to exit",
			"middle lost a child: asked to exit", "top lost a child: asked to exit",
		})
	})
}

func TestCloseAsksNobody(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		var d diary
		sys := launch(t, o, family(&d))
		top, _, _ := grow(t, sys)
		assert.NilError(t, sys.Close())
		assert.Assert(t, ended(sys))
		assert.Equal(t, len(d.read()), 0, "%v", d.read())
		assert.ErrorIs(t, sys.Tell(t.Context(), top, text{"x"}), system.ErrShutdown)
	})
}

func TestShutdownIsCalledByMany(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		var d diary
		sys := launch(t, o, family(&d))
		grow(t, sys)
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				end := func() error { return sys.Shutdown(context.Background()) }
				if i == 9 {
					<-sys.Done()
					end = sys.Close
				}
				if err := end(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		assert.Equal(t, len(d.read()), 5, "each actor was asked once: %v", d.read())
	})
}

func TestShutdownNamesTheActorsThatAreStuck(t *testing.T) {
	for _, c := range []struct {
		name string
		when any // the message on which the actor is stuck
	}{
		{"before it is asked to exit", text{"work"}},
		{"when it is asked to exit", message.ActorExitRequest{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			timed(t, func(t *testing.T, o system.Options) {
				gate := make(chan struct{})
				sys := launch(t, o, echo, kind("stuck", func(ctx *actor.Context, msg any) error {
					if msg == c.when {
						<-gate
					}
					return nil
				}))
				create(t, sys, "echo")
				stuck := create(t, sys, "stuck")
				go func() { _ = sys.Tell(t.Context(), stuck, c.when) }()
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				begin := time.Now()
				err := sys.Shutdown(ctx)
				assert.ErrorContains(t, err, stuck.String()+" (stuck)")
				assert.Assert(t, is.ErrorIs(err, context.DeadlineExceeded))
				assert.Assert(t, time.Since(begin) >= time.Minute)
				assert.Assert(t, time.Since(begin) < time.Minute+5*time.Second, "%v", time.Since(begin))
				assert.Assert(t, ended(sys))
				assert.Equal(t, sys.Shutdown(t.Context()), err, "further calls return the same")
				assert.Equal(t, sys.Close(), err)
				_, err = sys.Create(t.Context(), "echo")
				assert.ErrorIs(t, err, system.ErrShutdown)
				close(gate)
			})
		})
	}
}

func TestShutdownThatMeetsAStuckExitHandler(t *testing.T) {
	timed(t, func(t *testing.T, o system.Options) {
		gate := make(chan struct{})
		sys := launch(t, o, kind("stuck", func(ctx *actor.Context, msg any) error {
			if _, ok := msg.(message.ActorExitRequest); ok {
				<-gate
			}
			return nil
		}))
		stuck := create(t, sys, "stuck")
		begin := time.Now()
		release := time.AfterFunc(time.Hour, func() { close(gate) })
		err := sys.Shutdown(t.Context())
		assert.ErrorContains(t, err, stuck.String()+" (stuck)")
		assert.Assert(t, time.Since(begin) >= system.ShutdownGrace)
		assert.Assert(t, time.Since(begin) < system.ShutdownGrace+5*time.Second, "without a deadline actors get the grace: %v", time.Since(begin))
		if release.Stop() {
			close(gate)
		}
	})
}

func TestShutdownWithACancelledContextEndsTheSystem(t *testing.T) {
	timed(t, func(t *testing.T, o system.Options) {
		sys := launch(t, o, echo)
		create(t, sys, "echo")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := sys.Shutdown(ctx); err != nil {
			assert.ErrorIs(t, err, context.Canceled)
		}
		assert.Assert(t, ended(sys))
		assert.ErrorIs(t, sys.Tell(t.Context(), sys.Address(), text{}), system.ErrShutdown)
	})
}

func TestNothingIsCreatedDuringShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		sys := start(t, system.Options{}, echo, kind("slow", func(ctx *actor.Context, msg any) error {
			if _, ok := msg.(message.ActorExitRequest); ok {
				<-gate
			}
			return nil
		}), kind("late", func(ctx *actor.Context, msg any) error {
			if _, ok := msg.(text); ok {
				<-gate
				ctx.Send(ctx.Create("echo"), text{"anybody?"})
			}
			if m, ok := msg.(message.ActorExitRequest); ok {
				_ = m
			}
			return nil
		}))
		create(t, sys, "slow")
		tell(t, sys, create(t, sys, "late"), text{"work"})
		done := make(chan error)
		go func() { done <- sys.Shutdown(t.Context()) }()
		synctest.Wait()
		for _, options := range []actor.CreateOptions{{}, {GlobalName: "name"}} {
			_, err := sys.Create(t.Context(), "echo", options)
			assert.ErrorIs(t, err, system.ErrShutdown)
		}
		status, err := sys.Status(t.Context())
		assert.NilError(t, err)
		assert.Assert(t, status.InShutdown)
		close(gate)
		assert.NilError(t, <-done)
	})
}

func TestActorShutsTheSystemDown(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		var d diary
		sys := launch(t, o, family(&d), kind("ender", func(ctx *actor.Context, msg any) error {
			switch msg.(type) {
			case text:
				ctx.ShutdownSystem()
			case message.ActorExitRequest:
				d.note("ender is asked to exit")
			}
			return nil
		}))
		tell(t, sys, create(t, sys, "ender"), text{"end"})
		select {
		case <-sys.Done():
		case <-within(t).Done():
			t.Fatal("the system goes on")
		}
		assert.DeepEqual(t, d.read(), []string{"ender is asked to exit"})
		assert.NilError(t, sys.Shutdown(t.Context()))
	})
}

func TestAdminAndEndpointsSurviveAnExitRequest(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, echo, kind("assassin", func(ctx *actor.Context, msg any) error {
			if m, ok := msg.(refer); ok {
				ctx.Send(m.To, message.ActorExitRequest{})
				ctx.Send(ctx.Sender(), text{"sent"})
			}
			return nil
		}))
		a := create(t, sys, "echo")
		assassin := create(t, sys, "assassin")
		private := sys.Private()
		defer private.Close()
		for _, victim := range []address.Address{sys.Admin(), sys.Address(), private.Address()} {
			tell(t, sys, victim, message.ActorExitRequest{})
			ask[text](t, sys, assassin, refer{victim})
		}
		assert.Equal(t, ask[text](t, sys, a, text{"still here"}).Text, "still here")
		reply, err := private.Ask(within(t), a, text{"here, too"})
		assert.NilError(t, err)
		assert.Equal(t, reply, text{"here, too"})
		create(t, sys, "echo")
		ask[message.SystemStatus](t, sys, sys.Admin(), message.StatusRequest{})
	})
}

// An actor that waits for its children to end sees nothing but what has to do with its end.
func TestActorThatWaitsForItsChildrenTakesNoOtherMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		gate := make(chan struct{})
		sys := start(t, system.Options{}, undertaker, family(&d), kind("slow", func(ctx *actor.Context, msg any) error {
			if _, exit := msg.(message.ActorExitRequest); exit {
				<-gate
			}
			return nil
		}), kind("parent", func(ctx *actor.Context, msg any) error {
			switch m := msg.(type) {
			case text:
				d.note("text")
				ctx.Send(ctx.Sender(), refer{ctx.Create("slow")})
			default:
				d.note("%s", describe(m))
			}
			return nil
		}))
		u := create(t, sys, "undertaker")
		ask[text](t, sys, u, text{"on"})
		parent := create(t, sys, "parent")
		ask[refer](t, sys, parent, text{"create"})
		tell(t, sys, parent, message.ActorExitRequest{})
		synctest.Wait()
		status := ask[message.ActorStatus](t, sys, parent, message.StatusRequest{})
		assert.Assert(t, status.Exiting)
		assert.Equal(t, len(status.Children), 1)
		tell(t, sys, parent, text{"too late"})
		tell(t, sys, parent, message.ActorExitRequest{}) // still reaches it, as it may be recursive now
		synctest.Wait()
		assert.DeepEqual(t, d.read(), []string{"text", "exit", "exit"})
		assert.Assert(t, is.Contains(ask[text](t, sys, u, text{"got?"}).Text, "{too late} to "+parent.String()))
		close(gate)
		synctest.Wait()
		assert.DeepEqual(t, d.read(), []string{"text", "exit", "exit", "child exited: asked to exit"})
	})
}

func TestOrphansOfAShutdownAreAskedToExit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		gate := make(chan struct{})
		sys := launch(t, system.Options{}, family(&d), kind("busy", func(ctx *actor.Context, msg any) error {
			switch msg.(type) {
			case make_:
				ctx.Send(ctx.Sender(), refer{ctx.Create("family", actor.CreateOptions{Args: text{"child"}})})
			case text:
				<-gate
			}
			return nil
		}))
		busy := create(t, sys, "busy")
		ask[refer](t, sys, busy, make_{})
		tell(t, sys, busy, text{"work"})
		tell(t, sys, busy, message.ActorExitRequest{NotRecursive: true}) // comes before that of the shutdown
		ended := make(chan error)
		go func() { ended <- sys.Shutdown(t.Context()) }()
		synctest.Wait()
		close(gate)
		assert.NilError(t, <-ended)
		assert.DeepEqual(t, d.read(), []string{"child is asked to exit"})
	})
}
