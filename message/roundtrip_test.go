package message_test

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/address"
	"thespian.dev/message"
)

func TestMessagesArriveAsTheyWereSent(t *testing.T) {
	r := newRegistry(t, samples())
	link, relay := newWire(r, r), newWire(r, newRegistry(t)) // to one who knows the types, and to one who does not and passes them on
	relayed := newWire(newRegistry(t), r)
	note := "in a hurry"
	when := time.Date(2026, 2, 3, 4, 5, 6, 123456789, time.UTC)
	order := Order{
		Header: Header{7}, Lines: []Line{{"tea", 3.5}, {"", math.Inf(1)}}, By: actorAt(3), Due: when, Within: 3 * time.Second, Note: &note,
		Digest: [4]byte{1, 2, 3, 4}, Matrix: [2][3]int16{{1, -2, 3}, {math.MinInt16, 0, math.MaxInt16}},
		ByName: map[string]*Line{"a": {"x", 1}, "none": nil}, ByActor: map[address.Address]int{actorAt(1): 1, {}: 2},
	}
	crate := Crate{
		Any: Greet{"any"}, Slice: []any{Greet{"g"}, &Greet{"p"}, 3, int64(5), uint8(6), float32(1.5), "x", nil, true, []byte{1}, Count(4), when, 5 * time.Minute},
		Map:   map[string]any{"order": order, "list": []any{[]any{[]string{"deep"}}}, "caps": message.Capabilities{"GPU": true}},
		Array: [2]any{actorAt(9), nil}, Inner: &Crate{Any: Label("inner"), Inner: &Crate{}}, Crates: []Crate{{}, {Any: Point{1, 2}}},
		Shape: Square{4}, Deep: map[string][]map[string]any{"k": {{"a": int8(1)}, nil, {}}},
	}
	for _, msg := range []any{
		true, false, "", "Grüße", "not \xff UTF-8", 0, -1, math.MaxInt, int8(-128), int16(-300), int32(-70000), int64(math.MinInt64),
		uint(1), uint8(255), uint16(65535), uint32(math.MaxUint32), uint64(math.MaxUint64), float32(1.25), 1e300, math.Inf(-1),
		[]byte{}, []byte{0, 255}, []string{"a", ""}, []string(nil), []int{}, []int{1, -1}, []any{}, []any{1, "x", nil}, map[string]any{},
		map[string]any{"n": map[string]any{"m": 1.0}}, map[string]string{"a": "b"}, when, time.Time{}, time.Duration(-5), actorAt(1), address.Address{},
		[]address.Address{actorAt(1), {}}, message.Capabilities{"GPU": true, "RAM": 64, "names": []any{"a", 1}},
		Greet{"World"}, Greet{}, &Greet{"p"}, (*Greet)(nil), Count(-5), Label("l"), Raw{1}, order, Order{}, &order, crate, Crate{}, &crate, (*Crate)(nil),
		List{&List{&List{nil, 3}, 2}, 1}, Tree{Value: Greet{"root"}, Left: &Tree{Value: 1}, Kids: []Tree{{Kids: []Tree{{Value: "leaf"}}}}},
		Pair[int, string]{1, "x"}, Pair[Greet, any]{Greet{"a"}, Greet{"b"}}, Point{3, 4}, &Point{5, 6}, (*Point)(nil),
		[]Greet{{"a"}, {"b"}}, map[string]Greet{"k": {"v"}}, [2]Greet{{"a"}, {"b"}},
		message.ActorExitRequest{NotRecursive: true}, message.ChildActorExited{Child: actorAt(2), Reason: "it panicked"},
		message.ActorExited{Actor: actorAt(2), Reason: "gone"}, message.PoisonMessage{Message: Greet{"bad"}, Details: "why"},
		message.DeadEnvelope{Message: &Greet{"lost"}, Target: actorAt(1), Sender: actorAt(2), Reason: "nobody there"},
		message.DeadEnvelope{Message: message.PoisonMessage{Message: []any{Count(1)}}},
		message.WakeupMessage{Delay: time.Second, Payload: Count(3)}, message.WakeupMessage{},
		message.ConventionUpdate{Admin: actorAt(1), Capabilities: message.Capabilities{"Admin Port": 1900}, Added: true},
		message.ValidateSource{Hash: "h", Data: []byte{1}, Info: "i"}, message.ValidatedSource{Hash: "h"}, message.LoadedSource{Hash: "h", Info: "i"},
		message.UnloadedSource{Hash: "h"}, message.StatusRequest{},
		message.ActorStatus{Actor: actorAt(1), Kind: "k", Pending: 3, Received: 5, Children: []address.Address{actorAt(2)},
			Wakeups: []message.PendingWakeup{{In: -time.Second}}, Counters: map[string]uint64{"c": 1}},
		message.SystemStatus{Base: "simple", Capabilities: message.Capabilities{"a": []any{3, 5}}, GlobalNames: map[string]address.Address{"n": actorAt(4)},
			Actors: []message.ActorStatus{{Kind: "k"}}, LoadedSources: []message.LoadedSource{{Hash: "h"}},
			ConventionLeader: actorAt(5), ConventionContacts: []message.ConventionContact{{Address: "a:1", Leader: true, Reached: true, Failure: "f"}},
			ConventionRefusals: []message.ConventionRefusal{{From: "b", Reason: "r", Times: 1, Last: time.Second}},
			ConventionMembers:  []message.ConventionMember{{Admin: actorAt(5), Capabilities: message.Capabilities{"GPU": true}, Route: "direct", Heard: time.Second, Sent: 1}}},
	} {
		t.Run(fmt.Sprintf("%T", msg), func(t *testing.T) {
			assert.NilError(t, r.Check(msg))
			prefix := []byte("before")
			data, err := r.Append(prefix, msg)
			assert.NilError(t, err)
			assert.Equal(t, string(data[:len(prefix)]), "before")
			data = data[len(prefix):]
			got, err := r.Decode(data)
			assert.NilError(t, err)
			same(t, got, msg)
			held, err := r.Decode(encode(t, r, []any{msg}))
			assert.NilError(t, err)
			same(t, held, []any{msg})
			for range 2 { // with a definition, and without
				e := message.Envelope{Target: actorOf(there, 1), Sender: actorOf(here, 1), Message: msg}
				same(t, link.pass(t, e), e)
				same(t, relayed.pass(t, relay.pass(t, e)), e)
			}
		})
	}
}

func TestNaNArrives(t *testing.T) {
	r := newRegistry(t, samples())
	got, err := r.Decode(encode(t, r, []any{math.NaN(), Line{Price: math.NaN()}}))
	assert.NilError(t, err)
	assert.Assert(t, math.IsNaN(got.([]any)[0].(float64)))
	assert.Assert(t, math.IsNaN(got.([]any)[1].(Line).Price))
}

func TestTimesKeepInstantAndOffset(t *testing.T) {
	r := newRegistry(t, message.Types(Order{}, []time.Time(nil), map[string]*time.Time(nil)))
	for _, sent := range []time.Time{
		time.Date(2026, 7, 1, 12, 0, 0, 1, time.FixedZone("CEST", 2*3600)), time.Date(2026, 7, 1, 12, 0, 0, 999999999, time.FixedZone("", -(3*3600+30*60))),
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), time.Now(), time.Date(1700, 1, 1, 0, 0, 0, 5, time.UTC),
		time.Date(-500, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600)),
		time.Date(1930, 1, 1, 0, 0, 0, 0, time.FixedZone("AMT", 1172)), time.Date(1930, 1, 1, 0, 0, 0, 0, time.FixedZone("", -1172)),
	} {
		for where, msg := range map[string]any{"alone": sent, "in any": []any{sent}, "in a field": Order{Due: sent}, "in a list": []time.Time{{}, sent},
			"behind a pointer": map[string]*time.Time{"none": nil, "t": &sent}} {
			got, err := r.Decode(encode(t, r, msg))
			assert.NilError(t, err)
			var arrived time.Time
			switch m := got.(type) {
			case time.Time:
				arrived = m
			case []any:
				arrived = m[0].(time.Time)
			case Order:
				arrived = m.Due
			case []time.Time:
				arrived = m[1]
				assert.Assert(t, len(m) == 2 && m[0] == time.Time{})
			case map[string]*time.Time:
				arrived = *m["t"]
				assert.Assert(t, len(m) == 2 && m["none"] == nil)
			}
			assert.Assert(t, arrived.Equal(sent), "%s: %v arrived as %v", where, sent, arrived)
			_, offset := sent.Zone()
			_, arrivedOffset := arrived.Zone()
			if offset < 0 && offset%60 != 0 { // time.Time.UnmarshalBinary takes the seconds for a positive number
				continue
			}
			assert.Equal(t, arrivedOffset, offset, "%s: offset of %v", where, sent)
			if sent.Location() == time.UTC {
				assert.Equal(t, arrived.Location(), time.UTC, "%s: %v", where, sent)
			}
		}
	}
}

// An offset that has no place in the bytes is found at the sender.
func TestTimesThatCannotBeSent(t *testing.T) {
	r := newRegistry(t, message.Types(Order{}))
	odd := time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("", -60))
	for _, msg := range []any{odd, []any{odd}, Order{Due: odd}} {
		_, err := r.Append(nil, msg)
		assert.ErrorContains(t, err, "zone offset", "%T", msg)
	}
}

func TestDecodedMessagesShareNoMemoryWithTheData(t *testing.T) {
	r := newRegistry(t, samples())
	stranger := newRegistry(t)
	for _, msg := range []any{[]byte("text"), "text", Greet{"text"}, []any{[]byte("text")}, Raw("text"),
		Crate{Any: Crate{Any: []any{"text", Label("text"), Raw("text")}}, Inner: &Crate{Map: map[string]any{"text": "text"}}},
		Tree{Kids: []Tree{{Value: "text"}}}, []any{message.Opaque{Name: "text", Shape: "text", Data: []byte("text")}}, message.ValidateSource{Data: []byte("text")}} {
		data := encode(t, r, msg)
		got, err := r.Decode(data)
		assert.NilError(t, err)
		opaque, err := stranger.Decode(data)
		assert.NilError(t, err)
		known, unknown := newWire(r, r), newWire(r, stranger)
		same(t, known.passAndClear(t, msg), msg)
		same(t, unknown.passAndClear(t, msg), opaque)
		before := fmt.Sprint(opaque)
		clear(data)
		same(t, got, msg)
		assert.Equal(t, fmt.Sprint(opaque), before)
	}
}

func TestAppendReturnsWhatItGotOnFailure(t *testing.T) {
	r := newRegistry(t)
	for _, msg := range []any{nil, Greet{}, []any{Greet{}}, message.WatchMessage{}} {
		b, err := r.Append([]byte("before"), msg)
		assert.Assert(t, err != nil)
		assert.Equal(t, string(b), "before")
	}
}

func TestPanicInATypesOwnDecoding(t *testing.T) {
	r := newRegistry(t, samples())
	for _, msg := range []any{Bomb{}, []any{Bomb{}}} {
		_, err := r.Decode(encode(t, r, msg))
		assert.Assert(t, errors.Is(err, message.ErrMalformed))
		assert.ErrorContains(t, err, "boom")
	}
}

func TestPanicInATypesOwnEncoding(t *testing.T) {
	r := newRegistry(t, message.Types(Mine(""), Depot{}, ByAppending{}, pointed{}))
	for _, msg := range []any{Mine("a"), []any{Mine("b")}, Depot{"c", nil}, Depot{"", []any{Mine("d")}}, ByAppending{}, pointed{}} {
		b, err := r.Append([]byte("before"), msg)
		assert.ErrorContains(t, err, "panicked", "%T", msg)
		assert.Equal(t, string(b), "before")
		_, err = r.AppendEnvelope(nil, message.Envelope{Message: msg})
		assert.ErrorContains(t, err, "panicked", "%T", msg)
	}
}

type (
	// Mine panics when it is encoded, unless it is empty.
	Mine  string
	Depot struct {
		Mine Mine
		More []any
	}
	// ByAppending panics after it has begun.
	ByAppending struct{}
	pointed     struct{ *Point }
)

func (m Mine) MarshalBinary() ([]byte, error) {
	if m != "" {
		panic("click")
	}
	return nil, nil
}
func (*Mine) UnmarshalBinary([]byte) error { return nil }

func (ByAppending) MarshalBinary() ([]byte, error) { return nil, nil }
func (ByAppending) AppendBinary(b []byte) ([]byte, error) {
	_ = append(b, "begun"...)
	panic("click")
}
func (*ByAppending) UnmarshalBinary([]byte) error { return nil }
