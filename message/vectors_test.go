package message_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"

	"thespian.dev/message"
)

// A vector is a message and what it looks like on the wire. They are kept in testdata/vectors.json, so that a change of the wire format is seen;
// go test -update writes them anew.
type vector struct {
	msg any
	Go  string
	Hex string
}

func vectors(t testing.TB, r *message.Registry) []vector {
	var all []vector
	for _, msg := range []any{
		true, "Grüße", -1, uint8(200), math.MaxInt, 1.5, float32(1.5), []byte{1, 2, 3}, []any{1, "x", nil, []any{true}}, map[string]any{"k": int64(5)},
		[]string{"a", "b"}, time.Date(2026, 2, 3, 4, 5, 6, 7, time.UTC), time.Duration(1500), actorAt(5), message.Capabilities{"GPU": true},
		Greet{"World"}, &Greet{"World"}, (*Greet)(nil), Count(-5), Point{1, 2}, List{&List{nil, 2}, 1},
		Tree{Value: Greet{"root"}, Left: &Tree{Value: 1}}, Crate{Any: Greet{"World"}, Shape: Square{4}}, Order{Header: Header{7}, By: actorAt(1), Due: time.Unix(0, 5).UTC()},
		message.ActorExitRequest{NotRecursive: true}, message.ChildActorExited{Child: actorAt(2), Reason: "it panicked"},
		message.PoisonMessage{Message: Greet{"bad"}, Details: "why"}, message.DeadEnvelope{Message: "lost", Target: actorAt(1), Reason: "nobody there"},
		message.WakeupMessage{Delay: time.Second, Payload: Count(3)}, message.StatusRequest{},
	} {
		all = append(all, vector{msg, fmt.Sprintf("%T: %+v", msg, msg), hex.EncodeToString(encode(t, r, msg))})
	}
	return all
}

func TestVectors(t *testing.T) {
	r := newRegistry(t, samples())
	all := vectors(t, r)
	for i := range all {
		if p, ok := all[i].msg.(*Greet); ok && p != nil { // its address differs
			all[i].Go = fmt.Sprintf("%T: &%+v", p, *p)
		}
		if n, ok := all[i].msg.(List); ok {
			all[i].Go = fmt.Sprintf("%T of %d, then %d", n, n.Value, n.Next.Value)
		}
		if n, ok := all[i].msg.(Tree); ok {
			all[i].Go = fmt.Sprintf("%T of %+v, left of it %v", n, n.Value, n.Left.Value)
		}
	}
	text, err := json.MarshalIndent(all, "", "\t")
	assert.NilError(t, err)
	golden.Assert(t, string(text)+"\n", "vectors.json")

	var kept []vector
	assert.NilError(t, json.Unmarshal(golden.Get(t, "vectors.json"), &kept))
	assert.Equal(t, len(kept), len(all))
	for i, v := range kept {
		data, err := hex.DecodeString(v.Hex)
		assert.NilError(t, err)
		got, err := r.Decode(data)
		assert.NilError(t, err)
		same(t, got, all[i].msg)
	}
}

func TestEnvelopeAndFrameVectors(t *testing.T) {
	r := newRegistry(t, samples())
	envelope, err := r.AppendEnvelope(nil, message.Envelope{Target: actorAt(1), Sender: actorAt(2), Message: Greet{"World"}})
	assert.NilError(t, err)
	anonymous, err := r.AppendEnvelope(nil, message.Envelope{Target: actorAt(1), Message: "x"})
	assert.NilError(t, err)
	var text string
	for _, v := range []struct {
		name string
		data []byte
	}{
		{"envelope", envelope}, {"envelope without a sender", anonymous},
		{"frame", frame(t, message.Frame{Kind: 1, Flags: 2, Payload: []byte("hello")})}, {"empty frame", frame(t, message.Frame{})},
	} {
		text += fmt.Sprintf("%s\n%s\n", v.name, hex.Dump(v.data))
	}
	golden.Assert(t, text, "envelopes-and-frames.txt")
}

// Messages of one link in their order.
func TestLinkVectors(t *testing.T) {
	r := newRegistry(t, samples())
	w := newWire(r, r)
	far := actorOf(message.Node{System: 1, Process: 2}, 3)
	far.Record().SetHint("tcp:[::1]:1900")
	envelopes := []struct {
		name string
		e    message.Envelope
	}{
		{"to an actor of the receiving node, from one of the sending node", message.Envelope{Target: actorOf(there, 57), Sender: actorOf(here, 300), Message: Greet{"World"}}},
		{"the same again, the other way", message.Envelope{Target: actorOf(here, 300), Sender: actorOf(there, 57), Message: Greet{"World"}}},
		{"without a sender", message.Envelope{Target: actorOf(there, 57), Message: "x"}},
		{"from elsewhere", message.Envelope{Target: actorOf(there, 57), Sender: far, Message: Count(-5)}},
		{"between actors that a third node has created", message.Envelope{Target: actorOf(message.Node{System: 1, Process: 2}, 57), Sender: actorOf(message.Node{System: 1, Process: 2}, 300), Message: Count(-5)}},
		{"to nobody, from nobody", message.Envelope{Message: []any{1, Greet{"World"}}}},
		{"of a type that is not known here", message.Envelope{Target: actorOf(there, 57), Message: message.Opaque{Name: "example.org/x", Shape: "int", Data: []byte{2}}}},
	}
	var text string
	for _, v := range envelopes {
		before := len(w.sent)
		same(t, w.pass(t, v.e), v.e)
		for _, data := range w.sent[before : len(w.sent)-1] {
			text += fmt.Sprintf("definition\n%s\n", hex.Dump(data))
		}
		text += fmt.Sprintf("%s\n%s\n", v.name, hex.Dump(w.last()))
	}
	plain, err := w.encoder.AppendEnvelope(nil, message.Envelope{Target: actorOf(there, 57), Message: Line{"tea", 3.5}}, func([]byte) error {
		data, err := w.encoder.AppendEnvelope(nil, message.Envelope{Target: actorOf(there, 57), Message: Line{"tea", 3.5}}, refuse)
		text += fmt.Sprintf("beside its definition\n%s\n", hex.Dump(data))
		return err
	})
	assert.NilError(t, err)
	text += fmt.Sprintf("behind its definition\n%s\n", hex.Dump(plain))
	golden.Assert(t, text, "link.txt")
}
