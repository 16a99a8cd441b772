package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"thespian.dev/actor"
	"thespian.dev/system"
	"thespian.dev/transport"
)

// A place is where a system is found, and how long it gets to answer.
type place struct {
	base    transport.Base
	host    string
	port    portFlag // 0: the base's own
	timeout time.Duration
}

func (p *place) addFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.Var((*baseFlag)(&p.base), "base", "the `base` of the system: "+strings.Join(baseNames(), ", "))
	flags.StringVar(&p.host, "host", "127.0.0.1", "the `address` of this host at which the system listens")
	flags.Var(&p.port, "port", "the Admin `port` of the system (default: that of the base)")
	flags.DurationVar(&p.timeout, "timeout", 10*time.Second, "how long to wait for an answer")
	_ = root.RegisterFlagCompletionFunc("base", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return baseNames(), cobra.ShellCompDirectiveNoFileComp
	})
	for _, name := range []string{"host", "port", "timeout"} {
		_ = root.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
}

func (p *place) adminPort() int {
	if p.port == 0 {
		return p.base.AdminPort
	}
	return int(p.port)
}

func (p *place) String() string {
	text := fmt.Sprintf("port %d of base %s", p.adminPort(), shortName(p.base))
	if p.host != "127.0.0.1" {
		text += " on " + p.host
	}
	return text
}

// command returns a command line that means the same place.
func (p *place) command(name string) string {
	line := "thespian " + name
	if p.base.Name != app.Bases[0].Name {
		line += " --base " + shortName(p.base)
	}
	if p.host != "127.0.0.1" {
		line += " --host " + p.host
	}
	if p.port != 0 {
		line += " --port " + p.port.String()
	}
	return "'" + line + "'"
}

// options completes options with the place.
func (p *place) options(o system.Options) *system.Options {
	capabilities := actor.Capabilities{"Admin Port": p.adminPort()}
	for name, value := range o.Capabilities {
		capabilities[name] = value
	}
	o.Host, o.Capabilities = p.host, capabilities
	if p.base.Name != app.Bases[0].Name { // else it is whatever runs there
		o.Base = p.base.Name
	}
	o.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return &o
}

// attach attaches to the system that runs at the place.
func (p *place) attach(ctx context.Context) (*system.System, error) {
	sys, err := app.Start(ctx, p.options(system.Options{Attach: true}))
	if errors.Is(err, system.ErrNoSystem) {
		return nil, fmt.Errorf("%w at %v: start one with %s", system.ErrNoSystem, p, p.command("start"))
	}
	return sys, p.explain(err)
}

// visit attaches to the system, does something there, and leaves.
func (p *place) visit(ctx context.Context, do func(ctx context.Context, sys *system.System) error) error {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	sys, err := p.attach(ctx)
	if err != nil {
		return err
	}
	err = do(ctx, sys)
	_ = sys.Close() // its error is that of a system which has ended meanwhile
	return p.explain(err)
}

// explain says what to do about errors of the place as a whole.
func (p *place) explain(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer within %v from the system at %v: give it more time with --timeout (%w)", p.timeout, p, err)
	case errors.Is(err, system.ErrAdminGone), errors.Is(err, system.ErrShutdown):
		return fmt.Errorf("the system at %v has ended: %w", p, err)
	case errors.Is(err, system.ErrUnknownBase): // that of the system: p's own is known
		if inner := errors.Unwrap(err); inner != nil {
			err = inner
		}
		return fmt.Errorf("the system at port %d is of a base that this command does not have: see and end it from a program of its own, with System.Status and System.Shutdown (%w)", p.adminPort(), err)
	}
	return err
}

func shortName(b transport.Base) string {
	if b.Short != "" {
		return b.Short
	}
	return b.Name
}

func baseNames() []string {
	var names []string
	for _, b := range app.Bases {
		names = append(names, shortName(b))
	}
	return names
}

// A baseFlag is a base, by either name.
type baseFlag transport.Base

func (f *baseFlag) Type() string   { return "base" }
func (f *baseFlag) String() string { return shortName(transport.Base(*f)) }

func (f *baseFlag) Set(name string) error {
	for _, b := range app.Bases {
		if name == b.Name || name == b.Short && name != "" {
			*f = baseFlag(b)
			return nil
		}
	}
	if name == "simple" || name == "simpleSystemBase" {
		return fmt.Errorf("a system of this base is inside of its program, and nobody else can attach to it; the others are: %s", strings.Join(baseNames(), ", "))
	}
	return fmt.Errorf("there is no such base; the bases are: %s", strings.Join(baseNames(), ", "))
}

// A portFlag is a port at which others find a system. Zero: it was not given.
type portFlag int

func (f *portFlag) Type() string { return "port" }

func (f *portFlag) String() string {
	if *f == 0 {
		return ""
	}
	return strconv.Itoa(int(*f))
}

func (f *portFlag) Set(text string) error {
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return errors.New("wanted a number from 1 to 65535")
	}
	*f = portFlag(port)
	return nil
}
