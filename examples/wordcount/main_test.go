package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

func TestMain(m *testing.M) { testApp().TestMain(runner{m}) }

// poem makes a small folder with "b" three times, "a" twice and "c" once.
func poem(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	write(t, filepath.Join(root, "one.txt"), "A b\n")
	write(t, filepath.Join(root, "two.txt"), "b, B; c/a")
	write(t, filepath.Join(root, "picture"), "b\x00b")
	return root
}

func TestRunWritesText(t *testing.T) {
	root := poem(t)
	for _, args := range [][]string{{root}, {"-plain", root}, {"-base", "simple", "-workers", "3", root}} {
		var out, diagnostics bytes.Buffer
		assert.NilError(t, run(t.Context(), append([]string{"-top", "2"}, args...), &out, &diagnostics))
		lines := strings.Split(out.String(), "\n")
		assert.DeepEqual(t, strings.Fields(lines[0]), []string{"3", "b"})
		assert.DeepEqual(t, strings.Fields(lines[1]), []string{"2", "a"})
		assert.Equal(t, lines[2], "")
		assert.Equal(t, lines[4], "6 words, 3 distinct ones, in 2 text files (0.0 MB)")
		assert.Equal(t, lines[5], "passed over: 1 binary file, 0 unreadable")
		assert.Equal(t, diagnostics.String(), "") // no progress bar, as this is no terminal
	}
}

func TestRunWritesJSON(t *testing.T) {
	root, err := filepath.EvalSymlinks(poem(t))
	assert.NilError(t, err)
	var out bytes.Buffer
	assert.NilError(t, run(t.Context(), []string{"-json", "-top", "1", "-workers", "3", root}, &out, io.Discard))
	var r report
	assert.NilError(t, json.Unmarshal(out.Bytes(), &r))
	assert.Assert(t, r.Seconds > 0 && r.MBPerSec > 0)
	r.Seconds, r.MBPerSec = 0, 0
	assert.DeepEqual(t, r, report{
		Folder: root, Files: 2, Bytes: 13, Words: 6, Distinct: 3, Binary: 1, Workers: 3, Base: "simple", Top: []ranked{{"b", 3}},
	})
}

func TestRunOfOneFile(t *testing.T) {
	var out bytes.Buffer
	assert.NilError(t, run(t.Context(), []string{"-json", filepath.Join(poem(t), "one.txt")}, &out, io.Discard))
	assert.Assert(t, is.Contains(out.String(), `"words": 2`))
}

func TestRunFollowsALinkToTheFolder(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(poem(t), link); err != nil {
		t.Skip(err)
	}
	var out bytes.Buffer
	assert.NilError(t, run(t.Context(), []string{"-json", link}, &out, io.Discard))
	assert.Assert(t, is.Contains(out.String(), `"words": 6`))
}

func TestRunRefuses(t *testing.T) {
	root := poem(t)
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no such folder":  {[]string{filepath.Join(root, "none")}, "none"},
		"two folders":     {[]string{root, root}, "one folder"},
		"no workers":      {[]string{"-workers", "0", root}, "-workers is 0"},
		"negative top":    {[]string{"-top", "-1", root}, "-top is -1"},
		"unknown flag":    {[]string{"-speed"}, "-speed"},
		"no time":         {[]string{"-chaos", "-chaos-period", "0s", root}, "-chaos-period is 0s"},
		"chaos alone":     {[]string{"-chaos", "-plain", root}, "there are none"},
		"no processes":    {[]string{"-chaos", "-base", "simple", root}, "on the base simple workers have no processes"},
		"unknown base":    {[]string{"-base", "pigeon", root}, "pigeon"},
		"not even a flag": {[]string{"-workers", "many", root}, "many"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			assert.ErrorContains(t, run(t.Context(), test.args, &out, io.Discard), test.want)
			assert.Equal(t, out.String(), "")
		})
	}
}

func TestRunExplainsItself(t *testing.T) {
	var out bytes.Buffer
	assert.NilError(t, run(t.Context(), []string{"-h"}, &out, io.Discard))
	for _, want := range []string{"-base", "-workers", "-top", "-json", "-plain", "-chaos", "simple", "examples:"} {
		assert.Assert(t, is.Contains(out.String(), want))
	}
}

func TestRunInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, flag := range []string{"-plain=false", "-plain"} {
		assert.Error(t, run(ctx, []string{flag, poem(t)}, io.Discard, io.Discard), "interrupted")
	}
}

func TestRunCountsTheGoInstallationByDefault(t *testing.T) {
	root, err := folder(t.Context(), "")
	if err != nil {
		t.Skip(err) // not every installation has its source
	}
	_, err = os.Stat(filepath.Join(root, "fmt", "print.go"))
	assert.NilError(t, err)
}

func TestGoInstallationNotFound(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	assert.ErrorContains(t, run(t.Context(), nil, io.Discard, io.Discard), "name a folder to be counted instead")
}

func TestProblemsAreReported(t *testing.T) {
	r := Result{Stats: Stats{Unreadable: 12}}
	for range 12 {
		r.Stats.Problems = append(r.Stats.Problems, "open x: permission\ndenied")
	}
	var out bytes.Buffer
	newReport("", options{}, r, 0).writeProblems(&out, r)
	assert.Equal(t, out.String(), strings.Repeat("not read: open x: permission\\ndenied\n", 10)+"not read: 2 more\n")
}

func write(t testing.TB, path, text string) {
	t.Helper()
	assert.NilError(t, os.MkdirAll(filepath.Dir(path), 0o777))
	assert.NilError(t, os.WriteFile(path, []byte(text), 0o666))
}
