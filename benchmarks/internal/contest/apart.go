package contest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// apartVariable is the environment variable that tells a process which measurement it was started for.
const apartVariable = "BENCHMARK_APART"

// endTime is how long a process that measures gets to end what it started.
const endTime = 5 * time.Second

// An assignment is a measurement to be made in a process of its own.
type assignment struct {
	Work, Contestant string
	N                int
}

// A result is what such a process prints.
type result struct {
	Measurement measurement
	Error       string
}

// Serve must be called first in every executable whose works are measured apart. In a process that was started to make one
// measurement it makes that and never returns.
func Serve(ctx context.Context, works []Work) {
	text, ok := os.LookupEnv(apartVariable)
	if !ok {
		return
	}
	var r result
	if err := serve(ctx, works, text, &r.Measurement); err != nil {
		r.Error = err.Error()
	}
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serve(ctx context.Context, works []Work, text string, m *measurement) error {
	var a assignment
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return err
	}
	for _, w := range works {
		for i := range w.Contestants {
			if c := &w.Contestants[i]; w.Name == a.Work && c.Name == a.Contestant {
				var err error
				*m, err = measureHere(ctx, c, a.N)
				return err
			}
		}
	}
	return fmt.Errorf("no contestant %q in a work %q", a.Contestant, a.Work)
}

// measureApart has a process of its own make the measurement. It ends with the context.
func measureApart(ctx context.Context, w *Work, c *Contestant, n int) (measurement, error) {
	var r result
	self, err := os.Executable()
	if err != nil {
		return r.Measurement, err
	}
	task, err := json.Marshal(assignment{w.Name, c.Name, n})
	if err != nil {
		return r.Measurement, err
	}
	process := exec.CommandContext(ctx, self)
	process.Cancel = func() error { return process.Process.Signal(os.Interrupt) }
	process.WaitDelay = endTime
	process.Env = append(os.Environ(), apartVariable+"="+string(task))
	process.Stderr = os.Stderr
	out, err := process.Output()
	if ctx.Err() != nil {
		return r.Measurement, ctx.Err()
	}
	if err != nil {
		return r.Measurement, fmt.Errorf("process of its own: %w", err)
	}
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(&r); err != nil {
		return r.Measurement, fmt.Errorf("process of its own: %w (does its main function call Serve?)", err)
	}
	if r.Error != "" {
		return r.Measurement, errors.New(r.Error)
	}
	return r.Measurement, nil
}
