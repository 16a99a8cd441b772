// Package system runs actors. An [App] says what an executable brings along: its kinds of actors and its types of
// messages. [App.Start] starts a [System] of them, and the program then creates actors and speaks with them:
//
//	sys, err := app.Start(ctx, nil)
//	greeter, err := sys.Create(ctx, "greeter")
//	reply, err := sys.Ask(ctx, greeter, Greet{Name: "World"})
//
// The base simple runs all actors in this process. Each actor that has messages gets a goroutine while it works on them; one that has none
// costs a few hundred bytes. With [Options].Synchronous everything happens one message at a time in a fixed order, for unit tests.
//
// On a base with processes, one of [App.Bases], each actor has an OS process of its own, started by the system's Admin from this very executable. [App.Main] must come first in
// main, as such a process learns there what it is. The system outlives the program unless it is told otherwise ([Options].Lifetime), and other programs of the same user attach to it.
//
// # Back-pressure
//
// Mailboxes are bounded ([Limits]). A sender waits for a mailbox that is above its mark, but only while its own mailbox is below: so in any circle of
// actors that wait for each other somebody moves, and no such circle can stand still. Actors never wait for themselves, and messages of the system wait
// for nothing. Who may not wait can fill a mailbox beyond its mark, up to a hard limit, above which messages become
// dead letters. A program's Tell waits with its context.
package system

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"thespian.dev/actor"
	"thespian.dev/message"
	"thespian.dev/transport"
)

// An App is what an executable brings along. It is a value: set it up once, as a variable of package main.
type App struct {
	// Kinds are the kinds of actors that this executable can run.
	Kinds []actor.Kind

	// Bases are the bases that its systems can run on, beside simple, which is always there.
	Bases []transport.Base

	// Messages are the types that its actors and programs send each other, as [message.Types] returns them.
	Messages message.TypeSet
}

// Main runs a program: it calls run with a context that is done on SIGINT or SIGTERM, and ends the process when run returns, with status 1 and the error
// on standard error when there is one. A second signal ends the process at once.
func (a App) Main(run func(ctx context.Context) error) {
	a.part()
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		signal.Stop(signals) // before run learns of the first, so that the second is never lost
		cancel()
	}()
	err := run(ctx)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// TestMain is for the function of that name in the tests of a program: it stands where Main stands in the program.
//
//	func TestMain(m *testing.M) { app.TestMain(m) }
func (a App) TestMain(m interface{ Run() int }) {
	a.part()
	os.Exit(m.Run())
}

// Start starts a system. The context bounds the start alone. Nil options are the zero Options.
func (a App) Start(ctx context.Context, options *Options) (*System, error) {
	sys, err := a.start(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	return sys, nil
}

func (a App) start(ctx context.Context, options *Options) (*System, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var o Options
	if options != nil {
		o = *options
	}
	if err := processStartup(o.Capabilities); err != nil {
		return nil, err
	}
	if o.named = o.Base != ""; !o.named && len(a.Bases) > 0 {
		o.Base = a.Bases[0].Name
	}
	switch o.Base {
	case "", "simple", "simpleSystemBase":
	default:
		base, err := a.base(o.Base)
		if err != nil {
			return nil, err
		}
		if o.Synchronous {
			return nil, fmt.Errorf("the option Synchronous is for the base simple: on %s actors have processes of their own", base.Name)
		}
		return a.attach(ctx, &o, base)
	}
	limits, err := o.Limits.complete()
	if err != nil {
		return nil, err
	}
	registry, err := message.NewRegistry(a.Messages)
	if err != nil {
		return nil, err
	}
	log := o.Logger
	if log == nil {
		log = slog.Default()
	}
	n, err := newNode(a.Kinds, registry, &o, limits, log, nil)
	if err != nil {
		return nil, err
	}
	sys := newSystem(n)
	n.shutdownSoon = func() {
		go func() { // whose end is that of the system
			if err := sys.Shutdown(context.Background()); err != nil {
				log.Error("the system did not end in order", "error", err)
			}
		}()
	}
	return sys, nil
}

// base returns the base that has the name.
func (a App) base(name string) (transport.Base, error) {
	names := []string{"simple"}
	for _, b := range a.Bases {
		if b.Name == name || b.Short == name {
			return b, nil
		}
		names = append(names, b.Name)
	}
	return transport.Base{}, fmt.Errorf("%w %q; the bases are: %s", ErrUnknownBase, name, strings.Join(names, ", "))
}
