package main

import (
	"cmp"
	"go/version"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"thespian.dev/tools/internal/workspace"
)

const (
	defaultGo      = "1.26"   // of a go.mod that names none
	siblingVersion = "v0.0.0" // never fetched: a replace stands beside every require
)

// newer returns the later of two versions of Go.
func newer(a, b string) string {
	if version.Compare("go"+a, "go"+b) < 0 {
		return b
	}
	return a
}

func isSibling(path string) bool {
	return path == workspace.Root || strings.HasPrefix(path, workspace.Root+"/")
}

// goMod returns m's go.mod as it should be, and the version of Go that it names.
func goMod(m *workspace.Module, n needs, old []byte) ([]byte, string, error) {
	f, err := modfile.Parse(m.GoMod(), old, nil)
	if err != nil {
		return nil, "", err
	}
	if f.Module == nil || f.Module.Mod.Path != m.Path() {
		if err := f.AddModuleStmt(m.Path()); err != nil {
			return nil, "", err
		}
	}
	if f.Go == nil {
		if err := f.AddGoStmt(defaultGo); err != nil {
			return nil, "", err
		}
	}

	requires := map[string]*modfile.Require{}
	for _, r := range f.Require {
		// A path may stand there twice; the highest version is the one that counts.
		before := requires[r.Mod.Path]
		if !isSibling(r.Mod.Path) && (before == nil || semver.Compare(before.Mod.Version, r.Mod.Version) < 0) {
			requires[r.Mod.Path] = r
		}
	}
	for other, direct := range n.require {
		requires[other.Path()] = &modfile.Require{
			Mod:      module.Version{Path: other.Path(), Version: siblingVersion},
			Indirect: !direct,
		}
	}
	f.SetRequireSeparateIndirect(slices.SortedFunc(maps.Values(requires), func(a, b *modfile.Require) int {
		return cmp.Compare(a.Mod.Path, b.Mod.Path)
	}))

	wanted := map[string]string{}
	for other := range n.replace {
		rel, err := filepath.Rel(filepath.FromSlash(m.Dir), filepath.FromSlash(other.Dir))
		if err != nil {
			return nil, "", err
		}
		rel = filepath.ToSlash(rel)
		if !strings.HasPrefix(rel, ".") {
			rel = "./" + rel // a module nested in m: without the dot it would be taken for a module path
		}
		wanted[other.Path()] = rel
	}
	for _, r := range f.Replace {
		if _, ok := wanted[r.Old.Path]; !ok && isSibling(r.Old.Path) {
			if err := f.DropReplace(r.Old.Path, r.Old.Version); err != nil {
				return nil, "", err
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(wanted)) {
		// Updates the line that is there, if one is, and drops further ones for the same path.
		if err := f.AddReplace(path, "", wanted[path], ""); err != nil {
			return nil, "", err
		}
	}
	f.SortBlocks()
	f.Cleanup()
	data, err := f.Format()
	return data, f.Go.Version, err
}

// goWork returns go.work as it should be. What it says besides the folders and the version of Go is kept.
func goWork(w *workspace.Workspace, goVersion string, old []byte) ([]byte, error) {
	f, err := modfile.ParseWork("go.work", old, nil)
	if err != nil {
		return nil, err
	}
	if err := f.AddGoStmt(goVersion); err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, m := range w.Modules {
		wanted["./"+m.Dir] = true
	}
	for _, u := range f.Use {
		if !wanted[u.Path] {
			if err := f.DropUse(u.Path); err != nil {
				return nil, err
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(wanted)) {
		if err := f.AddUse(path, ""); err != nil {
			return nil, err
		}
	}
	f.SortBlocks()
	f.Cleanup()
	return modfile.Format(f.Syntax), nil
}
