package matrix

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
)

// failure fails in the given way: "" not at all.
func failure(how string) error {
	switch how {
	case "":
		return nil
	case "error":
		return errors.New("on purpose")
	case "permanent":
		return actor.Permanent(errors.New("on purpose"))
	case "panic":
		panic("on purpose")
	case "goexit":
		runtime.Goexit()
	}
	return actor.Permanent(fmt.Errorf("there is no failure %q", how))
}

func asPoison(t *T, err error) message.PoisonMessage {
	var poison message.PoisonMessage
	assert.Assert(t, errors.As(err, &poison), "%v", err)
	return poison
}

// What an actor fails on comes back to who sent it, and the actor goes on.
var failures = []Behaviour{
	{
		Name: "failures/what fails once is tried again",
		Deeds: map[string]Deed{
			// It fails on so many tries, of all that there are of it.
			"fail": func(d *Doer, ctx *actor.Context, m Do) error {
				if d.Count++; d.Count <= m.N {
					return failure(m.Text)
				}
				d.Say(ctx, Said{What: "done", N: d.Count})
				return nil
			},
		},
		Run: func(t *T) {
			for _, how := range []string{"error", "panic"} {
				assert.Equal(t, t.Do(t.Create("doer"), Do{Deed: "fail", N: 1, Text: how}).N, 2, how)
				assert.Equal(t, t.Do(t.Create("doer patient"), Do{Deed: "fail", N: 3, Text: how}).N, 4, how)
			}
		},
	},
	{
		Name: "failures/poison comes back",
		Run: func(t *T) {
			for _, c := range []struct {
				kind, how string
				tries     int
			}{
				{"doer", "error", 2}, {"doer", "panic", 2}, {"doer", "permanent", 1}, {"doer patient", "error", 4},
			} {
				a := t.Create(c.kind)
				_, err := t.System.Ask(t.Context(), a, Do{Deed: "fail", N: 99, Text: c.how})
				poison := asPoison(t, err)
				do, _ := poison.Message.(Do)
				assert.Equal(t, do.Deed+" "+do.Text, "fail "+c.how, "%#v", poison.Message)
				assert.Assert(t, strings.Contains(poison.Details, "on purpose"), poison.Details)
				assert.Equal(t, strings.Contains(poison.Details, "matrix.failure("), c.how == "panic", "whether there is a stack: %s", poison.Details)
				assert.Equal(t, t.Do(a, Do{Deed: "fail"}).N, c.tries+1, "%s: the same actor goes on, with its state", c.how)
			}
		},
	},
	{
		Name: "failures/poison of what a program told is listened to",
		Run: func(t *T) {
			a := t.Create("doer")
			t.Tell(a, Do{Deed: "fail", N: 99, Text: "error"})
			msg, from := t.Listen()
			poison, ok := msg.(message.PoisonMessage)
			assert.Assert(t, ok, "%#v", msg)
			assert.Equal(t, poison.Details, "on purpose")
			assert.Equal(t, from, a)
			assert.Equal(t, t.Do(a, Do{Deed: "fail"}).N, 3)
		},
	},
	{
		Name: "failures/poison goes to the sender alone, once for each message",
		Deeds: map[string]Deed{
			"break": func(d *Doer, _ *actor.Context, _ Do) error {
				d.Count++
				return failure("error")
			},
		},
		Run: func(t *T) {
			parent, other := t.Create("doer"), t.Create("doer")
			child := t.Do(parent, Do{Deed: "create", Text: "doer"}).Who
			t.Do(parent, Do{Deed: "report"})
			t.Do(other, Do{Deed: "report"})
			for i, sender := range []address.Address{parent, other, other, parent, other} {
				t.Tell(sender, Do{Deed: "have done", Text: "break", Who: []address.Address{child}})
				msg, from := t.Listen()
				said, _ := msg.(Said)
				assert.Equal(t, words(said), words(Said{What: "poison: on purpose", Who: child}))
				assert.Equal(t, from, sender)
				assert.Equal(t, t.Do(child, Do{Deed: "fail"}).N, (i+1)*3, "tried twice, and asked once")
			}
			calm(t, parent, other, child)
		},
	},
	{
		Name: "failures/news on which an actor fails harm nobody",
		Run: func(t *T) {
			grandparent := t.Create("doer")
			t.Do(grandparent, Do{Deed: "report"})
			parent := t.Do(grandparent, Do{Deed: "create", Text: "doer"}).Who
			for _, how := range []string{"error", "panic"} {
				child := t.Do(parent, Do{Deed: "create", Text: "doer"}).Who
				t.Do(parent, Do{Deed: "report", Text: how})
				t.Tell(child, message.ActorExitRequest{})
				for range actor.DefaultAttempts {
					hear(t, Said{What: "child exited: asked to exit", Who: child})
				}
				calm(t, parent, grandparent)
			}
		},
	},
	{
		Name: "failures/who fails on an exit request exits",
		Run: func(t *T) {
			parent := t.Create("doer")
			t.Do(parent, Do{Deed: "report"})
			for how, reason := range map[string]string{
				"error": "asked to exit", "panic": "asked to exit", "permanent": "asked to exit", "goexit": "runtime.Goexit ended the actor",
			} {
				child := t.Do(parent, Do{Deed: "create", Text: "doer"}).Who
				t.Do(child, Do{Deed: "report", Text: how})
				t.Tell(child, message.ActorExitRequest{})
				hear(t, Said{What: "asked to exit", Who: child}, Said{What: "child exited: " + reason, Who: child})
			}
			calm(t, parent)
		},
	},
	{
		Name: "failures/the first message of an actor",
		Deeds: map[string]Deed{
			// It creates an actor, and has it do the deed of the text at once.
			"create for": func(d *Doer, ctx *actor.Context, m Do) error {
				child := ctx.Create("doer")
				ctx.Send(child, Do{Deed: m.Text})
				d.Say(ctx, Said{What: "created", Who: child})
				return nil
			},
		},
		Run: func(t *T) {
			parent := t.Create("doer")
			t.Do(parent, Do{Deed: "report"})
			for range 3 {
				t.Tell(parent, Do{Deed: "create for", Text: "break"})
				child := t.Hear().Who
				hear(t, Said{What: "poison: on purpose", Who: child})
				calm(t, parent, child)
			}
		},
	},
	{
		Name: "failures/what cannot be sent comes back to its sender",
		Deeds: map[string]Deed{
			"send nonsense": func(d *Doer, ctx *actor.Context, m Do) error {
				asker := d.Asker
				d.Hear = func(ctx *actor.Context, msg any) error {
					if poison, ok := msg.(message.PoisonMessage); ok {
						ctx.Send(asker, Said{What: poison.Details})
					}
					return nil
				}
				var nobody address.Address
				switch m.Text {
				case "to nobody":
					ctx.Send(nobody, Do{})
				case "nil":
					ctx.Send(ctx.Self(), nil)
				case "unregistered":
					ctx.Send(ctx.Self(), struct{ Secret string }{})
				}
				return nil
			},
		},
		Run: func(t *T) {
			a := t.Create("doer")
			for _, c := range []struct{ what, want string }{
				{"to nobody", "the zero address names nobody"}, {"nil", "nil is no message"}, {"unregistered", "the type is not registered"},
			} {
				said := t.Do(a, Do{Deed: "send nonsense", Text: c.what})
				assert.Assert(t, strings.Contains(said.What, c.want), "%s: %s", c.what, said.What)
				calm(t, a)
			}
		},
	},
}
