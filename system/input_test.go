package system_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

// fussy is a message that cannot be encoded when it is told so.
type fussy struct{ Fail bool }

func (f fussy) MarshalBinary() ([]byte, error) {
	if f.Fail {
		return nil, errBroken
	}
	return []byte{1}, nil
}

func (f *fussy) UnmarshalBinary(data []byte) error { return nil }

// badMessages are messages that cannot be sent.
func badMessages() map[string]struct {
	msg  any
	want error
} {
	var loop holder
	inner := []any{nil}
	inner[0] = inner
	loop.Any = inner
	return map[string]struct {
		msg  any
		want error
	}{
		"nil":                             {nil, message.ErrNilMessage},
		"an unregistered type":            {unknown{1}, message.ErrUnregistered},
		"a pointer to a registered type":  {&text{"x"}, message.ErrUnregistered},
		"a function":                      {func() {}, message.ErrUnregistered},
		"unregistered in an any field":    {holder{unknown{1}}, message.ErrUnregistered},
		"unregistered in a slice":         {holder{[]any{1, unknown{1}}}, message.ErrUnregistered},
		"unregistered in PoisonMessage":   {message.PoisonMessage{Message: unknown{1}}, message.ErrUnregistered},
		"a value that contains itself":    {loop, message.ErrTooDeep},
		"a message for one process alone": {message.WatchMessage{}, message.ErrLocalOnly},
	}
}

func TestProgramSendsABadMessage(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, echo)
		a := create(t, sys, "echo")
		for name, c := range badMessages() {
			assert.ErrorIs(t, sys.Tell(within(t), a, c.msg), c.want, name)
			_, err := sys.Ask(within(t), a, c.msg)
			assert.ErrorIs(t, err, c.want, name)
			assert.ErrorContains(t, err, "ask: ", name)
		}
		assert.Equal(t, ask[text](t, sys, a, text{"still here"}).Text, "still here")
		assert.Equal(t, ask[message.ActorStatus](t, sys, a, message.StatusRequest{}).Received, uint64(1), "none of them came")
		assert.Equal(t, deadLetterCount(t, sys), 0)
	})
}

// An actor that sends a bad message gets it back, and nobody else sees it.
func TestActorSendsABadMessage(t *testing.T) {
	for name, c := range badMessages() {
		t.Run(name, func(t *testing.T) {
			schedulers(t, func(t *testing.T, o system.Options) {
				var program, target address.Address
				sys := start(t, o, echo, kind("sender", func(ctx *actor.Context, msg any) error {
					switch m := msg.(type) {
					case refer:
						program, target = ctx.Sender(), m.To
						ctx.Send(target, c.msg)
					case message.PoisonMessage:
						_, same := m.Message.(unknown)
						ctx.Send(program, text{fmt.Sprintf("%T %v %v %s", m.Message, same, ctx.Sender() == target, m.Details)})
					}
					return nil
				}))
				a := create(t, sys, "echo")
				tell(t, sys, create(t, sys, "sender"), refer{a})
				got := listen[text](t, sys).Text
				assert.Assert(t, strings.HasPrefix(got, fmt.Sprintf("%T ", c.msg)), got)
				assert.Assert(t, is.Contains(got, " true "))
				assert.Assert(t, is.Contains(got, c.want.Error()))
				assert.Equal(t, ask[message.ActorStatus](t, sys, a, message.StatusRequest{}).Received, uint64(0))
			})
		})
	}
}

// What only the codec finds out comes out where messages are copied.
func TestMessageThatCannotBeEncoded(t *testing.T) {
	var program address.Address
	app := system.App{
		Messages: message.Types(text{}, refer{}, fussy{}),
		Kinds: []actor.Kind{echo, kind("sender", func(ctx *actor.Context, msg any) error {
			switch m := msg.(type) {
			case refer:
				program = ctx.Sender()
				ctx.Send(m.To, fussy{true})
			case message.PoisonMessage:
				ctx.Send(program, text{fmt.Sprintf("%v: %s", m.Message, m.Details)})
			}
			return nil
		})},
	}
	for _, synchronous := range []bool{false, true} {
		sys, err := app.Start(t.Context(), &system.Options{CopyMessages: true, Synchronous: synchronous})
		assert.NilError(t, err)
		a := create(t, sys, "echo")
		assert.Equal(t, ask[fussy](t, sys, a, fussy{}), fussy{})
		assert.ErrorIs(t, sys.Tell(within(t), a, fussy{true}), errBroken)
		_, err = sys.Ask(within(t), a, fussy{true})
		assert.ErrorIs(t, err, errBroken)
		tell(t, sys, create(t, sys, "sender"), refer{a})
		got := listen[text](t, sys).Text
		assert.Assert(t, strings.HasPrefix(got, "{true}: ") && strings.Contains(got, "broken on purpose"), got)
		assert.NilError(t, sys.Shutdown(context.Background()))
	}
}

func TestZeroAddress(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		var program address.Address
		sys := start(t, o, kind("sender", func(ctx *actor.Context, msg any) error {
			switch m := msg.(type) {
			case refer:
				program = ctx.Sender()
				ctx.Unwatch(m.To)
				ctx.Send(m.To, text{"to nobody"})
			case message.PoisonMessage:
				ctx.Send(program, text{describe(m)})
			}
			return nil
		}))
		assert.ErrorIs(t, sys.Tell(within(t), address.Address{}, text{"x"}), system.ErrNoAddress)
		_, err := sys.Ask(within(t), address.Address{}, text{"x"})
		assert.ErrorIs(t, err, system.ErrNoAddress)
		tell(t, sys, create(t, sys, "sender"), refer{})
		assert.Equal(t, listen[text](t, sys).Text, "poison: "+system.ErrNoAddress.Error())
	})
}

// Two systems in one process are still two systems.
func TestForeignAddress(t *testing.T) {
	const reason = "the address belongs to another system"
	schedulers(t, func(t *testing.T, o system.Options) {
		got := make(chan any, 100)
		there := start(t, o, kind("victim", func(ctx *actor.Context, msg any) error {
			if _, exit := msg.(message.ActorExitRequest); !exit {
				got <- msg
			}
			return nil
		}))
		victim := create(t, there, "victim", named("victim"))
		here := start(t, o, undertaker, kind("victim", nil), kind("sender", func(ctx *actor.Context, msg any) error {
			if m, ok := msg.(refer); ok {
				asker := ctx.Sender()
				ctx.Send(m.To, text{"from an actor"})
				ctx.Send(m.To, message.ActorExitRequest{})
				ctx.Request(m.To, text{"from an actor"}, 0, func(reply any, err error) error {
					ctx.Send(asker, text{err.Error()})
					return nil
				})
			}
			return nil
		}))
		u := create(t, here, "undertaker")
		ask[text](t, here, u, text{"on"})
		sender := create(t, here, "sender")
		for _, to := range []address.Address{victim, there.Admin(), there.Address()} {
			tell(t, here, to, text{"from a program"})
			_, err := here.Ask(within(t), to, text{"from a program"})
			var undeliverable *system.UndeliverableError
			assert.Assert(t, errors.As(err, &undeliverable), "%v", err)
			assert.Equal(t, undeliverable.Target, to)
			assert.Assert(t, is.Contains(undeliverable.Reason, reason))
			assert.Assert(t, is.Contains(ask[text](t, here, sender, refer{to}).Text, reason))
		}
		letters := ask[text](t, here, u, text{"got?"}).Text
		assert.Equal(t, strings.Count(letters, reason), 15, letters)
		assert.Equal(t, strings.Count(letters, "{from a program}"), 6, letters)
		assert.Equal(t, strings.Count(letters, "{from an actor}"), 6, letters)

		// Nothing of it has reached the other one.
		ask[message.ActorStatus](t, there, victim, message.StatusRequest{})
		assert.Equal(t, len(got), 0)
		assert.Equal(t, deadLetterCount(t, there), 0)
		assert.Assert(t, lookup(t, here, "victim").IsZero())

		// Nor is what is of no system at all, such as an address that somebody made up.
		var made address.Address
		assert.NilError(t, made.UnmarshalText([]byte("0123456789abcdef-0123456789abcdef-1")))
		_, err := here.Ask(within(t), made, text{"?"})
		assert.ErrorContains(t, err, reason)
	})
}

// An address of this very system that nobody ever had is that of somebody who has ended.
func TestAddressThatNobodyHas(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, echo)
		own, err := create(t, sys, "echo").MarshalText()
		assert.NilError(t, err)
		made, err := address.Parse(string(own) + "000")
		assert.NilError(t, err)
		_, err = sys.Ask(within(t), made, text{"?"})
		assert.ErrorContains(t, err, "the actor has ended")
	})
}

func TestUnknownKind(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		var program address.Address
		sys := start(t, o, echo, kind("creator", func(ctx *actor.Context, msg any) error {
			switch m := msg.(type) {
			case make_:
				program = ctx.Sender()
				child := ctx.Create(m.Kind, named(m.Name))
				ctx.Send(child, text{"hello"})
			case message.ChildActorExited, message.PoisonMessage:
				ctx.Send(program, text{describe(m)})
			}
			return nil
		}))
		const want = `unknown kind "wizard"; the kinds are: creator, echo`
		for _, options := range []actor.CreateOptions{{}, named("merlin")} {
			_, err := sys.Create(within(t), "wizard", options)
			assert.ErrorIs(t, err, system.ErrUnknownKind)
			assert.Error(t, err, `create "wizard": `+want)
		}
		creator := create(t, sys, "creator")
		tell(t, sys, creator, make_{"wizard", ""})
		assert.Equal(t, listen[text](t, sys).Text, "poison: child aborted: "+want)
		assert.Equal(t, listen[text](t, sys).Text, "child exited: "+want)
		tell(t, sys, creator, make_{"wizard", "merlin"}) // which has failed when Create returns
		said := []string{listen[text](t, sys).Text, listen[text](t, sys).Text}
		slices.Sort(said)
		assert.DeepEqual(t, said, []string{"child exited: " + want, "poison: child aborted: " + want})
	})
	sys := start(t, system.Options{})
	_, err := sys.Create(within(t), "wizard")
	assert.ErrorContains(t, err, "the kinds are: none")
}

func TestBadCreateOptions(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, echo, starter("starter", func() error { t.Error("it was started"); return nil }))
		for name, options := range map[string]actor.CreateOptions{
			"arguments":                       {Args: unknown{1}},
			"arguments that hold such a type": {Args: holder{unknown{1}}},
			"requirements":                    {Requirements: unknown{1}},
			"named":                           {GlobalName: "x", Args: unknown{1}},
		} {
			_, err := sys.Create(within(t), "starter", options)
			assert.ErrorIs(t, err, message.ErrUnregistered, name)
		}
		assert.Assert(t, is.Panics(func() { _, _ = sys.Create(within(t), "echo", actor.CreateOptions{}, actor.CreateOptions{}) }))
		create(t, sys, "echo")
	})
}

func TestBadKinds(t *testing.T) {
	for name, c := range map[string]struct {
		kinds []actor.Kind
		want  string
	}{
		"twice the same name": {[]actor.Kind{echo, kind("other", nil), echo}, `kind "echo" is given twice`},
		"no name":             {[]actor.Kind{kind("", nil)}, "a kind has no name"},
		"no constructor":      {[]actor.Kind{{Name: "bad"}}, `kind "bad": New is not set`},
	} {
		_, err := system.App{Kinds: c.kinds}.Start(t.Context(), nil)
		assert.ErrorContains(t, err, "start: ", name)
		assert.ErrorContains(t, err, c.want, name)
	}
}
