package matrix_test

import (
	"os"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/integration/leftovers"
	"thespian.dev/integration/matrix"
)

type runner struct{ m *testing.M }

func (r runner) Run() int { return leftovers.Check(r.m.Run) }

func TestMain(m *testing.M) { matrix.App().TestMain(runner{m}) }

func TestMatrix(t *testing.T) { matrix.Test(t, matrix.App(), matrix.Pairs(matrix.Configs())) }

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
