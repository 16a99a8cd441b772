package system_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

// clumsy fails as it is told, and counts what it got.
func clumsy(name string, attempts int) actor.Kind {
	return actor.Kind{Name: name, Attempts: attempts, New: func() actor.Actor {
		got := 0
		return actor.Func(func(ctx *actor.Context, msg any) error {
			m, ok := msg.(text)
			if !ok {
				return nil
			}
			if m.Text == "got?" {
				ctx.Send(ctx.Sender(), count{got})
				return nil
			}
			got++
			switch m.Text {
			case "error":
				return errBroken
			case "permanent":
				return actor.Permanent(errBroken)
			case "panic":
				panic("broken on purpose")
			case "first":
				if got == 1 {
					return errBroken
				}
				ctx.Send(ctx.Sender(), text{"second try"})
			}
			return nil
		})
	}}
}

func TestFailedMessageIsTriedAgainThenPoisonsItsSender(t *testing.T) {
	for _, c := range []struct {
		name     string
		attempts int
		send     string
		tries    int
		details  string
	}{
		{"error", 0, "error", 2, "broken on purpose"},
		{"panic", 0, "panic", 2, "panic: broken on purpose"},
		{"permanent", 0, "permanent", 1, "broken on purpose"},
		{"one attempt", 1, "error", 1, "broken on purpose"},
		{"five attempts", 5, "panic", 5, "panic: broken on purpose"},
	} {
		t.Run(c.name, func(t *testing.T) {
			schedulers(t, func(t *testing.T, o system.Options) {
				sys := start(t, o, clumsy("clumsy", c.attempts))
				a := create(t, sys, "clumsy")
				_, err := sys.Ask(within(t), a, text{c.send})
				var poison message.PoisonMessage
				assert.Assert(t, errors.As(err, &poison), "%v", err)
				assert.Equal(t, poison.Message, text{c.send})
				assert.Assert(t, strings.HasPrefix(poison.Details, c.details), poison.Details)
				assert.Equal(t, strings.Contains(poison.Details, "failure_test.go"), strings.HasPrefix(c.details, "panic"), "only a panic has a stack")
				// The actor goes on, with its state.
				assert.Equal(t, ask[count](t, sys, a, text{"got?"}).N, c.tries)
			})
		})
	}
}

func TestSecondTrySucceeds(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, clumsy("clumsy", 0))
		a := create(t, sys, "clumsy")
		assert.Equal(t, ask[text](t, sys, a, text{"first"}).Text, "second try")
	})
}

func TestFailureKeepsTheOrderOfMessages(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, clumsy("clumsy", 0))
		a := create(t, sys, "clumsy")
		for _, what := range []string{"fine", "panic", "fine", "error", "got?"} {
			tell(t, sys, a, text{what})
		}
		for _, want := range []string{"poison: panic: broken on purpose", "poison: broken on purpose"} {
			assert.Equal(t, describe(listen[message.PoisonMessage](t, sys)), want)
		}
		assert.Equal(t, listen[count](t, sys).N, 6)
	})
}

func TestFailingOnPoisonMessageDoesNotPoisonAgain(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		tries := 0
		sys := start(t, o, clumsy("clumsy", 0), kind("fragile", func(ctx *actor.Context, msg any) error {
			switch m := msg.(type) {
			case refer:
				ctx.Send(m.To, text{"error"})
			case message.PoisonMessage:
				tries++
				return errBroken
			case text:
				ctx.Send(ctx.Sender(), count{tries})
			}
			return nil
		}))
		a, fragile := create(t, sys, "clumsy"), create(t, sys, "fragile")
		tell(t, sys, fragile, refer{a})
		ask[count](t, sys, fragile, text{"tries?"}) // it has sent its message
		ask[count](t, sys, a, text{"got?"})         // the poison has been sent
		assert.Equal(t, ask[count](t, sys, fragile, text{"tries?"}).N, 2)
		status, err := sys.Status(within(t))
		assert.NilError(t, err)
		assert.Equal(t, status.DeadLetters, uint64(0))
	})
}

func TestGoexitEndsTheActorOnly(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		var program address.Address
		sys := start(t, o, echo, kind("quitter", func(ctx *actor.Context, msg any) error {
			if m, ok := msg.(text); ok && m.Text == "quit" {
				runtime.Goexit()
			}
			return nil
		}), kind("parent", func(ctx *actor.Context, msg any) error {
			switch msg.(type) {
			case text:
				program = ctx.Sender()
				ctx.HandleDeadLetters(true)
				child := ctx.Create("quitter")
				ctx.Send(child, text{"quit"})
				ctx.Send(child, text{"too late"})
			case message.ChildActorExited, message.DeadEnvelope:
				ctx.Send(program, text{describe(msg)})
			}
			return nil
		}))
		tell(t, sys, create(t, sys, "parent"), text{"go"})
		assert.Equal(t, listen[text](t, sys).Text, "dead: {too late}: the actor has ended")
		assert.Equal(t, listen[text](t, sys).Text, "child exited: runtime.Goexit ended the actor")
		// All others are untouched.
		assert.Equal(t, ask[text](t, sys, create(t, sys, "echo"), text{"still here"}).Text, "still here")
	})
}

func TestConstructionThatFails(t *testing.T) {
	for _, c := range []struct {
		name   string
		kind   actor.Kind
		args   any
		reason string
	}{
		{"panic in New", actor.Kind{Name: "bad", New: func() actor.Actor { panic("no luck") }}, nil, "panic: no luck"},
		{"Goexit in New", actor.Kind{Name: "bad", New: func() actor.Actor { runtime.Goexit(); return nil }}, nil, "runtime.Goexit"},
		{"no actor", actor.Kind{Name: "bad", New: func() actor.Actor { return nil }}, nil, "returned no actor"},
		{"error in Start", starter("bad", func() error { return errBroken }), nil, "broken on purpose"},
		{"panic in Start", starter("bad", func() error { panic("no luck") }), nil, "panic: no luck"},
		{"Goexit in Start", starter("bad", func() error { runtime.Goexit(); return nil }), nil, "runtime.Goexit"},
		{"arguments for nobody", kind("bad", nil), text{"x"}, "no Start method"},
	} {
		t.Run(c.name, func(t *testing.T) {
			schedulers(t, func(t *testing.T, o system.Options) {
				var program address.Address
				sys := start(t, o, c.kind, echo, kind("parent", func(ctx *actor.Context, msg any) error {
					switch msg.(type) {
					case text:
						program = ctx.Sender()
						ctx.Send(program, text{"created"})
						ctx.Send(ctx.Create("bad", actor.CreateOptions{Args: c.args}), text{"first"})
					case message.ChildActorExited, message.PoisonMessage:
						ctx.Send(program, text{describe(msg)})
					}
					return nil
				}))
				tell(t, sys, create(t, sys, "parent"), text{"go"})
				assert.Equal(t, listen[text](t, sys).Text, "created")
				got := []string{listen[text](t, sys).Text, listen[text](t, sys).Text}
				assert.Assert(t, is.Contains(got[0], "poison: child aborted: "), "what was sent to it comes back first")
				assert.Assert(t, is.Contains(got[0], c.reason))
				assert.Assert(t, is.Contains(got[1], "child exited: "))
				assert.Assert(t, is.Contains(got[1], c.reason))

				// A program gets the reason as an error.
				_, err := sys.Create(within(t), "bad", actor.CreateOptions{Args: c.args})
				assert.ErrorContains(t, err, c.reason)
				assert.ErrorContains(t, err, `create "bad"`)

				// All others are untouched.
				assert.Equal(t, ask[text](t, sys, create(t, sys, "echo"), text{"still here"}).Text, "still here")
			})
		})
	}
}

func TestFailureOnExitEndsTheActorAllTheSame(t *testing.T) {
	for name, fail := range map[string]func() error{
		"error":  func() error { return errBroken },
		"panic":  func() error { panic("on the way out") },
		"goexit": func() error { runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			schedulers(t, func(t *testing.T, o system.Options) {
				requests := make(chan struct{}, 10)
				sys := start(t, o, kind("bad", func(ctx *actor.Context, msg any) error {
					if _, ok := msg.(message.ActorExitRequest); ok {
						requests <- struct{}{}
						return fail()
					}
					return nil
				}), watchman)
				watcher := create(t, sys, "watchman")
				bad := create(t, sys, "bad")
				assert.Equal(t, ask[text](t, sys, watcher, refer{bad}).Text, "watching")
				tell(t, sys, bad, message.ActorExitRequest{})
				got := listen[text](t, sys).Text
				assert.Assert(t, strings.HasPrefix(got, "actor exited: "), got)
				assert.Equal(t, len(requests), 1, "it is asked once")
			})
		})
	}
}

func TestGoexitOnAnExitRequestThatIsNotRecursiveLeavesTheChildren(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, echo, kind("parent", func(ctx *actor.Context, msg any) error {
			switch msg.(type) {
			case text:
				ctx.Send(ctx.Sender(), refer{ctx.Create("echo")})
			case message.ActorExitRequest:
				runtime.Goexit()
			}
			return nil
		}))
		for _, c := range []struct {
			request message.ActorExitRequest
			lives   bool
		}{{message.ActorExitRequest{NotRecursive: true}, true}, {message.ActorExitRequest{}, false}} {
			parent := create(t, sys, "parent")
			child := ask[refer](t, sys, parent, text{"child?"}).To
			tell(t, sys, parent, c.request)
			gone(t, sys, parent)
			if !c.lives {
				gone(t, sys, child)
				continue
			}
			assert.Equal(t, ask[message.ActorStatus](t, sys, child, message.StatusRequest{}).Parent, sys.Admin())
			assert.Equal(t, ask[text](t, sys, child, text{"still here"}).Text, "still here")
		}
	})
}
