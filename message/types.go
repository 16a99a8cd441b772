package message

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
)

// A TypeSet is a set of types that can be sent as messages; see [Types].
type TypeSet struct {
	types []registration
	err   error
}

type registration struct {
	typ  reflect.Type
	name string
}

// Err returns which of the types cannot be sent, and why; nil when all can.
func (s TypeSet) Err() error { return s.err }

// Types returns the set of the types of the given samples, for [NewRegistry] and for an app's Messages. The samples' values do not matter.
//
// The name of a type on the wire is its import path and name; for a type of package main it is the path of the program's main package, so that types of two
// programs are never taken for each other. [Named] gives another name. A *T is a type of its own beside T.
//
// A type that would arrive damaged is refused, with the path of the field in the error that [TypeSet.Err] and NewRegistry return:
//   - types with unexported fields, or with fields that are errors, functions, channels, complex numbers or unsafe pointers;
//   - fields that a struct tag (cbor, or else json) leaves out, always or when they are empty (-, omitempty, omitzero), or sends without their names
//     (keyasint, toarray), and fields to which tags give one name;
//   - pointers to pointers, slices, maps and interfaces;
//   - maps whose keys are not strings, integers or values that turn themselves into bytes, and maps with times as keys;
//   - structs without a name, and pointers to, slices, arrays and maps of them, unless [Named] gives a name. As types of fields they are fine.
//
// A type that has the methods MarshalBinary on the value and UnmarshalBinary on the pointer (encoding.BinaryMarshaler and encoding.BinaryUnmarshaler), or
// MarshalCBOR and UnmarshalCBOR, may be anything; one of them alone, or MarshalBinary on the pointer, is refused. What it
// does with bytes of strangers, and how much memory it takes for them, is its own matter. Fields of an interface type may hold values of registered
// types.
func Types(samples ...any) TypeSet {
	var s TypeSet
	for _, sample := range samples {
		r := registration{}
		if n, ok := sample.(named); ok {
			r.name, sample = n.name, n.sample
		}
		r.typ = reflect.TypeOf(sample)
		if r.typ == nil {
			s.err = errors.Join(s.err, errors.New("message.Types: a sample is nil: it has no type"))
			continue
		}
		if err := refusal(r.typ); err != nil {
			s.err = errors.Join(s.err, fmt.Errorf("message.Types: %w", err))
			continue
		}
		if r.name == "" {
			if nameless(r.typ) {
				s.err = errors.Join(s.err, fmt.Errorf("message.Types: %v: the struct has no name; declare a type, or give it a name with message.Named", r.typ))
				continue
			}
			r.name = wireName(r.typ)
		}
		s.types = append(s.types, r)
	}
	return s
}

// Named returns a sample for [Types] whose type has the given name on the wire.
func Named(name string, sample any) any { return named{name, sample} }

type named struct {
	name   string
	sample any
}

// nameless reports whether there is a struct without a name where the name of a type should be.
func nameless(t reflect.Type) bool {
	if t.Name() != "" {
		return false
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return nameless(t.Elem())
	}
	return t.Kind() == reflect.Struct
}

// wireName returns the name of a type on the wire.
func wireName(t reflect.Type) string {
	if t.Name() != "" {
		name := t.Name()
		if strings.Contains(name, "main.") { // in type arguments
			name = ofMain().ReplaceAllString(name, "${1}"+mainPath()+".")
		}
		switch path := t.PkgPath(); path {
		case "":
			return name
		case "main":
			return mainPath() + "." + name
		default:
			return path + "." + name
		}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + wireName(t.Elem())
	case reflect.Slice:
		return "[]" + wireName(t.Elem())
	case reflect.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), wireName(t.Elem()))
	case reflect.Map:
		return fmt.Sprintf("map[%s]%s", wireName(t.Key()), wireName(t.Elem()))
	case reflect.Interface:
		return "any"
	}
	return t.String()
}

var ofMain = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(^|[\[\],*])main\.`) })

// mainPath returns the import path of the program's main package. What was run from a list of files has none: the module's path, if there is one, and the
// program's file name stand for it.
var mainPath = sync.OnceValue(func() string {
	path, module := "", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		path, module = info.Path, info.Main.Path
	}
	if path != "" && path != "command-line-arguments" {
		return path
	}
	program := "program"
	if exe, err := os.Executable(); err == nil {
		program = strings.TrimSuffix(filepath.Base(exe), " (deleted)")
	}
	if module == "" {
		module = "command-line-arguments"
	}
	return module + "/" + program
})
