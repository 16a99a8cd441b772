package matrix

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
)

// reports are the deeds of actors that tell the program what the system tells them.
var reports = map[string]Deed{
	// From now on whoever asked hears what the doer hears, and the doer fails on it when it is told how.
	"report": func(d *Doer, ctx *actor.Context, m Do) error {
		asker := d.Asker
		d.Hear = func(ctx *actor.Context, msg any) error {
			ctx.Send(asker, report(ctx, msg))
			return failure(m.Text)
		}
		d.Say(ctx, Said{What: "reporting"})
		return nil
	},
	// The same, of the ends of actors.
	"watch": func(d *Doer, ctx *actor.Context, m Do) error {
		asker := d.Asker
		d.Hear = func(ctx *actor.Context, msg any) error {
			ctx.Send(asker, report(ctx, msg))
			return nil
		}
		for _, a := range m.Who {
			ctx.Watch(a)
		}
		return nil
	},
	// The first of the addresses does the deed of the text, with the others.
	"have done": func(_ *Doer, ctx *actor.Context, m Do) error {
		ctx.Send(m.Who[0], Do{Deed: m.Text, N: m.N, Who: m.Who[1:]})
		return nil
	},
}

// report says in words what an actor heard, and of whom.
func report(ctx *actor.Context, msg any) Said {
	switch m := msg.(type) {
	case message.ChildActorExited:
		return Said{What: "child exited: " + m.Reason, Who: m.Child}
	case message.ActorExited:
		return Said{What: "exited", Who: m.Actor} // the reason is known to who watched before
	case message.PoisonMessage:
		summary, _, _ := strings.Cut(m.Details, "\n")
		return Said{What: "poison: " + summary, Who: ctx.Sender()}
	case message.ActorExitRequest:
		return Said{What: "asked to exit", Who: ctx.Self()}
	}
	return Said{What: fmt.Sprintf("%T", msg), Who: ctx.Sender()}
}

// hear asserts what comes to the program next. Only what one actor says comes in order.
func hear(t *T, want ...Said) {
	var got []string
	for range want {
		got = append(got, words(t.Hear()))
	}
	var wanted []string
	for _, w := range want {
		wanted = append(wanted, words(w))
	}
	slices.Sort(got)
	slices.Sort(wanted)
	assert.DeepEqual(t, got, wanted)
}

func words(s Said) string { return fmt.Sprintf("%s (%d, %v)", s.What, s.N, s.Who) }

// calm asserts that these actors live and that nothing has come to the program.
func calm(t *T, actors ...address.Address) {
	for _, a := range actors {
		assert.Equal(t, t.Do(a, Do{Deed: "introduce"}).Who, a)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	msg, _, err := t.System.Listen(ctx)
	assert.ErrorIs(t, err, context.Canceled, "%#v", msg)
}

// ended waits until all these actors have ended.
func ended(t *T, actors ...address.Address) {
	watcher := t.Create("doer near")
	var want []Said
	for _, a := range actors {
		want = append(want, Said{What: "exited", Who: a})
	}
	t.Tell(watcher, Do{Deed: "watch", Who: actors})
	hear(t, want...)
}

// several returns how many actors to create: the smaller number when each has a process.
func several(t *T, processes, actors int) int {
	if t.OwnProcess() {
		return processes
	}
	return actors
}
