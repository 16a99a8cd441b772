package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"thespian.dev/convention/authority"
	"thespian.dev/message"
	"thespian.dev/system"
)

func conventionCommand(at *place) *cobra.Command {
	command := &cobra.Command{
		Use:   "convention",
		Short: "Show and change which systems act as one",
		Long: `Show and change which systems act as one. Systems of a convention have the same secret, or certificates, which they
are started with; each member is told where its leader is.`,
		Example: `  thespian convention secret --file secret
  thespian start --detach --secret-file secret --bind 10.0.0.1                        # on one host
  thespian start --detach --secret-file secret --bind 10.0.0.2 --convention 10.0.0.1:1900  # on another
  thespian convention ls`,
		Args: aCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(secretCommand(), listConventionCommand(at), joinCommand(at), leaveCommand(at), preRegisterCommand(at), deRegisterCommand(at))
	return command
}

// aCommand accepts no arguments where there are only commands: one is the name of none.
func aCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("there is no command %q", cmd.Name()+" "+args[0])
	if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
		text += fmt.Sprintf(": perhaps %q", cmd.Name()+" "+like[0])
	}
	return errors.New(text)
}

func secretCommand() *cobra.Command {
	var file string
	command := &cobra.Command{
		Use:   "secret",
		Short: "Make a secret for a convention",
		Long: `Make a secret that nobody can guess. All systems of a convention are started with the same one: whoever has it belongs
to them, and can run actors there.`,
		Example: `  thespian convention secret --file secret
  thespian convention secret | ssh host 'umask 077; cat > secret'`,
		Args:              wants(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			secret := authority.NewSecret()
			if file == "" {
				fmt.Fprintln(cmd.OutOrStdout(), secret)
				return nil
			}
			if err := writeNew(file, secret+"\n"); err != nil {
				return err
			}
			cmd.PrintErrf("the secret is in %s: give it to each system with --secret-file\n", file)
			return nil
		},
	}
	command.Flags().StringVar(&file, "file", "", "write it to a new `file` that only this user can read")
	return command
}

// writeNew writes a file that is not there yet, for this user alone.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%w: remove it first if its secret is of no use any more", err)
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, text)
	return errors.Join(err, f.Close())
}

// A conventionView is what a system says of its convention.
type conventionView struct {
	Admin, Leader any
	Contacts      []message.ConventionContact
	Refused       []message.ConventionRefusal
	Members       []message.ConventionMember
}

func viewOf(s message.SystemStatus) conventionView {
	v := conventionView{Admin: s.Admin, Contacts: s.ConventionContacts, Refused: s.ConventionRefusals, Members: s.ConventionMembers}
	if !s.ConventionLeader.IsZero() {
		v.Leader = s.ConventionLeader
	}
	if v.Contacts == nil {
		v.Contacts = []message.ConventionContact{}
	}
	if v.Refused == nil {
		v.Refused = []message.ConventionRefusal{}
	}
	if v.Members == nil {
		v.Members = []message.ConventionMember{}
	}
	return v
}

// watchEvery is how often a convention that is watched is looked at.
const watchEvery = 500 * time.Millisecond

func listConventionCommand(at *place) *cobra.Command {
	var asJSON, watch bool
	command := &cobra.Command{
		Use:   "ls",
		Short: "List the systems of a convention",
		Long: `List the systems that a system knows: its leader, or all members if it leads. A line for each says where it is, how the
two reach each other, when something was last heard of it, the messages of the two Admins about actors, and the
actors that it runs for this system. Contacts are addresses that the system connects to; one that is not reached has the reason.
Refused are the last hosts from which systems wanted to meet this one and may not, as they have another secret.

With --watch it is listed again whenever somebody joins, leaves or is refused, or offers something else; in JSON, each time on a line.`,
		Example: `  thespian convention ls
  thespian convention ls --watch
  thespian convention ls --json | jq -r '.Members[].Address'`,
		Args:              wants(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			show := func(s message.SystemStatus) error {
				switch {
				case asJSON && watch:
					return json.NewEncoder(cmd.OutOrStdout()).Encode(viewOf(s))
				case asJSON:
					return writeJSON(cmd.OutOrStdout(), viewOf(s))
				}
				return s.FormatConvention(cmd.OutOrStdout())
			}
			if watch {
				return watchConvention(cmd, at, show)
			}
			status, err := observe(cmd.Context(), at)
			if err == nil {
				err = meets(status)
			}
			if err != nil {
				return err
			}
			return show(status)
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	command.Flags().BoolVar(&watch, "watch", false, "go on until the system or this command ends")
	return command
}

// meets returns an error for a system that knows no others, and cannot.
func meets(s message.SystemStatus) error {
	if s.ConventionLeader.IsZero() && len(s.ConventionContacts) == 0 {
		return errors.New("the system was started without the secret of a convention: start it with --secret-file")
	}
	return nil
}

// watchConvention shows the convention, and again when it has changed.
func watchConvention(cmd *cobra.Command, at *place, show func(message.SystemStatus) error) error {
	attaching, cancel := context.WithTimeout(cmd.Context(), at.timeout)
	defer cancel()
	sys, err := at.attach(attaching)
	if err != nil {
		return err
	}
	defer sys.Close()
	var last any
	for tick := time.NewTicker(watchEvery); ; {
		ctx, cancel := context.WithTimeout(cmd.Context(), at.timeout)
		status, err := sys.Status(ctx)
		cancel()
		if err == nil {
			err = meets(status)
		}
		if err != nil {
			if cmd.Context().Err() != nil {
				return nil
			}
			return at.explain(err)
		}
		if now := lasting(status); !reflect.DeepEqual(now, last) {
			last = now
			if err := show(status); err != nil {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-sys.Done():
			return at.explain(sys.Close())
		case <-cmd.Context().Done():
			return nil
		}
	}
}

// lasting returns what there is to say of a convention without what changes all the time.
func lasting(s message.SystemStatus) any {
	v := viewOf(s)
	v.Refused, v.Members = slices.Clone(v.Refused), slices.Clone(v.Members)
	for i := range v.Refused {
		v.Refused[i].Times, v.Refused[i].Last = 0, 0
	}
	for i := range v.Members {
		m := &v.Members[i]
		m.Heard, m.Sent, m.Received, m.Actors = 0, 0, 0, 0
	}
	return v
}

func joinCommand(at *place) *cobra.Command {
	return &cobra.Command{
		Use:   "join HOST:PORT",
		Short: "Have a system register with a leader",
		Long: `Have a system that runs register with a leader, in place of the one that it had. Several, in the same order for all
members, stand behind commas: the first that is there leads. It goes on trying until it is told otherwise, also if this command
gives up waiting.`,
		Example: `  thespian convention join 10.0.0.1:1900
  thespian convention join leader.example.com:1900,other.example.com:1900`,
		Args:              wants("HOST:PORT"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return at.visit(cmd.Context(), func(ctx context.Context, sys *system.System) error {
				if err := sys.UpdateCapability(ctx, conventionAddress, args[0]); err != nil {
					return err
				}
				return awaitLeader(ctx, cmd, at, sys, args[0])
			})
		},
	}
}

// conventionAddress is the capability that says where the leader is.
const conventionAddress = "Convention Address.IPv4"

// awaitLeader waits until a system that was told of leaders has joined one of them, or reaches none.
func awaitLeader(ctx context.Context, cmd *cobra.Command, at *place, sys *system.System, where string) error {
	reason := "nothing is heard of " + where
	for tick := time.NewTicker(watchEvery / 10); ; {
		status, err := sys.Status(ctx)
		if err != nil && ctx.Err() == nil {
			return err
		}
		var failures []string
		pending := false
		for _, c := range status.ConventionContacts {
			switch {
			case !c.Leader:
			case c.Reached:
				cmd.PrintErrf("the system has joined %s\n", c.Address)
				return nil
			case c.Failure == "":
				pending = true
			default:
				failures = append(failures, c.Address+": "+c.Failure)
			}
		}
		if len(failures) > 0 {
			reason = strings.Join(failures, "; ")
		}
		if len(failures) > 0 && !pending {
			return fmt.Errorf("not joined yet, the system goes on trying: %s", reason)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if cmd.Context().Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("not joined within %v, the system goes on trying: %s", at.timeout, reason)
		}
	}
}

func leaveCommand(at *place) *cobra.Command {
	return &cobra.Command{
		Use:   "leave",
		Short: "Have a system leave its leader",
		Long: `Have a system say goodbye to its leader, and lead itself. Its actors whose parents are in other systems are asked to exit, and
so are those that others run for it.`,
		Example:           `  thespian convention leave`,
		Args:              wants(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return at.visit(cmd.Context(), func(ctx context.Context, sys *system.System) error {
				if _, told := sys.Capabilities()[conventionAddress]; !told {
					return errors.New("the system was not told of a leader: one that it was invited by takes that back with 'thespian convention deregister'")
				}
				if err := sys.UpdateCapability(ctx, conventionAddress, nil); err != nil {
					return err
				}
				cmd.PrintErrln("the system leads itself")
				return nil
			})
		},
	}
}

func preRegisterCommand(at *place) *cobra.Command {
	return &cobra.Command{
		Use:   "preregister HOST:PORT",
		Short: "Have a system invite another one",
		Long: `Have a system invite another one, which need not know of it, and lead it: again and again until that joins, and whenever it
is lost. The other one has to have the same secret.`,
		Example:           `  thespian convention preregister 10.0.0.7:1900`,
		Args:              wants("HOST:PORT"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return at.visit(cmd.Context(), func(ctx context.Context, sys *system.System) error {
				if err := sys.PreRegister(ctx, args[0], nil); err != nil {
					return err
				}
				cmd.PrintErrf("%s is invited: %s shows whether it comes\n", args[0], at.command("convention ls"))
				return nil
			})
		},
	}
}

func deRegisterCommand(at *place) *cobra.Command {
	return &cobra.Command{
		Use:   "deregister HOST:PORT|ADMIN",
		Short: "Have a system invite another one no more",
		Long: `Have a system invite another one no more. That is told, and leads itself from then on, unless it was told of this leader; then it
comes back by itself. It is named by the address that it was pre-registered with, or by the address of its Admin in JSON.`,
		Example: `  thespian convention deregister 10.0.0.7:1900`,
		Args:    wants("HOST:PORT"),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) (all []string, _ cobra.ShellCompDirective) {
			status, err := observe(cmd.Context(), at)
			if err == nil && len(args) == 0 {
				for _, c := range status.ConventionContacts {
					if c.PreRegistered {
						all = append(all, c.Address)
					}
				}
			}
			return all, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return at.visit(cmd.Context(), func(ctx context.Context, sys *system.System) error {
				if err := sys.DeRegister(ctx, args[0]); err != nil {
					return err
				}
				cmd.PrintErrf("%s is invited no more\n", args[0])
				return nil
			})
		},
	}
}
