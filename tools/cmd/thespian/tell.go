package main

import (
	"context"

	"github.com/spf13/cobra"

	"thespian.dev/address"
	"thespian.dev/system"
)

func tellCommand(at *place) *cobra.Command {
	var msg any
	var typeName string
	return typeFlag(&cobra.Command{
		Use:   "tell ACTOR MESSAGE",
		Short: "Send a message to an actor",
		Long: `Send a message to an actor, and wait for nothing. If the actor has ended, the message becomes a dead letter.

` + jsonMessages,
		Example: `  thespian tell greeter '"hello"'
  thespian tell thermostat -- -5
  thespian tell --type Greet 7f3a.09c1.57 '{"Name": "World", "Tags": ["a", "b"]}'`,
		Args:              wantsMessage(&msg, &typeName),
		ValidArgsFunction: complete(at),
		RunE: func(cmd *cobra.Command, args []string) error {
			return visitActor(cmd, at, args[0], func(ctx context.Context, sys *system.System, to address.Address) error {
				return sys.Tell(ctx, to, msg)
			})
		},
	}, &typeName)
}
