// Layout fails when a module of the repository imports another one that it may not import, or another one's internal
// packages.
//
//	go run ./tools/cmd/layout     # from the root of the repository
//
// The rules are the table in rules.go. They hold for _test files too, since a module's tests come along when somebody
// picks that module alone, unless the table says what tests may import besides. Every violation is one line, "file:line: what: why", and the exit status is then 1.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"thespian.dev/tools/internal/workspace"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run returns the exit status: 0, 1 for a violation or a failure, 2 for wrong usage.
func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("layout", flag.ContinueOnError)
	flags.SetOutput(stderr)
	root := flags.String("root", ".", "the `folder` that is the root of the repository")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintln(stderr, "layout: takes no arguments")
		return 2
	}
	w, err := workspace.Load(*root)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	violations := check(w, rules)
	for _, v := range violations {
		fmt.Fprintln(stdout, v)
	}
	if len(violations) > 0 {
		return 1
	}
	return 0
}

// check returns what breaks the rules, a line each.
func check(w *workspace.Workspace, rules map[string]rule) []string {
	var violations []string
	for _, m := range w.Modules {
		own, known := rules[m.Dir]
		if !known {
			violations = append(violations, fmt.Sprintf("%s:1: module %s is not in the table of modules: "+
				"what it may import, and why, belongs in tools/cmd/layout/rules.go and docs/design.md", m.GoMod(), m.Dir))
		}
		for _, i := range m.Imports {
			other := w.Module(i.Path)
			switch {
			case other == m:
			case other == nil:
				violations = append(violations, fmt.Sprintf("%s: %s imports %s: no folder on its way has a go.mod",
					i, m.Dir, i.Path))
			case isInternal(strings.TrimPrefix(i.Path, other.Path())):
				violations = append(violations, fmt.Sprintf("%s: %s imports %s: internal packages stay inside their module, "+
					"or a user who upgrades one of the two breaks the other", i, m.Dir, i.Path))
			case known && !own.allows(other.Dir, i.Test):
				violations = append(violations, fmt.Sprintf("%s: %s imports %s, and may import %s: %s",
					i, m.Dir, i.Path, own.allowed(i.Test), own.why))
			case rules[other.Dir].private:
				violations = append(violations, fmt.Sprintf("%s: %s imports %s, which no module may: %s",
					i, m.Dir, i.Path, rules[other.Dir].why))
			}
		}
	}
	return violations
}

// isInternal reports whether one of the path's elements is "internal".
func isInternal(path string) bool { return slices.Contains(strings.Split(path, "/"), "internal") }
