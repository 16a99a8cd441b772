// Package workspace reads which modules the repository holds and what their files import.
//
// It looks at folders, go.mod file names and import declarations only, never at what a go.mod says, and does not run
// the go command: so it also works while go.mod files are wrong or missing, which is when it is needed.
package workspace

import (
	"cmp"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Root is the root of all module paths: the module in folder x/y is Root/x/y.
const Root = "thespian.dev"

// A Workspace is what the repository holds.
type Workspace struct {
	Dir     string    // the repository's root, as given to Load
	Modules []*Module // sorted by folder
}

// A Module is a folder with a go.mod, at any depth below the root.
type Module struct {
	Dir     string   // relative to the root, with slashes: "transport-queue/nats"
	Imports []Import // of packages below Root, in the order of files and lines
}

// Path returns the module's path, which its folder decides.
func (m *Module) Path() string { return Root + "/" + m.Dir }

// GoMod returns the name of the module's go.mod, relative to the root.
func (m *Module) GoMod() string { return m.Dir + "/go.mod" }

// An Import is one import declaration.
type Import struct {
	File string // relative to the root, with slashes
	Line int
	Test bool   // whether File is a _test file
	From string // the import path of the folder that File is in
	Path string // what is imported
}

// String returns the place of the import as file:line.
func (i Import) String() string { return fmt.Sprintf("%s:%d", i.File, i.Line) }

// Load reads the repository at dir. It considers every Go file whatever its build constraints, and passes over what
// the go command passes over: files and folders whose names begin with "." or "_", and folders named testdata or
// vendor. It fails when there is no module, when the root itself is one, or when a file's imports cannot be parsed; the
// error then names every such file.
func Load(dir string) (*Workspace, error) {
	w := &Workspace{Dir: dir}
	var files []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		hidden := name != "." && (base[0] == '.' || base[0] == '_')
		switch {
		case entry.IsDir() && (hidden || base == "testdata" || base == "vendor"):
			return fs.SkipDir
		case entry.IsDir() || hidden:
		case name == "go.mod":
			return errors.New("go.mod in the root: only the folders below it are modules")
		case base == "go.mod":
			w.Modules = append(w.Modules, &Module{Dir: path.Dir(name)})
		case path.Ext(name) == ".go":
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(w.Modules) == 0 {
		return nil, fmt.Errorf("no folder of %s has a go.mod: is it the root of the repository?", dir)
	}
	slices.SortFunc(w.Modules, func(a, b *Module) int { return cmp.Compare(a.Dir, b.Dir) })

	var errs []error
	for _, name := range files {
		m := w.Module(Root + "/" + path.Dir(name))
		if m == nil {
			continue // in no module: no build reaches it
		}
		imports, err := parseImports(dir, name)
		if err != nil {
			errs = append(errs, err)
		}
		m.Imports = append(m.Imports, imports...)
	}
	return w, errors.Join(errs...)
}

// Module returns the module that the package of this import path belongs to, or nil.
func (w *Workspace) Module(importPath string) *Module {
	for _, m := range slices.Backward(w.Modules) { // a nested module stands behind the one that it is nested in
		if importPath == m.Path() || strings.HasPrefix(importPath, m.Path()+"/") {
			return m
		}
	}
	return nil
}

func parseImports(dir, name string) ([]Import, error) {
	src, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var imports []Import
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: import %s: %w", name, spec.Path.Value, err)
		}
		if imported != Root && !strings.HasPrefix(imported, Root+"/") {
			continue
		}
		imports = append(imports, Import{
			File: name,
			// Without the file's //line comments: the line that a reader finds it at.
			Line: fset.PositionFor(spec.Pos(), false).Line,
			Test: strings.HasSuffix(name, "_test.go"),
			From: Root + "/" + path.Dir(name),
			Path: imported,
		})
	}
	return imports, nil
}
