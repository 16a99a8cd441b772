// Compare measures the system against the machine's raw limits, in one run, and prints a table.
//
//	go run ./benchmarks/cmd/compare                  # everything: a few minutes
//	go run ./benchmarks/cmd/compare -only '^tell'    # works by name
//	go run ./benchmarks/cmd/compare -list            # their names
//	go run ./benchmarks/cmd/compare -json
//
// An interrupt ends it; what was measured until then is printed. The exit status is 0 when everything could be measured,
// whether or not the goals are met.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"thespian.dev/benchmarks"
	"thespian.dev/benchmarks/internal/contest"
)

func main() {
	contest.Serve(benchmarks.Works())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.As(err, new(usageError)):
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// A usageError is one of the command line.
type usageError struct{ error }

func run(ctx context.Context, args []string, stdout io.Writer, stderr *os.File) error {
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var (
		asJSON = flags.Bool("json", false, "print JSON")
		list   = flags.Bool("list", false, "print the names of the works and measure nothing")
		only   = flags.String("only", "", "measure the works whose names match this `regexp`")
		rounds = flags.Int("rounds", 7, "how often each contestant is measured")
		each   = flags.Duration("time", 300*time.Millisecond, "about how long each measurement takes")
		n      = flags.Int("n", 0, "operations in each measurement, instead of -time; for trying things out")
	)
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil {
		return usageError{err}
	}
	works, err := selected(*only)
	switch {
	case err != nil:
		return usageError{err}
	case flags.NArg() > 0:
		return usageError{fmt.Errorf("takes no arguments, has %q", flags.Args())}
	case *rounds < 1 || *each <= 0 || *n < 0:
		return usageError{errors.New("wanted -rounds of at least 1, a positive -time and no negative -n")}
	}
	if *list {
		for _, w := range works {
			fmt.Fprintf(stdout, "%-12s %s\n", w.Name, w.About)
		}
		return nil
	}
	report := contest.Report{
		Command: strings.Join(append([]string{"go run ./benchmarks/cmd/compare"}, quoted(args)...), " "),
		Date:    time.Now(),
		Machine: contest.ThisMachine(),
		Rounds:  *rounds,
		Time:    *each,
	}
	line := newProgressLine(stderr)
	report.Works = contest.Run(ctx, works, contest.Config{Rounds: *rounds, Time: *each, N: *n, Progress: line.show})
	line.clear()
	write := report.WriteText
	if *asJSON {
		write = report.WriteJSON
	}
	if err := write(stdout); err != nil {
		return err
	}
	if len(report.Works) < len(works) {
		return fmt.Errorf("interrupted: %d of %d works were measured", len(report.Works), len(works))
	}
	if failed := report.Failed(); len(failed) > 0 {
		return fmt.Errorf("could not be measured: %s", strings.Join(failed, "; "))
	}
	return nil
}

// selected returns the works whose names match an expression.
func selected(expression string) ([]contest.Work, error) {
	match, err := regexp.Compile(expression)
	if err != nil {
		return nil, fmt.Errorf("-only: %w", err)
	}
	var works []contest.Work
	var names []string
	for _, w := range benchmarks.Works() {
		names = append(names, w.Name)
		if match.MatchString(w.Name) {
			works = append(works, w)
		}
	}
	if len(works) == 0 {
		return nil, fmt.Errorf("-only %q matches none of the works: %s", expression, strings.Join(names, ", "))
	}
	return works, nil
}

// quoted returns arguments as they would be typed.
func quoted(args []string) []string {
	plain := regexp.MustCompile(`^[\w@%+=:,./-]+$`)
	typed := make([]string, len(args))
	for i, arg := range args {
		if typed[i] = arg; !plain.MatchString(arg) {
			typed[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
	}
	return typed
}
