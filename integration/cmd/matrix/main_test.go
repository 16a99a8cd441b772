package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/integration/matrix"
)

func TestMain(m *testing.M) { matrix.App().TestMain(m) }

func runs(t *testing.T, ctx context.Context, args ...string) (stdout string, err error) {
	t.Helper()
	var out, said bytes.Buffer
	err = command{matrix.App(), matrix.Configs(), &out, &said, func(*os.File) {}}.run(ctx, args)
	return out.String(), err
}

func TestTable(t *testing.T) {
	out, err := runs(t, t.Context(), "-run", "^addresses/a message", "-config", "^simple")
	assert.NilError(t, err)
	for _, want := range []string{"addresses/a message goes along a route  +++", "simple-synchronous", "1 behaviours, 3 configurations: 3 ran, 0 failed"} {
		assert.Assert(t, strings.Contains(out, want), "no %q in:\n%s", want, out)
	}
}

func TestJSON(t *testing.T) {
	out, err := runs(t, t.Context(), "-run", "^addresses/a message", "-config", "^simple$", "-whole", "-json")
	assert.NilError(t, err)
	var results []matrix.Result
	assert.NilError(t, json.Unmarshal([]byte(out), &results))
	assert.Equal(t, len(results), 1)
	assert.Equal(t, results[0].Config, "simple")
}

func TestList(t *testing.T) {
	out, err := runs(t, t.Context(), "-list", "-whole")
	assert.NilError(t, err)
	assert.Assert(t, strings.Contains(out, "\ntcp-goroutine-copies-routing-outbound\n"), out)
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := runs(t, ctx, "-config", "^simple")
	assert.ErrorContains(t, err, "interrupted")
}

func TestWrongUsage(t *testing.T) {
	for _, args := range [][]string{{"-run", "("}, {"-run", "nonsense"}, {"-config", "nonsense"}, {"-fast"}, {"behaviour"}, {"-j", "0"}} {
		_, err := runs(t, t.Context(), args...)
		assert.Assert(t, err != nil, "%v", args)
	}
}

// What fails is shown, and ends with an error.
func TestFailuresAreShown(t *testing.T) {
	b := matrix.Behaviours()[:1]
	r := newReport(b, matrix.Configs()[:1])
	r.add(matrix.Result{Behaviour: b[0].Name, Config: "simple", Failure: "it was\nso"})
	var out bytes.Buffer
	assert.NilError(t, r.write(&out))
	for _, want := range []string{"F", "simple:\n\tit was\n\tso", "1 failed"} {
		assert.Assert(t, strings.Contains(out.String(), want), out.String())
	}
}
