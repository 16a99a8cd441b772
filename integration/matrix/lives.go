package matrix

import (
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
)

// What a beginner needs before it handles anything else.
type (
	called   struct{ Text string }
	coloured struct{ Text string }
)

// A beginner answers each message with what it is and what has come before.
type beginner struct{ name, colour, begun string }

func (b *beginner) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case called:
		b.name = m.Text
	case coloured:
		b.colour = m.Text
	case string:
		return say(ctx, m+" to "+b.colour+" "+b.name+b.begun)
	}
	return nil
}

func (b *beginner) Initialized(*actor.Context) error {
	b.begun += ", who has begun"
	return nil
}

// short is how long the lives of actors are that are to end by themselves.
const short = 200 * time.Millisecond

// A chatterer gets messages from itself, until there were N or it ends. At its end it tells the program how long it has lived since its first message, and how long it was idle at most.
type chatterer struct {
	program     address.Address
	left        int
	first, last time.Time
	idle        time.Duration
}

func (c *chatterer) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case Do:
		c.program, c.left, c.first, c.last = ctx.Sender(), m.N, time.Now(), time.Now()
		ctx.WakeupAfter(short/5, nil)
	case message.WakeupMessage: // which is no sign of use, but what follows is
		ctx.Send(ctx.Self(), "chat")
	case string:
		c.used()
		if c.left--; c.left > 0 {
			ctx.WakeupAfter(short/5, nil)
		}
	case message.ActorExitRequest:
		c.used()
		ctx.Send(c.program, Said{What: "lived", N: int(time.Since(c.first)), Who: ctx.Self()})
		ctx.Send(c.program, Said{What: "was idle", N: int(c.idle), Who: ctx.Self()})
	}
	return nil
}

func (c *chatterer) used() {
	c.idle, c.last = max(c.idle, time.Since(c.last)), time.Now()
}

// Actors begin and end by themselves.
var lives = []Behaviour{
	{
		Name: "lives/other messages wait until all initial ones have come",
		Kinds: []actor.Kind{
			{Name: "beginner", New: func() actor.Actor { return actor.Initializing(&beginner{}, called{}, coloured{}) }},
		},
		Messages: []any{called{}, coloured{}},
		Run: func(t *T) {
			for _, initial := range [][]any{{called{"Ann"}, coloured{"red"}}, {coloured{"red"}, called{"Ann"}}} {
				a := t.Create("beginner")
				other := t.System.Private()
				t.Tell(a, "one")
				t.Tell(a, initial[0])
				assert.NilError(t, other.Tell(t.Context(), a, "from another"))
				t.Tell(a, "two")
				t.Tell(a, "three")
				statusOf(t, a) // which does not wait, and tells that all of these have come
				t.Tell(a, initial[1])
				t.Tell(a, "four")
				for _, text := range []string{"one", "two", "three", "four"} {
					assert.Equal(t, t.Hear().What, text+" to red Ann, who has begun")
				}
				msg, _, err := other.Listen(t.Context())
				assert.NilError(t, err)
				said, err := actor.As[Said](msg)
				assert.NilError(t, err)
				assert.Equal(t, said.What, "from another to red Ann, who has begun")
				t.Tell(a, called{"Bob"}) // is not initial any more
				t.Tell(a, "five")
				assert.Equal(t, t.Hear().What, "five to red Bob, who has begun")
				assert.NilError(t, other.Close())
			}
		},
	},
	{
		Name: "lives/transient actors end by themselves",
		Kinds: []actor.Kind{
			{Name: "transient", New: func() actor.Actor { return actor.Transient(&chatterer{}, short) }},
			{Name: "transient idle", New: func() actor.Actor { return actor.TransientIdle(&chatterer{}, short) }},
			{Name: "transient beginner", New: func() actor.Actor {
				return actor.Transient(actor.Initializing(&beginner{}, called{}, coloured{}), short)
			}},
		},
		Run: func(t *T) {
			unused, plain := t.Create("transient"), t.Create("doer")
			t.Do(plain, Do{Deed: "introduce"})

			busy, idle := t.Create("transient"), t.Create("transient idle")
			t.Tell(busy, Do{N: 1 << 30})
			t.Tell(idle, Do{N: 10}) // twice its life
			ends := make(map[address.Address]map[string]time.Duration)
			for range 4 {
				said := t.Hear()
				if ends[said.Who] == nil {
					ends[said.Who] = make(map[string]time.Duration)
				}
				ends[said.Who][said.What] = time.Duration(said.N)
			}
			// A busy machine can only make it longer: also messages, between which the time may pass.
			assert.Assert(t, ends[busy]["lived"] > short*9/10, "%v", ends)
			assert.Assert(t, ends[idle]["was idle"] > short*9/10, "%v", ends)
			ended(t, busy, idle)
			t.Refused(busy, "hello?")
			t.Refused(idle, "hello?")

			begins := t.Create("transient beginner")
			for _, msg := range []any{"held", called{"Ann"}, coloured{"red"}, "handled"} {
				t.Tell(begins, msg)
			}
			assert.Equal(t, t.Hear().What, "held to red Ann, who has begun")
			assert.Equal(t, t.Hear().What, "handled to red Ann, who has begun")
			ended(t, begins)

			assert.Equal(t, statusOf(t, unused).Received, uint64(0), "whoever gets no message does not end")
			t.Do(plain, Do{Deed: "introduce"})
		},
	},
}
