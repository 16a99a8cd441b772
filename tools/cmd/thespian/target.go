package main

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"thespian.dev/address"
	"thespian.dev/system"
)

// shortForm is what [address.Address.String] returns.
var shortForm = regexp.MustCompile(`^[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9]+$`)

// find returns the actor that an argument means: by its global name, its address, or the short form of that.
func find(ctx context.Context, sys *system.System, word string, at *place) (address.Address, error) {
	found, err := sys.Lookup(ctx, word)
	if err != nil || !found.IsZero() {
		return found, err
	}
	if a, err := address.Parse(word); err == nil && !a.IsZero() {
		return a, nil
	}
	unknown := fmt.Errorf("no actor has the global name %q: %s shows names and addresses", word, at.command("status"))
	if !shortForm.MatchString(word) {
		return found, unknown
	}
	status, err := sys.Status(ctx)
	if err != nil {
		return found, err
	}
	for _, a := range status.Actors {
		switch {
		case a.Actor.String() != word:
		case found.IsZero():
			found = a.Actor
		default:
			return address.Address{}, fmt.Errorf("%s is the short form of more than one address: use a whole one, which %s shows", word, at.command("status --json"))
		}
	}
	if found.IsZero() {
		return found, fmt.Errorf("no actor has the address %s: it may have ended; %s shows those that live", word, at.command("status"))
	}
	return found, nil
}

// visitActor attaches to the system for as long as do takes, which gets the actor that an argument means.
func visitActor(cmd *cobra.Command, at *place, word string, do func(ctx context.Context, sys *system.System, to address.Address) error) error {
	return at.visit(cmd.Context(), func(ctx context.Context, sys *system.System) error {
		to, err := find(ctx, sys, word, at)
		if err != nil {
			return err
		}
		return do(ctx, sys, to)
	})
}

// complete completes the first argument of a command with the global names of the system.
func complete(at *place) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		status, err := observe(cmd.Context(), at)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for _, name := range slices.Sorted(maps.Keys(status.GlobalNames)) {
			names = append(names, cobra.CompletionWithDesc(name, status.GlobalNames[name].String()))
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// wants returns what checks that there are as many arguments as names for them.
func wants(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return fmt.Errorf("%s is missing", names[len(args)])
		}
		if len(args) > len(names) {
			return fmt.Errorf("%q is too much: what has spaces in it goes in quotes", args[len(names)])
		}
		return nil
	}
}
