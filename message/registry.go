package message

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"

	"thespian.dev/address"
)

// The errors of messages that cannot be sent.
var (
	// ErrNilMessage is returned for nil, which is no message.
	ErrNilMessage = errors.New("nil is no message")

	// ErrUnregistered is returned for a value of a type that is not in the registry.
	ErrUnregistered = errors.New("the type is not registered: add it to message.Types in the app's Messages")

	// ErrLocalOnly is returned for a message that means something only in its own process, such as a WatchMessage.
	ErrLocalOnly = errors.New("the message means something only in its own process")

	// ErrTooDeep is returned for a value with more than MaxDepth values within each other, or one that contains itself.
	ErrTooDeep = errors.New("too many values within each other, or one that contains itself")
)

// MaxDepth is how many values may stand within each other in a message.
const MaxDepth = 128

// A Registry knows the types that can be sent, and turns messages into bytes and back. It never changes; all methods may be called from
// several goroutines at once.
type Registry struct {
	byType  map[reflect.Type]*entry
	byName  map[string]*entry
	entries []*entry  // by their index
	byWord  typeTable // all but those that Check has to know
	encoder cbor.UserBufferEncMode
	decoder cbor.DecMode
	buffers sync.Pool // of *bytes.Buffer, each empty
}

// An entry is a registered type.
type entry struct {
	typ   reflect.Type
	word  uintptr // see typeWord
	index int     // in the registry
	name  string
	form  form

	once sync.Once // of the fields below, which are found out when the type is first used: most types of the system never are
	described
}

// What is described of a type takes a while to find out.
type described struct {
	shape      string
	definition []byte  // name and shape as they stand before a value
	holds      bool    // Check has to look at values
	layout     *layout // in CBOR
	boxed      *plan   // how to turn it into what is written in CBOR; nil: as it is
}

// full returns what is described of the type.
func (e *entry) full() *described {
	e.once.Do(func() {
		e.shape = shapeOf(e.typ)
		e.definition = appendDefinition(nil, e.name, e.shape)
		holds, boxed := traits(e.typ)
		e.holds = holds
		if e.form == formCBOR {
			e.layout = layoutOf(e.typ, make(map[reflect.Type]*layout))
			if boxed {
				e.boxed = planFor(e.typ)
			}
		}
	})
	return &e.described
}

// basicTypes are in every registry, beside the system's own messages.
var basicTypes = []any{
	false, "", 0, int8(0), int16(0), int32(0), int64(0), uint(0), uint8(0), uint16(0), uint32(0), uint64(0), float32(0), 0.0,
	[]byte(nil), []string(nil), []int(nil), []int64(nil), []float64(nil), []bool(nil), []any(nil),
	map[string]any(nil), map[string]string(nil), map[string]int(nil), map[string]bool(nil),
	time.Time{}, time.Duration(0), address.Address{}, []address.Address(nil), Capabilities(nil),
}

// NewRegistry returns a registry of all types of the sets, the messages of this package, and basic types: bool, string, all integers and floating-point
// numbers, slices of the usual ones of these, []any, maps from string to the usual ones, time.Time, time.Duration, address.Address, Capabilities. The error says which types
// cannot be sent, or were given twice with different names, or two types one name.
func NewRegistry(sets ...TypeSet) (*Registry, error) {
	common, err := inAll()
	if err != nil {
		return nil, err
	}
	r := &Registry{byType: maps.Clone(common.byType), byName: maps.Clone(common.byName), entries: slices.Clip(common.entries)}
	for _, set := range sets {
		err = errors.Join(err, set.err)
		for _, t := range set.types {
			err = errors.Join(err, r.add(t))
		}
	}
	for _, e := range r.entries[len(common.entries):] {
		if e.form == formCBOR && len(e.full().shape) > maxShape {
			err = errors.Join(err, fmt.Errorf("type %v: its shape takes %d bytes, the limit is %d", e.typ, len(e.shape), maxShape))
		}
	}
	if err != nil {
		return nil, err
	}
	r.byWord = newTypeTable(slices.DeleteFunc(slices.Clone(r.entries), func(e *entry) bool { return e.typ == opaqueType || e.typ == watchType }))
	if r.encoder, err = encOptions.UserBufferEncMode(); err != nil {
		return nil, err
	}
	if r.decoder, err = decOptions.DecMode(); err != nil {
		return nil, err
	}
	return r, nil
}

// inAll returns what is in every registry. A process of a system needs several, and to look at these types takes a good part of the time in which it starts.
var inAll = sync.OnceValues(func() (*Registry, error) {
	r := &Registry{byType: make(map[reflect.Type]*entry), byName: make(map[string]*entry)}
	var err error
	for _, set := range []TypeSet{Types(basicTypes...), Types(systemTypes...)} {
		err = errors.Join(err, set.err)
		for _, t := range set.types {
			err = errors.Join(err, r.add(t))
		}
	}
	return r, err
})

func (r *Registry) add(t registration) error {
	if old := r.byType[t.typ]; old != nil {
		if old.name != t.name {
			return fmt.Errorf("type %v is registered as %q and as %q", t.typ, old.name, t.name)
		}
		return nil
	}
	if old := r.byName[t.name]; old != nil {
		return fmt.Errorf("name %q is given to %v and to %v", t.name, old.typ, t.typ)
	}
	if len(t.name) > maxName {
		return fmt.Errorf("name %.40q… has %d bytes, the limit is %d", t.name, len(t.name), maxName)
	}
	e := &entry{typ: t.typ, word: typeWord(reflect.Zero(t.typ).Interface()), name: t.name, form: formOf(t.typ)}
	e.index = len(r.entries)
	r.entries = append(r.entries, e)
	r.byType[t.typ], r.byName[t.name] = e, e
	return nil
}

// Check returns why a message cannot be sent, or nil: it is nil, its type is not registered, or it holds a value that cannot be sent. It stands on
// the path of every message: for types that hold no interfaces it costs a few nanoseconds.
func (r *Registry) Check(msg any) error {
	_, err := r.check(msg)
	return err
}

// check is Check. It returns the entry of the message's type, too; nil for an Opaque.
func (r *Registry) check(msg any) (*entry, error) {
	if e := r.byWord.find(typeWord(msg)); e != nil && !e.full().holds {
		return e, nil
	}
	return r.checkSlowly(msg)
}

func (r *Registry) checkSlowly(msg any) (*entry, error) {
	switch m := msg.(type) {
	case nil:
		return nil, ErrNilMessage
	case WatchMessage:
		return nil, fmt.Errorf("%T: %w", m, ErrLocalOnly)
	case Opaque:
		return nil, m.valid()
	}
	e := r.byType[reflect.TypeOf(msg)]
	if e == nil {
		return nil, fmt.Errorf("%T: %w", msg, ErrUnregistered)
	}
	if e.full().holds {
		if err := r.checkValue(reflect.ValueOf(msg), 0); err != nil {
			return nil, below(e.name, err)
		}
	}
	return e, nil
}

var (
	opaqueType = reflect.TypeFor[Opaque]()
	watchType  = reflect.TypeFor[WatchMessage]()
)

// checkValue looks at a value that can hold what its type does not tell.
func (r *Registry) checkValue(v reflect.Value, depth int) error {
	if depth > MaxDepth {
		return ErrTooDeep
	}
	t := v.Type()
	if t == timeType || marshalsItself(t) {
		return nil
	}
	switch t.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return r.checkHeld(v.Elem(), depth)
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return r.checkValue(v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		if !isOpen(t.Elem()) {
			return nil
		}
		for i := range v.Len() {
			if err := r.checkValue(v.Index(i), depth+1); err != nil {
				return below(fmt.Sprintf("[%d]", i), err)
			}
		}
	case reflect.Map:
		if !isOpen(t.Elem()) {
			return nil
		}
		for it := v.MapRange(); it.Next(); {
			if err := r.checkValue(it.Value(), depth+1); err != nil {
				return below(fmt.Sprintf("[%v]", it.Key()), err)
			}
		}
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); isOpen(f.Type) {
				if err := r.checkValue(v.Field(i), depth+1); err != nil {
					return below("."+f.Name, err)
				}
			}
		}
	}
	return nil
}

// checkHeld looks at what an interface holds.
func (r *Registry) checkHeld(held reflect.Value, depth int) error {
	switch m := held.Interface().(type) {
	case Opaque:
		return m.valid()
	case WatchMessage:
		return fmt.Errorf("%T: %w", m, ErrLocalOnly)
	}
	e := r.byType[held.Type()]
	if e == nil {
		return fmt.Errorf("%v: %w", held.Type(), ErrUnregistered)
	}
	if !e.full().holds {
		return nil
	}
	return r.checkValue(held, depth+1)
}

// isOpen reports whether values of a type can contain others at all.
func isOpen(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Interface, reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map, reflect.Struct:
		return true
	}
	return false
}

// A pathError says where in a value something is wrong.
type pathError struct {
	steps []string // the innermost first; the last is the message's type
	err   error
}

func (e *pathError) Error() string {
	path := slices.Clone(e.steps)
	slices.Reverse(path)
	return path[0] + shorten(strings.Join(path[1:], "")) + ": " + e.err.Error()
}

func (e *pathError) Unwrap() error { return e.err }

// below puts a step before the path of an error.
func below(step string, err error) error {
	p, ok := err.(*pathError)
	if !ok {
		p = &pathError{err: err}
	}
	p.steps = append(p.steps, step)
	return p
}

// shorten leaves out the middle of a long text.
func shorten(text string) string {
	const end = 100
	if len(text) <= 2*end {
		return text
	}
	return strings.ToValidUTF8(text[:end], "") + "…" + strings.ToValidUTF8(text[len(text)-end:], "")
}
