package message

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"

	"github.com/cespare/xxhash/v2"
	"github.com/fxamacker/cbor/v2"
)

// ErrMalformed is returned (wrapped) when bytes do not hold what they should.
var ErrMalformed = errors.New("malformed message")

const (
	maxName  = 4 << 10
	maxShape = 64 << 10
)

var encOptions = cbor.EncOptions{
	IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
	ShortestFloat: cbor.ShortestFloatNone, NaNConvert: cbor.NaNConvertNone, InfConvert: cbor.InfConvertNone,
}

// A layout is held against the data before.
var decOptions = cbor.DecOptions{
	DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
	MaxNestedLevels: maxNesting, MaxArrayElements: math.MaxInt32, MaxMapPairs: math.MaxInt32,
	FieldNameMatching: cbor.FieldNameMatchingCaseSensitive, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
	UTF8: cbor.UTF8DecodeInvalid, // a string arrives as it was sent
}

// A form is a way to write a value down.
type form uint8

const (
	formCBOR form = iota
	formBinary
	formBytes
	formString
	formBool
	formInt
	formUint
	formFloat
)

func formOf(t reflect.Type) form {
	switch {
	case marshalsBinary(t):
		return formBinary
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return formBytes
	}
	switch t.Kind() {
	case reflect.String:
		return formString
	case reflect.Bool:
		return formBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return formInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return formUint
	case reflect.Float32, reflect.Float64:
		return formFloat
	}
	return formCBOR
}

// appendDefinition appends what names a type: name and shape, each behind its length.
func appendDefinition(b []byte, name, shape string) []byte {
	b = binary.AppendUvarint(b, uint64(len(name)))
	b = append(b, name...)
	b = binary.AppendUvarint(b, uint64(len(shape)))
	return append(b, shape...)
}

// cutDefinition splits an encoded message into its parts, which stay parts of data.
func cutDefinition(data []byte) (name, shape, body []byte, err error) {
	name, rest, err := cut(data, maxName)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("%w: type name: %w", ErrMalformed, err)
	}
	if len(name) == 0 {
		return nil, nil, nil, fmt.Errorf("%w: the type has no name", ErrMalformed)
	}
	shape, body, err = cut(rest, maxShape)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("%w: shape of %.80q: %w", ErrMalformed, name, err)
	}
	return name, shape, body, nil
}

// cut splits off what stands behind its length.
func cut(data []byte, limit uint64) (part, rest []byte, err error) {
	length, n := binary.Uvarint(data)
	switch {
	case n <= 0:
		return nil, nil, errors.New("no length")
	case length > limit:
		return nil, nil, fmt.Errorf("%d bytes, the limit is %d", length, limit)
	case length > uint64(len(data)-n):
		return nil, nil, fmt.Errorf("%d bytes announced, %d there", length, len(data)-n)
	}
	return data[n : n+int(length)], data[n+int(length):], nil
}

// Append appends the encoded message to b: its type's name and shape, then its value. The error is that of [Registry.Check], or what went wrong
// when a value turned itself into bytes, also when it panicked; b is then returned as it was.
func (r *Registry) Append(b []byte, msg any) ([]byte, error) {
	e, err := r.check(msg)
	if err != nil {
		return b, err
	}
	return r.appendChecked(b, e, msg)
}

// appendChecked appends a message that check has passed, and what it returned.
func (r *Registry) appendChecked(b []byte, e *entry, msg any) ([]byte, error) {
	if e == nil {
		return appendOpaque(b, msg.(Opaque)), nil
	}
	out, err := r.appendValue(append(b, e.full().definition...), e, msg)
	if err != nil {
		return b, err
	}
	return out, nil
}

func appendOpaque(b []byte, o Opaque) []byte {
	return append(appendDefinition(b, o.Name, o.Shape), o.Data...)
}

// appendHeld appends what an interface in a message holds.
func (r *Registry) appendHeld(b []byte, msg any) ([]byte, error) {
	if o, ok := msg.(Opaque); ok {
		return appendOpaque(b, o), nil
	}
	e := r.byType[reflect.TypeOf(msg)]
	if e == nil {
		return b, fmt.Errorf("%T: %w", msg, ErrUnregistered)
	}
	out, err := r.appendBody(append(b, e.full().definition...), e, msg)
	if err != nil {
		return b, fmt.Errorf("encoding %s: %w", e.name, err)
	}
	return out, nil
}

// appendValue appends the value of a message, in which types may panic that turn themselves into bytes.
func (r *Registry) appendValue(b []byte, e *entry, msg any) (out []byte, err error) {
	switch m := msg.(type) { // nothing of anybody's runs for what is most
	case []byte:
		return append(b, m...), nil
	case string:
		return append(b, m...), nil
	}
	defer func() {
		if value := recover(); value != nil {
			out, err = b, fmt.Errorf("encoding a %T panicked: %v", msg, value)
		}
	}()
	out, err = r.appendBody(b, e, msg)
	if err != nil {
		return b, fmt.Errorf("encoding %s: %w", e.name, err)
	}
	return out, nil
}

func (r *Registry) appendBody(b []byte, e *entry, msg any) ([]byte, error) {
	switch m := msg.(type) { // without reflection, where that is most
	case []byte:
		return append(b, m...), nil
	case string:
		return append(b, m...), nil
	case int:
		return binary.AppendVarint(b, int64(m)), nil
	case int64:
		return binary.AppendVarint(b, m), nil
	case float64:
		return binary.BigEndian.AppendUint64(b, math.Float64bits(m)), nil
	}
	switch v := reflect.ValueOf(msg); e.form {
	case formBinary:
		if m, ok := msg.(encoding.BinaryAppender); ok {
			return m.AppendBinary(b)
		}
		data, err := msg.(encoding.BinaryMarshaler).MarshalBinary()
		return append(b, data...), err
	case formBytes:
		return append(b, v.Bytes()...), nil
	case formString:
		return append(b, v.String()...), nil
	case formBool:
		if v.Bool() {
			return append(b, 1), nil
		}
		return append(b, 0), nil
	case formInt:
		return binary.AppendVarint(b, v.Int()), nil
	case formUint:
		return binary.AppendUvarint(b, v.Uint()), nil
	case formFloat:
		return binary.BigEndian.AppendUint64(b, math.Float64bits(v.Float())), nil
	default:
		if e.full().boxed != nil {
			boxed, err := e.boxed.box(r, v)
			if err != nil {
				return b, err
			}
			msg = boxed.Interface()
		}
		return r.appendCBOR(b, msg)
	}
}

// appendCBOR lets the encoder write right behind b.
func (r *Registry) appendCBOR(b []byte, msg any) ([]byte, error) {
	buffer, ok := r.buffers.Get().(*bytes.Buffer)
	if !ok {
		buffer = new(bytes.Buffer)
	}
	*buffer = *bytes.NewBuffer(b)
	err := r.encoder.MarshalToBuffer(msg, buffer)
	out := buffer.Bytes()
	*buffer = bytes.Buffer{}
	r.buffers.Put(buffer)
	return out, err
}

// Decode returns the message in data, all of which must belong to it. A type that is not registered here, or that has another shape here, is returned as
// [Opaque]. The message shares no memory with data. The error wraps [ErrMalformed], unless it is that of a type that turns itself into a value.
func (r *Registry) Decode(data []byte) (any, error) {
	e, opaque, body, err := r.cut(data)
	if err != nil {
		return nil, err
	}
	if e == nil {
		return opaque, nil
	}
	return r.decodeValue(e, body)
}

// cut splits an encoded message into its type and its value, or returns all of it as an Opaque.
func (r *Registry) cut(data []byte) (e *entry, opaque any, body []byte, err error) {
	name, shape, body, err := cutDefinition(data)
	if err != nil {
		return nil, nil, nil, err
	}
	if e = r.byName[string(name)]; e != nil && string(shape) == e.full().shape {
		return e, nil, body, nil
	}
	o := Opaque{Name: string(name), Shape: string(shape), Data: copied(body)}
	if e != nil {
		o.Here = e.shape
	}
	opaque, err = r.known(o)
	return nil, opaque, nil, err
}

// decodeValue returns the message of a known type with the value in body.
func (r *Registry) decodeValue(e *entry, body []byte) (msg any, err error) {
	switch e.typ { // nothing of anybody's runs for what is most
	case bytesType:
		return copied(body), nil
	case stringType:
		return string(body), nil
	}
	defer func() { // a type that turns itself into a value may not be ready for bytes of strangers
		if value := recover(); value != nil {
			msg, err = nil, fmt.Errorf("%w: decoding it panicked: %v", ErrMalformed, value)
		}
	}()
	if msg, err = r.decodeBody(e, body, 0); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrMalformed, e.name, err)
	}
	return msg, nil
}

// decodeHeld returns what an interface in a message holds.
func (r *Registry) decodeHeld(data []byte, depth int) (any, error) {
	if depth > MaxDepth {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, ErrTooDeep)
	}
	e, opaque, body, err := r.cut(data)
	if err != nil || e == nil {
		return opaque, err
	}
	msg, err := r.decodeBody(e, body, depth)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrMalformed, e.name, err)
	}
	return msg, nil
}

func (r *Registry) decodeBody(e *entry, body []byte, depth int) (any, error) {
	switch e.typ {
	case bytesType:
		return copied(body), nil
	case stringType:
		return string(body), nil
	case intType: // without reflection, where that is most
		if x, n := binary.Varint(body); n > 0 && n == len(body) && int64(int(x)) == x {
			return int(x), nil
		}
	case int64Type:
		if x, n := binary.Varint(body); n > 0 && n == len(body) {
			return x, nil
		}
	case float64Type:
		if len(body) == 8 {
			return math.Float64frombits(binary.BigEndian.Uint64(body)), nil
		}
	}
	if e.form == formCBOR { // before there is memory for the value
		if _, err := e.full().layout.check(body, 0); err != nil {
			return nil, err
		}
	}
	p := reflect.New(e.typ)
	v := p.Elem()
	switch e.form {
	case formBinary:
		if err := p.Interface().(encoding.BinaryUnmarshaler).UnmarshalBinary(body); err != nil {
			return nil, err
		}
	case formBytes:
		v.SetBytes(copied(body))
	case formString:
		v.SetString(string(body))
	case formBool:
		if len(body) != 1 || body[0] > 1 {
			return nil, errors.New("wanted a byte that is 0 or 1")
		}
		v.SetBool(body[0] == 1)
	case formInt:
		x, n := binary.Varint(body)
		if n <= 0 || n != len(body) || v.OverflowInt(x) {
			return nil, fmt.Errorf("wanted an integer that fits into %v", e.typ)
		}
		v.SetInt(x)
	case formUint:
		x, n := binary.Uvarint(body)
		if n <= 0 || n != len(body) || v.OverflowUint(x) {
			return nil, fmt.Errorf("wanted an unsigned integer that fits into %v", e.typ)
		}
		v.SetUint(x)
	case formFloat:
		if len(body) != 8 {
			return nil, errors.New("wanted 8 bytes")
		}
		v.SetFloat(math.Float64frombits(binary.BigEndian.Uint64(body)))
	default:
		return r.decodeCBOR(e, p, body, depth)
	}
	return v.Interface(), nil
}

var (
	bytesType   = reflect.TypeFor[[]byte]()
	stringType  = reflect.TypeFor[string]()
	intType     = reflect.TypeFor[int]()
	int64Type   = reflect.TypeFor[int64]()
	float64Type = reflect.TypeFor[float64]()
)

func (r *Registry) decodeCBOR(e *entry, p reflect.Value, body []byte, depth int) (any, error) {
	if e.full().boxed == nil {
		if err := r.decoder.Unmarshal(body, p.Interface()); err != nil {
			return nil, err
		}
		return p.Elem().Interface(), nil
	}
	boxed := reflect.New(e.boxed.typ)
	if err := r.decoder.Unmarshal(body, boxed.Interface()); err != nil {
		return nil, err
	}
	if err := e.boxed.unbox(r, boxed.Elem(), p.Elem(), depth); err != nil {
		return nil, err
	}
	return p.Elem().Interface(), nil
}

// An Opaque is a message of a type that this process does not know, or knows with another shape. It can be held, and sent on: who gets it there and knows
// the type gets the message as it was.
type Opaque struct {
	Name  string // of the type on the wire
	Shape string // of the type at the sender
	Here  string // the shape of the type of that name here; "" when there is none
	Data  []byte // the encoded value
}

// Fingerprint returns a number that stands for the shape at the sender (xxhash64).
func (o Opaque) Fingerprint() uint64 { return xxhash.Sum64String(o.Shape) }

// Err says why the message could not be decoded, with both shapes when there are two.
func (o Opaque) Err() error {
	if o.Here == "" {
		return fmt.Errorf("%s: %w", o.Name, ErrUnregistered)
	}
	return fmt.Errorf("%s has another shape at its sender: there it is %s, here %s", o.Name, o.Shape, o.Here)
}

func (o Opaque) valid() error {
	if o.Name == "" || len(o.Name) > maxName || len(o.Shape) > maxShape {
		return fmt.Errorf("an Opaque that no Decode returned cannot be sent: %w", ErrMalformed)
	}
	return nil
}

// copied returns a copy of b that has no room for more, and is not nil.
func copied(b []byte) []byte {
	c := make([]byte, len(b))
	copy(c, b)
	return c
}
