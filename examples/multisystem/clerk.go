package main

import (
	"fmt"

	"thespian.dev/actor"
)

// newClerk returns an actor that changes what its system offers.
func newClerk() actor.Actor {
	return actor.Func(func(ctx *actor.Context, msg any) error {
		if m, ok := msg.(Offer); ok {
			var done Offered
			if err := ctx.UpdateCapability(m.Name, m.Value); err != nil {
				done.Failure = err.Error()
			}
			ctx.Send(ctx.Sender(), done)
		}
		return nil
	})
}

// inSystem has an actor run only in the system whose name is required.
func inSystem(c actor.Capabilities, name any) error {
	if c["Name"] != name {
		return fmt.Errorf("its name is %v, not %v", c["Name"], name)
	}
	return nil
}
