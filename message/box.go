package message

import (
	"errors"
	"fmt"
	"reflect"
	"time"
)

// CBOR does not say of which type a value is, so it cannot bring back what an interface held. Types that hold interfaces are therefore
// written as a boxed type, in which each interface is a byte string with an encoded message, type and all. In a boxed type times are in their binary
// form, as their text loses some, and embedded fields are fields like others, as they could hide each other. A plan turns values of a type into
// values of its boxed type and back.
type plan struct {
	typ   reflect.Type // boxed
	of    reflect.Type
	elem  *plan   // of pointers, slices, arrays and maps
	field []*plan // of structs
	inner *plan   // of a type that contains itself: its value is written apart
}

// A stamp is a time, which CBOR would write as text.
type stamp struct{ time.Time }

// held is an encoded message, or nothing. When it was decoded it is a part of the data: copies would add up where interfaces hold interfaces.
type held []byte

// UnmarshalCBOR takes the content of a byte string.
func (h *held) UnmarshalCBOR(data []byte) error {
	if data[0] == nullItem {
		*h = nil
		return nil
	}
	item, length, rest, err := cutHead(data)
	if err == nil && item != byteItem {
		err = errors.New("what an interface holds must be a byte string")
	}
	*h = rest[:length]
	return err
}

// raw is an item of CBOR. When it was decoded it is a part of the data, too.
type raw []byte

// MarshalCBOR returns the item.
func (r raw) MarshalCBOR() ([]byte, error) { return r, nil }

// UnmarshalCBOR keeps the item.
func (r *raw) UnmarshalCBOR(data []byte) error {
	*r = data
	return nil
}

var (
	stampType = reflect.TypeFor[stamp]()
	heldType  = reflect.TypeFor[held]()
	rawType   = reflect.TypeFor[raw]()
)

// planFor returns the plan for a type.
func planFor(t reflect.Type) *plan { return makePlan(t, make(map[reflect.Type]*plan)) }

func makePlan(t reflect.Type, above map[reflect.Type]*plan) *plan {
	if p := above[t]; p != nil { // a boxed type cannot contain itself
		return &plan{typ: rawType, of: t, inner: p}
	}
	p := &plan{typ: t, of: t}
	if _, boxed := traits(t); !boxed {
		return p
	}
	if t == timeType {
		p.typ = stampType
		return p
	}
	above[t] = p
	defer delete(above, t)
	switch t.Kind() {
	case reflect.Interface:
		p.typ = heldType
	case reflect.Pointer:
		p.elem = makePlan(t.Elem(), above)
		p.typ = reflect.PointerTo(p.elem.typ)
	case reflect.Slice:
		p.elem = makePlan(t.Elem(), above)
		p.typ = reflect.SliceOf(p.elem.typ)
	case reflect.Array:
		p.elem = makePlan(t.Elem(), above)
		p.typ = reflect.ArrayOf(t.Len(), p.elem.typ)
	case reflect.Map:
		p.elem = makePlan(t.Elem(), above)
		p.typ = reflect.MapOf(t.Key(), p.elem.typ)
	case reflect.Struct:
		fields := make([]reflect.StructField, t.NumField())
		for i := range fields {
			f := t.Field(i)
			p.field = append(p.field, makePlan(f.Type, above))
			fields[i] = reflect.StructField{Name: f.Name, Type: p.field[i].typ, Tag: f.Tag}
		}
		p.typ = reflect.StructOf(fields)
	}
	return p
}

// box returns the boxed value.
func (p *plan) box(r *Registry, v reflect.Value) (reflect.Value, error) {
	to := reflect.New(p.typ).Elem()
	err := p.boxInto(r, v, to)
	return to, err
}

func (p *plan) boxInto(r *Registry, v, to reflect.Value) error {
	if p.typ == p.of {
		to.Set(v)
		return nil
	}
	if p.of == timeType {
		to.Field(0).Set(v)
		return nil
	}
	if p.inner != nil {
		boxed, err := p.inner.box(r, v)
		if err != nil {
			return err
		}
		data, err := r.encoder.Marshal(boxed.Interface())
		to.SetBytes(data)
		return err
	}
	switch p.of.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return nil
		}
		data, err := r.appendHeld(nil, v.Elem().Interface())
		to.SetBytes(data)
		return err
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		to.Set(reflect.New(p.elem.typ))
		return p.elem.boxInto(r, v.Elem(), to.Elem())
	case reflect.Slice:
		if v.IsNil() {
			return nil
		}
		to.Set(reflect.MakeSlice(p.typ, v.Len(), v.Len()))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			if err := p.elem.boxInto(r, v.Index(i), to.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		if v.IsNil() {
			return nil
		}
		to.Set(reflect.MakeMapWithSize(p.typ, v.Len()))
		for it := v.MapRange(); it.Next(); {
			boxed, err := p.elem.box(r, it.Value())
			if err != nil {
				return err
			}
			to.SetMapIndex(it.Key(), boxed)
		}
	case reflect.Struct:
		for i, f := range p.field {
			if err := f.boxInto(r, v.Field(i), to.Field(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// unbox sets a value to what the boxed one holds.
func (p *plan) unbox(r *Registry, boxed, to reflect.Value, depth int) error {
	if depth > MaxDepth {
		return ErrTooDeep
	}
	if p.typ == p.of {
		to.Set(boxed)
		return nil
	}
	if p.of == timeType {
		to.Set(boxed.Field(0))
		return nil
	}
	if p.inner != nil {
		inner := reflect.New(p.inner.typ)
		if err := r.decoder.Unmarshal(boxed.Bytes(), inner.Interface()); err != nil {
			return err
		}
		return p.inner.unbox(r, inner.Elem(), to, depth) // no value of its own: Check does not count it either
	}
	switch p.of.Kind() {
	case reflect.Interface:
		return unboxInterface(r, boxed.Bytes(), to, depth)
	case reflect.Pointer:
		if boxed.IsNil() {
			return nil
		}
		to.Set(reflect.New(p.of.Elem()))
		return p.elem.unbox(r, boxed.Elem(), to.Elem(), depth+1)
	case reflect.Slice:
		if boxed.IsNil() {
			return nil
		}
		to.Set(reflect.MakeSlice(p.of, boxed.Len(), boxed.Len()))
		fallthrough
	case reflect.Array:
		for i := range boxed.Len() {
			if err := p.elem.unbox(r, boxed.Index(i), to.Index(i), depth+1); err != nil {
				return err
			}
		}
	case reflect.Map:
		if boxed.IsNil() {
			return nil
		}
		to.Set(reflect.MakeMap(p.of))
		for it := boxed.MapRange(); it.Next(); {
			value := reflect.New(p.of.Elem()).Elem()
			if err := p.elem.unbox(r, it.Value(), value, depth+1); err != nil {
				return err
			}
			to.SetMapIndex(it.Key(), value)
		}
	case reflect.Struct:
		for i, f := range p.field {
			if err := f.unbox(r, boxed.Field(i), to.Field(i), depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func unboxInterface(r *Registry, data []byte, to reflect.Value, depth int) error {
	if data == nil {
		return nil
	}
	msg, err := r.decodeHeld(data, depth+1)
	if err != nil {
		return err
	}
	v := reflect.ValueOf(msg)
	if !v.Type().AssignableTo(to.Type()) {
		if o, ok := msg.(Opaque); ok {
			return o.Err()
		}
		return fmt.Errorf("a %v was held where only %v can be", v.Type(), to.Type())
	}
	to.Set(v)
	return nil
}
