package matrix

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/message"
)

// Actors are woken when they wanted to be, and have work done beside them.
var times = []Behaviour{
	{
		Name: "times/wake-ups come in order, each once, unless they are cancelled",
		Deeds: map[string]Deed{
			"wake": func(d *Doer, ctx *actor.Context, m Do) error {
				var came []string
				asker := d.Asker
				d.Hear = func(ctx *actor.Context, msg any) error {
					if w, ok := msg.(message.WakeupMessage); ok && ctx.Sender() == ctx.Self() {
						if came = append(came, fmt.Sprint(w.Payload, " after ", w.Delay)); len(came) == 3 {
							ctx.Send(asker, Said{What: strings.Join(came, ", ")})
						}
					}
					return nil
				}
				ctx.WakeupAfter(60*time.Millisecond, "third")
				ctx.WakeupAfter(0, "first")
				never := ctx.WakeupAfter(time.Millisecond, "never")
				ctx.WakeupAfter(30*time.Millisecond, 2)
				never.Cancel()
				return nil
			},
		},
		Run: func(t *T) {
			a := t.Create("doer")
			for range 2 {
				t.Tell(a, Do{Deed: "wake"})
				assert.Equal(t, t.Hear().What, "first after 0s, 2 after 30ms, third after 60ms")
			}
		},
	},
	{
		Name: "times/a hundred goroutines work beside an actor",
		Deeds: map[string]Deed{
			"employ": func(d *Doer, ctx *actor.Context, m Do) error {
				asker, done := d.Asker, 0
				d.Hear = func(ctx *actor.Context, msg any) error {
					if n, ok := msg.(int); ok {
						if done += n; done == m.N*(m.N+1)/2 {
							ctx.Send(asker, Said{What: "all done", N: done})
						}
					}
					return nil
				}
				for i := range m.N {
					ctx.Go(func(context.Context) any {
						ctx.Send(asker, Said{What: "at work", N: i})
						return i + 1
					})
				}
				return nil
			},
		},
		Run: func(t *T) {
			const n = 100
			a := t.Create("doer")
			t.Tell(a, Do{Deed: "employ", N: n})
			seen, sum := make(map[int]bool), 0
			for len(seen) < n || sum == 0 {
				if said := t.Hear(); said.What == "at work" {
					seen[said.N] = true
				} else {
					sum = said.N
				}
			}
			assert.Equal(t, sum, n*(n+1)/2)
		},
	},
	{
		Name: "times/an actor runs a command beside itself",
		Unsupported: func(Config) string {
			if runtime.GOOS == "windows" {
				return "the command is one of Unix"
			}
			return ""
		},
		Deeds: map[string]Deed{
			"run": func(d *Doer, ctx *actor.Context, m Do) error {
				asker := d.Asker
				d.Hear = func(ctx *actor.Context, msg any) error {
					if said, ok := msg.(Said); ok {
						ctx.Send(asker, said)
					}
					return nil
				}
				ctx.Go(func(done context.Context) any {
					out, err := exec.CommandContext(done, "sh", "-c", m.Text).CombinedOutput()
					return Said{What: strings.TrimSpace(string(out)) + fmt.Sprintf(" (%v)", err)}
				})
				return nil
			},
			"busy?": func(d *Doer, ctx *actor.Context, m Do) error {
				d.Say(ctx, Said{What: "no"})
				return nil
			},
		},
		Run: func(t *T) {
			a := t.Create("doer")
			t.Tell(a, Do{Deed: "run", Text: "read line; echo never"})
			for command, want := range map[string]string{"echo hello": "hello (<nil>)", "echo oh >&2; exit 3": "oh (exit status 3)"} {
				t.Tell(a, Do{Deed: "run", Text: command})
				for said := t.Hear(); ; said = t.Hear() {
					if said.What == want {
						break
					}
				}
			}
			assert.Equal(t, t.Do(a, Do{Deed: "busy?"}).What, "no")
		},
	},
}
