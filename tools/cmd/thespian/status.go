package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"thespian.dev/message"
	"thespian.dev/system"
)

func statusCommand(at *place) *cobra.Command {
	return viewCommand(at, &cobra.Command{
		Use:   "status",
		Short: "Show what is in a system",
		Long: `Show a system: what it offers, its processes, and the tree of its actors with the messages that they got, sent and
still have to handle. No actor has to answer for that.

The addresses are short forms, which 'tell', 'ask' and 'kill' take. JSON has the whole ones, and durations
in nanoseconds.`,
		Example: `  thespian status
  thespian status --json | jq '.Actors[] | select(.Pending > 100) | .Kind'`,
	}, func(s message.SystemStatus) (any, func(io.Writer) error) { return s, s.Format })
}

// viewCommand completes a command that shows a part of the status of a system: as a value in JSON, or as text.
func viewCommand(at *place, command *cobra.Command, part func(message.SystemStatus) (value any, text func(io.Writer) error)) *cobra.Command {
	var asJSON bool
	command.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	command.Args = wants()
	command.ValidArgsFunction = cobra.NoFileCompletions
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		status, err := observe(cmd.Context(), at)
		if err != nil {
			return err
		}
		value, text := part(status)
		if asJSON {
			return writeJSON(cmd.OutOrStdout(), value)
		}
		return text(cmd.OutOrStdout())
	}
	return command
}

// observe returns the status of the system without this program, which is gone when somebody reads it.
func observe(ctx context.Context, at *place) (status message.SystemStatus, err error) {
	err = at.visit(ctx, func(ctx context.Context, sys *system.System) error {
		status, err = sys.Status(ctx)
		return err
	})
	present := len(status.Processes)
	status.Processes = slices.DeleteFunc(status.Processes, func(p message.ProcessStatus) bool { return p.PID == os.Getpid() && p.Role == "program" })
	if len(status.Processes) < present && status.Counters["programs"] > 0 {
		status.Counters["programs"]--
	}
	return status, err
}

func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
