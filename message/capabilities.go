package message

import (
	"encoding"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Capabilities say what a system offers, or what an actor requires of one: values by name (Thespian 3.5 feature C1). A value is of one of the
// basic types that can be sent everywhere, see [NewRegistry]: a bool, a string, a number, a time.Time, a time.Duration, an address, or a slice
// or map of the usual ones of these. []any, map[string]any and Capabilities hold such values in turn, but no nil.
type Capabilities map[string]any

// maxCapabilityDepth bounds slices and maps within each other.
const maxCapabilityDepth = 8

// MaxCapabilities is how many bytes all that a system offers may take when it is sent: everybody who knows the system keeps it.
const MaxCapabilities = 1 << 20

// Validate returns which value is none that capabilities can have, or nil.
func (c Capabilities) Validate() error {
	for _, name := range slices.Sorted(maps.Keys(c)) {
		if err := validCapability(c[name], maxCapabilityDepth); err != nil {
			return fmt.Errorf("capability %q: %w", name, err)
		}
	}
	return nil
}

func validCapability(value any, depth int) error {
	switch {
	case value == nil:
		return errors.New("nil is no value")
	case depth == 0:
		return fmt.Errorf("more than %d slices and maps within each other", maxCapabilityDepth)
	case !slices.ContainsFunc(basicTypes, func(basic any) bool { return typeWord(basic) == typeWord(value) }):
		return fmt.Errorf("a %T is no value that capabilities can have: it is none of the basic types", value)
	}
	switch v := value.(type) {
	case []any:
		for i, element := range v {
			if err := validCapability(element, depth-1); err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
		}
	case map[string]any:
		return validEntries(v, depth)
	case Capabilities:
		return validEntries(v, depth)
	case encoding.BinaryMarshaler:
		if _, err := v.MarshalBinary(); err != nil {
			return fmt.Errorf("this %T cannot be sent: %w", v, err)
		}
	}
	return nil
}

func validEntries(entries map[string]any, depth int) error {
	for key, value := range entries {
		if err := validCapability(value, depth-1); err != nil {
			return fmt.Errorf("key %q: %w", key, err)
		}
	}
	return nil
}

// Clone returns a copy that shares nothing with c. It never returns nil.
func (c Capabilities) Clone() Capabilities {
	clone := make(Capabilities, len(c))
	for name, value := range c {
		clone[name] = cloneValue(reflect.ValueOf(value))
	}
	return clone
}

func cloneValue(v reflect.Value) any {
	for v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if !v.IsValid() {
		return nil
	}
	switch v.Kind() {
	case reflect.Slice:
		if v.IsNil() {
			return v.Interface()
		}
		clone := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			setValue(clone.Index(i), cloneValue(v.Index(i)))
		}
		return clone.Interface()
	case reflect.Map:
		if v.IsNil() {
			return v.Interface()
		}
		clone := reflect.MakeMapWithSize(v.Type(), v.Len())
		for _, key := range v.MapKeys() {
			element := reflect.New(v.Type().Elem()).Elem()
			setValue(element, cloneValue(v.MapIndex(key)))
			clone.SetMapIndex(key, element)
		}
		return clone.Interface()
	}
	return v.Interface()
}

func setValue(to reflect.Value, value any) {
	if value != nil {
		to.Set(reflect.ValueOf(value))
	}
}

// Equal reports whether both hold the same values under the same names. Numbers are compared by value whatever their types are, also within slices and
// maps.
func (c Capabilities) Equal(other Capabilities) bool {
	return maps.EqualFunc(c, other, equalValues)
}

// Satisfies returns nil when c offers all that is required: what is required as true must be there with a value that counts as
// true (not false, not zero, not empty), anything else must be there with an equal value, as [Capabilities.Equal]
// compares them. The error names the first requirement, in alphabetical order, that is not met.
// (Thespian 3.5 feature A23.)
func (c Capabilities) Satisfies(required Capabilities) error {
	for _, name := range slices.Sorted(maps.Keys(required)) {
		want := required[name]
		have, there := c[name]
		switch {
		case !there:
			return fmt.Errorf("capability %q is required to be %v, and is not there", name, want)
		case want == any(true) && c.AsBool(name), equalValues(have, want):
		default:
			return fmt.Errorf("capability %q is required to be %v, and is %v", name, want, have)
		}
	}
	return nil
}

// AsBool reports whether there is a value under the name that counts as true: not false, not zero, not empty.
func (c Capabilities) AsBool(name string) bool {
	v := reflect.ValueOf(c[name])
	switch v.Kind() {
	case reflect.Invalid:
		return false
	case reflect.Slice, reflect.Map, reflect.Array:
		return v.Len() > 0
	}
	return !v.IsZero()
}

// String returns the entries in alphabetical order.
func (c Capabilities) String() string {
	var b strings.Builder
	for i, name := range slices.Sorted(maps.Keys(c)) {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s=%v", name, c[name])
	}
	return b.String()
}

func equalValues(a, b any) bool {
	if x, y := number(a), number(b); x != nil && y != nil {
		return x.Cmp(y) == 0
	}
	if x, ok := a.(time.Time); ok {
		y, ok := b.(time.Time)
		return ok && x.Equal(y)
	}
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	switch {
	case x.Kind() != y.Kind():
		return false
	case x.Kind() == reflect.Slice:
		if x.Len() != y.Len() {
			return false
		}
		for i := range x.Len() {
			if !equalValues(x.Index(i).Interface(), y.Index(i).Interface()) {
				return false
			}
		}
		return true
	case x.Kind() == reflect.Map && x.Type().Key() == y.Type().Key():
		if x.Len() != y.Len() {
			return false
		}
		for it := x.MapRange(); it.Next(); {
			other := y.MapIndex(it.Key())
			if !other.IsValid() || !equalValues(it.Value().Interface(), other.Interface()) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(a, b)
}

// number returns the value of a number, exactly; nil for anything else, also for NaN.
func number(a any) *big.Float {
	f := new(big.Float).SetPrec(256)
	v := reflect.ValueOf(a)
	switch {
	case !v.IsValid():
		return nil
	case v.CanInt():
		return f.SetInt64(v.Int())
	case v.CanUint():
		return f.SetUint64(v.Uint())
	case v.CanFloat():
		if x := v.Float(); x == x {
			return f.SetFloat64(x)
		}
	}
	return nil
}
