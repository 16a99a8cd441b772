package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) { compare().TestMain(m) }

// TestEveryWork has every contestant do its work once, with fewer questions than callers.
func TestEveryWork(t *testing.T) {
	if len(compare().Works) == 0 {
		t.Skip("no base with processes is offered here")
	}
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	var out bytes.Buffer
	assert.NilError(t, compare().Run(t.Context(), []string{"-rounds", "1", "-n", "50"}, &out, os.Stderr))
	for _, want := range []string{"gRPC", "NATS", "program asks", "≥ 3×"} {
		assert.Assert(t, strings.Contains(out.String(), want), "no %q in:\n%s", want, out.String())
	}
}
