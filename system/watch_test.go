package system_test

import (
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

// watching makes a watchman watch an actor.
func watching(t *testing.T, sys *system.System, watcher, watched address.Address) {
	t.Helper()
	assert.Equal(t, ask[text](t, sys, watcher, refer{watched}).Text, "watching")
}

// written is an address as the text that a watchman takes.
func written(t *testing.T, a address.Address) text {
	t.Helper()
	b, err := a.MarshalText()
	assert.NilError(t, err)
	return text{string(b)}
}

func TestWatcherIsToldOfTheEndOnce(t *testing.T) {
	for _, c := range []struct {
		name   string
		end    any
		reason string
	}{
		{"exit request", message.ActorExitRequest{}, "asked to exit"},
		{"Exit", text{"exit"}, "it called Exit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			schedulers(t, func(t *testing.T, o system.Options) {
				sys := start(t, o, watchman, family(new(diary)))
				watched := create(t, sys, "family", actor.CreateOptions{Args: text{"watched"}})
				watchers := []address.Address{create(t, sys, "watchman"), create(t, sys, "watchman"), create(t, sys, "watchman")}
				for _, w := range watchers {
					watching(t, sys, w, watched)
					watching(t, sys, w, watched) // twice is once
				}
				tell(t, sys, watched, c.end)
				from := make(map[address.Address]bool)
				for range watchers {
					msg, sender, err := sys.Listen(within(t))
					assert.NilError(t, err)
					assert.Equal(t, msg, text{"actor exited: " + c.reason})
					from[sender] = true
				}
				assert.Equal(t, len(from), len(watchers))
				for _, w := range watchers { // the next that each has to say is not of that end
					assert.Equal(t, ask[text](t, sys, w, written(t, watched)).Text, "not watching")
				}
			})
		})
	}
}

func TestWatchOfWhoDoesNotLiveIsAnsweredAtOnce(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys, other := start(t, o, watchman, echo), start(t, o, echo)
		watcher := create(t, sys, "watchman")
		for _, c := range []struct {
			name   string
			who    address.Address
			reason string
		}{
			{"an actor that has ended", dead(t, sys), "it does not live in this system"},
			{"nobody", address.Address{}, "it does not live in this system"},
			{"an actor of another system", create(t, other, "echo"), "it does not live in this system"},
			{"another system's Admin", other.Admin(), "it does not live in this system"},
		} {
			watching(t, sys, watcher, c.who)
			assert.Equal(t, listen[text](t, sys).Text, "actor exited: "+c.reason, c.name)
		}
	})
}

func TestUnwatchTakesTheWatchBack(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, watchman, echo)
		a, b := create(t, sys, "echo"), create(t, sys, "echo")
		first, second := create(t, sys, "watchman"), create(t, sys, "watchman")
		watching(t, sys, first, a)
		watching(t, sys, second, a)
		watching(t, sys, first, b)
		assert.Equal(t, ask[text](t, sys, first, written(t, a)).Text, "not watching")
		assert.Equal(t, ask[text](t, sys, first, written(t, a)).Text, "not watching", "twice is once")
		tell(t, sys, a, message.ActorExitRequest{})
		_, sender, err := sys.Listen(within(t))
		assert.NilError(t, err)
		assert.Equal(t, sender, second)
		tell(t, sys, b, message.ActorExitRequest{})
		_, sender, err = sys.Listen(within(t))
		assert.NilError(t, err)
		assert.Equal(t, sender, first)
	})
}

// The Admin and endpoints end with the system, and nobody outlives himself.
func TestWatchOfWhoNeverEndsIsSilent(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, watchman)
		watcher := create(t, sys, "watchman")
		for _, who := range []address.Address{sys.Admin(), sys.Address(), watcher} {
			watching(t, sys, watcher, who)
		}
		assert.Equal(t, ask[text](t, sys, watcher, written(t, watcher)).Text, "not watching")
	})
}

func TestWatcherThatEndsHearsNothing(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, watchman, echo, undertaker)
		a := create(t, sys, "echo")
		first, second := create(t, sys, "watchman"), create(t, sys, "watchman")
		watching(t, sys, first, a)
		watching(t, sys, second, a)
		tell(t, sys, first, message.ActorExitRequest{})
		gone(t, sys, first)
		before := deadLetterCount(t, sys)
		tell(t, sys, a, message.ActorExitRequest{})
		_, sender, err := sys.Listen(within(t))
		assert.NilError(t, err)
		assert.Equal(t, sender, second)
		assert.Equal(t, deadLetterCount(t, sys), before)
	})
}

func TestParentMayWatchItsChild(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		var program address.Address
		sys := start(t, o, echo, kind("parent", func(ctx *actor.Context, msg any) error {
			switch msg.(type) {
			case text:
				program = ctx.Sender()
				child := ctx.Create("echo")
				ctx.Watch(child)
				ctx.Send(child, message.ActorExitRequest{})
			case message.ChildActorExited, message.ActorExited:
				ctx.Send(program, text{describe(msg)})
			}
			return nil
		}))
		tell(t, sys, create(t, sys, "parent"), text{"go"})
		assert.Equal(t, listen[text](t, sys).Text, "child exited: asked to exit")
		assert.Equal(t, listen[text](t, sys).Text, "actor exited: asked to exit")
	})
}
