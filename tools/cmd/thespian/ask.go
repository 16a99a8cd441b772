package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

func askCommand(at *place) *cobra.Command {
	var msg any
	var typeName string
	return typeFlag(&cobra.Command{
		Use:   "ask ACTOR MESSAGE",
		Short: "Send a message to an actor and show its answer",
		Long: `Send a message to an actor, and write its answer as JSON.

` + jsonMessages + `

An answer of a type that only its program knows is written by the names of its fields; one that marshals itself as
{"Name", "Shape", "Here", "Data"}: the type's name, what it looks like there, and the encoded value.`,
		Example: `  thespian ask counter '"how many?"'
  thespian ask --timeout 1m --type Compute 7f3a.09c1.57 '{"Number": 42}'`,
		Args:              wantsMessage(&msg, &typeName),
		ValidArgsFunction: complete(at),
		RunE: func(cmd *cobra.Command, args []string) error {
			return visitActor(cmd, at, args[0], func(ctx context.Context, sys *system.System, to address.Address) error {
				answer, err := sys.Ask(ctx, to, msg)
				if err != nil {
					return err
				}
				if opaque, is := answer.(message.Opaque); is {
					if plain, ok := opaque.Plain(); ok {
						answer = plain
					}
				}
				if err := writeJSON(cmd.OutOrStdout(), answer); err != nil {
					return fmt.Errorf("the answer, a %T: %w", answer, err)
				}
				return nil
			})
		},
	}, &typeName)
}
