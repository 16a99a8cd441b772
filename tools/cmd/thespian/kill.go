package main

import (
	"context"

	"github.com/spf13/cobra"

	"thespian.dev/address"
	"thespian.dev/system"
)

func killCommand(at *place) *cobra.Command {
	return &cobra.Command{
		Use:   "kill ACTOR",
		Short: "End the process of an actor at once",
		Long: `End the process of an actor at once, as 'kill -9' does: the actor learns nothing of it, its parent does. The system lives
on. Actors that share a process with others cannot be killed.

ACTOR is a global name, an address, or the short form of one that 'thespian status' shows.`,
		Example: `  thespian kill greeter
  thespian kill 7f3a.09c1.57`,
		Args:              wants("ACTOR"),
		ValidArgsFunction: complete(at),
		RunE: func(cmd *cobra.Command, args []string) error {
			return visitActor(cmd, at, args[0], func(ctx context.Context, sys *system.System, a address.Address) error {
				if err := sys.Kill(ctx, a); err != nil {
					return err
				}
				cmd.PrintErrf("the process of %s was killed\n", args[0])
				return nil
			})
		},
	}
}
