package matrix_test

import (
	"os"
	"path/filepath"
	"regexp"
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

// namesATest matches the path of a package, and a test of it.
var namesATest = regexp.MustCompile(`^([a-z0-9/-]+)\.(Test\w+)$`)

// declares says whether a package of the repository has a test.
func declares(t *testing.T, folder, test string) bool {
	files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(folder), "*_test.go"))
	assert.NilError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		assert.NilError(t, err)
		if strings.Contains(string(text), "\nfunc "+test+"(t *testing.T) {\n") {
			return true
		}
	}
	return false
}

// TestParity checks docs/parity-tests.md: each test of Thespian has a behaviour or a test that exists, or a reason.
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
			switch m := namesATest.FindStringSubmatch(name); {
			case i%2 == 0 || name == "os/exec":
			case m != nil:
				assert.Assert(t, declares(t, m[1], m[2]), "%s: there is no test %q", cells[1], name)
			case strings.Contains(name, "/"):
				assert.Assert(t, known[name], "%s: there is no behaviour %q", cells[1], name)
			}
		}
	}
	assert.Assert(t, rows > 300, "only %d rows", rows)
}
