//go:build linux

package integration

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
)

// A Sow orders a sower to create a child and to send to it at once.
type Sow struct {
	Kind      string
	Stillborn bool
	Count     int
	Size      int
	Deep      bool // by an actor that was itself created by one
}

// Reaped says how many messages have come back, and how many are dead letters.
type Reaped struct{ Back, Dead int }

// A sower creates a child and sends to it. All that it sends comes back: as poison, or as dead letters, which it handles.
type sower struct {
	asker  address.Address
	child  address.Address
	count  int
	reaped Reaped
}

type seed struct{}

var errStillborn = errors.New("stillborn")

func (*seed) Start(_ *actor.Context, args any) error {
	if sow := args.(Sow); sow.Stillborn {
		return errStillborn
	}
	return nil
}

func (*seed) Receive(ctx *actor.Context, msg any) error {
	ctx.Exit()
	return actor.Permanent(errStillborn)
}

func (s *sower) Start(ctx *actor.Context, _ any) error {
	ctx.HandleDeadLetters(true)
	return nil
}

func (s *sower) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case Sow:
		s.asker, s.count, s.reaped = ctx.Sender(), m.Count, Reaped{}
		if m.Deep {
			m.Deep = false
			if s.child.IsZero() {
				s.child = ctx.Create("sower")
			}
			s.asker = ctx.Sender()
			ctx.Request(s.child, m, 0, func(reply any, err error) error {
				ctx.Send(s.asker, reply)
				return err
			})
			return nil
		}
		child := ctx.Create(m.Kind, actor.CreateOptions{Args: m})
		body := string(make([]byte, m.Size))
		for range m.Count {
			ctx.Send(child, Say{body})
		}
	case message.PoisonMessage:
		s.reaped.Back++
	case message.DeadEnvelope:
		s.reaped.Dead++
	default:
		return nil
	}
	if s.reaped.Back+s.reaped.Dead == s.count {
		ctx.Send(s.asker, s.reaped)
	}
	return nil
}

// rounds is how often a test does what may go another way the next time.
func rounds() int {
	if testing.Short() {
		return 1
	}
	return 2
}

// What is sent to a child that could not start, or that exits at the first message, comes back or is a dead letter, all of it.
func TestMailOfChildrenThatEndAtOnce(t *testing.T) {
	for _, c := range []struct {
		name string
		sow  Sow
	}{
		{"stillborn, spawned", Sow{"seed", true, 10, 64, false}},
		{"stillborn, spawned, many", Sow{"seed", true, 4000, 1 << 10, false}},
		{"stillborn, pooled, some", Sow{"pooled seed", true, 4000, 1 << 10, false}},
		{"stillborn, pooled", Sow{"pooled seed", true, 10, 64, false}},
		{"stillborn, pooled, many", Sow{"pooled seed", true, 10_000, 64, false}},
		{"stillborn, pooled, large", Sow{"pooled seed", true, 8, 1 << 20, false}},
		{"stillborn, spawned, of an actor's child", Sow{"seed", true, 100, 64, true}},
		{"stillborn, pooled, of an actor's child", Sow{"pooled seed", true, 4000, 1 << 10, true}},
		{"exits, pooled, of an actor's child", Sow{"pooled seed", false, 4000, 1 << 10, true}},
		{"exits, spawned", Sow{"seed", false, 10, 64, false}},
		{"exits, pooled", Sow{"pooled seed", false, 10, 64, false}},
		{"exits, pooled, many", Sow{"pooled seed", false, 10_000, 64, false}},
		{"exits, pooled, large", Sow{"pooled seed", false, 8, 1 << 20, false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sys := start(t, nil)
			s := create(t, sys, "sower")
			for range rounds() {
				reply, err := sys.Ask(within(t), s, c.sow)
				assert.NilError(t, err)
				reaped := reply.(Reaped)
				assert.Equal(t, reaped.Back+reaped.Dead, c.sow.Count)
			}
		})
	}
}

// A patient actor asks its child without a timeout, collects garbage, and has the child answer then.
type patient struct{}

func (patient) Receive(ctx *actor.Context, msg any) error {
	if _, ok := msg.(Say); !ok {
		return nil
	}
	asker := ctx.Sender()
	child := ctx.Create("slow")
	ctx.Request(child, Say{"question"}, 0, func(reply any, err error) error {
		ctx.Send(asker, reply)
		return err
	})
	ctx.Request(child, Order{What: "has it arrived?"}, 0, func(reply any, err error) error {
		ctx.Go(func(context.Context) any {
			for range 3 {
				runtime.GC()
			}
			ctx.Send(child, Order{What: "answer"})
			return nil
		})
		return err
	})
	return nil
}

// A slow actor answers when it is told to.
type slow struct{ asker address.Address }

func (s *slow) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case Say:
		s.asker = ctx.Sender()
	case Order:
		if m.What == "answer" {
			ctx.Send(s.asker, Say{"answer"})
		} else {
			ctx.Send(ctx.Sender(), m)
		}
	}
	return nil
}

func TestRequestWithoutATimeoutIsKept(t *testing.T) {
	sys := start(t, nil)
	reply, err := sys.Ask(within(t), create(t, sys, "waiting"), Say{"ask"})
	assert.NilError(t, err)
	assert.Equal(t, reply, any(Say{"answer"}))
}

// A Bequest orders a testator to create a child that cannot start, to send to it, and to exit: at once, or when the first message comes back.
type Bequest struct {
	Kind   string
	Count  int
	AtOnce bool
	Notary address.Address
}

// A Witness tells a notary of a message that came back to its testator.
type Witness struct{ Parcel int }

type testator struct{ Bequest }

func (s *testator) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case Bequest:
		s.Bequest = m
		child := ctx.Create(m.Kind, actor.CreateOptions{Args: Sow{Stillborn: true}})
		for n := range m.Count {
			ctx.Send(child, Order{What: "parcel", N: n})
		}
		if m.AtOnce {
			ctx.Exit()
		}
	case message.PoisonMessage:
		ctx.Send(s.Notary, Witness{m.Message.(Order).N})
		ctx.Exit()
	}
	return nil
}

// A notary hears of all that did not come back to a testator, and answers when nothing is missing.
type notary struct {
	asker  address.Address
	wanted int
	seen   map[int]bool
}

func (n *notary) Start(ctx *actor.Context, _ any) error {
	n.seen = make(map[int]bool)
	ctx.HandleDeadLetters(true)
	return nil
}

func (n *notary) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case Order:
		n.asker, n.wanted = ctx.Sender(), m.N
	case Witness:
		n.seen[m.Parcel] = true
	case message.DeadEnvelope:
		letter := m.Message
		if poison, ok := letter.(message.PoisonMessage); ok {
			letter = poison.Message
		}
		if parcel, ok := letter.(Order); ok {
			n.seen[parcel.N] = true
		}
	}
	if !n.asker.IsZero() && len(n.seen) == n.wanted {
		ctx.Send(n.asker, Told{What: "complete"})
	}
	return nil
}

// What an actor has sent to a child that could not start is in somebody's books when both have ended: nothing is lost between two processes that end at once.
func TestMailBetweenTwoThatEnd(t *testing.T) {
	for _, kind := range []string{"seed", "pooled seed"} {
		for _, atOnce := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, at once: %v", kind, atOnce), func(t *testing.T) {
				sys := start(t, nil)
				for range rounds() {
					const count = 3000
					desk := create(t, sys, "notary")
					assert.NilError(t, sys.Tell(within(t), create(t, sys, "testator"), Bequest{kind, count, atOnce, desk}))
					reply, err := sys.Ask(within(t), desk, Order{N: count})
					assert.NilError(t, err)
					assert.Equal(t, reply.(Told).What, "complete")
				}
			})
		}
	}
}
