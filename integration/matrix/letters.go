package matrix

import (
	"fmt"
	"runtime"

	"thespian.dev/actor"
	"thespian.dev/message"
)

// What cannot be delivered comes to those who ask for dead letters.
var letters = []Behaviour{
	{
		Name: "dead letters/come to those who handle them, as long as they do",
		Deeds: map[string]Deed{
			"handle letters": func(d *Doer, ctx *actor.Context, m Do) error {
				asker := d.Asker
				d.Hear = func(ctx *actor.Context, msg any) error {
					if m, ok := msg.(message.DeadEnvelope); ok {
						ctx.Send(asker, Said{What: fmt.Sprintf("dead letter: %v", m.Message), Who: m.Target})
					}
					return nil
				}
				ctx.HandleDeadLetters(m.Text == "on")
				d.Say(ctx, Said{What: "handling " + m.Text})
				return nil
			},
		},
		Run: func(t *T) {
			gone := t.Create("doer")
			t.Tell(gone, message.ActorExitRequest{})
			t.Refused(gone, "knock")
			handlers := []string{"first", "second"}
			for range handlers {
				t.Do(t.Create("doer", actor.CreateOptions{GlobalName: handlers[0]}), Do{Deed: "handle letters", Text: "on"})
				handlers = handlers[1:]
			}
			handling(t, 2)
			t.Tell(gone, "one")
			hear(t, Said{What: "dead letter: one", Who: gone}, Said{What: "dead letter: one", Who: gone})
			first := named(t, "first")
			t.Do(first, Do{Deed: "handle letters", Text: "off"})
			handling(t, 1)
			t.Tell(gone, "two")
			hear(t, Said{What: "dead letter: two", Who: gone})
			t.Tell(named(t, "second"), message.ActorExitRequest{})
			handling(t, 0)
			t.Refused(gone, "three")
			calm(t, first)
			for status(t).DeadLetters == 0 { // they are counted when nobody handles them
				runtime.Gosched()
			}
		},
	},
}
