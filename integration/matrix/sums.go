package matrix

import (
	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
)

// A caller calls: each of its hands hears every so many calls, and enters that in the book that somebody has given it; the books say the sums at the end. So
// whoever uses an address has it from somebody else than from who created the actor.
type (
	caller struct {
		hands []address.Address
		every map[address.Address]int
	}
	hand struct{ book address.Address }
	book struct{ entries int }
)

func (c *caller) Receive(ctx *actor.Context, msg any) error {
	m, _ := msg.(Do)
	switch m.Deed {
	case "join":
		if c.every == nil {
			c.every = make(map[address.Address]int)
		}
		if c.every[m.Who[0]] == 0 {
			c.hands = append(c.hands, m.Who[0])
		}
		c.every[m.Who[0]] = m.N
		ctx.Send(ctx.Sender(), Said{What: "joined", N: len(c.hands)})
	case "call":
		for i := range m.N {
			for _, h := range c.hands {
				if (i+1)%c.every[h] == 0 {
					ctx.Send(h, Do{Deed: "enter"})
				}
			}
		}
		for _, h := range c.hands {
			ctx.Send(h, Do{Deed: "close", Who: []address.Address{ctx.Sender()}})
		}
	}
	return nil
}

func (h *hand) Receive(ctx *actor.Context, msg any) error {
	m, _ := msg.(Do)
	switch m.Deed {
	case "create":
		ctx.Send(ctx.Sender(), Said{What: "created", Who: ctx.Create("book")})
	case "use":
		h.book = m.Who[0]
		ctx.Send(ctx.Sender(), Said{What: "using", Who: h.book})
	case "enter", "close":
		ctx.Send(h.book, m)
	}
	return nil
}

func (b *book) Receive(ctx *actor.Context, msg any) error {
	m, _ := msg.(Do)
	switch m.Deed {
	case "enter":
		b.entries++
	case "close":
		ctx.Send(m.Who[0], Said{What: "sum", N: b.entries, Who: ctx.Self()})
		b.entries = 0
	}
	return nil
}

// Actors that got each other's addresses from third parties work together.
var sums = []Behaviour{
	{
		Name: "sums/come together from all hands",
		Kinds: []actor.Kind{
			{Name: "caller", New: func() actor.Actor { return new(caller) }},
			{Name: "hand", New: func() actor.Actor { return new(hand) }},
			{Name: "book", New: func() actor.Actor { return new(book) }},
		},
		Deeds: map[string]Deed{
			// It plays a message to and fro with another one until that was so many times over the net.
			"rally": func(_ *Doer, ctx *actor.Context, m Do) error {
				if m.N == 0 {
					ctx.Send(m.Who[1], Said{What: "over"})
					return nil
				}
				ctx.Send(m.Who[0], Do{Deed: "rally", N: m.N - 1, Who: []address.Address{ctx.Self(), m.Who[1]}})
				return nil
			},
		},
		Run: func(t *T) {
			said := func(who address.Address, do Do) Said {
				s, _ := t.Ask(who, do).(Said)
				return s
			}
			calling := t.Create("caller")
			n := several(t, 3, 50)
			var hands, books []address.Address
			for range n {
				h := t.Create("hand")
				hands, books = append(hands, h), append(books, said(h, Do{Deed: "create"}).Who)
			}
			for i, h := range hands { // each has the book of another one's child
				assert.Equal(t, said(h, Do{Deed: "use", Who: []address.Address{books[(i+1)%n]}}).What, "using")
			}
			a, b := t.Create("doer near"), t.Create("doer near")
			for _, c := range []struct {
				calls      int
				every      func(hand int) int
				background bool
			}{
				{10, func(int) int { return 1 }, false},
				{10, func(i int) int { return i%3 + 1 }, false},
				{100, func(int) int { return 10 }, false},
				{100, func(i int) int { return 10 + i%3 }, true},
			} {
				want := make(map[address.Address]int)
				for i, h := range hands {
					said(calling, Do{Deed: "join", N: c.every(i), Who: []address.Address{h}})
					want[books[(i+1)%n]] = c.calls / c.every(i)
				}
				left := n
				if c.background {
					t.Tell(a, Do{Deed: "rally", N: 500, Who: []address.Address{b, t.System.Address()}})
					left++
				}
				t.Tell(calling, Do{Deed: "call", N: c.calls})
				for range left {
					if s := t.Hear(); s.What == "sum" {
						assert.Equal(t, s.N, want[s.Who])
						delete(want, s.Who)
					}
				}
				assert.Equal(t, len(want), 0)
			}
		},
	},
}
