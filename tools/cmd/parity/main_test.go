package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/tools/internal/filetree"
)

const packages = `
-- system/system_test.go --
package system_test

import "testing"

func TestAsk(t *testing.T)           {}
func Test_plain(t *testing.T)        {}
func Testing(t *testing.T)           {}
func TestWrong(t *testing.T, n int)  {}
func TestOther(t *testing.B)         {}
func BenchmarkAsk(b *testing.B)      {}
func FuzzAsk(f *testing.F)           {}
func (suite) TestMethod(*testing.T)  {}
func ExampleAsk() {
	// Output: 1
}
func ExampleQuiet() {
	// Output:
}
func ExampleCompiledOnly() {}
-- system/system.go --
package system

func TestElsewhere() {}
-- system/inner/deep/x_windows_test.go --
package deep

import . "testing"

func TestDeep(t *T) {}
-- broken/x_test.go --
package
-- empty/x.go --
package empty
`

// document returns a complete one in which every row is open, but for the rows given, which take the place of those
// with the same ID, or else come at the end. It begins at line 3, so that row An is in line n+2.
func document(rows ...string) string {
	var doc strings.Builder
	doc.WriteString("| ID | Feature | Ours | State | Bases | Tests |\n|---|:--|--:|:-:|---|---|\n")
	for _, s := range expected {
	number:
		for number := 1; number <= max(s.last, 1); number++ {
			id := fmt.Sprint(s.letter, number)
			for i, row := range rows {
				if strings.HasPrefix(strings.TrimSpace(row), "| "+id+" |") {
					doc.WriteString(row + "\n")
					rows = append(rows[:i:i], rows[i+1:]...)
					continue number
				}
			}
			fmt.Fprintf(&doc, "| %s | feature | | open | - | - |\n", id)
		}
	}
	return doc.String() + strings.Join(rows, "\n") + "\n"
}

// parity runs the tool on a document.
func parity(t *testing.T, doc string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	dir := filetree.Write(t, packages+"-- docs/parity.md --\n"+doc)
	var out, errs bytes.Buffer
	status = run(append([]string{"-root", dir}, args...), &out, &errs)
	return status, out.String(), strings.ReplaceAll(errs.String(), dir, "DIR")
}

var good = []string{
	"| A1 | one | ours | shown | simple, tcp | `system.TestAsk` |",
	"| A2 | two | `a \\| b`, since … | differently | simple | `system.TestAsk/sub,with/a.dot`, `system.BenchmarkAsk` |",
	"| A3 | three | | shown | - | `system/inner/deep.TestDeep`,`system.FuzzAsk`, `system.ExampleAsk`, `system.ExampleQuiet`, `system.Test_plain` |",
	"| A4 | four | | open | simple,udp | `system.TestAsk` |",
	"  | A5 | no closing bar | | open | - | - ",
	"| L2 | shell | | shown | nats | `system.TestAsk` |",
}

func TestCounts(t *testing.T) {
	// 125 numbered features, K1, L1, M1 and L2; 4 of these are done.
	status, stdout, stderr := parity(t, document(good...))
	assert.Equal(t, stderr, "")
	assert.Equal(t, status, 0)
	assert.Equal(t, regexp.MustCompile(" +").ReplaceAllString(stdout, " "), `
 shown differently open elsewhere
 total 3 1 125 
 simple 1 1 125 2
 udp 0 0 125 4
 tcp 1 0 124 4
 queue 0 0 124 5
 nats 1 0 124 4
`[1:])

	status, stdout, _ = parity(t, document(good...), "-open")
	assert.Equal(t, status, 0)
	assert.Equal(t, strings.Count(stdout, "open: "), 125)
	assert.Assert(t, strings.Contains(stdout, "\nopen: A4 four\nopen: A5 no closing bar\nopen: A6 feature\n"), stdout)

	status, stdout, _ = parity(t, document(good...), "-json")
	assert.Equal(t, status, 0)
	var got report
	assert.NilError(t, json.Unmarshal([]byte(stdout), &got))
	assert.DeepEqual(t, got, report{Total: counts{3, 1, 125, 0}, Bases: map[string]counts{
		"simple": {1, 1, 125, 2}, "udp": {0, 0, 125, 4}, "tcp": {1, 0, 124, 4}, "queue": {0, 0, 124, 5}, "nats": {1, 0, 124, 4}}})

	_, stdout, _ = parity(t, document(good...), "-json", "-open")
	assert.NilError(t, json.Unmarshal([]byte(stdout), &got))
	assert.Equal(t, len(got.OpenRows), 125)
	assert.DeepEqual(t, got.OpenRows[0], openRow{"A4", "four"})
}

func TestProblems(t *testing.T) {
	for name, test := range map[string]struct{ row, want string }{
		"too few cells":      {"| A1 | x | shown | - | - |", "A1: 5 cells instead of 6 (a | inside a cell is written \\|)"},
		"too many cells":     {"| A1 | x | a | b | open | - | - |", "A1: 7 cells instead of 6 (a | inside a cell is written \\|)"},
		"no feature":         {"| A1 | | | open | - | - |", "A1: no feature"},
		"state":              {"| A1 | x | | Shown | - | - |", `A1: state "Shown" is none of shown, differently, open`},
		"no reason":          {"| A1 | x | | differently | - | `system.TestAsk` |", "A1: done differently, but Ours does not say how and why"},
		"base":               {"| A1 | x | | open | smple | - |", `A1: base "smple" is none of simple, udp, tcp, queue, nats (- for no base)`},
		"empty base":         {"| A1 | x | | open | | - |", `A1: base "" is none of simple, udp, tcp, queue, nats (- for no base)`},
		"base twice":         {"| A1 | x | | open | tcp, tcp | - |", `A1: base "tcp" is named twice`},
		"no backticks":       {"| A1 | x | | shown | - | `system.TestAsk`, system.TestAsk |", "A1: test system.TestAsk is not in backticks (- for no test)"},
		"no comma":           {"| A1 | x | | shown | - | `system.TestAsk` `system.TestAsk` |", "A1: test `system.TestAsk` `system.TestAsk` is not in backticks (- for no test)"},
		"shown by nothing":   {"| A1 | x | | shown | - | - |", "A1: state shown, but no test is named"},
		"differently, same":  {"| A1 | x | y | differently | - | - |", "A1: state differently, but no test is named"},
		"form":               {"| A1 | x | | shown | - | `TestAsk` |", "A1: TestAsk: not of the form module/package.TestName"},
		"full path":          {"| A1 | x | | shown | - | `thespian.dev/system.TestAsk` |", "A1: thespian.dev/system.TestAsk: not of the form module/package.TestName"},
		"out of the root":    {"| A1 | x | | shown | - | `../system.TestAsk` |", "A1: ../system.TestAsk: not of the form module/package.TestName"},
		"not a test":         {"| A1 | x | | shown | - | `system.Ask` |", "A1: system.Ask: not of the form module/package.TestName"},
		"no such package":    {"| A1 | x | | shown | - | `sys.TestAsk` |", "A1: sys.TestAsk: there is no such package"},
		"no such test":       {"| A1 | x | | shown | - | `system.TestAskk` |", "A1: system.TestAskk: no _test file in system declares TestAskk"},
		"in open rows too":   {"| A1 | x | | open | - | `empty.TestAsk` |", "A1: empty.TestAsk: no _test file in empty declares TestAsk"},
		"not in a test file": {"| A1 | x | | shown | - | `system.TestElsewhere` |", "A1: system.TestElsewhere: no _test file in system declares TestElsewhere"},
		"a method":           {"| A1 | x | | shown | - | `system.TestMethod` |", "A1: system.TestMethod: no _test file in system declares TestMethod"},
		"small letter":       {"| A1 | x | | shown | - | `system.Testing` |", "A1: system.Testing: go test does not run it: the letter after Test is a small one"},
		"parameters":         {"| A1 | x | | shown | - | `system.TestWrong` |", "A1: system.TestWrong: go test does not run it: it does not take exactly a *testing.T"},
		"parameter":          {"| A1 | x | | shown | - | `system.TestOther` |", "A1: system.TestOther: go test does not run it: it does not take exactly a *testing.T"},
		"no output":          {"| A1 | x | | shown | - | `system.ExampleCompiledOnly` |", "A1: system.ExampleCompiledOnly: go test does not run it: it has no // Output: comment"},
		"broken package":     {"| A1 | x | | shown | - | `broken.TestAsk` |", "A1: broken.TestAsk: DIR/broken/x_test.go:1:9: expected 'IDENT', found 'EOF'"},
	} {
		t.Run(name, func(t *testing.T) {
			status, stdout, stderr := parity(t, document(test.row))
			assert.Equal(t, stderr, "docs/parity.md:3: "+test.want+"\n")
			assert.Equal(t, status, 1)
			assert.Assert(t, strings.Contains(stdout, "total"), "the counts come all the same: %s", stdout)
		})
	}
}

func TestMalformedRowsAreNotCounted(t *testing.T) {
	_, stdout, _ := parity(t, document("| A1 | x | | shown | smple | `system.TestAsk` |"), "-json")
	var got report
	assert.NilError(t, json.Unmarshal([]byte(stdout), &got))
	assert.Equal(t, got.Total, counts{Open: 127})
}

func TestIDs(t *testing.T) {
	last := strings.Count(document(), "\n")
	for name, test := range map[string]struct {
		doc  string
		want []string
	}{
		"missing":       {strings.ReplaceAll(document(), "| B17 |", "| X |"), []string{":45: X: an ID is", ":1: B17: missing"}},
		"section":       {strings.ReplaceAll(document(), "| M1 |", "| M2 |"), []string{":1: M1: missing"}},
		"no section":    {strings.ReplaceAll(document(), "| K1 | feature | | open | - | - |\n", ""), []string{":1: K1: missing"}},
		"gaps":          {document("| L2 | x | | open | - | - |", "| L5 | x | | open | - | - |"), []string{":1: L3: missing", ":1: L4: missing"}},
		"twice":         {strings.TrimSpace(document()) + "\n| A2 | x | | open | - | - |\n", []string{fmt.Sprintf(":%d: A2: already in line 4", last)}},
		"unknown":       {document("| A27 | x | | open | - | - |"), []string{fmt.Sprintf(":%d: A27: there is no such feature", last)}},
		"unknown N":     {document("| N1 | x | | open | - | - |"), []string{fmt.Sprintf(":%d: N1: there is no such feature", last)}},
		"large":         {document("| K70000 | x | | open | - | - |"), []string{fmt.Sprintf(":%d: K70000: there is no such feature", last)}},
		"huge":          {document("| K99999999999999999999 | x | | open | - | - |"), []string{fmt.Sprintf(":%d: K99999999999999999999: there is no such feature", last)}},
		"leading zero":  {document("| A01 | x | | open | - | - |"), []string{fmt.Sprintf(":%d: A01: an ID is a capital", last)}},
		"part alone":    {document("| A1b | x | | open | - | - |", "| A1d | x | | open | - | - |"), []string{fmt.Sprintf(":%d: A1b: there is no A1a before it", last), fmt.Sprintf(":%d: A1d: there is no A1c before it", last+1)}},
		"part unknown":  {document("| A27a | x | | open | - | - |"), []string{fmt.Sprintf(":%d: A27a: there is no such feature", last)}},
		"part of none":  {document("| K7a | x | | open | - | - |"), []string{fmt.Sprintf(":%d: K7a: there is no K7 before it", last)}},
		"part twice":    {document("| A1a | x | | open | - | - |", "| A1a | x | | open | - | - |"), []string{fmt.Sprintf(":%d: A1a: already in line %d", last+1, last)}},
		"malformed row": {document("| A1 | x |"), []string{":3: A1: 2 cells"}},
	} {
		t.Run(name, func(t *testing.T) {
			status, _, stderr := parity(t, test.doc)
			assert.Equal(t, status, 1)
			lines := strings.Split(strings.TrimSpace(stderr), "\n")
			assert.Equal(t, len(lines), len(test.want), stderr)
			for i, want := range test.want {
				assert.Assert(t, strings.HasPrefix(lines[i], "docs/parity.md"+want), stderr)
			}
		})
	}
}

// Parts of a feature are counted beside it.
func TestParts(t *testing.T) {
	status, stdout, stderr := parity(t, document("| M1a | x | | shown | tcp | `system.TestAsk` |", "| M1b | x | | open | - | - |"), "-json")
	assert.Equal(t, stderr, "")
	assert.Equal(t, status, 0)
	var got report
	assert.NilError(t, json.Unmarshal([]byte(stdout), &got))
	assert.Equal(t, got.Total, counts{Shown: 1, Open: 129})
}

func TestTables(t *testing.T) {
	for name, test := range map[string]struct{ before, want string }{
		"other tables":       {"| State | Meaning |\n|---|---|\n| open | not yet |\n\n", ""},
		"fenced example":     {"```\n| ID | Feature |\n| A1 | x |\n```\n~~~~ md\n~~~\n| A1 |\n~~~~\n", ""},
		"several":            {"| ID | Feature | Ours | State | Bases | Tests |\r\n|---|---|---|---|---|---|\r\n| L2 | x | | open | - | - |\r\n\n", ""},
		"text after a table": {"| a |\n|---|\n| b |\nA1 is meant\n", ""},
		"other header":       {"| Id | Feature | State |\n|---|---|---|\n\n", "1: the header of a table of features is | ID | Feature | Ours | State | Bases | Tests |"},
		"row elsewhere":      {"| State | Meaning |\n|---|---|\n| A1 | not yet |\n\n", "3: A1: a row in a table that is not one of features"},
		"row without table":  {"| A1 | x | | open | - | - |\n\n", "1: A1: a row without a table header above it"},
		"not an ID":          {"| ID | Feature | Ours | State | Bases | Tests |\n|---|---|---|---|---|---|\n| note | x | | open | - | - |\n\n", "3: note: an ID is a capital letter and a number, such as A1"},
	} {
		t.Run(name, func(t *testing.T) {
			status, _, stderr := parity(t, test.before+document())
			if test.want == "" {
				assert.Equal(t, stderr, "")
				assert.Equal(t, status, 0)
				return
			}
			assert.Equal(t, stderr, "docs/parity.md:"+test.want+"\n")
			assert.Equal(t, status, 1)
		})
	}

	status, _, stderr := parity(t, document()+"```\n")
	assert.Equal(t, stderr, "docs/parity.md:1: a fenced code block is never closed\n")
	assert.Equal(t, status, 1)
}

func TestFlags(t *testing.T) {
	status, _, stderr := parity(t, document(), "-file", "docs/other.md")
	assert.Equal(t, status, 1)
	assert.Assert(t, strings.Contains(stderr, "no such file"), stderr)
	status, _, stderr = parity(t, "-- other.md --\n"+document(), "-file", "other.md")
	assert.Equal(t, status, 0, stderr)
	status, _, stderr = parity(t, document(), "docs/parity.md")
	assert.Equal(t, status, 2)
	assert.Equal(t, stderr, "parity: takes no arguments\n")
	status, _, _ = parity(t, document(), "-nosuchflag")
	assert.Equal(t, status, 2)
}
