// Thespian starts, shows, uses and ends actor systems from the command line.
//
//	thespian start --detach
//	thespian status
//	thespian tell greeter '{"Name": "World"}'
//	thespian stop
//
// It attaches to a system as any program does, and so belongs to the same user and host. A system that it starts has no kinds of actors of its own: the programs that
// attach to it bring theirs.
//
// Data goes to standard output, words to standard error. The exit status is 0, 1 when it could not be done, and 2 for wrong usage.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"thespian.dev/integration"
	"thespian.dev/system"
)

var app = system.App{Bases: integration.Bases()}

func main() { app.Main(run) } // the Admin of a system that is started is this executable, too

func run(ctx context.Context) error {
	root, begun := newRoot()
	command, err := root.ExecuteContextC(ctx)
	if err != nil && !*begun { // it did not get beyond its command line
		fmt.Fprintf(os.Stderr, "error: %v\n'%s --help' shows how it is used\n", err, command.CommandPath())
		os.Exit(2)
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return err
}

// version says of what state of the sources this is, as far as the go command has noted it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	text := info.Main.Version + ", " + info.GoVersion
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			text += ", " + s.Value[:min(12, len(s.Value))]
		}
	}
	return text
}

// newRoot returns the whole command. begun is true once its command line has turned out to be right.
func newRoot() (root *cobra.Command, begun *bool) {
	begun = new(bool)
	root = &cobra.Command{
		Use:   "thespian",
		Short: "Start, show, use and end actor systems",
		Long: `Start, show, use and end actor systems.

A system is found by its base and port, on this host and by the user who started it. Without --base and --port
it is the usual one. Systems over NATS are looked after by programs of their own, with System.Status and
System.Shutdown: this command does not have that base.`,
		Example: `  thespian start --detach                  # a system that lives until it is stopped
  thespian status                          # what is in it
  thespian tell greeter '{"Name": "Ann"}'  # a message to the actor with the global name greeter
  thespian stop`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			err := cmd.ValidateFlagGroups()
			*begun = err == nil
			return err
		},
	}
	at := &place{base: app.Bases[0]}
	at.addFlags(root)
	root.AddCommand(startCommand(at), stopCommand(at), statusCommand(at), psCommand(at), tellCommand(at), askCommand(at), killCommand(at), conventionCommand(at))
	return root, begun
}
