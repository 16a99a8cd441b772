package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"thespian.dev/system"
)

func stopCommand(at *place) *cobra.Command {
	var grace time.Duration
	command := &cobra.Command{
		Use:   "stop",
		Short: "End a system",
		Long: `End a system: all its actors are asked to exit, and when they have, or the time is up, its processes end. The
exit status is 1 when there were actors that had not exited in time.`,
		Example: `  thespian stop
  thespian stop --port 1950 --grace 1m`,
		Args:              wants(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), at.timeout)
			defer cancel()
			sys, err := at.attach(ctx)
			if err != nil {
				return err
			}
			if err := shutdown(cmd.Context(), sys, grace); err != nil {
				return err
			}
			cmd.PrintErrf("the system at %v has ended\n", at)
			return nil
		},
	}
	command.Flags().DurationVar(&grace, "grace", system.ShutdownGrace, "how long actors get to exit")
	_ = command.RegisterFlagCompletionFunc("grace", cobra.NoFileCompletions)
	return command
}

// shutdown ends the system. Whoever does not want to wait for it does not take the time from the actors.
func shutdown(ctx context.Context, sys *system.System, grace time.Duration) error {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	ended := make(chan error, 1)
	go func() { // which ends with the process, at the latest
		defer cancel()
		ended <- sys.Shutdown(bounded)
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return errors.New("interrupted: the system goes on with its end")
	}
}
