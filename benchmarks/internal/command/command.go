// Package command is the command line of a comparison: which works to measure, how often, and how to print what came out.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"thespian.dev/benchmarks/internal/contest"
	"thespian.dev/benchmarks/internal/second"
	"thespian.dev/system"
)

// A Command compares how contestants do their works.
type Command struct {
	Name  string // the command's folder in benchmarks/cmd
	Works []contest.Work

	// App is what the hosts of the works' systems run: they are this executable again, as are the second processes of the raw contestants and those that measure apart.
	App   system.App
	Roles map[string]second.Role
}

// Main is the main function of the command. It never returns.
func (c Command) Main() {
	c.App.Main(func(ctx context.Context) error {
		c.serve(ctx)
		err := c.Run(ctx, os.Args[1:], os.Stdout, os.Stderr)
		if errors.As(err, new(UsageError)) {
			fmt.Fprintln(os.Stderr, c.Name+":", err)
			os.Exit(2)
		}
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	})
}

// TestMain stands where Main stands, in the tests of a package that measures. It fails when a process is left that the tests started. It never returns.
func (c Command) TestMain(m interface{ Run() int }) { c.App.TestMain(tests{c, m}) }

// serve does what this process was started for, and never returns then, unless it was started by a person.
func (c Command) serve(ctx context.Context) {
	second.Serve(ctx, c.Roles)
	contest.Serve(ctx, c.Works)
}

// A UsageError is one of the command line.
type UsageError struct{ error }

// Run measures what the arguments say, and prints it. When ctx is done it prints what was measured until then.
func (c Command) Run(ctx context.Context, args []string, stdout io.Writer, stderr *os.File) error {
	flags := flag.NewFlagSet(c.Name, flag.ContinueOnError)
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
		return UsageError{err}
	}
	works, err := c.selected(*only)
	switch {
	case err != nil:
		return UsageError{err}
	case flags.NArg() > 0:
		return UsageError{fmt.Errorf("takes no arguments, has %q", flags.Args())}
	case *rounds < 1 || *each <= 0 || *n < 0:
		return UsageError{errors.New("wanted -rounds of at least 1, a positive -time and no negative -n")}
	}
	if *list {
		for _, w := range works {
			fmt.Fprintf(stdout, "%-22s %s\n", w.Name, w.About)
		}
		return nil
	}
	report := contest.Report{
		Command: strings.Join(append([]string{"go run ./benchmarks/cmd/" + c.Name}, quoted(args)...), " "),
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
func (c Command) selected(expression string) ([]contest.Work, error) {
	match, err := regexp.Compile(expression)
	if err != nil {
		return nil, fmt.Errorf("-only: %w", err)
	}
	var works []contest.Work
	var names []string
	for _, w := range c.Works {
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
