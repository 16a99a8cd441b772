package message_test

import (
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/message"
)

func TestValuesInJSON(t *testing.T) {
	knows, nobody := newRegistry(t, samples(), message.Types(message.Named("example.org/a.Report", reportV1{}), message.Named("example.org/b.Report", reportV2{}))), newRegistry(t)
	for _, c := range []struct {
		name, value string
		want        any
		err         string
	}{
		{"example.org/a.Report", `{"Title": "x", "Pages": 3}`, reportV1{"x", 3}, ""},
		{"b.Report", `{"Title": "x", "Pages": 3}`, reportV2{"x", 3}, ""},
		{"eport", `{"Title": "x", "Pages": 3}`, nil, ""}, // only whole words
		{"Report", `{"Title": "x"}`, nil, "example.org/a.Report or example.org/b.Report"},
		{"Greet", `{"Name": "Ann"}`, Greet{"Ann"}, ""},
		{"Greet", `{"Name": 3}`, nil, "cannot unmarshal"},
		{"Greet", `{"Nom": "Ann"}`, nil, "unknown field"},
		{"Count", `-3`, Count(-3), ""},
		{"Missing", `{}`, nil, ""},
	} {
		o, err := message.FromJSON(c.name, []byte(c.value))
		assert.NilError(t, err)
		travelled, err := nobody.Decode(encode(t, nobody, o)) // through a process that does not know the type
		assert.NilError(t, err)
		got, err := knows.Decode(encode(t, nobody, travelled))
		switch {
		case c.err != "":
			assert.ErrorIs(t, err, message.ErrMalformed)
			assert.ErrorContains(t, err, c.err)
		case c.want == nil:
			assert.NilError(t, err)
			assert.DeepEqual(t, got, o)
		default:
			assert.NilError(t, err)
			assert.DeepEqual(t, got, c.want)
		}
	}
	for _, value := range []string{"", "{", "{} {}"} {
		_, err := message.FromJSON("Greet", []byte(value))
		assert.ErrorIs(t, err, message.ErrMalformed)
	}
}

func TestPlainValues(t *testing.T) {
	knows, nobody := newRegistry(t, samples()), newRegistry(t)
	for _, c := range []struct{ msg, want any }{
		{Greet{"Ann"}, map[string]any{"Name": "Ann"}},
		{[]Greet{{"Ann"}}, []any{map[string]any{"Name": "Ann"}}},
		{Label("l"), "l"},
		{Point{1, 2}, nil}, // which marshals itself
	} {
		got, err := nobody.Decode(encode(t, knows, c.msg))
		assert.NilError(t, err)
		plain, ok := got.(message.Opaque).Plain()
		assert.Equal(t, ok, c.want != nil, "%v", got)
		assert.DeepEqual(t, plain, c.want)
	}
}
