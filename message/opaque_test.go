package message_test

import (
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/message"
)

// These stand for the type of one name in two builds of a program.
type (
	reportV1 struct {
		Title string
		Pages int
	}
	reportV2 struct {
		Title string
		Pages int64
	}
	reportRenamed struct {
		Title string
		Count int
	}
	reportReordered struct {
		Pages int
		Title string
	}
	reportLonger struct {
		Title string
		Pages int
		Notes []string
	}
	reportSame struct {
		Title string
		Pages int
	}
)

func reports(t *testing.T, sample any) *message.Registry {
	return newRegistry(t, message.Types(message.Named("example.org/report", sample)))
}

func TestUnknownTypesStayOpaqueAndTravelOn(t *testing.T) {
	knows, nobody := newRegistry(t, samples()), newRegistry(t)
	for _, msg := range []any{Greet{"World"}, &Greet{"p"}, Count(-3), Label("l"), Raw{1, 2}, Point{1, 2}, Crate{Any: Greet{"x"}}, []Greet{{"a"}}, List{}} {
		data := encode(t, knows, msg)
		got, err := nobody.Decode(data)
		assert.NilError(t, err)
		opaque := got.(message.Opaque)
		assert.ErrorIs(t, opaque.Err(), message.ErrUnregistered)
		assert.ErrorContains(t, opaque.Err(), opaque.Name)

		assert.NilError(t, nobody.Check(opaque))
		assert.DeepEqual(t, encode(t, nobody, opaque), data)
		inside := encode(t, nobody, message.DeadEnvelope{Message: opaque, Reason: "r"})
		got, err = knows.Decode(inside)
		assert.NilError(t, err)
		same(t, got, message.DeadEnvelope{Message: msg, Reason: "r"})
	}
}

func TestUnknownTypesInsideKnownOnes(t *testing.T) {
	knows, nobody := newRegistry(t, samples()), newRegistry(t, message.Types(Crate{}))
	sent := Crate{Any: 1, Slice: []any{Greet{"World"}, Count(2)}, Map: map[string]any{"k": Point{1, 2}}}
	data := encode(t, knows, sent)
	got, err := nobody.Decode(data)
	assert.NilError(t, err)
	crate := got.(Crate)
	assert.Equal(t, crate.Any, any(1))
	assert.Equal(t, crate.Slice[0].(message.Opaque).Name, "thespian.dev/message_test.Greet")
	back, err := knows.Decode(encode(t, nobody, crate))
	assert.NilError(t, err)
	same(t, back, sent)
}

func TestUnknownTypeWhereOnlySomeTypesFit(t *testing.T) {
	knows, nobody := newRegistry(t, samples()), newRegistry(t, message.Types(Crate{}))
	_, err := nobody.Decode(encode(t, knows, Crate{Shape: Square{2}}))
	assert.ErrorContains(t, err, "message_test.Square")
}

func TestAnotherShapeStaysOpaqueAndShowsBoth(t *testing.T) {
	sender := reports(t, reportV1{})
	for _, sample := range []any{reportV2{}, reportRenamed{}, reportReordered{}, reportLonger{}, Label(""), Point{}, List{}} {
		receiver := reports(t, sample)
		got, err := receiver.Decode(encode(t, sender, reportV1{"t", 3}))
		assert.NilError(t, err)
		opaque := got.(message.Opaque)
		assert.ErrorContains(t, opaque.Err(), "example.org/report")
		assert.ErrorContains(t, opaque.Err(), opaque.Shape)
		assert.ErrorContains(t, opaque.Err(), opaque.Here)
		assert.Equal(t, opaque.Shape, "{Title string; Pages int}")
		assert.Assert(t, opaque.Here != opaque.Shape && opaque.Here != "")
		here, err := sender.Decode(encode(t, receiver, opaque))
		assert.NilError(t, err)
		same(t, here, reportV1{"t", 3})
	}
	got, err := reports(t, reportSame{}).Decode(encode(t, sender, reportV1{"t", 3}))
	assert.NilError(t, err)
	same(t, got, reportSame{"t", 3})
}

func TestFingerprintStandsForTheShape(t *testing.T) {
	nobody := newRegistry(t)
	fingerprint := func(sample any) uint64 {
		got, err := nobody.Decode(encode(t, reports(t, sample), sample))
		assert.NilError(t, err)
		return got.(message.Opaque).Fingerprint()
	}
	assert.Equal(t, fingerprint(reportV1{}), fingerprint(reportSame{}))
	seen := map[uint64]any{}
	for _, sample := range []any{reportV1{}, reportV2{}, reportRenamed{}, reportReordered{}, reportLonger{}, &reportV1{}, []reportV1{}, List{}, Tree{}, Crate{}, Point{}, Count(0), Label("")} {
		f := fingerprint(sample)
		assert.Assert(t, seen[f] == nil, "%T and %T have one fingerprint", sample, seen[f])
		seen[f] = sample
	}
}

func TestShapes(t *testing.T) {
	sender, nobody := newRegistry(t, samples()), newRegistry(t)
	for _, c := range []struct {
		msg   any
		shape string
	}{
		{Greet{}, "{Name string}"}, {&Greet{}, "*{Name string}"}, {Count(0), "int"}, {List{}, "{Next *^2; Value int}"},
		{Tree{}, "{Value any; Left *^2; Kids []^2}"}, {[2]Greet{}, "[2]{Name string}"}, {map[string]Greet{}, "map[string]{Name string}"},
		{Point{}, "binary thespian.dev/message_test.Point"},
		{Order{}, "{Header {ID uint64}; Lines []{Item string; Price float64}; By binary thespian.dev/address.Address; Due time; Within int64; " +
			"Note *string; Digest [4]uint8; Matrix [2][3]int16; ByName map[string]*{Item string; Price float64}; " +
			"ByActor map[binary thespian.dev/address.Address]int; Empty {}}"},
	} {
		got, err := nobody.Decode(encode(t, sender, c.msg))
		assert.NilError(t, err)
		assert.Equal(t, got.(message.Opaque).Shape, c.shape)
	}
}
