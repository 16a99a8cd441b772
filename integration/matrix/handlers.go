package matrix

import (
	"fmt"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
)

// Messages for handlers: apples and pears are fruit, hazels and walnuts are nuts, a pebble is none of these.
type (
	apple  struct{ N int }
	pear   struct{ N int }
	hazel  struct{ N int }
	walnut struct{ N int }
	pebble struct{ N int }

	fruit interface{ fruit() }
	nut   interface{ nut() }
)

func (apple) fruit() {}
func (pear) fruit()  {}
func (hazel) nut()   {}
func (walnut) nut()  {}

// A bottom handles text and fruit.
type bottom struct{ actor.Handlers }

func newBottom() *bottom {
	b := new(bottom)
	b.handlers()
	return b
}

func (b *bottom) handlers() {
	actor.On(&b.Handlers, func(ctx *actor.Context, _ string) error { return say(ctx, "text at the bottom") })
	actor.On(&b.Handlers, func(ctx *actor.Context, _ fruit) error { return say(ctx, "fruit at the bottom") })
}

// A middle is a bottom that has more to say of pears, handles nuts as well, and says what it does not know.
type middle struct{ bottom }

func newMiddle() *middle {
	m := new(middle)
	m.handlers()
	return m
}

func (m *middle) handlers() {
	actor.On(&m.Handlers, func(ctx *actor.Context, _ pear) error {
		_ = say(ctx, "pear in the middle")
		return actor.Pass
	})
	actor.On(&m.Handlers, func(ctx *actor.Context, _ nut) error { return say(ctx, "nut in the middle") })
	m.bottom.handlers()
	m.Otherwise(func(ctx *actor.Context, msg any) error { return say(ctx, fmt.Sprintf("unknown %v in the middle", msg)) })
}

// A top is a middle that has another word for text, handles numbers and pears by itself, and has more to say of nuts.
type top struct{ middle }

func newTop() *top {
	t := new(top)
	actor.On(&t.Handlers, func(ctx *actor.Context, _ string) error { return say(ctx, "text at the top") })
	actor.On(&t.Handlers, func(ctx *actor.Context, n int) error { return say(ctx, fmt.Sprint(n, " at the top")) })
	actor.On(&t.Handlers, func(ctx *actor.Context, _ pear) error { return say(ctx, "pear at the top") })
	actor.On(&t.Handlers, func(ctx *actor.Context, _ nut) error {
		_ = say(ctx, "nut at the top")
		return actor.Pass
	})
	t.middle.handlers()
	return t
}

func say(ctx *actor.Context, what string) error {
	ctx.Send(ctx.Sender(), Said{What: what})
	return nil
}

// A message goes to the handler of its type, or of what its type is.
var handlers = []Behaviour{
	{
		Name: "handlers/each message goes to the one for its type, and on if that passes it on",
		Kinds: []actor.Kind{
			{Name: "bottom", New: func() actor.Actor { return newBottom() }},
			{Name: "middle", New: func() actor.Actor { return newMiddle() }},
			{Name: "top", New: func() actor.Actor { return newTop() }},
		},
		Messages: []any{apple{}, pear{}, hazel{}, walnut{}, pebble{}},
		Run: func(t *T) {
			kinds := []string{"bottom", "middle", "top"}
			var actors []address.Address
			for _, kind := range kinds {
				actors = append(actors, t.Create(kind))
			}
			for _, c := range []struct {
				msg  any
				want [3][]string // of the bottom, the middle and the top
			}{
				{"text", [...][]string{{"text at the bottom"}, {"text at the bottom"}, {"text at the top"}}},
				{17, [...][]string{nil, {"unknown 17 in the middle"}, {"17 at the top"}}},
				{apple{}, [...][]string{{"fruit at the bottom"}, {"fruit at the bottom"}, {"fruit at the bottom"}}},
				{pear{}, [...][]string{{"fruit at the bottom"}, {"pear in the middle", "fruit at the bottom"}, {"pear at the top"}}},
				{hazel{}, [...][]string{nil, {"nut in the middle"}, {"nut at the top", "nut in the middle"}}},
				{walnut{}, [...][]string{nil, {"nut in the middle"}, {"nut at the top", "nut in the middle"}}},
				{pebble{}, [...][]string{nil, {"unknown {0} in the middle"}, {"unknown {0} in the middle"}}},
			} {
				for i, a := range actors {
					t.Tell(a, c.msg)
					t.Tell(a, apple{}) // whose answer comes behind the others
					for _, want := range append(c.want[i], "fruit at the bottom") {
						assert.Equal(t, t.Hear().What, want, "%T to the %s", c.msg, kinds[i])
					}
				}
			}
		},
	},
}
