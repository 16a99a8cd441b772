package matrix

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/message"
	"thespian.dev/system"
)

// around is what stands around the data of a message, at most.
const around = 4 << 10

// Messages may be large.
var sizes = []Behaviour{
	{
		Name: "sizes/a message comes back as it was",
		Deeds: map[string]Deed{
			"echo": func(d *Doer, ctx *actor.Context, m Do) error {
				d.Say(ctx, Said{Data: m.Data})
				return nil
			},
		},
		Run: func(t *T) {
			a, b := t.Create("doer"), t.Create("doer near")
			random := rand.NewChaCha8([32]byte{1})
			for i, n := range []int{0, 5, 25, 50_000, 500_000, 5_000_000, 10_000_000, 20_000_000, 25_000_000, 50_000_000} {
				if n+around > t.MaxMessage() {
					continue
				}
				data := bytes.Repeat([]byte("hello"), n/5) // which can be compressed
				if i%2 == 0 {
					_, _ = random.Read(data)
				}
				want := bytes.Clone(data)
				assert.Assert(t, bytes.Equal(t.Do(a, Do{Deed: "echo", Data: data}).Data, want), n)
				if n <= 500_000 {
					assert.Assert(t, bytes.Equal(t.Do(b, Do{Deed: "echo", Data: want}).Data, want), n)
				}
			}
		},
	},
	{
		Name: "sizes/what is above the limit is refused, and harms nobody",
		Unsupported: func(c Config) string {
			if !c.Processes() {
				return "messages stay in the program's process, and nothing limits them"
			}
			return ""
		},
		Deeds: map[string]Deed{
			"swell": func(d *Doer, ctx *actor.Context, m Do) error {
				d.Say(ctx, Said{Data: make([]byte, m.N)})
				return nil
			},
		},
		Run: func(t *T) {
			a := t.Create("doer")
			for i := range 2 {
				_, err := t.System.Ask(t.Context(), a, Do{Deed: "echo", Data: make([]byte, t.MaxMessage()+1)})
				var undeliverable *system.UndeliverableError
				assert.Assert(t, errors.As(err, &undeliverable), "%v", err)
				assert.Assert(t, strings.Contains(undeliverable.Reason, "larger than"), undeliverable.Reason)

				t.Tell(a, Do{Deed: "swell", N: t.MaxMessage() + 1})
				calm(t, a)
				for want := uint64(2 * (i + 1)); ; runtime.Gosched() { // each is a dead letter
					letters := t.DeadLetters()
					if letters == want {
						break
					}
					assert.Assert(t, letters < want)
				}
			}
		},
	},
	{
		Name:  "sizes/who handles dead letters hears of what is too large",
		Alone: "dead letters go to the handlers of the system in which they come about",
		Unsupported: func(c Config) string {
			if !c.Processes() {
				return "messages stay in the program's process, and nothing limits them"
			}
			return ""
		},
		Deeds: map[string]Deed{
			// It tells the asker of the dead letters that it gets: why they are, and whether there is a message.
			"bury": func(d *Doer, ctx *actor.Context, m Do) error {
				program := d.Asker
				d.Hear = func(ctx *actor.Context, msg any) error {
					if m, ok := msg.(message.DeadEnvelope); ok {
						ctx.Send(program, Said{What: fmt.Sprintf("%T: %s", m.Message, m.Reason)})
					}
					return nil
				}
				ctx.HandleDeadLetters(true)
				ctx.Send(program, Said{What: "ready"})
				return nil
			},
		},
		Run: func(t *T) {
			a, undertaker := t.Create("doer"), t.Create("doer")
			t.Tell(undertaker, Do{Deed: "bury"})
			assert.Equal(t, t.Hear().What, "ready")
			for len(status(t).DeadLetterHandlers) == 0 {
				runtime.Gosched()
			}
			status(t) // for which each process is asked, behind the news
			t.Tell(a, Do{Deed: "swell", N: t.MaxMessage() + 1})
			letter := t.Hear().What
			assert.Assert(t, strings.Contains(letter, "larger than"), letter)
			if !strings.HasPrefix(letter, "matrix.Said: ") { // in another process, for which it is too large as well
				assert.Assert(t, strings.HasPrefix(letter, "<nil>: ") && strings.Contains(letter, "a matrix.Said, is left out"), letter)
			}
		},
	},
}
