package message

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// textShape stands in the place of a shape where a value is written in JSON.
const textShape = "json"

// FromJSON returns a message of a type that this process need not know. Who gets it and has registered a type of that name on the wire, or only one whose name ends so, behind a dot or
// a slash, gets a value of the type, with the fields that the JSON names; what does not fit comes back to the sender as a [PoisonMessage]. It is for tools: a program has the type.
func FromJSON(name string, value []byte) (Opaque, error) {
	if !json.Valid(value) {
		return Opaque{}, fmt.Errorf("%w: %q is not JSON", ErrMalformed, value)
	}
	o := Opaque{Name: name, Shape: textShape, Data: value}
	return o, o.valid()
}

// known returns o, or the value of a type known here that it stands for as a text.
func (r *Registry) known(o Opaque) (msg any, err error) {
	if o.Shape != textShape {
		return o, nil
	}
	e, err := r.called(o.Name)
	if e == nil || err != nil {
		return o, err
	}
	defer func() { // a type that turns itself into a value may not be ready for texts of strangers
		if value := recover(); value != nil {
			msg, err = nil, fmt.Errorf("%w: decoding it panicked: %v", ErrMalformed, value)
		}
	}()
	p := reflect.New(e.typ)
	d := json.NewDecoder(bytes.NewReader(o.Data))
	d.DisallowUnknownFields()
	if err := d.Decode(p.Interface()); err != nil {
		return nil, fmt.Errorf("%w: %s, which is %s: %w", ErrMalformed, e.name, e.full().shape, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: %s: more follows behind the value", ErrMalformed, e.name)
	}
	return p.Elem().Interface(), nil
}

// called returns the type of a name, or the only one whose name ends with it; nil if there is none.
func (r *Registry) called(name string) (*entry, error) {
	if e := r.byName[name]; e != nil {
		return e, nil
	}
	var found []string
	for full := range r.byName {
		if (strings.HasSuffix(full, "."+name) || strings.HasSuffix(full, "/"+name)) && !strings.HasPrefix(full, "*") && !strings.HasPrefix(full, "[") && !strings.HasPrefix(full, "map[") {
			found = append(found, full)
		}
	}
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return r.byName[found[0]], nil
	}
	slices.Sort(found)
	return nil, fmt.Errorf("%w: %q may be %s", ErrMalformed, name, strings.Join(found, " or "))
}

var plainOptions = cbor.DecOptions{
	DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden, MaxNestedLevels: maxNesting,
	DefaultMapType: reflect.TypeFor[map[string]any](), UTF8: cbor.UTF8DecodeInvalid,
}

// Plain returns the value as maps from names of fields, slices and plain values, to be shown to people; false if it cannot be read without its type.
func (o Opaque) Plain() (value any, ok bool) {
	switch {
	case o.Shape == textShape:
		return value, json.Unmarshal(o.Data, &value) == nil
	case o.Shape == "string":
		return string(o.Data), true
	case !strings.HasPrefix(o.Shape, "{") && !strings.HasPrefix(o.Shape, "[") && !strings.HasPrefix(o.Shape, "map"):
		return nil, false
	}
	mode, err := plainOptions.DecMode()
	if err == nil {
		err = mode.Unmarshal(o.Data, &value)
	}
	return value, err == nil
}
