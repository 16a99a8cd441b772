package main

import (
	"errors"
	"fmt"

	"thespian.dev/tools/internal/workspace"
)

// needs is what one module needs of its siblings.
type needs struct {
	require map[*workspace.Module]bool // what its packages and tests import, through each other; true: directly
	replace map[*workspace.Module]bool // these, and whatever these require in turn
}

// resolve returns the needs of every module. Its error names each import that leads to no module.
func resolve(w *workspace.Workspace) (map[*workspace.Module]needs, error) {
	var errs []error
	imports := map[string][]string{} // of every package, without its tests
	for _, m := range w.Modules {
		for _, i := range m.Imports {
			if w.Module(i.Path) == nil {
				errs = append(errs, fmt.Errorf("%s: imports %s, but no folder on its way has a go.mod", i, i.Path))
			}
			if !i.Test {
				imports[i.From] = append(imports[i.From], i.Path)
			}
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}

	all := map[*workspace.Module]needs{}
	for _, m := range w.Modules {
		n := needs{require: map[*workspace.Module]bool{}, replace: map[*workspace.Module]bool{}}
		seen := map[string]bool{}
		var follow func(path string)
		follow = func(path string) {
			if seen[path] {
				return
			}
			seen[path] = true
			if other := w.Module(path); other != m {
				n.require[other] = false
			}
			for _, next := range imports[path] {
				follow(next)
			}
		}
		for _, i := range m.Imports {
			follow(i.Path)
		}
		for _, i := range m.Imports {
			if other := w.Module(i.Path); other != m {
				n.require[other] = true
			}
		}
		all[m] = n
	}
	for _, m := range w.Modules {
		var follow func(other *workspace.Module)
		follow = func(other *workspace.Module) {
			if other == m || all[m].replace[other] {
				return
			}
			all[m].replace[other] = true
			for next := range all[other].require {
				follow(next)
			}
		}
		for other := range all[m].require {
			follow(other)
		}
	}
	return all, nil
}
