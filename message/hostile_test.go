package message_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"gotest.tools/v3/assert"

	"thespian.dev/message"
)

// forge returns an encoded message of a type with a value of anybody's making.
func forge(name, shape string, body ...byte) []byte {
	data := binary.AppendUvarint(nil, uint64(len(name)))
	data = append(data, name...)
	data = binary.AppendUvarint(data, uint64(len(shape)))
	return append(append(data, shape...), body...)
}

const greetName, greetShape = "thespian.dev/message_test.Greet", "{Name string}"

func TestForgeIsUpToDate(t *testing.T) {
	r := newRegistry(t, samples())
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
