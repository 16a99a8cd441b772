package system_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

func named(name string) actor.CreateOptions { return actor.CreateOptions{GlobalName: name} }

func lookup(t *testing.T, sys *system.System, name string) address.Address {
	t.Helper()
	a, err := sys.Lookup(within(t), name)
	assert.NilError(t, err)
	return a
}

func TestNameThatIsTakenReturnsItsActor(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, echo)
		a := create(t, sys, "echo", named("one"))
		for _, c := range []struct {
			name    string
			kind    string
			options actor.CreateOptions
		}{
			{"the same", "echo", named("one")},
			{"another kind", "nobody has this kind", named("one")},
			{"other arguments", "echo", actor.CreateOptions{GlobalName: "one", Args: text{"echo takes none"}}},
			{"arguments of an unregistered type", "echo", actor.CreateOptions{GlobalName: "one", Args: unknown{}}},
		} {
			again, err := sys.Create(within(t), c.kind, c.options)
			assert.NilError(t, err, c.name)
			assert.Equal(t, again, a, c.name)
		}
		assert.Assert(t, create(t, sys, "echo", named("two")) != a)
		assert.Equal(t, lookup(t, sys, "one"), a)
		assert.Assert(t, lookup(t, sys, "three").IsZero())
		assert.Assert(t, lookup(t, sys, "").IsZero())
		status, err := sys.Status(within(t))
		assert.NilError(t, err)
		assert.Equal(t, len(status.GlobalNames), 2)
		assert.Equal(t, status.GlobalNames["one"], a)
		assert.Equal(t, len(status.Actors), 2)
	})
}

func TestNamedActorIsTheSystemsChild(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, kind("named", func(ctx *actor.Context, msg any) error {
			if _, ok := msg.(text); ok {
				ctx.Send(ctx.Sender(), text{ctx.GlobalName()})
				ctx.Send(ctx.Sender(), refer{ctx.Parent()})
			}
			return nil
		}), kind("creator", func(ctx *actor.Context, msg any) error {
			switch m := msg.(type) {
			case make_:
				ctx.Send(ctx.Sender(), refer{ctx.Create(m.Kind, named(m.Name))})
			case message.ChildActorExited:
				t.Errorf("the creator is not its parent: %v", m)
			}
			return nil
		}))
		creator := create(t, sys, "creator")
		a := ask[refer](t, sys, creator, make_{"named", "one"}).To
		assert.Equal(t, ask[refer](t, sys, creator, make_{"named", "one"}).To, a)
		assert.Equal(t, lookup(t, sys, "one"), a)
		tell(t, sys, a, text{"who?"})
		assert.Equal(t, listen[text](t, sys).Text, "one")
		assert.Equal(t, listen[refer](t, sys).To, sys.Admin())

		// It outlives its creator, whom nobody tells of its end.
		b := ask[refer](t, sys, creator, make_{"named", "two"}).To
		tell(t, sys, b, message.ActorExitRequest{})
		gone(t, sys, b)
		ask[refer](t, sys, creator, make_{"named", "one"})
		tell(t, sys, creator, message.ActorExitRequest{})
		gone(t, sys, creator)
		assert.Equal(t, lookup(t, sys, "one"), a)
		assert.Equal(t, ask[text](t, sys, a, text{"who?"}).Text, "one")
	})
}

func TestNameIsFreeAfterItsActorsEnd(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, echo)
		a := create(t, sys, "echo", named("one"))
		tell(t, sys, a, message.ActorExitRequest{})
		gone(t, sys, a)
		assert.Assert(t, lookup(t, sys, "one").IsZero())
		b := create(t, sys, "echo", named("one"))
		assert.Assert(t, b != a)
		assert.Equal(t, lookup(t, sys, "one"), b)
	})
}

func TestNameIsFreeWhileItsActorWaitsForItsChildren(t *testing.T) {
	let := make(chan struct{})
	sys := start(t, system.Options{}, echo, kind("slow", func(_ *actor.Context, msg any) error {
		if _, exit := msg.(message.ActorExitRequest); exit {
			<-let
		}
		return nil
	}), kind("parent", func(ctx *actor.Context, msg any) error {
		if _, ok := msg.(text); ok {
			ctx.Send(ctx.Sender(), refer{ctx.Create("slow")})
		}
		return nil
	}))
	defer close(let)
	a := create(t, sys, "parent", named("one"))
	ask[refer](t, sys, a, text{"have a child"})
	tell(t, sys, a, message.ActorExitRequest{})
	_, err := sys.Ask(within(t), a, text{"are you there?"})
	var refused *system.UndeliverableError
	assert.Assert(t, errors.As(err, &refused), "%v", err)
	assert.Assert(t, lookup(t, sys, "one").IsZero())
	status, err := sys.Status(within(t))
	assert.NilError(t, err)
	assert.Equal(t, len(status.GlobalNames), 0)
	b := create(t, sys, "echo", named("one"))
	assert.Assert(t, b != a)
	assert.Equal(t, lookup(t, sys, "one"), b)
}

func TestNameIsFreeAfterAFailedCreation(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		broken := true
		sys := start(t, o, starter("late riser", func() error {
			if broken {
				return errBroken
			}
			return nil
		}))
		for _, name := range []string{"late riser", "nobody has this kind"} {
			_, err := sys.Create(within(t), name, named("one"))
			assert.Assert(t, err != nil, name)
			eventually(t, "the name is free", func() bool { return lookup(t, sys, "one").IsZero() })
		}
		broken = false
		a := create(t, sys, "late riser", named("one"))
		assert.Equal(t, lookup(t, sys, "one"), a)
	})
}

func TestConcurrentCreatesOfANameMakeOneActor(t *testing.T) {
	const creators = 20
	schedulers(t, func(t *testing.T, o system.Options) {
		var made atomic.Int32
		sys := start(t, o, actor.Kind{Name: "single", New: func() actor.Actor {
			made.Add(1)
			return actor.Func(func(*actor.Context, any) error { return nil })
		}}, kind("creator", func(ctx *actor.Context, msg any) error {
			if m, ok := msg.(make_); ok {
				ctx.Send(ctx.Sender(), refer{ctx.Create(m.Kind, named(m.Name))})
			}
			return nil
		}))
		var actors []address.Address
		for range creators {
			actors = append(actors, create(t, sys, "creator"))
		}
		ctx := within(t)
		got := make(chan address.Address, 2*creators)
		var wg sync.WaitGroup
		for _, creator := range actors {
			wg.Go(func() {
				a, err := sys.Create(ctx, "single", named("one"))
				if err != nil {
					t.Error(err)
				}
				got <- a
			})
			wg.Go(func() {
				reply, err := system.Ask[refer](ctx, sys, creator, make_{"single", "one"})
				if err != nil {
					t.Error(err)
				}
				got <- reply.To
			})
		}
		wg.Wait()
		close(got)
		one := lookup(t, sys, "one")
		for a := range got {
			assert.Equal(t, a, one)
		}
		assert.Equal(t, made.Load(), int32(1))
	})
}

func TestWhoWaitsForANameLearnsThatItsActorCouldNotStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		sys := start(t, system.Options{}, starter("late riser", func() error {
			<-gate
			return errBroken
		}))
		errs := make(chan error, 3)
		for range cap(errs) {
			go func() {
				_, err := sys.Create(t.Context(), "late riser", named("one"))
				errs <- err
			}()
			synctest.Wait()
			assert.Equal(t, len(errs), 0, "nobody returns before the start is over")
		}
		close(gate)
		for range cap(errs) {
			assert.Assert(t, <-errs != nil)
		}
	})
}

func TestCreatorLearnsThatANamedActorCouldNotStart(t *testing.T) {
	timed(t, func(t *testing.T, o system.Options) {
		slow := make(chan struct{})
		creator := actor.Kind{Name: "creator", New: func() actor.Actor {
			var program address.Address
			children := make(map[address.Address]bool)
			return actor.Func(func(ctx *actor.Context, msg any) error {
				switch m := msg.(type) {
				case make_:
					program = ctx.Sender()
					children[ctx.Create(m.Kind, named(m.Name))] = true
					children[ctx.Create(m.Kind, named(m.Name))] = true // twice is once, while it is one actor
				case message.ChildActorExited:
					if !children[m.Child] {
						m.Reason = "of whom?"
					}
					delete(children, m.Child)
					ctx.Send(program, text{m.Reason})
				}
				return nil
			})
		}}
		sys := start(t, o, creator, echo, starter("stillborn", func() error { <-slow; return errBroken }))
		a, b := create(t, sys, "creator"), create(t, sys, "creator")
		go func() { _ = sys.Tell(t.Context(), a, make_{"stillborn", "name"}) }()
		synctest.Wait()
		go func() { _ = sys.Tell(t.Context(), b, make_{"stillborn", "name"}) }()
		synctest.Wait()
		close(slow)
		for range 2 {
			msg, _, err := sys.Listen(within(t))
			assert.NilError(t, err)
			assert.Equal(t, msg, text{"broken on purpose"})
		}
		// Who lives and ends later is the system's child.
		tell(t, sys, a, make_{"echo", "living"})
		e := create(t, sys, "echo", named("living"))
		tell(t, sys, e, message.ActorExitRequest{})
		gone(t, sys, e)
		tell(t, sys, a, make_{"nobody's kind", "unknown"})
		for range 2 { // nobody ever had that name
			assert.Assert(t, strings.Contains(listen[text](t, sys).Text, "unknown kind"))
		}
		synctest.Wait()
		tell(t, sys, sys.Address(), text{"the last"})
		assert.Equal(t, listen[text](t, sys).Text, "the last")
	})
}

func TestNameIsFoundWithItsActorsParent(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, kind("child", func(ctx *actor.Context, msg any) error {
			if _, ok := msg.(text); ok {
				ctx.Send(ctx.Sender(), refer{ctx.Parent()})
			}
			return nil
		}))
		for i := range 200 {
			name := fmt.Sprint(i)
			go func() { _, _ = sys.Create(context.Background(), "child", named(name)) }()
			var a address.Address
			eventually(t, "the name", func() bool { a = lookup(t, sys, name); return !a.IsZero() })
			assert.Equal(t, ask[refer](t, sys, a, text{"parent?"}).To, sys.Admin())
		}
	})
}
