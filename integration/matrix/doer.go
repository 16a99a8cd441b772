package matrix

import (
	"fmt"

	"thespian.dev/actor"
	"thespian.dev/address"
)

// Do has a doer do the deed of that name.
type Do struct {
	Deed string
	N    int
	Text string
	Who  []address.Address
	Data []byte
}

// Said is what doers say.
type Said struct {
	What string
	N    int
	Who  address.Address
	Data []byte
}

// A Doer is an actor whose deeds stand beside the behaviour that needs them.
type Doer struct {
	Args  any                                     // those of Create
	Asker address.Address                         // who asked for the last deed
	Count int                                     // of whatever a deed counts
	Hear  func(ctx *actor.Context, msg any) error // what it does with messages that are no deeds; nil: nothing

	deeds map[string]Deed
}

// A Deed is what a doer does.
type Deed = func(d *Doer, ctx *actor.Context, m Do) error

// Start keeps the arguments.
func (d *Doer) Start(_ *actor.Context, args any) error {
	d.Args = args
	return nil
}

// Receive does what it is told.
func (d *Doer) Receive(ctx *actor.Context, msg any) error {
	m, ok := msg.(Do)
	if !ok {
		if d.Hear != nil {
			return d.Hear(ctx, msg)
		}
		return nil
	}
	deed := d.deeds[m.Deed]
	if deed == nil {
		return actor.Permanent(fmt.Errorf("there is no deed %q", m.Deed))
	}
	d.Asker = ctx.Sender()
	return deed(d, ctx, m)
}

// Say answers whoever asked for the last deed.
func (d *Doer) Say(ctx *actor.Context, said Said) { ctx.Send(d.Asker, said) }
