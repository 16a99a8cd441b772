package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// reference is a package path below thespian.dev, a function, and perhaps a subtest.
var reference = regexp.MustCompile(`^([A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*)\.((Test|Example|Fuzz|Benchmark)[\pL\pN_]*)(?:/.+)?$`)

// checkTests returns which of the named tests do not exist below root.
func checkTests(rows []row, root string) []problem {
	var problems []problem
	packages := map[string]tests{}
	for _, r := range rows {
		for _, name := range r.tests {
			wrong := func(format string, args ...any) {
				problems = append(problems, problem{r.line, r.id + ": " + name + ": " + fmt.Sprintf(format, args...)})
			}
			m := reference.FindStringSubmatch(name)
			if m == nil {
				wrong("not of the form module/package.TestName")
				continue
			}
			pkg, function := m[1], m[2]
			found, ok := packages[pkg]
			if !ok {
				found = readTests(filepath.Join(root, filepath.FromSlash(pkg)))
				packages[pkg] = found
			}
			switch why, declared := found.declared[function]; {
			case found.err != nil:
				wrong("%v", found.err)
			case !declared:
				wrong("no _test file in %s declares %s", pkg, function)
			case why != "":
				wrong("go test does not run it: %s", why)
			}
		}
	}
	return problems
}

// tests are those of one package.
type tests struct {
	declared map[string]string // name to why go test passes over it, or ""
	err      error
}

func readTests(dir string) tests {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return tests{err: errors.New("there is no such package")}
	} else if err != nil {
		return tests{err: err}
	}
	found := tests{declared: map[string]string{}}
	fset := token.NewFileSet()
	for _, entry := range entries {
		name := entry.Name()
		if entry.IsDir() || !strings.HasSuffix(name, "_test.go") || name[0] == '_' || name[0] == '.' {
			continue
		}
		file, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.ParseComments)
		if err != nil {
			return tests{err: err}
		}
		outputs := map[string]bool{}
		for _, example := range doc.Examples(file) {
			outputs["Example"+example.Name] = example.Output != "" || example.EmptyOutput
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				found.declared[f.Name.Name] = notRun(f, outputs)
			}
		}
	}
	return found
}

// notRun says why go test does not run this function, if it does not.
func notRun(f *ast.FuncDecl, outputs map[string]bool) string {
	name := f.Name.Name
	for prefix, param := range map[string]string{"Test": "T", "Fuzz": "F", "Benchmark": "B"} {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		if first, _ := utf8.DecodeRuneInString(rest); unicode.IsLower(first) {
			return "the letter after " + prefix + " is a small one"
		}
		if !takes(f.Type, param) {
			return "it does not take exactly a *testing." + param
		}
		return ""
	}
	if strings.HasPrefix(name, "Example") && !outputs[name] {
		return "it has no // Output: comment"
	}
	return ""
}

// takes reports whether a function has one parameter, a pointer to the named type of testing, and no result.
func takes(t *ast.FuncType, name string) bool {
	if t.Params.NumFields() != 1 || t.Results.NumFields() != 0 || t.TypeParams.NumFields() != 0 {
		return false
	}
	star, ok := t.Params.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	switch x := star.X.(type) {
	case *ast.SelectorExpr:
		return x.Sel.Name == name
	case *ast.Ident: // import . "testing"
		return x.Name == name
	}
	return false
}
