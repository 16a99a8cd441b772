// Soak runs an actor system for a long time, while processes are killed and the system ends and starts again, and accounts for every message.
//
//	go run ./integration/cmd/soak                  # an hour
//	go run ./integration/cmd/soak -for 5m -json    # five minutes, for another program
//
// The exit status is 1 when anything is not accounted for. It is not a part of the tests.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"thespian.dev/integration"
	"thespian.dev/integration/soak"
)

func main() { soak.App().Main(run) }

func run(ctx context.Context) error {
	if visited, err := soak.Visit(ctx); visited {
		return err
	}
	var names []string
	for _, b := range integration.Reliable() {
		names = append(names, cmp.Or(b.Short, b.Name))
	}
	o := soak.Options{}
	var log string
	var asJSON bool
	flag.DurationVar(&o.For, "for", time.Hour, "how `long` it runs")
	flag.StringVar(&o.Base, "base", names[0], "the `base`: "+strings.Join(names, ", "))
	flag.Uint64Var(&o.Seed, "seed", 0, "the `number` that decides what is done; 0 draws one")
	flag.BoolVar(&asJSON, "json", false, "write the report as JSON")
	flag.StringVar(&log, "log", os.DevNull, "the `file` for what the processes of the system print")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("there is an argument too many: %s", flag.Arg(0))
	}
	for o.Seed == 0 {
		o.Seed = uint64(rand.Uint32())
	}
	file, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	terminal := os.Stderr
	os.Stderr = file // where systems print what their processes do; these fail on purpose all the time
	defer func() { os.Stderr = terminal }()
	line := &statusLine{to: terminal, shown: isTerminal(terminal)}
	o.Problem = line.problem
	if line.shown {
		o.Progress = line.progress
	}
	report, err := soak.Run(ctx, o)
	line.clear()
	if asJSON {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		err = errors.Join(err, encoder.Encode(report))
	} else {
		err = errors.Join(err, report.Write(os.Stdout))
	}
	return errors.Join(err, report.Err())
}

func isTerminal(f *os.File) bool {
	is, err := f.Stat()
	return err == nil && is.Mode()&os.ModeCharDevice != 0
}
