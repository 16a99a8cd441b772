//go:build linux

package integration

import (
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/system"
)

// Do has a doer do the deed of that name. What an actor says of a deed is Said.
type (
	Do struct {
		Deed string
		N    int
		Text string
		Who  address.Address
	}
	Said struct {
		What string
		N    int
		Who  address.Address
	}
	Numbers struct{ All []int }
)

// A doer is an actor whose behaviour stands beside the test that needs it: in a table of deeds, which every process of the system has.
type doer struct {
	args    any
	asker   address.Address // of the last deed
	count   int
	numbers []int
	hear    func(ctx *actor.Context, msg any) error // what it does with messages that are no deeds
}

func (d *doer) Start(_ *actor.Context, args any) error {
	d.args = args
	return nil
}

func (d *doer) Receive(ctx *actor.Context, msg any) error {
	m, ok := msg.(Do)
	switch {
	case ok:
		d.asker = ctx.Sender()
		return deeds[m.Deed](d, ctx, m)
	case d.hear != nil:
		return d.hear(ctx, msg)
	}
	return nil
}

// say answers whoever asked for the last deed.
func (d *doer) say(ctx *actor.Context, what string, n int, who address.Address) {
	ctx.Send(d.asker, Said{what, n, who})
}

type deed = func(d *doer, ctx *actor.Context, m Do) error

// doers starts a system of doers.
func doers(t *testing.T, o system.Options) *system.System {
	t.Helper()
	given := actor.Capabilities{"Admin Port": 0}
	for name, value := range o.Capabilities {
		given[name] = value
	}
	o.Capabilities = given
	sys, err := app.Start(within(t), &o)
	assert.NilError(t, err)
	t.Cleanup(func() { _ = sys.Shutdown(t.Context()) })
	return sys
}

// does has a doer do something, and returns what it says of it.
func does(t *testing.T, sys *system.System, who address.Address, m Do) Said {
	t.Helper()
	said, err := system.Ask[Said](within(t), sys, who, m)
	assert.NilError(t, err)
	return said
}

// told has a doer do something of which it will speak later, to the program.
func told(t *testing.T, sys *system.System, who address.Address, m Do) {
	t.Helper()
	assert.NilError(t, sys.Tell(within(t), who, m))
}

// says returns what a doer says next to the program.
func says(t *testing.T, sys *system.System) Said {
	t.Helper()
	msg, _, err := sys.Listen(within(t))
	assert.NilError(t, err)
	said, err := actor.As[Said](msg)
	assert.NilError(t, err)
	return said
}

func newDoer() actor.Actor { return &doer{} }

var doerKinds = []actor.Kind{
	{Name: "doer", New: newDoer},
	{Name: "near", New: newDoer, Startup: actor.Goroutine},
	{Name: "patient", New: newDoer, Attempts: 3},
	{Name: "picky", New: newDoer, Check: picky},
}
