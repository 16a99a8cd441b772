package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// options are what the command line says.
type options struct {
	folder  string // empty: the source of the Go installation
	base    string
	workers int
	top     int
	json    bool
	plain   bool
	chaos   bool
	period  time.Duration // of the chaos
}

var errHelp = flag.ErrHelp

func flags(o *options) *flag.FlagSet {
	f := flag.NewFlagSet("wordcount", flag.ContinueOnError)
	f.SetOutput(io.Discard) // errors are returned
	f.StringVar(&o.base, "base", "simple", "the `base` that the actors run on: "+strings.Join(bases(), ", "))
	f.IntVar(&o.workers, "workers", runtime.GOMAXPROCS(0), "the `number` of worker actors")
	f.IntVar(&o.top, "top", 20, "the `number` of words to list, those that were met most often")
	f.BoolVar(&o.json, "json", false, "write the result as JSON")
	f.BoolVar(&o.plain, "plain", false, "count in a single loop without actors, to compare")
	f.BoolVar(&o.chaos, "chaos", false, "kill the process of a worker (SIGKILL) every now and then, which the result does not show")
	f.DurationVar(&o.period, "chaos-period", 2*time.Second, "the `time` from one kill to the next")
	return f
}

// bases returns what there is to choose from.
func bases() []string {
	names := []string{"simple (all in this process)"}
	for _, b := range app.Bases {
		name := b.Name
		if b.Short != "" {
			name += " or short " + b.Short
		}
		names = append(names, name+" (each actor in a process of its own)")
	}
	return names
}

func parse(args []string) (options, error) {
	var o options
	f := flags(&o)
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 1:
		return o, fmt.Errorf("one folder can be counted, not %d (flags stand before it)", f.NArg())
	case o.workers < 1:
		return o, fmt.Errorf("-workers is %d: at least 1 is needed", o.workers)
	case o.top < 0:
		return o, fmt.Errorf("-top is %d: it cannot be negative", o.top)
	case o.period <= 0:
		return o, fmt.Errorf("-chaos-period is %v: it has to be positive", o.period)
	case o.chaos && o.plain:
		return o, errors.New("-chaos kills workers, and with -plain there are none")
	}
	o.folder = f.Arg(0)
	return o, nil
}

func usage(to io.Writer) {
	fmt.Fprint(to, `Counts the words of all text files below a folder.

usage: wordcount [flags] [folder]

Without a folder it counts the source of the Go installation. Symbolic links are not followed. Ctrl-C ends it.

`)
	f := flags(new(options))
	f.SetOutput(to)
	f.PrintDefaults()
	fmt.Fprint(to, `
examples:
  wordcount                          the source of the Go installation
  wordcount -top 5 ~/Documents       the five words that are there most often
  wordcount -json . | jq .words      the number of words, for another program
  wordcount -workers 1 .             one worker ...
  wordcount -plain .                 ... and no actors at all, to compare the time
`)
	for _, b := range app.Bases {
		fmt.Fprintf(to, `  wordcount -base %[1]s .
                                     each worker in a process of its own
  wordcount -base %[1]s -chaos -chaos-period 300ms .
                                     ... of which one is killed every 0.3 seconds
`, cmp.Or(b.Short, b.Name))
	}
}

// folder returns the absolute path of what is to be counted. Links in it are followed, other than those below it.
func folder(ctx context.Context, name string) (string, error) {
	if name == "" {
		var err error
		if name, err = goSource(ctx); err != nil {
			return "", fmt.Errorf("%w; name a folder to be counted instead", err)
		}
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

// goSource returns where the Go installation has its own source. The go command knows; what is compiled into this program may be
// empty, or true on another machine.
func goSource(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("the Go installation was not found: go env GOROOT: %w", err)
	}
	root := strings.TrimSpace(string(out))
	if root == "" {
		return "", errors.New("the Go installation was not found: go env GOROOT says nothing")
	}
	source := filepath.Join(root, "src")
	if _, err := os.Stat(source); err != nil {
		return "", fmt.Errorf("the Go installation has no source: %w", err)
	}
	return source, nil
}
