package matrix

import (
	"fmt"
	"slices"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
)

// What cannot be delivered goes to all who handle dead letters.
var letters = []Behaviour{
	{
		Name:  "dead letters/each goes to each handler as long as it is one",
		Alone: "dead letters go to the handlers of the system in which they come about",
		Deeds: map[string]Deed{
			// It tells the asker of each dead letter that it gets, and which one that is.
			"handle dead letters": func(d *Doer, ctx *actor.Context, m Do) error {
				program := d.Asker
				d.Hear = func(ctx *actor.Context, msg any) error {
					if m, ok := msg.(message.DeadEnvelope); ok {
						d.Count++
						text := fmt.Sprintf("%v from %v to %v", m.Message, m.Sender, m.Target)
						if m.Reason == "" {
							text += " for no reason"
						}
						ctx.Send(program, Said{What: text, N: d.Count, Who: ctx.Self()})
					}
					return nil
				}
				for range max(1, m.N) {
					ctx.HandleDeadLetters(m.Text == "on")
				}
				return nil
			},
		},
		Run: func(t *T) {
			parent := t.Create("doer")
			for _, create := range []func() address.Address{
				func() address.Address { return t.Create("doer") },
				func() address.Address { return t.Do(parent, Do{Deed: "create", Text: "doer"}).Who },
			} {
				first, second := create(), create()
				b := newBurial(t, create())
				b.handle(first, "on", 1)
				b.letter("one handler", first)
				b.handle(first, "off", 1)
				b.handle(second, "off", 1) // which it was not
				b.letter("no handler")
				b.handle(first, "on", 3) // often is once
				b.letter("one again", first)
				b.handle(second, "on", 1)
				b.letter("two handlers", first, second)
				b.handle(first, "off", 1)
				b.letter("the second", second)
				b.handle(first, "on", 1)
				b.letter("both again", first, second)
				t.Tell(first, message.ActorExitRequest{})
				b.drop(first)
				b.letter("who has ended is none any more", second)
				b.handle(second, "off", 1)
			}
		},
	},
	{
		Name:  "dead letters/there are none of what reaches somebody, nor of notices",
		Alone: "dead letters go to the handlers of the system in which they come about",
		Run: func(t *T) {
			undertaker, a := t.Create("doer"), t.Create("doer")
			b := newBurial(t, t.Create("doer"))
			b.handle(undertaker, "on", 1)
			before := status(t).DeadLetters
			b.handle(undertaker, "off", 1)
			b.handle(undertaker, "on", 1)
			for range 3 {
				t.Do(a, Do{Deed: "introduce"})
			}
			// Notices of what could not be delivered or has ended breed no further ones.
			for _, msg := range []any{message.DeadEnvelope{Message: "x"}, message.ActorExited{}, message.ChildActorExited{}} {
				t.Tell(b.grave, msg)
			}
			b.letter("the first", undertaker)
			assert.Equal(t, status(t).DeadLetters, before+1)
		},
	},
}

// A burial sends messages to an actor that has ended.
type burial struct {
	*T
	grave    address.Address
	handlers []address.Address       // who is to get them
	count    map[address.Address]int // what each has got
}

// newBurial has an actor end, so that the program knows.
func newBurial(t *T, grave address.Address) *burial {
	pid := statusOf(t, grave).PID
	t.Tell(grave, message.ActorExitRequest{})
	ended(t, grave)
	if t.OwnProcess() && !t.Reliable() { // what comes to a process that is ending gets lost there
		for slices.ContainsFunc(status(t).Processes, func(p message.ProcessStatus) bool { return p.PID == pid }) {
		}
	}
	t.Refused(grave, "hello?")
	return &burial{T: t, grave: grave, count: make(map[address.Address]int)}
}

// handle has an actor handle dead letters or not, and waits until each process knows.
func (b *burial) handle(who address.Address, on string, times int) {
	b.handlers = slices.DeleteFunc(b.handlers, func(a address.Address) bool { return a == who })
	if on == "on" {
		b.handlers = append(b.handlers, who)
	}
	b.Tell(who, Do{Deed: "handle dead letters", Text: on, N: times})
	b.Do(who, Do{Deed: "introduce"})
	b.known()
}

// drop does so for one that has ended.
func (b *burial) drop(who address.Address) {
	b.handlers = slices.DeleteFunc(b.handlers, func(a address.Address) bool { return a == who })
	b.known()
}

func (b *burial) known() {
	for {
		now := status(b.T).DeadLetterHandlers
		if len(now) == len(b.handlers) && !slices.ContainsFunc(b.handlers, func(a address.Address) bool { return !slices.Contains(now, a) }) {
			break
		}
	}
	status(b.T) // for which each process is asked, behind the news
}

// letter sends a message to the dead. Those handlers are to get it, each for the first time; the next letter would tell if others got it, or got it twice.
func (b *burial) letter(text string, handlers ...address.Address) {
	m := Do{Deed: "none", Text: text}
	b.Tell(b.grave, m)
	heard := make(map[address.Address]bool)
	for range handlers {
		said := b.Hear()
		assert.Equal(b, said.What, fmt.Sprintf("%v from %v to %v", m, b.System.Address(), b.grave))
		assert.Assert(b, slices.Contains(handlers, said.Who) && !heard[said.Who], text)
		heard[said.Who] = true
		b.count[said.Who]++
		assert.Equal(b, said.N, b.count[said.Who], text)
	}
}
