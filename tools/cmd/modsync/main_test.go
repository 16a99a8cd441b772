package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/tools/internal/filetree"
)

// sources is a small repository without any of the generated parts: app uses mid, mid uses base, mid's test uses kit.
const sources = `
-- base/go.mod --
-- base/base.go --
package base
-- kit/go.mod --
-- kit/kit.go --
package kit
-- mid/go.mod --
-- mid/mid.go --
package mid

import _ "thespian.dev/base"
-- mid/mid_test.go --
package mid_test

import (
	_ "thespian.dev/kit"
	_ "thespian.dev/mid"
)
-- mid/nested/go.mod --
-- mid/nested/nested.go --
package nested

import _ "thespian.dev/mid"
-- app/go.mod --
-- app/app.go --
package app
-- app/app_windows.go --
package app

import _ "thespian.dev/mid/nested"
`

// sync runs modsync on the tree at dir.
func sync(dir string, args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = run(append([]string{"-root", dir}, args...), &out, &errs)
	return status, out.String(), errs.String()
}

func TestWrites(t *testing.T) {
	dir := filetree.Write(t, sources)
	status, stdout, stderr := sync(dir)
	assert.Equal(t, status, 0, stderr)
	assert.Equal(t, stdout, `wrote app/go.mod
wrote base/go.mod
wrote kit/go.mod
wrote mid/go.mod
wrote mid/nested/go.mod
wrote go.work
`)
	files := filetree.Read(t, dir)
	assert.Equal(t, files["go.work"], `go 1.26

use (
	./app
	./base
	./kit
	./mid
	./mid/nested
)
`)
	assert.Equal(t, files["base/go.mod"], "module thespian.dev/base\n\ngo 1.26\n")
	assert.Equal(t, files["mid/go.mod"], `module thespian.dev/mid

go 1.26

require (
	thespian.dev/base v0.0.0
	thespian.dev/kit v0.0.0
)

replace thespian.dev/base => ../base

replace thespian.dev/kit => ../kit
`)
	// kit is needed by mid's test alone: go mod tidy would not require it here, but must find it.
	assert.Equal(t, files["app/go.mod"], `module thespian.dev/app

go 1.26

require thespian.dev/mid/nested v0.0.0

require (
	thespian.dev/base v0.0.0 // indirect
	thespian.dev/mid v0.0.0 // indirect
)

replace thespian.dev/base => ../base

replace thespian.dev/kit => ../kit

replace thespian.dev/mid => ../mid

replace thespian.dev/mid/nested => ../mid/nested
`)
	assert.Assert(t, strings.Contains(files["mid/nested/go.mod"], "replace thespian.dev/mid => ..\n"))

	status, _, stderr = sync(dir, "-check")
	assert.Equal(t, status, 0, stderr)
	status, stdout, _ = sync(dir)
	assert.Equal(t, status, 0)
	assert.Equal(t, stdout, "", "the second time there is nothing to write")
}

// TestGoAgrees asks the go command itself: every module builds alone, and go mod tidy has nothing to add.
func TestGoAgrees(t *testing.T) {
	dir := filetree.Write(t, sources)
	status, _, stderr := sync(dir)
	assert.Equal(t, status, 0, stderr)
	goes := func(module, work string, args ...string) {
		t.Helper()
		cmd := exec.Command("go", args...)
		cmd.Dir = filepath.Join(dir, module)
		cmd.Env = append(cmd.Environ(), "GOWORK="+work, "GOPROXY=off", "GOFLAGS=")
		out, err := cmd.CombinedOutput()
		assert.NilError(t, err, "%s: go %s\n%s", module, args, out)
	}
	goes(".", "", "build", "work")
	for _, module := range []string{"base", "kit", "mid", "mid/nested", "app"} {
		goes(module, "off", "mod", "tidy", "-diff")
		goes(module, "off", "list", "-m", "all")
		goes(module, "off", "vet", "./...")
	}
}

func TestNestedModule(t *testing.T) {
	dir := filetree.Write(t, "-- a/go.mod --\n-- a/a.go --\npackage a; import _ \"thespian.dev/a/b/c\"\n-- a/b/go.mod --\n-- a/b/c/c.go --\npackage c\n")
	status, _, stderr := sync(dir)
	assert.Equal(t, status, 0, stderr)
	assert.Equal(t, filetree.Read(t, dir)["a/go.mod"],
		"module thespian.dev/a\n\ngo 1.26\n\nrequire thespian.dev/a/b v0.0.0\n\nreplace thespian.dev/a/b => ./b\n")
}

func TestUpdates(t *testing.T) {
	for name, test := range map[string]struct{ mod, want string }{
		"stale siblings go, others stay": {`module thespian.dev/a

go 1.25.3

require (
	example.com/one v1.2.3 // why
	thespian.dev/gone v0.0.0
)

require example.com/two v0.1.0 // indirect

replace (
	example.com/one => ../one
	thespian.dev/gone => ../gone
)

replace thespian.dev/old v0.1.0 => ../old

tool example.com/one/cmd
`, `module thespian.dev/a

go 1.25.3

require example.com/one v1.2.3 // why

require thespian.dev/b v0.0.0

require example.com/two v0.1.0 // indirect

replace example.com/one => ../one

tool example.com/one/cmd

replace thespian.dev/b => ../b
`},
		"wrong versions, marks and paths": {`module thespian.dev/wrong

go 1.26

require thespian.dev/b v0.9.9 // indirect

replace thespian.dev/b v0.9.9 => ../elsewhere
replace thespian.dev/b => thespian.dev/fork v1.0.0
`, `module thespian.dev/a

go 1.26

require thespian.dev/b v0.0.0

replace thespian.dev/b => ../b
`},
		"twice": {`module thespian.dev/a

go 1.26

require (
	example.com/one v1.2.3
	example.com/one v1.10.0
	thespian.dev/b v0.0.0
	thespian.dev/b v0.0.0
)

replace thespian.dev/b => ../b
replace thespian.dev/b => ../b
`, `module thespian.dev/a

go 1.26

require (
	example.com/one v1.10.0
	thespian.dev/b v0.0.0
)

replace thespian.dev/b => ../b
`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filetree.Write(t, "-- a/a.go --\npackage a; import _ \"thespian.dev/b\"\n-- b/go.mod --\n-- a/go.mod --\n"+test.mod)
			status, _, stderr := sync(dir)
			assert.Equal(t, status, 0, stderr)
			assert.Equal(t, filetree.Read(t, dir)["a/go.mod"], test.want)
			status, _, stderr = sync(dir, "-check")
			assert.Equal(t, status, 0, stderr)
		})
	}
}

func TestUpdatesWorkspace(t *testing.T) {
	dir := filetree.Write(t, `
-- go.work --
go 1.24

toolchain go1.99.0

use ./gone
use ./b // kept

replace example.com/x => ./x
-- b/go.mod --
module thespian.dev/b

go 1.26.1
-- a/go.mod --
module thespian.dev/a

go 1.26
`)
	status, stdout, stderr := sync(dir)
	assert.Equal(t, status, 0, stderr)
	assert.Equal(t, stdout, "wrote go.work\n")
	work := filetree.Read(t, dir)["go.work"]
	for _, want := range []string{"go 1.26.1\n", "./a\n", "./b // kept\n", "toolchain go1.99.0\n", "replace example.com/x => ./x\n"} {
		assert.Assert(t, strings.Contains(work, want), "%q is not in\n%s", want, work)
	}
	assert.Assert(t, !strings.Contains(work, "gone"), work)
}

func TestCheckChangesNothing(t *testing.T) {
	dir := filetree.Write(t, sources)
	before := filetree.Read(t, dir)
	status, stdout, stderr := sync(dir, "-check")
	assert.Equal(t, status, 1)
	assert.Equal(t, stdout, "")
	assert.Equal(t, stderr, `app/go.mod: not what the imports call for
base/go.mod: not what the imports call for
kit/go.mod: not what the imports call for
mid/go.mod: not what the imports call for
mid/nested/go.mod: not what the imports call for
go.work: not what the imports call for
run: go run ./tools/cmd/modsync
`)
	assert.DeepEqual(t, filetree.Read(t, dir), before)
}

func TestFailuresWriteNothing(t *testing.T) {
	for name, test := range map[string]struct{ tree, want string }{
		"sibling without a go.mod": {
			"-- mid/more_test.go --\npackage mid\n\nimport _ \"thespian.dev/none/x\"\n",
			"mid/more_test.go:3: imports thespian.dev/none/x, but no folder on its way has a go.mod\n",
		},
		"unreadable go.mod":  {"-- kit/new/go.mod --\n<<<<<<< ours\n", "kit/new/go.mod:1: unknown directive"},
		"unreadable source":  {"-- kit/new.go --\nimport\n", "kit/new.go:1:1: expected 'package'"},
		"unreadable go.work": {"-- go.work --\n<<<<<<< ours\n", "go.work:1: unknown directive"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filetree.Write(t, sources+test.tree)
			before := filetree.Read(t, dir)
			status, stdout, stderr := sync(dir)
			assert.Equal(t, status, 1)
			assert.Equal(t, stdout, "")
			assert.Assert(t, strings.Contains(stderr, test.want), stderr)
			assert.DeepEqual(t, filetree.Read(t, dir), before)
		})
	}
}

func TestUsage(t *testing.T) {
	status, _, stderr := sync(t.TempDir(), "folder")
	assert.Equal(t, status, 2)
	assert.Equal(t, stderr, "modsync: takes no arguments\n")
	status, _, _ = sync(t.TempDir(), "-nosuchflag")
	assert.Equal(t, status, 2)
	status, _, stderr = sync(t.TempDir())
	assert.Equal(t, status, 1)
	assert.Assert(t, strings.Contains(stderr, "is it the root of the repository?"), stderr)
}
