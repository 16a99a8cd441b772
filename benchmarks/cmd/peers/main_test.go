package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) { compare().TestMain(m) }

// TestEveryWork has every contestant do its work once: questions fewer than there are callers, and fewer still where each operation can be a process.
func TestEveryWork(t *testing.T) {
	if len(compare().Works) == 0 {
		t.Skip("no base with processes is offered here")
	}
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	for only, c := range map[string]struct {
		n    string
		want []string
	}{
		", (gRPC|NATS)$": {"50", []string{"gRPC", "NATS", "program asks", "≥ 3×"}},
		" over NATS$":    {"3", []string{"far tell 1 MiB over NATS", "bare NATS", "0 % lost", "program tells", "actor sends", "program asks", "children of an actor", "bare processes"}},
	} {
		var out bytes.Buffer
		assert.NilError(t, compare().Run(t.Context(), []string{"-rounds", "1", "-n", c.n, "-only", only}, &out, os.Stderr))
		for _, want := range c.want {
			assert.Assert(t, strings.Contains(out.String(), want), "no %q in:\n%s", want, out.String())
		}
	}
}
