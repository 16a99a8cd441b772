package system_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync/atomic"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

var ownCapabilities = []string{
	"Go Version", "Thespian Generation", "Thespian Version", "Thespian ActorSystem Name", "Thespian ActorSystem Version", "Thespian Watch Supported",
}

func TestSystemHasCapabilitiesOfItsOwn(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		o.Capabilities = actor.Capabilities{"GPU": true, "Admin Port": 1900}
		seen := make(chan actor.Capabilities, 1)
		sys := start(t, o, kind("reader", func(ctx *actor.Context, msg any) error {
			if _, ok := msg.(text); ok {
				seen <- ctx.Capabilities()
			}
			return nil
		}))
		tell(t, sys, create(t, sys, "reader"), text{"read"})
		byActor, byProgram := <-seen, sys.Capabilities()
		assert.DeepEqual(t, byActor, byProgram)
		for _, name := range append(ownCapabilities, "GPU", "Admin Port") {
			assert.Assert(t, byProgram[name] != nil, name)
		}
		assert.Equal(t, byProgram["Thespian ActorSystem Name"], "simple")
		assert.DeepEqual(t, byProgram["Thespian Generation"], []any{3, 5})

		// What was handed out, or in, can be changed without effect.
		byActor["GPU"], byProgram["Admin Port"], o.Capabilities["GPU"] = "changed", "changed", "changed"
		byProgram["Thespian Generation"].([]any)[0] = 4
		assert.Equal(t, sys.Capabilities()["GPU"], true)
		assert.Equal(t, sys.Capabilities()["Admin Port"], 1900)
		assert.DeepEqual(t, sys.Capabilities()["Thespian Generation"], []any{3, 5})
	})
}

// What others could not be told is refused where it is set.
func TestCapabilitiesThatAreTooMuch(t *testing.T) {
	much := strings.Repeat("a", message.MaxCapabilities*2/3)
	_, err := system.App{}.Start(t.Context(), &system.Options{Capabilities: actor.Capabilities{"some": much, "more": much}})
	assert.ErrorContains(t, err, "the limit is 1048576")
	schedulers(t, func(t *testing.T, o system.Options) {
		o.Capabilities = actor.Capabilities{"some": much}
		sys := start(t, o)
		assert.ErrorContains(t, sys.UpdateCapability(within(t), "more", much), "the limit is 1048576")
		assert.NilError(t, sys.UpdateCapability(within(t), "some", nil))
		assert.NilError(t, sys.UpdateCapability(within(t), "more", much))
	})
}

func TestOwnCapabilitiesCannotBeSet(t *testing.T) {
	for _, name := range ownCapabilities {
		_, err := system.App{}.Start(t.Context(), &system.Options{Capabilities: actor.Capabilities{name: "mine"}})
		assert.ErrorContains(t, err, `capability "`+name+`" is the system's own`)
	}
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, kind("updater", updateCapability))
		updater := create(t, sys, "updater")
		before := sys.Capabilities()
		for _, name := range ownCapabilities {
			for _, value := range []any{"mine", nil, true} {
				assert.ErrorContains(t, sys.UpdateCapability(within(t), name, value), "the system's own")
				assert.Assert(t, is.Contains(ask[text](t, sys, updater, holder{[]any{name, value}}).Text, "the system's own"))
			}
		}
		assert.DeepEqual(t, sys.Capabilities(), before)
	})
}

// What is read when the system starts cannot be changed later, though it may be said again.
func TestCapabilitiesThatAreReadAtTheStart(t *testing.T) {
	names := []string{
		"Admin Port", "Admin Routing", "Outbound Only", "Bind Address", "Advertise Address", "Direct Within Host", "Convention Heartbeat", "Convention Registration Miss Max",
		"Convention Grace", "Convention Reregistration Period", "Convention Restart Period",
	}
	schedulers(t, func(t *testing.T, o system.Options) {
		o.Capabilities = actor.Capabilities{"Admin Port": 1900, "Convention Grace": "2s"}
		sys := start(t, o, kind("updater", updateCapability))
		updater := create(t, sys, "updater")
		before := sys.Capabilities()
		by := func(name string, value any) (program, actor string) {
			if err := sys.UpdateCapability(within(t), name, value); err != nil {
				program = err.Error()
			}
			return program, ask[text](t, sys, updater, holder{[]any{name, value}}).Text
		}
		for _, name := range names {
			program, actor := by(name, "another")
			assert.Equal(t, program, `update capability: capability "`+name+`" is read when the system starts and cannot be changed later: end the system, and start it with another value in Options.Capabilities`)
			assert.Equal(t, "update capability: "+actor, program)
			program, actor = by(name, before[name])
			assert.Equal(t, program+actor, "done", "it is so already")
		}
		_, actor := by("Admin Port", nil)
		assert.Assert(t, is.Contains(actor, "when the system starts"))
		assert.DeepEqual(t, sys.Capabilities(), before)
	})
}

// updateCapability is the Receive of an actor that updates the capability in a holder and answers with what came of it.
func updateCapability(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case holder:
		pair := m.Any.([]any)
		err := ctx.UpdateCapability(pair[0].(string), pair[1])
		answer := "done"
		if err != nil {
			answer = err.Error()
		}
		ctx.Send(ctx.Sender(), text{answer})
	case text:
		ctx.Send(ctx.Sender(), m)
	}
	return nil
}

func TestCapabilityIsSetReplacedAndRemoved(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, kind("updater", updateCapability))
		updater := create(t, sys, "updater")
		by := map[string]func(name string, value any) error{
			"program": func(name string, value any) error { return sys.UpdateCapability(within(t), name, value) },
			"actor": func(name string, value any) error {
				if answer := ask[text](t, sys, updater, holder{[]any{name, value}}).Text; answer != "done" {
					return errors.New(answer)
				}
				return nil
			},
		}
		for who, update := range by {
			before := sys.Capabilities()
			for _, value := range []any{true, false, 7, "text", 2.5, []any{1, "two"}} {
				assert.NilError(t, update("New", value), who)
				assert.Equal(t, len(sys.Capabilities()), len(before)+1)
				assert.Assert(t, sys.Capabilities()["New"] != nil)
			}
			for _, value := range []any{struct{}{}, make(chan int), func() {}, &before} {
				assert.Assert(t, sys.UpdateCapability(within(t), "New", value) != nil, "%T", value)
			}
			assert.NilError(t, update("New", nil), who)
			assert.NilError(t, update("New", nil), who)
			assert.DeepEqual(t, sys.Capabilities(), before)
		}
	})
}

func TestKindThatTheSystemDoesNotSatisfy(t *testing.T) {
	refuse := func(actor.Capabilities, any) error { return errBroken }
	for _, c := range []struct {
		name   string
		kind   actor.Kind
		reason string
	}{
		{"requires what is not there", actor.Kind{Requires: actor.Capabilities{"FPGA": true}}, "FPGA"},
		{"requires another value", actor.Kind{Requires: actor.Capabilities{"GPU": "large"}}, "GPU"},
		{"its check refuses", actor.Kind{Check: refuse}, "broken on purpose"},
		{"its check panics", actor.Kind{Check: func(actor.Capabilities, any) error { panic("no idea") }}, "its Check panicked: no idea"},
		{"is satisfied, but its check refuses", actor.Kind{Requires: actor.Capabilities{"GPU": "small"}, Check: refuse}, "broken on purpose"},
	} {
		t.Run(c.name, func(t *testing.T) {
			schedulers(t, func(t *testing.T, o system.Options) {
				o.Capabilities = actor.Capabilities{"GPU": "small"}
				c.kind.Name = "choosy"
				c.kind.New = func() actor.Actor {
					t.Error("it was made")
					return actor.Func(func(*actor.Context, any) error { return nil })
				}
				var program address.Address
				sys := start(t, o, c.kind, kind("parent", func(ctx *actor.Context, msg any) error {
					switch msg.(type) {
					case text:
						program = ctx.Sender()
						ctx.Send(ctx.Create("choosy"), text{"hello"})
					case message.ChildActorExited, message.PoisonMessage:
						ctx.Send(program, text{describe(msg)})
					}
					return nil
				}))
				_, err := sys.Create(within(t), "choosy")
				assert.ErrorIs(t, err, system.ErrNoCompatibleSystem)
				assert.ErrorContains(t, err, c.reason)
				assert.ErrorContains(t, err, `kind "choosy"`)
				tell(t, sys, create(t, sys, "parent"), text{"go"})
				poison, exited := listen[text](t, sys).Text, listen[text](t, sys).Text
				assert.Assert(t, strings.HasPrefix(poison, "poison: child aborted: no compatible system"), poison)
				assert.Assert(t, strings.HasPrefix(exited, "child exited: no compatible system"), exited)
				assert.Assert(t, is.Contains(exited, c.reason))
			})
		})
	}
}

func TestCheckGetsCapabilitiesAndRequirements(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		o.Capabilities = actor.Capabilities{"Cores": 8}
		sys := start(t, o, actor.Kind{Name: "choosy",
			Requires: actor.Capabilities{"Cores": 8},
			Check: func(capabilities actor.Capabilities, requirements any) error {
				wanted, _ := requirements.(count)
				cores := capabilities["Cores"].(int)
				capabilities["Cores"] = 1000 // which is a copy
				if wanted.N > cores {
					return errors.New("too few cores")
				}
				return nil
			},
			New: func() actor.Actor { return actor.Func(func(*actor.Context, any) error { return nil }) },
		})
		create(t, sys, "choosy")
		for range 2 {
			create(t, sys, "choosy", actor.CreateOptions{Requirements: count{8}})
			_, err := sys.Create(within(t), "choosy", actor.CreateOptions{Requirements: count{9}})
			assert.ErrorContains(t, err, "too few cores")
		}
		_, err := sys.Create(within(t), "choosy", actor.CreateOptions{Requirements: unknown{}})
		assert.ErrorContains(t, err, "unknown")
	})
}

func TestActorsExitWhenTheirCapabilityIsLost(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		o.Capabilities = actor.Capabilities{"GPU": true, "Cores": 8}
		var checks atomic.Int32
		gpu := kind("gpu", updateCapability)
		gpu.Requires = actor.Capabilities{"GPU": true}
		cores := kind("cores", updateCapability)
		cores.Check = func(c actor.Capabilities, requirements any) error {
			checks.Add(1)
			if c["Cores"] != 8 {
				return errBroken
			}
			return nil
		}
		plain := kind("plain", updateCapability)
		var watcher address.Address
		sys := start(t, o, gpu, cores, plain, watchman)
		watcher = create(t, sys, "watchman")
		alive := func(a address.Address) { t.Helper(); assert.Equal(t, ask[text](t, sys, a, text{"here"}).Text, "here") }
		watched := func(name string) address.Address {
			t.Helper()
			a := create(t, sys, name)
			assert.Equal(t, ask[text](t, sys, watcher, refer{a}).Text, "watching")
			return a
		}
		g1, g2, c1, p1 := watched("gpu"), watched("gpu"), watched("cores"), watched("plain")

		// No change, or one of no concern: nobody exits.
		before := checks.Load()
		assert.NilError(t, sys.UpdateCapability(within(t), "GPU", true))
		assert.NilError(t, sys.UpdateCapability(within(t), "absent", nil))
		alive(c1)
		assert.Equal(t, checks.Load(), before, "nobody is asked when nothing changed")
		assert.NilError(t, sys.UpdateCapability(within(t), "more", true))
		for _, a := range []address.Address{g1, g2, c1, p1} {
			alive(a)
		}
		assert.Equal(t, checks.Load(), before+1)

		// One of them takes the capability away, from itself, too.
		assert.Equal(t, ask[text](t, sys, g1, holder{[]any{"GPU", nil}}).Text, "done")
		const why = `actor exited: the system offers something else now: capability "GPU" is required to be true, and is not there`
		assert.Equal(t, listen[text](t, sys).Text, why)
		assert.Equal(t, listen[text](t, sys).Text, why)
		gone(t, sys, g1)
		gone(t, sys, g2)
		alive(c1)
		alive(p1)
		_, err := sys.Create(within(t), "gpu")
		assert.ErrorIs(t, err, system.ErrNoCompatibleSystem)

		// Another value is a loss as well.
		assert.NilError(t, sys.UpdateCapability(within(t), "Cores", 4))
		assert.Equal(t, listen[text](t, sys).Text, "actor exited: the system offers something else now: broken on purpose")
		gone(t, sys, c1)
		alive(p1)

		// When it is back, new ones can be created.
		assert.NilError(t, sys.UpdateCapability(within(t), "GPU", true))
		alive(create(t, sys, "gpu"))
	})
}

func TestStartupMethodForkIsRefused(t *testing.T) {
	for _, method := range []any{"fork", "", 7, nil} {
		_, err := system.App{}.Start(t.Context(), &system.Options{Capabilities: actor.Capabilities{"Process Startup Method": method}})
		for _, name := range []string{"Process Startup Method", "spawn", "forkserver", "goroutine"} {
			assert.ErrorContains(t, err, name, "%v", method)
		}
	}
	running := start(t, system.Options{}, echo)
	for _, method := range []any{"fork", "", 7} {
		assert.ErrorContains(t, running.UpdateCapability(t.Context(), "Process Startup Method", method), "forkserver", "%v", method)
	}
	assert.NilError(t, running.UpdateCapability(t.Context(), "Process Startup Method", "spawn"))
	assert.NilError(t, running.UpdateCapability(t.Context(), "Process Startup Method", nil))
	k := kind("forked", updateCapability)
	k.Startup = "fork"
	_, err := system.App{Kinds: []actor.Kind{k}}.Start(t.Context(), nil)
	for _, name := range []string{`kind "forked"`, `"fork"`, `"spawn"`, `"forkserver"`, `"goroutine"`} {
		assert.ErrorContains(t, err, name)
	}
	for _, method := range []actor.Startup{actor.Spawn, actor.Forkserver, actor.Goroutine} {
		k := kind("started", updateCapability)
		k.Startup = method
		sys, err := system.App{Kinds: []actor.Kind{k}}.Start(t.Context(),
			&system.Options{Capabilities: actor.Capabilities{"Process Startup Method": string(method)}})
		assert.NilError(t, err)
		create(t, sys, "started")
		assert.NilError(t, sys.Shutdown(context.Background()))
	}
}

func TestConventionsAreNotSupportedOnSimple(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, kind("joiner", func(ctx *actor.Context, msg any) error {
			if _, ok := msg.(text); !ok {
				return nil
			}
			_, loadErr := ctx.LoadSource("x.zip", []byte("x"))
			ctx.NotifyOnConventionChanges(true)
			for name, err := range map[string]error{
				"PreRegister":             ctx.PreRegister("127.0.0.1:1900", nil),
				"DeRegister":              ctx.DeRegister("127.0.0.1:1900"),
				"RegisterSourceAuthority": ctx.RegisterSourceAuthority(),
				"LoadSource":              loadErr,
				"UnloadSource":            ctx.UnloadSource("hash"),
				"NotifyOnSources":         ctx.NotifyOnSources(true),
			} {
				if !errors.Is(err, errors.ErrUnsupported) {
					t.Errorf("%s: %v", name, err)
				}
			}
			ctx.Send(ctx.Sender(), text{"tried"})
			return nil
		}))
		ask[text](t, sys, create(t, sys, "joiner"), text{"go"})
		for name := range maps.Keys(calls) {
			switch name {
			case "PreRegister", "DeRegister", "LoadSource", "UnloadSource":
				assert.ErrorIs(t, calls[name](within(t), sys, sys.Address()), errors.ErrUnsupported, name)
			}
		}
	})
}
