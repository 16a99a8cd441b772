// Multisystem encodes texts with actors of three systems that act as one, each with processes of its own:
//
//	go run ./examples/multisystem              # a thousand texts
//	go run ./examples/multisystem -texts 20000
//
// The office takes the texts, and leads the convention. It cannot encode: its acceptor creates an encoder for each encoding, which runs wherever a system offers that. The plant
// offers base64. The vault offers rot13; it is behind a firewall, so to say, as it only connects to others. Every encoder hands its work to the analyzer in the office, which decodes it and
// counts. Half way the vault begins to offer base64, and the plant ends to: the encoder there ends, of which the acceptor hears, and creates another, which gets again what was not done.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/system"
	"thespian.dev/transport"
	tcp "thespian.dev/transport-tcp"
)

// The systems run one app: each can create actors of all kinds, wherever what they need is offered.
var app = system.App{
	Bases: []transport.Base{tcp.Base()},
	Kinds: []actor.Kind{
		{Name: "acceptor", New: newAcceptor, Requires: actor.Capabilities{"Name": "office"}},
		{Name: "analyzer", New: newAnalyzer, Requires: actor.Capabilities{"Name": "office"}},
		{Name: "base64 encoder", New: newEncoder("base64"), Requires: actor.Capabilities{"Encodes base64": true}},
		{Name: "rot13 encoder", New: newEncoder("rot13"), Requires: actor.Capabilities{"Encodes rot13": true}},
		{Name: "clerk", New: newClerk, Check: inSystem},
	},
	Messages: messages,
}

func main() {
	app.Main(func(ctx context.Context) error { return run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr) })
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("multisystem", flag.ContinueOnError)
	flags.SetOutput(stderr)
	texts := flags.Int("texts", 1000, "how many texts are encoded")
	branch := flags.String("branch", "", "be the system of this name, for another multisystem, until its input ends")
	leader := flags.String("leader", "", "where that one's office is")
	secret := flags.String("secret", "", "the file with the secret that they share")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("%q is too much: there are only flags, see -h", flags.Arg(0))
	case *branch != "":
		return runBranch(ctx, *branch, *leader, *secret, stdin, stdout)
	case *texts < 1:
		return fmt.Errorf("-texts is %d: wanted 1 or more", *texts)
	}
	return runOffice(ctx, *texts, log.New(stdout, "", 0))
}

// patience is how long a text may take to be encoded, while encoders move.
const patience = 30 * time.Second

// runOffice is the program of the office, which starts the other systems, too.
func runOffice(ctx context.Context, texts int, out *log.Logger) (err error) {
	o, err := openOffice(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.close()) }()
	out.Println("the office leads; the plant belongs to it, and the vault, which only connects out")

	began := time.Now()
	analyzer, err := o.Create(ctx, "analyzer")
	if err != nil {
		return err
	}
	acceptor, err := o.Create(ctx, "acceptor")
	if err != nil {
		return err
	}
	news := o.Private()
	defer news.Close()
	if err := news.Tell(ctx, acceptor, Begin{analyzer}); err != nil {
		return err
	}
	told := make(chan struct{})
	listening, stop := context.WithCancel(ctx)
	go func() {
		defer close(told)
		for {
			switch msg, _, err := news.Listen(listening); m := msg.(type) {
			case News:
				out.Println(m.Text)
			default:
				if err != nil {
					return
				}
			}
		}
	}()
	half := (texts + 1) / 2
	err = encodeAll(ctx, o, acceptor, 0, half)
	if err == nil {
		out.Println("half way: from now on the vault offers base64, and the plant does not")
		err = errors.Join(o.offer(ctx, "vault", "Encodes base64", true), o.offer(ctx, "plant", "Encodes base64", nil))
	}
	if err == nil {
		err = encodeAll(ctx, o, acceptor, half, texts)
	}
	stop()
	<-told
	if err != nil {
		return err
	}
	counts, err := system.Ask[Counts](ctx, o.System, analyzer, Report{})
	if err != nil {
		return err
	}
	return report(out, counts, texts, time.Since(began))
}

// encodeAll has the texts from one number to another encoded, some at once.
func encodeAll(ctx context.Context, o *office, acceptor address.Address, from, to int) error {
	const atOnce = 32
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := from; i < to; i++ {
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			text := fmt.Sprintf("Text %d: the quick brown fox jumps over the lazy dog.", i+1)
			if _, err := system.Ask[Accepted](ctx, o.System, acceptor, Text{i, text}); err != nil {
				return fmt.Errorf("text %d: %w", i+1, err)
			}
			return nil
		})
	}
	return group.Wait()
}

func report(out *log.Logger, c Counts, texts int, took time.Duration) error {
	out.Printf("%d texts in %v:", texts, took.Round(time.Millisecond))
	for _, n := range c.Encoded {
		out.Printf("  %-6s  %-6s  %6d", n.System, n.Encoding, n.Texts)
	}
	if len(c.Wrong) > 0 {
		return fmt.Errorf("%d results are wrong: %s", len(c.Wrong), strings.Join(c.Wrong[:min(3, len(c.Wrong))], "; "))
	}
	return nil
}
