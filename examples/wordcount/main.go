// Wordcount counts the words of all text files below a folder, with one coordinator actor and as many workers as there are
// processors.
//
//	go run ./examples/wordcount                # the source of the Go installation
//	go run ./examples/wordcount -h             # what else there is
//
// On a base with processes each of these actors has a process of its own, in a system that ends with the program. With -chaos processes of workers are killed
// now and then: the coordinator has others take their places and count again what had not been delivered.
//
// A word is a run of letters and digits of any script, with the marks upon them, in lower case; all else separates words. A run of more than
// 1,024 bytes is counted in pieces. A text is a file whose first 8 KiB are valid UTF-8 without a zero byte; bytes that are not
// valid later on separate words. Other files are passed over and counted; what cannot be read is reported. Symbolic links are not followed.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"thespian.dev/actor"
	"thespian.dev/integration"
	"thespian.dev/message"
	"thespian.dev/system"
)

var app = system.App{
	Kinds: []actor.Kind{
		{Name: "coordinator", New: newCoordinator},
		{Name: "worker", New: newWorker},
	},
	Bases:    integration.Reliable(), // it asks nobody again
	Messages: messages,
}

func main() {
	app.Main(func(ctx context.Context) error { return run(ctx, os.Args[1:], os.Stdout, os.Stderr) })
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args)
	if errors.Is(err, errHelp) {
		usage(stdout)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w\nRun it with -h to see how it is used", err)
	}
	root, err := folder(ctx, o.folder)
	if err != nil {
		return err
	}
	began := time.Now()
	var result Result
	if o.plain {
		result, err = countPlainly(ctx, root, o.top)
	} else {
		result, err = countWithActors(ctx, o, root, newProgressBar(stderr))
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	if err != nil {
		return err
	}
	r := newReport(root, o, result, time.Since(began))
	r.writeProblems(stderr, result)
	if o.json {
		return r.writeJSON(stdout)
	}
	return r.writeText(stdout)
}

func countWithActors(ctx context.Context, o options, root string, bar *progressBar) (result Result, err error) {
	sys, err := app.Start(ctx, &system.Options{Base: o.base, Capabilities: actor.Capabilities{"Admin Port": 0}}) // 0: for this program alone
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, sys.Shutdown(ctx)) }()
	defer bar.close()
	if o.chaos {
		c, err := startChaos(ctx, sys, o.period, bar.say)
		if err != nil {
			return Result{}, err
		}
		defer c.stop()
	}
	return count(ctx, sys, Count{Root: []byte(root), Workers: o.workers, Top: o.top}, bar.show)
}

// silence is how long a program waits for a word of the coordinator, which reports several times in a second.
const silence = 20 * time.Second

// count has a new coordinator count, and calls progress now and then.
func count(ctx context.Context, sys *system.System, what Count, progress func(Progress)) (Result, error) {
	coordinator, err := sys.Create(ctx, "coordinator")
	if err != nil {
		return Result{}, err
	}
	here := sys.Private()
	defer here.Close()
	if err := here.Tell(ctx, coordinator, what); err != nil {
		return Result{}, err
	}
	var top []WordCount
	for {
		msg, err := listen(ctx, here)
		if err != nil {
			return Result{}, err
		}
		switch m := msg.(type) {
		case Progress:
			progress(m)
		case Result:
			if m.Failure != "" {
				return Result{}, errors.New(m.Failure)
			}
			top = append(top, m.Top...)
			if m.More {
				continue
			}
			m.Top = top
			return m, nil
		case message.PoisonMessage:
			return Result{}, m
		}
	}
}

func listen(ctx context.Context, here *system.Endpoint) (any, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, silence, errors.New("the coordinator does not answer"))
	defer cancel()
	msg, _, err := here.Listen(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return nil, cause
	}
	return msg, err
}
