package message_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/fxamacker/cbor/v2"
	"gotest.tools/v3/assert"

	"thespian.dev/message"
)

type (
	hidden       struct{ Name, secret string }
	nested       struct{ Lines []map[string]*hidden }
	withError    struct{ Err error }
	withFunc     struct{ F func() }
	withChan     struct{ C chan int }
	withComplex  struct{ C complex128 }
	withPointer  struct{ P unsafe.Pointer }
	withUintptr  struct{ P uintptr }
	withTwoStars struct{ P **int }
	withBoolKey  struct{ M map[bool]int }
	leftOut      struct {
		A int
		B int `json:"-"`
	}
	twoTags struct {
		A int `cbor:"x"`
		B int `json:"x"`
	}
	Base     struct{ Name string }
	Other    struct{ Name string }
	shadowed struct {
		Base
		Name string
	}
	ambiguous struct {
		Base
		Other
	}
	pointerAmbiguous struct {
		*Base
		Other
	}
	stamped struct {
		time.Time
		Note string
	}
	stampedWell struct {
		At   time.Time
		Note string
		Header
	}
	taggedApart struct {
		Base `cbor:"base"`
		Name string
	}
	onlyStamp struct{ time.Time }
	own       struct {
		secret int
	}
	withContext struct{ Ctx context.Context }

	twoNames struct {
		Base
		X int `cbor:"Base"`
	}
	whenSet struct {
		A int `cbor:",omitempty"`
	}
	whenNotZero struct {
		A int `json:"a,omitzero"`
	}
	byNumber struct {
		A int `cbor:"1,keyasint"`
	}
	asArray struct {
		A int `cbor:"a,toarray"`
	}
	asArrayWhole struct {
		_ struct{} `cbor:",toarray"`
		A int
	}
	otherTags struct {
		A int `cbor:"a" json:"-"`
		B int `json:"b,string"`
		C int `cbor:",x" json:"A"`
		D int `cbor:"a b; c"`
	}
	withSlicePointer     struct{ P *[]int }
	withMapPointer       struct{ P []*map[string]int }
	withInterfacePointer struct{ P map[string]*any }
	withPointPointer     struct {
		P *Point
		S *marks
	}
	withTimeKey struct{ M map[time.Time]int }
	withAnon    struct {
		S struct{ A int }
		L []struct{ B any }
	}
	pointPlus struct {
		*Point
		Note string
	}
	halfKey   struct{ M map[halfText]int }
	halfText  string
	half      struct{ A int }
	onPointer struct{ A int }
	marks     []byte
	item      struct{ raw cbor.RawMessage }
	embeds    struct {
		*Base
		*Header
		Pair[int, any]
		At time.Time
	}
)

func (i item) MarshalCBOR() ([]byte, error) { return i.raw, nil }
func (i *item) UnmarshalCBOR(data []byte) error {
	i.raw = append(cbor.RawMessage{}, data...)
	return nil
}

func (half) MarshalBinary() ([]byte, error)          { return nil, nil }
func (halfText) MarshalBinary() ([]byte, error)      { return nil, nil }
func (*onPointer) MarshalBinary() ([]byte, error)    { return nil, nil }
func (*onPointer) UnmarshalBinary(data []byte) error { return nil }
func (m marks) MarshalBinary() ([]byte, error)       { return m, nil }
func (m *marks) UnmarshalBinary(data []byte) error {
	*m = append(marks{}, data...)
	return nil
}

func (own) MarshalBinary() ([]byte, error)     { return nil, nil }
func (*own) UnmarshalBinary(data []byte) error { return nil }

func TestTypesRefusesWhatWouldArriveDamaged(t *testing.T) {
	const here = "thespian.dev/message_test."
	for _, c := range []struct {
		sample any
		says   []string
	}{
		{nil, []string{"nil"}},
		{hidden{secret: "x"}, []string{here + "hidden.secret", "unexported"}},
		{&hidden{}, []string{"hidden.secret"}},
		{nested{}, []string{here + "nested.Lines[][].secret"}},
		{[]hidden{}, []string{"hidden[].secret"}},
		{withError{}, []string{"withError.Err", "error"}},
		{withFunc{}, []string{"withFunc.F", "func"}},
		{withChan{}, []string{"withChan.C", "chan"}},
		{withComplex{}, []string{"withComplex.C", "complex128"}},
		{withPointer{}, []string{"withPointer.P", "unsafe.Pointer"}},
		{withUintptr{}, []string{"withUintptr.P", "uintptr"}},
		{withTwoStars{}, []string{"withTwoStars.P", "pointer to a pointer"}},
		{withBoolKey{}, []string{"withBoolKey.M", "bool"}},
		{leftOut{}, []string{"leftOut.B", `json:"-"`}},
		{twoTags{}, []string{"twoTags.B", "twoTags.A"}},
		{twoNames{}, []string{"twoNames.X", "twoNames.Base", "lost"}},
		{whenSet{}, []string{"whenSet.A", "omitempty"}},
		{whenNotZero{}, []string{"whenNotZero.A", "omitzero"}},
		{byNumber{}, []string{"byNumber.A", "keyasint"}},
		{asArray{}, []string{"asArray.A", "toarray"}},
		{asArrayWhole{}, []string{"asArrayWhole._"}},
		{withSlicePointer{}, []string{"withSlicePointer.P", "of kind slice"}},
		{withMapPointer{}, []string{"withMapPointer.P[]", "of kind map"}},
		{withInterfacePointer{}, []string{"withInterfacePointer.P[]", "of kind interface"}},
		{&[]int{}, []string{"*[]int", "of kind slice"}},
		{withTimeKey{}, []string{"withTimeKey.M", "keys"}},
		{struct{ A int }{}, []string{"struct { A int }", "no name", "message.Named"}},
		{[]*struct{ A int }{}, []string{"struct { A int }", "no name"}},
		{half{}, []string{"half", "UnmarshalBinary"}},
		{onPointer{}, []string{"onPointer", "MarshalBinary on the value"}},
		{halfKey{}, []string{"halfKey.M", "halfText"}},
		{pointPlus{}, []string{"pointPlus.Point", "give it a name"}},
		{stamped{}, []string{"stamped.Time", "give it a name"}},
		{func() {}, []string{"func"}},
		{make(chan int), []string{"chan"}},
	} {
		set := message.Types(Greet{}, c.sample)
		_, err := message.NewRegistry(set)
		for _, text := range c.says {
			assert.ErrorContains(t, set.Err(), text)
			assert.ErrorContains(t, err, text)
		}
	}
	assert.NilError(t, message.Types(Order{}, Crate{}, Tree{}, stampedWell{}, taggedApart{}, onlyStamp{}, own{secret: 1}, withContext{},
		withPointPointer{}, withAnon{}, message.Named("x", struct{ A int }{}), otherTags{}, embeds{}).Err())
}

func TestTypesRefusesAllAtOnce(t *testing.T) {
	err := message.Types(hidden{}, withFunc{}).Err()
	assert.ErrorContains(t, err, "hidden.secret")
	assert.ErrorContains(t, err, "withFunc.F")
}

func TestTypesAcceptedBesideRefusedOnesArrive(t *testing.T) {
	r := newRegistry(t, message.Types(stampedWell{}, taggedApart{}, onlyStamp{}, shadowed{}, ambiguous{}, pointerAmbiguous{}, embeds{}, &embeds{}, otherTags{},
		withPointPointer{}, withAnon{}, message.Named("x", struct{ A int }{}), item{}, []item(nil)))
	at := time.Unix(1, 2).UTC()
	for _, msg := range []any{
		stampedWell{at, "n", Header{1}}, taggedApart{Base{"in"}, "out"}, onlyStamp{at}, shadowed{Base{"in"}, "out"}, ambiguous{Base{"a"}, Other{"b"}},
		pointerAmbiguous{&Base{"a"}, Other{"b"}}, pointerAmbiguous{}, embeds{nil, &Header{}, Pair[int, any]{1, "x"}, at}, &embeds{}, otherTags{1, 2, 3, 4},
		withPointPointer{&Point{1, 2}, &marks{}}, withPointPointer{}, withAnon{S: struct{ A int }{1}, L: []struct{ B any }{{2}}}, struct{ A int }{1},
		item{cbor.RawMessage{0xf6}}, []item{{cbor.RawMessage{0xf6}}, {cbor.RawMessage{0x82, 1, 0xa1, 0x61, 'x', 0xf7}}, {cbor.RawMessage{0x41, 1}}},
	} {
		got, err := r.Decode(encode(t, r, msg))
		assert.NilError(t, err)
		same(t, got, msg)
	}
}

func TestNames(t *testing.T) {
	_, err := message.NewRegistry(message.Types(message.Named("x.A", Greet{}), message.Named("x.A", Line{})))
	assert.ErrorContains(t, err, `"x.A"`)
	_, err = message.NewRegistry(message.Types(Greet{}), message.Types(message.Named("x.A", Greet{})))
	assert.ErrorContains(t, err, `"x.A"`)
	assert.ErrorContains(t, err, `"thespian.dev/message_test.Greet"`)
	_, err = message.NewRegistry(message.Types(Greet{}, Greet{}), message.Types(Greet{}), message.Types(message.StatusRequest{}, "", []any(nil)))
	assert.NilError(t, err)
	_, err = message.NewRegistry(message.Types(message.Named(strings.Repeat("n", 5000), Greet{})))
	assert.ErrorContains(t, err, "limit")
}

func TestWireNames(t *testing.T) {
	r, nobody := newRegistry(t, samples(), message.Types(message.Named("short", Base{}))), newRegistry(t)
	const here = "thespian.dev/message_test."
	for _, c := range []struct {
		msg  any
		name string
	}{
		{Greet{}, here + "Greet"}, {&Greet{}, "*" + here + "Greet"}, {[]Greet{}, "[]" + here + "Greet"}, {map[string]Greet{}, "map[string]" + here + "Greet"},
		{[2]Greet{}, "[2]" + here + "Greet"}, {Pair[int, string]{}, here + "Pair[int,string]"}, {Pair[Greet, any]{}, here + "Pair[" + here + "Greet,interface {}]"},
		{Base{}, "short"},
	} {
		got, err := nobody.Decode(encode(t, r, c.msg))
		assert.NilError(t, err)
		assert.Equal(t, got.(message.Opaque).Name, c.name)
	}
}

// Types of package main are called by the program's path, in type arguments too.
func TestNamesOfPackageMain(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	for _, c := range []struct{ program, path string }{
		{"./testdata/program", "thespian.dev/message/testdata/program"}, {"testdata/program/main.go", "/main"},
	} {
		out, err := exec.Command("go", "run", c.program).CombinedOutput()
		assert.NilError(t, err, "%s", out)
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		assert.Equal(t, len(lines), 2)
		path, found := strings.CutSuffix(lines[0], ".Greet")
		assert.Assert(t, found && path != "main" && strings.HasSuffix(path, c.path), "%s", out)
		assert.Equal(t, lines[1], path+".Box["+path+".Greet]")
	}
}
