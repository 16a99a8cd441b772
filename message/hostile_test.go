package message_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"gotest.tools/v3/assert"

	"thespian.dev/address"
	"thespian.dev/message"
)

// forge returns an encoded message of a type with a value of anybody's making.
func forge(name, shape string, body ...byte) []byte {
	data := binary.AppendUvarint(nil, uint64(len(name)))
	data = append(data, name...)
	data = binary.AppendUvarint(data, uint64(len(shape)))
	return append(append(data, shape...), body...)
}

const (
	greetName, greetShape = "thespian.dev/message_test.Greet", "{Name string}"
	lineName, lineShape   = "thespian.dev/message_test.Line", "{Item string; Price float64}"
	pairName, pairShape   = "[2]" + greetName, "[2]" + greetShape
)

func TestForgeIsUpToDate(t *testing.T) {
	r := newRegistry(t, samples())
	assert.DeepEqual(t, forge(lineName, lineShape), encode(t, r, Line{})[:len(forge(lineName, lineShape))])
	assert.DeepEqual(t, forge(pairName, pairShape), encode(t, r, [2]Greet{})[:len(forge(pairName, pairShape))])
	assert.DeepEqual(t, forge(greetName, greetShape, 0xa1, 0x64, 'N', 'a', 'm', 'e', 0x61, 'x'), encode(t, r, Greet{"x"}))
}

func TestBytesThatAreNoMessage(t *testing.T) {
	r := newRegistry(t, samples())
	nested := func(n int) []byte { // n lists of one within each other, the way they would be encoded
		item := []byte{0xf6}
		for range n {
			inner := forge("[]any", "[]any", append([]byte{0x81}, item...)...)
			item, _ = cbor.Marshal(inner)
		}
		return forge("[]any", "[]any", append([]byte{0x81}, item...)...)
	}
	for name, data := range map[string][]byte{
		"nothing":                   {},
		"no name":                   forge("", "{}"),
		"name cut off":              {10, 'x'},
		"name beyond its limit":     forge(strings.Repeat("n", 5000), "{}"),
		"shape beyond its limit":    forge("x", strings.Repeat("s", 70_000)),
		"shape cut off":             {1, 'x', 10, 's'},
		"length that never ends":    {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		"no value":                  forge(greetName, greetShape),
		"something behind":          forge(greetName, greetShape, 0xa0, 0xa0),
		"another type of value":     forge(greetName, greetShape, 0x01),
		"another type of field":     forge(greetName, greetShape, 0xa1, 0x64, 'N', 'a', 'm', 'e', 0x01),
		"unknown field":             forge(greetName, greetShape, 0xa1, 0x61, 'X', 0x61, 'x'),
		"field in another case":     forge(greetName, greetShape, 0xa1, 0x64, 'n', 'a', 'm', 'e', 0x61, 'x'),
		"field given twice":         forge(greetName, greetShape, 0xa2, 0x64, 'N', 'a', 'm', 'e', 0x61, 'x', 0x64, 'N', 'a', 'm', 'e', 0x61, 'y'),
		"tag":                       forge(greetName, greetShape, 0xc1, 0xa0),
		"indefinite length":         forge(greetName, greetShape, 0xbf, 0xff),
		"array longer than data":    forge("[]int", "[]int", 0x9a, 0x7f, 0xff, 0xff, 0xff, 1),
		"array of all there is":     forge("[]int", "[]int", 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
		"map longer than data":      forge("map[string]int", "map[string]int", 0xba, 0x7f, 0xff, 0xff, 0xff, 0x61, 'a', 1),
		"bytes longer than data":    forge("[]string", "[]string", 0x81, 0x7b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
		"map key given twice":       forge("map[string]int", "map[string]int", 0xa2, 0x61, 'a', 1, 0x61, 'a', 2),
		"number too large":          forge("int8", "int8", binary.AppendVarint(nil, 128)...),
		"number with more behind":   forge("int", "int", 2, 2),
		"number without an end":     forge("int", "int", 0xff),
		"unsigned number too large": forge("uint8", "uint8", binary.AppendUvarint(nil, 256)...),
		"neither true nor false":    forge("bool", "bool", 2),
		"half a float":              forge("float64", "float64", 1, 2, 3, 4),
		"half a point":              forge("thespian.dev/message_test.Point", "binary thespian.dev/message_test.Point", 1, 2, 3),
		"any without a message":     forge("[]any", "[]any", 0x81, 0x40),
		"any with half a message":   forge("[]any", "[]any", 0x81, 0x42, 5, 'x'),
		"any that is a number":      forge("[]any", "[]any", 0x81, 0x01),
		"field left out":            forge(greetName, greetShape, 0xa0),
		"null for a struct":         forge(greetName, greetShape, 0xf6),
		"null for an array":         forge(pairName, pairShape, 0xf6),
		"fields in another order":   forge(lineName, lineShape, 0xa2, 0x65, 'P', 'r', 'i', 'c', 'e', 0xfb, 0, 0, 0, 0, 0, 0, 0, 0, 0x64, 'I', 't', 'e', 'm', 0x60),
		"array of one for two":      forge(pairName, pairShape, 0x81, 0xa1, 0x64, 'N', 'a', 'm', 'e', 0x60),
		"array of three for two":    forge(pairName, pairShape, 0x83, 0xa1, 0x64, 'N', 'a', 'm', 'e', 0x60, 0xa1, 0x64, 'N', 'a', 'm', 'e', 0x60, 0xa1, 0x64, 'N', 'a', 'm', 'e', 0x60),
		"null for a text":           forge(greetName, greetShape, 0xa1, 0x64, 'N', 'a', 'm', 'e', 0xf6),
		"undefined for a number":    forge("[]int", "[]int", 0x81, 0xf7),
		"null for an address":       forge("[]thespian.dev/address.Address", "[]binary thespian.dev/address.Address", 0x81, 0xf6),
		"undefined for a pointer":   forge("*"+greetName, "*"+greetShape, 0xf7),
		"too deep":                  nested(message.MaxDepth),
		"deep arrays":               forge("thespian.dev/message_test.Tree", "{Value any; Left *^2; Kids []^2}", []byte(strings.Repeat("\x81", 4000)+"\x80")...),
	} {
		t.Run(name, func(t *testing.T) {
			taken := allocated(func() {
				got, err := r.Decode(data)
				assert.Assert(t, errors.Is(err, message.ErrMalformed), "got %#v, %v", got, err)
			})
			assert.Assert(t, taken < 4<<20, "%d bytes for %d", taken, len(data))
		})
	}
	_, err := r.Decode(nested(20))
	assert.NilError(t, err)
}

// Nesting is refused before the stack has grown with it.
func TestDeepCBOR(t *testing.T) {
	r := newRegistry(t, samples())
	_, err := r.Decode(forge("thespian.dev/message_test.List", "{Next *^2; Value int}", bytes.Repeat([]byte("\xa2\x64Next"), 100_000)...))
	assert.ErrorIs(t, err, message.ErrMalformed)
	assert.ErrorIs(t, err, message.ErrTooDeep)
}

type (
	// Wide has many bytes behind few on the wire, if fields and elements could be left out.
	Wide struct {
		Numbers [4096]int64
		Inner   *Wide
	}
	WideAny struct {
		Numbers [4096]int64
		At      time.Time
		Any     any
	}
	WideHolder struct{ *Wide }
)

// Few bytes never take much memory.
func TestMemoryForHostileBytes(t *testing.T) {
	r := newRegistry(t, samples(), message.Types([]Wide(nil), []WideAny(nil), []WideHolder(nil), map[string]Wide(nil), []*Wide(nil), [][4096]int64(nil),
		[][4096]byte(nil), [][4096]any(nil), [1 << 20]int64{}, []message.ActorStatus(nil)))
	shape := func(msg any) (name, shape string) {
		got, err := newRegistry(t).Decode(encode(t, r, msg))
		assert.NilError(t, err)
		return got.(message.Opaque).Name, got.(message.Opaque).Shape
	}
	const n = 4096
	many := func(item string) []byte { return append([]byte{0x99, n >> 8, n & 0xff}, strings.Repeat(item, n)...) }
	entries := append([]byte{0xb9, n >> 8, n & 0xff}, func() (b []byte) {
		for i := range n {
			b = append(b, 0x62, byte(i>>6)+' ', byte(i&63)+' ', 0xa0)
		}
		return b
	}()...)
	type hostile struct {
		name string
		msg  any
		body []byte
	}
	all := []hostile{
		{"maps of nothing", map[string]Wide(nil), entries},
		{"nothing as a large array", [1 << 20]int64{}, []byte{0x80}},
	}
	for _, msg := range []any{[]Wide(nil), []WideAny(nil), []WideHolder(nil), []*Wide(nil), [][4096]int64(nil), [][4096]byte(nil), [][4096]any(nil), []message.ActorStatus(nil)} {
		for _, item := range []string{"\xa0", "\x80", "\xf6", "\xf7", "\x40", "\x81\x00", "\xa1\x67Numbers\x80", "\xa1\x67Numbers\xf6", "\xa1\x64Wide\xa0", "\xa1\x65Inner\xa0", "\xa1\x65Inner\xf6"} {
			if item == "\xf6" && reflect.TypeOf(msg).Elem().Kind() == reflect.Pointer { // as it should be
				continue
			}
			all = append(all, hostile{fmt.Sprintf("%T of % x", msg, item), msg, many(item)})
		}
	}
	for _, c := range all {
		name, shape := shape(c.msg)
		data := forge(name, shape, c.body...)
		held, err := cbor.Marshal([][]byte{data, data, data})
		assert.NilError(t, err)
		inside := forge("[]any", "[]any", held...)
		for where, data := range map[string][]byte{"alone": data, "in any": inside} {
			taken := allocated(func() {
				_, err := r.Decode(data)
				assert.Assert(t, errors.Is(err, message.ErrMalformed), "%s, %s: %v", c.name, where, err)
			})
			assert.Assert(t, taken < 64*uint64(len(data))+64<<10, "%s, %s: %d bytes for %d", c.name, where, taken, len(data))
		}
	}
}

// What interfaces hold within each other is not copied once for each.
func TestMemoryForNestedInterfaces(t *testing.T) {
	r := newRegistry(t, samples())
	payload := make([]byte, 1<<20)
	var list, tree any = payload, Tree{Value: payload}
	for range 50 {
		list = []any{list}
		inner := tree.(Tree)
		tree = Tree{Left: &inner}
	}
	for _, msg := range []any{list, tree, Crate{Any: tree}} {
		data := encode(t, r, msg)
		taken := allocated(func() {
			_, err := r.Decode(data)
			assert.NilError(t, err)
		})
		assert.Assert(t, taken < 2*uint64(len(data)), "%T: %d bytes for %d", msg, taken, len(data))
	}
}

// The densest messages that can be sent are not taken for hostile ones.
func TestDenseMessagesArrive(t *testing.T) {
	r := newRegistry(t, samples(), message.Types([]Wide(nil), []*Wide(nil), []WideAny(nil), [][4096]int64(nil), []struct0(nil), map[int]struct0(nil), [][0]int(nil), [][]int(nil),
		[]message.ActorStatus(nil)))
	for _, msg := range []any{
		make([]Wide, 10), make([]*Wide, 1000), []*Wide{{Inner: &Wide{}}}, make([]WideAny, 10), make([][4096]int64, 10), make([]struct0, 1000), map[int]struct0{1: {}},
		make([][0]int, 1000), make([][]int, 1000), make([]any, 1000), make([]message.ActorStatus, 100), make([]string, 1000), make([]address.Address, 1000),
	} {
		got, err := r.Decode(encode(t, r, msg))
		assert.NilError(t, err)
		same(t, got, msg)
	}
}

type struct0 struct{}

// Half a message is never taken for a whole one, except where any bytes will do.
func TestTruncatedMessages(t *testing.T) {
	r := newRegistry(t, samples())
	for _, msg := range []any{Greet{"World"}, Crate{Any: Greet{"x"}, Map: map[string]any{"k": 1}}, Order{}, Point{1, 2}, []any{1, "x"}, true, 1.5} {
		data := encode(t, r, msg)
		for n := range len(data) {
			got, err := r.Decode(data[:n])
			assert.Assert(t, errors.Is(err, message.ErrMalformed), "%T: the first %d of %d bytes: %#v, %v", msg, n, len(data), got, err)
		}
	}
}

// Every value on the wire that is not in one of our own forms is CBOR that others read as well.
func TestValuesAreCBOR(t *testing.T) {
	r := newRegistry(t, samples())
	data := encode(t, r, Greet{"World"})
	body := data[len(forge(greetName, greetShape)):]
	var fields map[string]any
	assert.NilError(t, cbor.Unmarshal(body, &fields))
	assert.DeepEqual(t, fields, map[string]any{"Name": "World"})
}
