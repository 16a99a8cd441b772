//go:build linux

package integration

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/message"
)

// burst creates a child and sends it more than a window holds, before anybody knows where it is.
func burst(_ *doer, ctx *actor.Context, m Do) error {
	child := ctx.Create("doer")
	for i := range m.N {
		ctx.Send(child, Do{Deed: "item", N: i, Text: m.Text})
	}
	ctx.Send(child, Do{Deed: "items", Who: ctx.Sender()})
	return nil
}

// item notes a message if it is the next one.
func item(d *doer, _ *actor.Context, m Do) error {
	if m.N == len(d.numbers) {
		d.numbers = append(d.numbers, m.N)
	}
	return nil
}

func items(d *doer, ctx *actor.Context, m Do) error {
	ctx.Send(m.Who, Said{"items", len(d.numbers), ctx.Self()})
	return nil
}

func TestAllThatIsSentToANewChildArrivesInOrder(t *testing.T) {
	sys := start(t, nil)
	for _, c := range []struct{ n, size int }{{2000, 16 << 10}, {24, 1 << 20}, {10_000, 100}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			a := create(t, sys, "doer")
			assert.Equal(t, does(t, sys, a, Do{Deed: "burst", N: c.n, Text: strings.Repeat("x", c.size)}).N, c.n)
		})
	}
}

// Two actors of one process send to a third one: the first a long message and behind it one of a new type, the second at once one of the same type. The definition of the type must not
// wait behind the long message.
func TestTypesAreKnownBeforeLongMessagesHaveArrived(t *testing.T) {
	for range 5 {
		sys := start(t, nil)
		sink := create(t, sys, "doer")
		one, two := create(t, sys, "near"), create(t, sys, "near")
		does(t, sys, sink, Do{Deed: "new ones"}) // it counts from now on
		does(t, sys, two, Do{Deed: "count"})
		told(t, sys, one, Do{Deed: "long then new", Who: sink})
		assert.Equal(t, says(t, sys).What, "sent")
		told(t, sys, two, Do{Deed: "new", Who: sink})
		assert.Equal(t, says(t, sys).What, "sent")
		for got := 0; got < 2; {
			got = does(t, sys, sink, Do{Deed: "new ones"}).N
		}
	}
}

// long then new sends bytes, which need no definition, and then a message of a type that has not been on the link.
func longThenNew(d *doer, ctx *actor.Context, m Do) error {
	ctx.Send(m.Who, make([]byte, 3<<20))
	return sendNew(d, ctx, m)
}

func sendNew(d *doer, ctx *actor.Context, m Do) error {
	ctx.Send(m.Who, Numbers{[]int{1}})
	d.say(ctx, "sent", 0, ctx.Self())
	return nil
}

// new ones says how many came.
func newOnes(d *doer, ctx *actor.Context, _ Do) error {
	if d.hear == nil {
		d.hear = func(_ *actor.Context, msg any) error {
			if _, ok := msg.(Numbers); ok {
				d.count++
			}
			return nil
		}
		d.count = 0
	}
	d.say(ctx, "", d.count, ctx.Self())
	return nil
}

// A watch that finds no room on its way waits for it: the receiver's process is stopped, and all windows are full.
func TestWatchThroughAFullWindow(t *testing.T) {
	sys := start(t, nil)
	watched, watcher := create(t, sys, "near"), create(t, sys, "doer")
	pid := does(t, sys, watched, Do{Deed: "process"}).N
	assert.NilError(t, syscall.Kill(pid, syscall.SIGSTOP))
	told(t, sys, watcher, Do{Deed: "fill and watch", N: 1000, Who: watched})
	assert.Equal(t, says(t, sys).What, "watching")
	assert.NilError(t, syscall.Kill(pid, syscall.SIGCONT))
	told(t, sys, watched, Do{Deed: "exit"})
	assert.Equal(t, strings.Split(says(t, sys).What, ":")[0], "exited") // for its own reason, or as one that had ended when the watch came
}

// fill and watch has its own mailbox above its mark, so that its sends do not wait, and sends more than there is room for.
func fillAndWatch(d *doer, ctx *actor.Context, m Do) error {
	d.hear = func(ctx *actor.Context, msg any) error {
		if e, ok := msg.(message.ActorExited); ok {
			d.say(ctx, "exited: "+e.Reason, 0, e.Actor)
		}
		return nil
	}
	for range 5000 {
		ctx.Send(ctx.Self(), true)
	}
	for range m.N {
		ctx.Send(m.Who, make([]byte, 16<<10))
	}
	ctx.Watch(m.Who)
	d.say(ctx, "watching", 0, m.Who)
	return nil
}

func process(d *doer, ctx *actor.Context, _ Do) error {
	d.say(ctx, "", os.Getpid(), ctx.Self())
	return nil
}
