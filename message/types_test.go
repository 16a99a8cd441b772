package message_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unsafe"

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
)

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
		{shadowed{}, []string{"shadowed.Name", "shadowed.Base.Name", "lost"}},
		{ambiguous{}, []string{"ambiguous.Other.Name", "ambiguous.Base.Name"}},
		{pointerAmbiguous{}, []string{"pointerAmbiguous.Other.Name"}},
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
	assert.NilError(t, message.Types(Order{}, Crate{}, Tree{}, stampedWell{}, taggedApart{}, onlyStamp{}, own{secret: 1}, withContext{}).Err())
}

func TestTypesRefusesAllAtOnce(t *testing.T) {
	err := message.Types(hidden{}, withFunc{}).Err()
	assert.ErrorContains(t, err, "hidden.secret")
	assert.ErrorContains(t, err, "withFunc.F")
}

func TestTypesAcceptedBesideRefusedOnesArrive(t *testing.T) {
	r := newRegistry(t, message.Types(stampedWell{}, taggedApart{}, onlyStamp{}))
	at := time.Unix(1, 2).UTC()
	for _, msg := range []any{stampedWell{at, "n", Header{1}}, taggedApart{Base{"in"}, "out"}, onlyStamp{at}} {
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
