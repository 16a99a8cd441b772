package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/benchmarks"
	"thespian.dev/benchmarks/internal/contest"
)

func TestMain(m *testing.M) {
	contest.Serve(benchmarks.Works())
	os.Exit(m.Run())
}

// compare runs the command with its progress going to a file, which is no terminal.
func compare(t *testing.T, ctx context.Context, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	file, err := os.Create(t.TempDir() + "/stderr")
	assert.NilError(t, err)
	defer file.Close()
	var out bytes.Buffer
	err = run(ctx, args, &out, file)
	said, readErr := os.ReadFile(file.Name())
	assert.NilError(t, readErr)
	return out.String(), string(said), err
}

// TestEveryWork has every contestant do its work once, with a few operations: more than there are senders, callers and players in a ring.
func TestEveryWork(t *testing.T) {
	t.Setenv("GORACE", "atexit_sleep_ms=0") // of the processes that measure; there are many
	stdout, stderr, err := compare(t, t.Context(), "-json", "-rounds", "2", "-n", "250")
	assert.NilError(t, err)
	assert.Equal(t, stderr, "")
	var report contest.Report
	d := json.NewDecoder(strings.NewReader(stdout))
	d.DisallowUnknownFields()
	assert.NilError(t, d.Decode(&report))

	works := benchmarks.Works()
	assert.Equal(t, len(report.Works), len(works))
	for i, w := range report.Works {
		assert.Equal(t, w.Name, works[i].Name)
		assert.Equal(t, len(w.Contestants), len(works[i].Contestants))
		for k, c := range w.Contestants {
			assert.Equal(t, c.Name, works[i].Contestants[k].Name)
			assert.Equal(t, c.N, 250, "%s: %s", w.Name, c.Name)
			want := 2
			if works[i].Rounds == 1 {
				want = 1
			}
			assert.Equal(t, len(c.Values), want, "%s: %s", w.Name, c.Name)
			if w.Raw != "" && c.Name != w.Raw {
				assert.Assert(t, c.Ratio != nil, "%s: %s is compared to nothing", w.Name, c.Name)
			}
		}
	}
	assert.Equal(t, report.Command, "go run ./benchmarks/cmd/compare -json -rounds 2 -n 250")
	assert.Assert(t, report.Machine.Cores > 0)
}

func TestTable(t *testing.T) {
	stdout, _, err := compare(t, t.Context(), "-only", "tell 1", "-rounds", "1", "-time", "1ms")
	assert.NilError(t, err)
	for _, want := range []string{"go run ./benchmarks/cmd/compare -only 'tell 1'", "GOMAXPROCS", "mutex + swap mailbox", "program tells", "≥ 0.5×, ≤ 1 allocs/op"} {
		assert.Assert(t, strings.Contains(stdout, want), "no %q in:\n%s", want, stdout)
	}
	assert.Assert(t, !strings.Contains(stdout, "tell 8"), stdout)
}

func TestList(t *testing.T) {
	stdout, _, err := compare(t, t.Context(), "-list", "-only", "million|bounce")
	assert.NilError(t, err)
	assert.Equal(t, strings.Count(stdout, "\n"), 2, stdout)
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stdout, _, err := compare(t, ctx, "-json")
	assert.ErrorContains(t, err, "interrupted")
	assert.Assert(t, json.Valid([]byte(stdout)))
}

func TestWrongUsage(t *testing.T) {
	for name, args := range map[string][]string{
		"unknown flag":  {"-fast"},
		"no expression": {"-only", "("},
		"no such work":  {"-only", "juggle"},
		"arguments":     {"tell"},
		"no rounds":     {"-rounds", "0"},
		"no time":       {"-time", "0s"},
		"negative":      {"-n", "-1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := compare(t, t.Context(), args...)
			assert.Assert(t, errors.As(err, new(usageError)), "%v", err)
		})
	}
}
