package matrix_test

import (
	"os"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/integration/internal/leftovers"
	"thespian.dev/integration/matrix"
)

type runner struct{ m *testing.M }

func (r runner) Run() int { return leftovers.Check(r.m.Run) }

func TestMain(m *testing.M) { matrix.App().TestMain(runner{m}) }

// TestMatrix runs every behaviour in configurations that have every two settings together.
func TestMatrix(t *testing.T) {
	app := matrix.App()
	for _, c := range matrix.Pairs(matrix.Configs()) {
		t.Run(c.String(), func(t *testing.T) {
			for _, b := range matrix.Behaviours() {
				t.Run(b.Name, func(t *testing.T) {
					t.Parallel()
					r := matrix.Try(t.Context(), app, b, c)
					switch {
					case r.Unsupported != "":
						t.Skip(r.Unsupported)
					case r.Failure != "":
						t.Error(r.Failure)
					}
				})
			}
		})
	}
}

// TestParity checks docs/parity-tests.md: each test of Thespian has a behaviour that exists, or a reason.
func TestParity(t *testing.T) {
	page, err := os.ReadFile("../../docs/parity-tests.md")
	assert.NilError(t, err)
	known := make(map[string]bool)
	for _, b := range matrix.Behaviours() {
		assert.Assert(t, !known[b.Name], "there are two behaviours %q", b.Name)
		known[b.Name] = true
	}
	rows := 0
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 4 || !strings.HasPrefix(cells[1], " `") {
			continue
		}
		rows++
		assert.Assert(t, strings.TrimSpace(cells[2]) != "", "nothing is said of %s", cells[1])
		for i, name := range strings.Split(cells[2], "`") {
			if i%2 == 1 && strings.Contains(name, "/") && !strings.Contains(name, ".") && name != "os/exec" {
				assert.Assert(t, known[name], "%s: there is no behaviour %q", cells[1], name)
			}
		}
	}
	assert.Assert(t, rows > 300, "only %d rows", rows)
}
