package message

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"
)

var (
	binaryMarshaler   = reflect.TypeFor[encoding.BinaryMarshaler]()
	binaryUnmarshaler = reflect.TypeFor[encoding.BinaryUnmarshaler]()
	cborMarshaler     = reflect.TypeFor[cbor.Marshaler]()
	cborUnmarshaler   = reflect.TypeFor[cbor.Unmarshaler]()
	errorType         = reflect.TypeFor[error]()
	timeType          = reflect.TypeFor[time.Time]()
	bytesType         = reflect.TypeFor[[]byte]()
)

// marshalsBinary reports whether values of the type turn themselves into bytes, and back.
func marshalsBinary(t reflect.Type) bool {
	return t.Kind() != reflect.Pointer && t.Implements(binaryMarshaler) && reflect.PointerTo(t).Implements(binaryUnmarshaler)
}

// marshalsItself reports whether values of the type do without our looking at their fields.
func marshalsItself(t reflect.Type) bool {
	return marshalsBinary(t) || t.Kind() != reflect.Pointer && t.Implements(cborMarshaler) && reflect.PointerTo(t).Implements(cborUnmarshaler)
}

// refusal returns why values of a type would arrive damaged, or nil.
func refusal(t reflect.Type) error {
	return refuse(t, wireName(t), make(map[reflect.Type]bool))
}

func refuse(t reflect.Type, path string, seen map[reflect.Type]bool) error {
	if seen[t] {
		return nil
	}
	if marshalsItself(t) {
		return refuseBorrowed(t, path)
	}
	seen[t] = true
	defer delete(seen, t)
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...))
	}
	switch t.Kind() {
	case reflect.Pointer:
		if t.Elem().Kind() == reflect.Pointer {
			return bad("a pointer to a pointer cannot be sent")
		}
		return refuse(t.Elem(), path, seen)
	case reflect.Slice, reflect.Array:
		return refuse(t.Elem(), path+"[]", seen)
	case reflect.Map:
		switch k := t.Key(); {
		case k.Kind() == reflect.String, k.Kind() >= reflect.Int && k.Kind() <= reflect.Uint64, marshalsBinary(k):
		default:
			return bad("a map's keys must be strings, integers or values that marshal themselves to binary, not %v", k)
		}
		return refuse(t.Elem(), path+"[]", seen)
	case reflect.Interface:
		if t.Implements(errorType) {
			return bad("an error cannot be sent: it would lose what it is; send its text")
		}
		return nil
	case reflect.Struct:
		return refuseFields(t, path, seen)
	case reflect.Func, reflect.Chan, reflect.UnsafePointer, reflect.Uintptr, reflect.Complex64, reflect.Complex128:
		return bad("a %v cannot be sent", t.Kind())
	}
	return nil
}

// refuseBorrowed returns an error for a struct that has more in it than the embedded field which it may have the methods from that marshal it.
func refuseBorrowed(t reflect.Type, path string) error {
	if t.Kind() != reflect.Struct || t.NumField() == 1 {
		return nil
	}
	for i := range t.NumField() {
		if f := t.Field(i); f.Anonymous && marshalsItself(f.Type) {
			return fmt.Errorf("%s.%s: the embedded field marshals the whole %v as itself, without the other fields; give it a name", path, f.Name, t)
		}
	}
	return nil
}

// fieldsOf calls f for each field that CBOR sees in a struct: those of embedded structs stand beside the others.
func fieldsOf(t reflect.Type, path string, above map[reflect.Type]bool, f func(field reflect.StructField, where string)) {
	if above[t] {
		return
	}
	above[t] = true
	defer delete(above, t)
	for i := range t.NumField() {
		field := t.Field(i)
		where := path + "." + field.Name
		inner := field.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if field.Anonymous && tagName(field) == "" && inner.Kind() == reflect.Struct && inner != timeType && !marshalsItself(inner) {
			fieldsOf(inner, where, above, f)
		} else {
			f(field, where)
		}
	}
}

func refuseFields(t reflect.Type, path string, seen map[reflect.Type]bool) error {
	names := make(map[string]string)
	var clash error
	fieldsOf(t, path, make(map[reflect.Type]bool), func(f reflect.StructField, where string) {
		name := f.Name
		for _, key := range []string{"json", "cbor"} {
			if tag, _, _ := strings.Cut(f.Tag.Get(key), ","); tag != "" {
				name = tag
			}
		}
		if other, twice := names[name]; twice && clash == nil {
			clash = fmt.Errorf("%s: has the same name as %s: one of them would be lost", where, other)
		}
		names[name] = where
	})
	if clash != nil {
		return clash
	}
	for i := range t.NumField() {
		f := t.Field(i)
		where := path + "." + f.Name
		if !f.IsExported() {
			return fmt.Errorf("%s: an unexported field would be lost; export it, or give the type MarshalBinary and UnmarshalBinary", where)
		}
		for _, key := range []string{"json", "cbor"} {
			if f.Tag.Get(key) == "-" {
				return fmt.Errorf("%s: the field would be lost: its tag %s:\"-\" leaves it out", where, key)
			}
		}
		if err := refuse(f.Type, where, seen); err != nil {
			return err
		}
	}
	return nil
}

// shapeOf describes how values of a type look on the wire: two types of one shape can be decoded from each other's bytes.
func shapeOf(t reflect.Type) string {
	var b strings.Builder
	describe(&b, t, make(map[reflect.Type]int))
	return b.String()
}

func describe(b *strings.Builder, t reflect.Type, above map[reflect.Type]int) {
	if t == timeType {
		b.WriteString("time")
		return
	}
	if marshalsItself(t) {
		b.WriteString("binary " + wireName(t))
		return
	}
	if depth, recursive := above[t]; recursive && t.Name() != "" {
		fmt.Fprintf(b, "^%d", len(above)-depth)
		return
	}
	above[t] = len(above)
	defer delete(above, t)
	switch t.Kind() {
	case reflect.Pointer:
		b.WriteByte('*')
		describe(b, t.Elem(), above)
	case reflect.Slice:
		b.WriteString("[]")
		describe(b, t.Elem(), above)
	case reflect.Array:
		fmt.Fprintf(b, "[%d]", t.Len())
		describe(b, t.Elem(), above)
	case reflect.Map:
		b.WriteString("map[")
		describe(b, t.Key(), above)
		b.WriteByte(']')
		describe(b, t.Elem(), above)
	case reflect.Interface:
		b.WriteString("any")
	case reflect.Struct:
		b.WriteByte('{')
		for i := range t.NumField() {
			if i > 0 {
				b.WriteString("; ")
			}
			f := t.Field(i)
			if f.Anonymous {
				b.WriteByte('+')
			}
			b.WriteString(f.Name + tagName(f) + " ")
			describe(b, f.Type, above)
		}
		b.WriteByte('}')
	default:
		b.WriteString(t.Kind().String())
	}
}

// tagName returns the name that a field's tag gives it on the wire, "" for none.
func tagName(f reflect.StructField) string {
	for _, key := range []string{"cbor", "json"} {
		if tag := f.Tag.Get(key); tag != "" {
			return "`" + tag + "`"
		}
	}
	return ""
}

// traits reports whether there are interfaces in a type, and whether it contains itself.
func traits(t reflect.Type) (interfaces, recursive bool) {
	above := make(map[reflect.Type]bool)
	var look func(t reflect.Type)
	look = func(t reflect.Type) {
		if above[t] {
			recursive = true
			return
		}
		if t == timeType || marshalsItself(t) {
			return
		}
		above[t] = true
		defer delete(above, t)
		switch t.Kind() {
		case reflect.Interface:
			interfaces = true
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
			look(t.Elem())
		case reflect.Struct:
			for i := range t.NumField() {
				look(t.Field(i).Type)
			}
		}
	}
	look(t)
	return interfaces, recursive
}
