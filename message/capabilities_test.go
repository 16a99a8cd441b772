package message_test

import (
	"math"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/address"
	"thespian.dev/message"
)

type caps = message.Capabilities

func TestSatisfies(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		offered, required caps
		unmet             string // "" when it is satisfied
	}{
		"nothing required":    {caps{"a": 1}, nil, ""},
		"nothing offered":     {nil, caps{"a": 1}, `"a"`},
		"true":                {caps{"a": true}, caps{"a": true}, ""},
		"false":               {caps{"a": false}, caps{"a": true}, `"a"`},
		"wanted false":        {caps{"a": false}, caps{"a": false}, ""},
		"false is not absent": {caps{}, caps{"a": false}, `"a"`},
		"truthy number":       {caps{"a": 2}, caps{"a": true}, ""},
		"zero":                {caps{"a": 0}, caps{"a": true}, `"a"`},
		"zero float":          {caps{"a": 0.0}, caps{"a": true}, `"a"`},
		"truthy text":         {caps{"a": "no"}, caps{"a": true}, ""},
		"empty text":          {caps{"a": ""}, caps{"a": true}, `"a"`},
		"truthy list":         {caps{"a": []any{0}}, caps{"a": true}, ""},
		"empty list":          {caps{"a": []any{}}, caps{"a": true}, `"a"`},
		"empty map":           {caps{"a": map[string]any{}}, caps{"a": true}, `"a"`},
		"equal text":          {caps{"a": "x"}, caps{"a": "x"}, ""},
		"other text":          {caps{"a": "x"}, caps{"a": "y"}, `"a"`},
		"int and uint8":       {caps{"a": 5}, caps{"a": uint8(5)}, ""},
		"int and float":       {caps{"a": 5}, caps{"a": 5.0}, ""},
		"int and other float": {caps{"a": 5}, caps{"a": 5.5}, `"a"`},
		"exact large numbers": {caps{"a": int64(1<<53 + 1)}, caps{"a": float64(1 << 53)}, `"a"`},
		"largest uint":        {caps{"a": uint64(math.MaxUint64)}, caps{"a": -1}, `"a"`},
		"one is not true":     {caps{"a": true}, caps{"a": 1}, `"a"`},
		"text is no number":   {caps{"a": "5"}, caps{"a": 5}, `"a"`},
		"lists":               {caps{"a": []any{3, 5}}, caps{"a": []int{3, 5}}, ""},
		"other lists":         {caps{"a": []any{3, 5}}, caps{"a": []any{3}}, `"a"`},
		"infinite":            {caps{"a": math.Inf(1)}, caps{"a": float32(math.Inf(1))}, ""},
		"maps":                {caps{"a": map[string]any{"k": 3}}, caps{"a": map[string]int{"k": 3}}, ""},
		"other maps":          {caps{"a": map[string]any{"k": 3}}, caps{"a": map[string]int{"k": 4}}, `"a"`},
		"other keys":          {caps{"a": map[string]any{"k": 3}}, caps{"a": map[string]int{"l": 3}}, `"a"`},
		"longer map":          {caps{"a": map[string]any{"k": 3, "l": 3}}, caps{"a": map[string]int{"k": 3}}, `"a"`},
		"deep numbers":        {caps{"a": []any{map[string]any{"k": []any{3, now}}}}, caps{"a": []any{caps{"k": []any{3.0, now.UTC()}}}}, ""},
		"list and map":        {caps{"a": []any{}}, caps{"a": map[string]any{}}, `"a"`},
		"one instant":         {caps{"a": now}, caps{"a": now.UTC()}, ""},
		"two instants":        {caps{"a": now}, caps{"a": now.Add(1)}, `"a"`},
		"time and text":       {caps{"a": now}, caps{"a": "now"}, `"a"`},
		"first of several":    {caps{"c": 1}, caps{"d": 1, "b": 1, "c": 1}, `"b"`},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.offered.Satisfies(c.required)
			if c.unmet == "" {
				assert.NilError(t, err)
			} else {
				assert.ErrorContains(t, err, c.unmet)
			}
		})
	}
	err := caps{"GPUs": 1}.Satisfies(caps{"GPUs": 2})
	assert.ErrorContains(t, err, "2") // what is wanted
	assert.ErrorContains(t, err, "1") // what is there
}

func TestCapabilitiesValidate(t *testing.T) {
	deep := func(n int) any {
		var v any = 1
		for range n {
			v = []any{v}
		}
		return v
	}
	self := []any{nil}
	self[0] = self
	assert.NilError(t, caps{
		"bool": true, "text": "x", "int": -1, "uint": uint64(1), "float": 1.5, "duration": time.Second, "time": time.Now(), "bytes": []byte{1},
		"list": []any{1, "x", []any{true}}, "strings": []string{"a"}, "map": map[string]any{"k": []any{1}}, "deep": deep(7),
	}.Validate())
	assert.NilError(t, caps(nil).Validate())
	for name, value := range map[string]any{
		"nil": nil, "func": func() {}, "struct": Greet{}, "pointer": new(int), "nil in a list": []any{nil}, "int keys": map[int]any{1: 1},
		"lists of lists": [][]int{{1}}, "month": time.March, "in a list": []any{[]any{[][]int{}}}, "in a map": map[string]any{"a": time.March}, "array": [2]int{},
		"map of lists": map[string][]int{}, "int8s": []int8{1}, "nil in a map": map[string]any{"a": nil}, "named": Label("x"),
		"odd time": time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("", -60)),
		"error":    message.ErrMalformed, "deep": deep(9), "itself": self, "chan": make(chan int), "struct in a map": map[string]any{"a": Greet{}},
	} {
		assert.ErrorContains(t, caps{"good": 1, name: value}.Validate(), `"`+name+`"`)
	}
}

// Validate and the registry agree on each value.
func TestValidCapabilitiesCanBeSent(t *testing.T) {
	r := newRegistry(t)
	for _, value := range []any{
		true, "x", -1, int8(1), uint64(1), float32(1), 1.5, time.Second, time.Now(), time.Date(12000, 1, 1, 0, 0, 0, 0, time.FixedZone("", 1172)), []byte{1},
		[]string{"a"}, []int{1}, []int64{1}, []float64{1}, []bool{true}, []any{1}, map[string]any{"a": 1}, map[string]string{"a": "b"},
		map[string]int{"a": 1}, map[string]bool{"a": true}, actorAt(1), []address.Address{actorAt(1)}, caps{"a": caps{"b": 1}},
		[][]int{}, []int8{1}, []uint64{1}, [2]int{}, map[string]float64{}, map[int]any{}, time.March, []time.Time{}, []time.Duration{}, Label("x"), Raw{1},
		new(int), Greet{}, []map[string]any{}, complex(1, 1), func() {}, time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("", -60)),
	} {
		for _, value := range []any{value, []any{value}, map[string]any{"k": value}} {
			valid := caps{"a": value}.Validate()
			data, err := r.Append(nil, caps{"a": value})
			assert.Equal(t, valid == nil, err == nil, "%T: Validate says %v, Append %v", value, valid, err)
			if err != nil {
				continue
			}
			got, err := r.Decode(data)
			assert.NilError(t, err)
			assert.Assert(t, caps{"a": value}.Equal(got.(caps)))
		}
	}
}

func TestCapabilitiesClone(t *testing.T) {
	original := caps{"list": []any{[]any{1}}, "map": map[string]any{"a": map[string]any{"b": 1}}, "bytes": []byte{1}, "n": 1}
	clone := original.Clone()
	same(t, clone, original)
	clone["list"].([]any)[0].([]any)[0] = 2
	clone["map"].(map[string]any)["a"].(map[string]any)["b"] = 2
	clone["bytes"].([]byte)[0] = 2
	clone["new"] = true
	same(t, original, caps{"list": []any{[]any{1}}, "map": map[string]any{"a": map[string]any{"b": 1}}, "bytes": []byte{1}, "n": 1})
	assert.Assert(t, caps(nil).Clone() != nil)
}

func TestCapabilitiesEqual(t *testing.T) {
	assert.Assert(t, caps{"a": 1, "b": "x"}.Equal(caps{"b": "x", "a": uint8(1)}))
	assert.Assert(t, caps(nil).Equal(caps{}))
	assert.Assert(t, !caps{"a": 1}.Equal(caps{"a": 2}))
	assert.Assert(t, !caps{"a": 1}.Equal(caps{"b": 1}))
	assert.Assert(t, !caps{"a": 1}.Equal(caps{"a": 1, "b": 1}))
}

func TestCapabilitiesAsBoolAndString(t *testing.T) {
	c := caps{"b": 2, "a": "x", "zero": 0}
	assert.Assert(t, c.AsBool("a") && c.AsBool("b") && !c.AsBool("zero") && !c.AsBool("absent"))
	assert.Equal(t, c.String(), "a=x, b=2, zero=0")
}
