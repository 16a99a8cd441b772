package message

import (
	"cmp"
	"encoding"
	"fmt"
	"reflect"
	"strconv"
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
)

// marshalsBinary reports whether values of the type turn themselves into bytes, and back.
func marshalsBinary(t reflect.Type) bool {
	return t.Kind() != reflect.Pointer && t.Implements(binaryMarshaler) && reflect.PointerTo(t).Implements(binaryUnmarshaler)
}

// marshalsHalf reports whether the type, or a pointer to it, has methods that turn it into bytes or back, but not in the way that marshalsItself wants: the
// encoder or the decoder would call them nevertheless.
func marshalsHalf(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface:
		return false
	}
	p := reflect.PointerTo(t)
	return !marshalsItself(t) && (p.Implements(binaryMarshaler) || p.Implements(binaryUnmarshaler) || p.Implements(cborMarshaler) || p.Implements(cborUnmarshaler))
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
	if marshalsHalf(t) {
		return fmt.Errorf("%s: to turn itself into bytes, %v needs MarshalBinary on the value and UnmarshalBinary on the pointer (or both of CBOR)", path, t)
	}
	seen[t] = true
	defer delete(seen, t)
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...))
	}
	switch t.Kind() {
	case reflect.Pointer:
		switch kind := t.Elem().Kind(); kind {
		case reflect.Pointer:
			return bad("a pointer to a pointer cannot be sent")
		case reflect.Slice, reflect.Map, reflect.Interface:
			if !marshalsBinary(t.Elem()) {
				return bad("a pointer to a value of kind %v cannot be sent: if it points to nil, it would arrive as nil", kind)
			}
		}
		return refuse(t.Elem(), path, seen)
	case reflect.Slice, reflect.Array:
		return refuse(t.Elem(), path+"[]", seen)
	case reflect.Map:
		switch k := t.Key(); {
		case k == timeType:
			return bad("times cannot be keys: equal ones can differ")
		case marshalsBinary(k):
			if err := refuseBorrowed(k, path); err != nil {
				return err
			}
		case !marshalsHalf(k) && (k.Kind() == reflect.String || k.Kind() >= reflect.Int && k.Kind() <= reflect.Uint64):
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
		f := t.Field(i)
		if inner := f.Type; f.Anonymous && (marshalsItself(inner) || inner.Kind() == reflect.Pointer && marshalsItself(inner.Elem())) {
			return fmt.Errorf("%s.%s: the embedded field marshals the whole %v as itself, without the other fields; give it a name", path, f.Name, t)
		}
	}
	return nil
}

func refuseFields(t reflect.Type, path string, seen map[reflect.Type]bool) error {
	names := make(map[string]string)
	for i := range t.NumField() {
		f := t.Field(i)
		where := path + "." + f.Name
		if !f.IsExported() {
			return fmt.Errorf("%s: an unexported field would be lost; export it, or give the type MarshalBinary and UnmarshalBinary", where)
		}
		key, tag := tagOf(f)
		if tag == "-" {
			return fmt.Errorf("%s: the field would be lost: its tag %s:%q leaves it out", where, key, tag)
		}
		for _, option := range strings.Split(tag, ",")[1:] {
			switch option {
			case "omitempty", "omitzero", "keyasint", "toarray":
				return fmt.Errorf("%s: all fields are sent, by name: take %s out of the tag %s:%q", where, option, key, tag)
			}
		}
		name := fieldName(f)
		if other := names[name]; other != "" {
			return fmt.Errorf("%s: has the same name as %s: one of them would be lost", where, other)
		}
		names[name] = where
		if err := refuse(f.Type, where, seen); err != nil {
			return err
		}
	}
	return nil
}

// tagOf returns the tag that counts on the wire, "" for none, and its key.
func tagOf(f reflect.StructField) (key, tag string) {
	for _, key := range []string{"cbor", "json"} {
		if tag := f.Tag.Get(key); tag != "" {
			return key, tag
		}
	}
	return "", ""
}

// fieldName returns the name of a field on the wire.
func fieldName(f reflect.StructField) string {
	_, tag := tagOf(f)
	name, _, _ := strings.Cut(tag, ",")
	return cmp.Or(name, f.Name)
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
			name := fieldName(t.Field(i))
			if strings.ContainsAny(name, " ;{}\"") {
				name = strconv.Quote(name)
			}
			b.WriteString(name + " ")
			describe(b, t.Field(i).Type, above)
		}
		b.WriteByte('}')
	default:
		b.WriteString(t.Kind().String())
	}
}

// traits reports whether there are values in a type that the type does not tell, interfaces or values of the type itself, and whether the type is
// written as a boxed type: for its interfaces, times and embedded fields.
func traits(t reflect.Type) (open, boxed bool) {
	above := make(map[reflect.Type]bool)
	var look func(t reflect.Type)
	look = func(t reflect.Type) {
		if above[t] {
			open = true
			return
		}
		if t == timeType {
			boxed = true
		}
		if marshalsItself(t) {
			return
		}
		above[t] = true
		defer delete(above, t)
		switch t.Kind() {
		case reflect.Interface:
			open, boxed = true, true
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
			look(t.Elem())
		case reflect.Struct:
			for i := range t.NumField() {
				f := t.Field(i)
				boxed = boxed || f.Anonymous
				look(f.Type)
			}
		}
	}
	look(t)
	return open, boxed
}
