// Modsync writes the parts of go.work and of every go.mod that follow from the source: which modules there are, and
// which of them each one needs.
//
//	go run ./tools/cmd/modsync          # from the root of the repository: write
//	go run ./tools/cmd/modsync -check   # change nothing; exit 1 and name each file that differs
//
// When go.work is missing or names a folder that is gone, the go command cannot start it that way; then:
//
//	GOWORK=off go -C tools run ./cmd/modsync -root ..
//
// Go.work gets every folder that has a go.mod, at any depth. A go.mod gets
//
//   - the require lines of the sibling modules whose packages its own packages and tests import, directly or through
//     each other (the latter marked "// indirect"), as "go mod tidy" would write them, all at v0.0.0;
//   - a replace line by relative path for each of these, and for the siblings that these require in turn for their own
//     tests: those are in Go's module graph too, and cannot be had from anywhere else.
//
// Requires and replaces of siblings that nothing imports any more are removed. Requires of other modules keep their
// versions; adding and removing them is the work of "go get" and "go mod tidy". An empty go.mod is filled in, so a new
// module begins with "touch name/go.mod". Nothing is written when anything is wrong, such as an import of a sibling
// that has no go.mod.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"thespian.dev/tools/internal/workspace"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run returns the exit status: 0, 1 for a failure or a difference, 2 for wrong usage.
func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("modsync", flag.ContinueOnError)
	flags.SetOutput(stderr)
	root := flags.String("root", ".", "the `folder` that is the root of the repository")
	check := flags.Bool("check", false, "change nothing; fail when a file differs from what would be written")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintln(stderr, "modsync: takes no arguments")
		return 2
	}
	differing, err := differing(*root)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	if *check && len(differing) > 0 {
		for _, f := range differing {
			fmt.Fprintf(stderr, "%s: not what the imports call for\n", f.name)
		}
		fmt.Fprintln(stderr, "run: go run ./tools/cmd/modsync")
		return 1
	}
	for _, f := range differing {
		if err := os.WriteFile(filepath.Join(*root, filepath.FromSlash(f.name)), f.data, 0o666); err != nil {
			fmt.Fprintln(stderr, err)
			return 1
		}
		fmt.Fprintln(stdout, "wrote", f.name)
	}
	return 0
}

// A file is one that modsync writes.
type file struct {
	name string // relative to the root, with slashes
	data []byte
}

// differing returns the files that are not yet as they should be.
func differing(root string) ([]file, error) {
	w, err := workspace.Load(root)
	if err != nil {
		return nil, err
	}
	needs, err := resolve(w)
	if err != nil {
		return nil, err
	}
	var files []file
	var errs []error
	add := func(name string, generate func(old []byte) ([]byte, error)) {
		old, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		missing := errors.Is(err, os.ErrNotExist)
		if err != nil && !missing {
			errs = append(errs, err)
			return
		}
		data, err := generate(old)
		if err != nil {
			errs = append(errs, err)
		} else if missing || !bytes.Equal(old, data) {
			files = append(files, file{name, data})
		}
	}
	goVersion := defaultGo
	for _, m := range w.Modules {
		add(m.GoMod(), func(old []byte) ([]byte, error) {
			data, version, err := goMod(m, needs[m], old)
			goVersion = newer(goVersion, version)
			return data, err
		})
	}
	add("go.work", func(old []byte) ([]byte, error) { return goWork(w, goVersion, old) })
	return files, errors.Join(errs...)
}
