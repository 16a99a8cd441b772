package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"thespian.dev/actor"
	"thespian.dev/message"
	"thespian.dev/system"
)

func startCommand(at *place) *cobra.Command {
	capabilities := capabilityFlag{}
	var detach bool
	var with conventionFlags
	command := &cobra.Command{
		Use:   "start",
		Short: "Start a system",
		Long: `Start a system. It has no kinds of actors of its own: programs that attach to it bring theirs.

It ends with this command, which a signal such as Ctrl-C has end it in order. With --detach it lives until
'thespian stop'.`,
		Example: `  thespian start
  thespian start --detach --port 1950
  thespian start --capability GPU=true --capability cores=8 --capability 'site="4"'
  thespian start --secret-file secret --bind 10.0.0.2 --convention 10.0.0.1:1900`,
		Args:              wants(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := system.Options{Capabilities: actor.Capabilities(capabilities), Lifetime: !detach}
			with.addTo(&o)
			sys, err := start(cmd.Context(), at, o)
			if err != nil {
				return err
			}
			if detach {
				cmd.PrintErrf("a system runs at %v: end it with %s\n", at, at.command("stop"))
				return sys.Close()
			}
			cmd.PrintErrf("a system runs at %v: Ctrl-C ends it\n", at)
			return attend(cmd, sys)
		},
	}
	command.Flags().Var(capabilities, "capability", "what the system offers, as `name=value`; the value is JSON, or else a text; may be given again")
	command.Flags().BoolVar(&detach, "detach", false, "leave the system to itself")
	_ = command.RegisterFlagCompletionFunc("capability", cobra.NoFileCompletions)
	with.define(command)
	return command
}

// start starts a system where none is.
func start(ctx context.Context, at *place, o system.Options) (*system.System, error) {
	ctx, cancel := context.WithTimeout(ctx, at.timeout)
	defer cancel()
	o.New = true
	var sys *system.System
	err := system.ErrSystemRuns
	for errors.Is(err, system.ErrSystemRuns) { // perhaps one that is about to end
		if err := at.vacant(ctx); err != nil {
			return nil, err
		}
		sys, err = app.Start(ctx, at.options(o))
	}
	if err != nil && strings.Contains(err.Error(), syscall.EADDRINUSE.Error()) { // a text, as it comes from the Admin's process
		return nil, fmt.Errorf("%w: something else listens at %v, choose another one with --port", err, at)
	}
	return sys, at.explain(err)
}

// vacant returns an error when a system runs at the place, and is not about to end.
func (p *place) vacant(ctx context.Context) error {
	var status message.SystemStatus
	err := p.visit(ctx, func(ctx context.Context, sys *system.System) (err error) {
		status, err = sys.Status(ctx)
		return err
	})
	switch {
	case errors.Is(err, system.ErrNoSystem), errors.Is(err, system.ErrShutdown), errors.Is(err, system.ErrAdminGone):
		return nil
	case err != nil || status.InShutdown:
		return err
	}
	return fmt.Errorf("a system runs already at port %d: see it with %s, end it with %s", p.adminPort(), p.command("status"), p.command("stop"))
}

// attend waits for the end of the system, and ends it when this program is to end.
func attend(cmd *cobra.Command, sys *system.System) error {
	ctx := cmd.Context()
	select {
	case <-ctx.Done():
		cmd.PrintErrln("shutting the system down")
		return sys.Shutdown(context.WithoutCancel(ctx))
	case <-sys.Done():
		err := sys.Close()
		if err == nil || errors.Is(err, system.ErrShutdown) {
			cmd.PrintErrln("the system was shut down")
			return nil
		}
		return err
	}
}

// A capabilityFlag is capabilities, each given as name=value.
type capabilityFlag message.Capabilities

func (f capabilityFlag) Type() string   { return "name=value" }
func (f capabilityFlag) String() string { return strings.Join(slices.Sorted(maps.Keys(f)), ", ") }

func (f capabilityFlag) Set(text string) error {
	name, given, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return errors.New("wanted name=value")
	}
	if name == "Admin Port" {
		return errors.New("the Admin Port is given by --port")
	}
	value, err := parse(given)
	if err != nil {
		value = given
	}
	if err := (message.Capabilities{name: value}).Validate(); err != nil {
		return err
	}
	f[name] = value
	return nil
}

// A portRange is a range of ports, from the lowest to the highest.
type portRange struct{ lowest, highest int }

func (p *portRange) Type() string { return "range" }

func (p *portRange) String() string {
	if *p == (portRange{}) {
		return ""
	}
	return fmt.Sprintf("%d-%d", p.lowest, p.highest)
}

func (p *portRange) Set(text string) error {
	lowest, highest, _ := strings.Cut(text, "-")
	var err error
	if p.lowest, err = strconv.Atoi(lowest); err == nil {
		p.highest, err = strconv.Atoi(highest)
	}
	if err != nil || p.lowest < 1 || p.highest < p.lowest || p.highest > 65535 {
		return errors.New("wanted two ports, as 20000-20100")
	}
	return nil
}

// conventionFlags say how the system is to meet others.
type conventionFlags struct {
	secret, certificate, key, authorities string
	leader, bind, advertise               string
	ports                                 portRange
	insecure, routing, outbound           bool
}

func (f *conventionFlags) define(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&f.secret, "secret-file", "", "the `file` with the secret of the convention; 'thespian convention secret' makes one")
	flags.StringVar(&f.certificate, "tls-certificate", "", "in place of a secret, the `file` with this system's certificate")
	flags.StringVar(&f.key, "tls-key", "", "the `file` with its key")
	flags.StringVar(&f.authorities, "tls-authorities", "", "the `file` with the certificates of the authorities of all systems")
	flags.BoolVar(&f.insecure, "insecure", false, "meet whoever asks for it: for experiments")
	flags.StringVar(&f.leader, "convention", "", "where the leader is, as `host:port`; several behind commas")
	flags.StringVar(&f.bind, "bind", "", "the `address` at which others find the system (default: that of --host)")
	flags.StringVar(&f.advertise, "advertise", "", "the `address` that others are told, where it is another one, as behind NAT")
	flags.Var(&f.ports, "ports", "the `range` of the ports of the system's processes, as 20000-20100 (default: any that is free)")
	flags.BoolVar(&f.routing, "admin-routing", false, "others reach the system's Admin port alone")
	flags.BoolVar(&f.outbound, "outbound-only", false, "others reach nothing of the system, which connects to them")
	command.MarkFlagsMutuallyExclusive("secret-file", "tls-certificate", "insecure")
	command.MarkFlagsRequiredTogether("tls-certificate", "tls-key", "tls-authorities")
	for _, name := range []string{"convention", "bind", "advertise", "ports"} {
		_ = command.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
}

// addTo completes the options of the system.
func (f *conventionFlags) addTo(o *system.Options) {
	o.ConventionSecretFile, o.Insecure = f.secret, f.insecure
	o.LowestPort, o.HighestPort = f.ports.lowest, f.ports.highest
	if f.certificate != "" {
		o.TLS = &system.TLSFiles{Certificate: f.certificate, Key: f.key, Authorities: f.authorities}
	}
	for name, text := range map[string]string{conventionAddress: f.leader, "Bind Address": f.bind, "Advertise Address": f.advertise} {
		if text != "" {
			o.Capabilities[name] = text
		}
	}
	for name, on := range map[string]bool{"Admin Routing": f.routing, "Outbound Only": f.outbound} {
		if on {
			o.Capabilities[name] = true
		}
	}
}
