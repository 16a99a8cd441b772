package system_test

import (
	"errors"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/message"
	"thespian.dev/system"
)

// A machine needs a count and a refer before it works. It keeps a list of what it got.
type machine struct {
	got    []string
	fails  int // how many counts it fails on
	broken int // how often Initialized fails
}

func (m *machine) Receive(ctx *actor.Context, msg any) error {
	switch v := msg.(type) {
	case count:
		if m.fails > 0 {
			m.fails--
			return errBroken
		}
		m.got = append(m.got, "count")
	case refer:
		m.got = append(m.got, "refer")
	case text:
		if v.Text == "got?" {
			ctx.Send(ctx.Sender(), text{strings.Join(m.got, " ")})
			return nil
		}
		m.got = append(m.got, v.Text)
	default:
		m.got = append(m.got, describe(msg))
	}
	return nil
}

func (m *machine) Initialized(ctx *actor.Context) error {
	if m.broken > 0 {
		m.broken--
		return errBroken
	}
	m.got = append(m.got, "initialized")
	return nil
}

func TestInitializingActor(t *testing.T) {
	for _, c := range []struct {
		name    string
		machine machine
		send    []any
		want    string
	}{
		{"all at once", machine{}, []any{count{1}, refer{}, text{"a"}}, "count refer initialized a"},
		{"in another order", machine{}, []any{refer{}, count{1}, text{"a"}}, "refer count initialized a"},
		{"what comes before is held", machine{}, []any{text{"a"}, count{1}, text{"b"}, text{"c"}, refer{}, text{"d"}}, "count refer initialized a b c d"},
		{"one comes twice", machine{}, []any{count{1}, text{"a"}, count{2}, refer{}, count{3}}, "count count refer initialized a count"},
		{"messages of the system are never held", machine{}, []any{text{"a"}, message.ChildActorExited{Reason: "x"}, count{1}, refer{}},
			"child exited: x count refer initialized a"},
		{"one that fails at first", machine{fails: 1}, []any{text{"a"}, count{1}, refer{}}, "count refer initialized a"},
		{"one that fails for good is awaited again", machine{fails: 2}, []any{text{"a"}, count{1}, refer{}, text{"b"}, count{2}}, "refer count initialized a b"},
		{"Initialized fails at first", machine{broken: 1}, []any{text{"a"}, count{1}, refer{}}, "count refer refer initialized a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			schedulers(t, func(t *testing.T, o system.Options) {
				sys := start(t, o, actor.Kind{Name: "machine", New: func() actor.Actor {
					m := c.machine
					return actor.Initializing(&m, count{}, refer{})
				}})
				a := create(t, sys, "machine")
				for _, msg := range c.send {
					tell(t, sys, a, msg)
				}
				assert.Equal(t, ask[text](t, sys, a, text{"got?"}).Text, c.want)
			})
		})
	}
}

func TestInitializingActorWithoutInitialMessagesIsPlain(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, actor.Kind{Name: "machine", New: func() actor.Actor { return actor.Initializing(new(machine)) }})
		a := create(t, sys, "machine")
		tell(t, sys, a, text{"a"})
		assert.Equal(t, ask[text](t, sys, a, text{"got?"}).Text, "a")
	})
}

func TestInitializingActorThatFailsHoldsNothing(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, actor.Kind{Name: "machine", New: func() actor.Actor {
			return actor.Initializing(&machine{fails: 2}, count{})
		}})
		a := create(t, sys, "machine")
		_, err := sys.Ask(within(t), a, count{1})
		var poison message.PoisonMessage
		assert.Assert(t, errors.As(err, &poison), "%v", err)
		tell(t, sys, a, count{2})
		assert.Equal(t, ask[text](t, sys, a, text{"got?"}).Text, "count initialized")
	})
}
