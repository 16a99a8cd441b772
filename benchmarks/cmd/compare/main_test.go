package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/benchmarks"
	"thespian.dev/benchmarks/internal/command"
	"thespian.dev/benchmarks/internal/contest"
)

func TestMain(m *testing.M) {
	compare().TestMain(m)
}

// runCompare runs the command with its progress going to a file, which is no terminal.
func runCompare(t *testing.T, ctx context.Context, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	file, err := os.Create(t.TempDir() + "/stderr")
	assert.NilError(t, err)
	defer file.Close()
	var out bytes.Buffer
	err = compare().Run(ctx, args, &out, file)
	said, readErr := os.ReadFile(file.Name())
	assert.NilError(t, readErr)
	return out.String(), string(said), err
}

// TestEveryWork has every contestant do its work, with a few operations: in one process more than there are senders, callers and players in a
// ring, between processes fewer, as each can be a process.
func TestEveryWork(t *testing.T) {
	t.Setenv("GORACE", "atexit_sleep_ms=0") // of the processes; there are many
	far := "^far "
	if testing.Short() {
		far = "^far ask "
	}
	for _, group := range []struct {
		name, only string
		n, rounds  int
	}{
		{"one process", "^[^f]", 250, 2},
		{"between processes", far, 3, 1},
	} {
		t.Run(group.name, func(t *testing.T) {
			only := regexp.MustCompile(group.only)
			var works []contest.Work
			for _, w := range benchmarks.Works() {
				if only.MatchString(w.Name) {
					works = append(works, w)
				}
			}
			if len(works) == 0 {
				t.Skip("no base with processes is offered here")
			}
			args := []string{"-json", "-only", group.only, "-rounds", strconv.Itoa(group.rounds), "-n", strconv.Itoa(group.n)}
			stdout, stderr, err := runCompare(t, t.Context(), args...)
			assert.NilError(t, err)
			assert.Equal(t, stderr, "")
			var report contest.Report
			d := json.NewDecoder(strings.NewReader(stdout))
			d.DisallowUnknownFields()
			assert.NilError(t, d.Decode(&report))
			assert.Equal(t, len(report.Works), len(works))
			for i, w := range report.Works {
				checkWork(t, w, works[i], group.n, group.rounds)
			}
			assert.Assert(t, report.Machine.Cores > 0)
		})
	}
}

func checkWork(t *testing.T, got contest.WorkReport, work contest.Work, n, rounds int) {
	t.Helper()
	assert.Equal(t, got.Name, work.Name)
	assert.Equal(t, len(got.Contestants), len(work.Contestants))
	for k, c := range got.Contestants {
		assert.Equal(t, c.Name, work.Contestants[k].Name)
		assert.Equal(t, c.N, n, "%s: %s", work.Name, c.Name)
		want := rounds
		if work.Rounds > 0 {
			want = min(want, work.Rounds)
		}
		assert.Equal(t, len(c.Values), want, "%s: %s", work.Name, c.Name)
		assert.Assert(t, c.Value.Min > 0, "%s: %s", work.Name, c.Name)
		if work.Raw != "" && c.Name != work.Raw {
			assert.Assert(t, c.Ratio != nil, "%s: %s is compared to nothing", work.Name, c.Name)
		}
	}
}

func TestTable(t *testing.T) {
	stdout, _, err := runCompare(t, t.Context(), "-only", "tell 1", "-rounds", "1", "-time", "1ms")
	assert.NilError(t, err)
	for _, want := range []string{"go run ./benchmarks/cmd/compare -only 'tell 1'", "GOMAXPROCS", "mutex + swap mailbox", "program tells", "≥ 0.5×, ≤ 1 allocs/op"} {
		assert.Assert(t, strings.Contains(stdout, want), "no %q in:\n%s", want, stdout)
	}
	assert.Assert(t, !strings.Contains(stdout, "tell 8"), stdout)
}

func TestList(t *testing.T) {
	stdout, _, err := runCompare(t, t.Context(), "-list", "-only", "million|bounce")
	assert.NilError(t, err)
	assert.Equal(t, strings.Count(stdout, "\n"), 2, stdout)
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stdout, _, err := runCompare(t, ctx, "-json")
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
			_, _, err := runCompare(t, t.Context(), args...)
			assert.Assert(t, errors.As(err, new(command.UsageError)), "%v", err)
		})
	}
}
