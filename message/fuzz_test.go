package message_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"thespian.dev/message"
)

// What can be decoded and sent can be encoded again, and what was encoded can be decoded.
func FuzzDecode(f *testing.F) {
	r := newRegistry(f, samples())
	for _, v := range vectors(f, r) {
		f.Add(encode(f, r, v.msg))
	}
	f.Add(forge("example.org/unknown", "{A int}", 0xa0))
	f.Add(forge("[]any", "[]any", 0x9a, 0x7f, 0xff, 0xff, 0xff))
	f.Add(forge("thespian.dev/message_test.Bomb", "binary thespian.dev/message_test.Bomb"))
	f.Fuzz(func(t *testing.T, data []byte) {
		msg, err := r.Decode(data)
		if err != nil {
			if !errors.Is(err, message.ErrMalformed) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if r.Check(msg) != nil { // deeper than what may be sent
			return
		}
		again, err := r.Append(nil, msg)
		if err != nil {
			t.Fatalf("%#v was decoded, but cannot be encoded: %v", msg, err)
		}
		if _, err := r.Decode(again); err != nil {
			t.Fatalf("%#v was encoded, but cannot be decoded: %v", msg, err)
		}
	})
}

func FuzzDecodeEnvelope(f *testing.F) {
	r := newRegistry(f, samples())
	for _, msg := range []any{Greet{"World"}, "x", message.DeadEnvelope{Message: Greet{"x"}, Target: actorAt(3)}} {
		data, err := r.AppendEnvelope(nil, message.Envelope{Target: actorAt(1), Sender: actorAt(2), Message: msg})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte{0, 0, 1, 'x', 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := r.DecodeEnvelope(data)
		if err != nil {
			if !errors.Is(err, message.ErrMalformed) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		target, sender, body, err := message.CutEnvelope(data)
		if err != nil || target != e.Target || sender != e.Sender {
			t.Fatalf("CutEnvelope: %v, %v, %v instead of %v, %v", target, sender, err, e.Target, e.Sender)
		}
		if _, err := r.Decode(body); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzReadFrame(f *testing.F) {
	for _, payload := range [][]byte{{}, []byte("hello"), make([]byte, 1000)} {
		f.Add(frame(f, message.Frame{Kind: 1, Flags: 2, Payload: payload}))
	}
	f.Add([]byte("THSP\x01\x00\x00\x00\xff\xff\xff\xff\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1 << 12
		in := bytes.NewReader(data)
		got, err := message.ReadFrame(in, limit)
		if err != nil {
			for _, known := range []error{io.EOF, io.ErrUnexpectedEOF, message.ErrBadMagic, message.ErrVersion, message.ErrFrameTooLarge, message.ErrChecksum} {
				if errors.Is(err, known) {
					return
				}
			}
			t.Fatalf("an error of another kind: %v", err)
		}
		if len(got.Payload) > limit {
			t.Fatalf("%d bytes got past the limit", len(got.Payload))
		}
		if again := frame(t, got); !bytes.Equal(again, data[:len(data)-in.Len()]) {
			t.Fatalf("% x became % x", data, again)
		}
	})
}

// chunk returns messages of a link as one text, each behind its length.
func chunk(messages ...[]byte) (all []byte) {
	for _, m := range messages {
		all = append(binary.AppendUvarint(all, uint64(len(m))), m...)
	}
	return all
}

// Whatever comes over a link, what is taken for an envelope can be sent on.
func FuzzLink(f *testing.F) {
	knows, nobody := newRegistry(f, samples()), newRegistry(f)
	w := newWire(knows, knows)
	for _, v := range vectors(f, knows) {
		w.sent = nil
		w.pass(f, message.Envelope{Target: actorOf(there, 300), Sender: actorOf(here, 1), Message: v.msg})
		w.pass(f, message.Envelope{Target: actorAt(1), Message: v.msg})
		f.Add(chunk(w.sent...))
	}
	f.Add(chunk(definition(1, greetName, greetShape), definition(8, greetName, "int"), []byte{0, 8, 1}, []byte{0, 2, 1}, []byte{0, 0, 1, 'x', 0}))
	f.Fuzz(func(t *testing.T, data []byte) {
		link := message.Link{From: here, To: there, MaxDefinitions: 8, MaxDefinitionBytes: 1 << 10}
		decoders := []*message.Decoder{message.NewDecoder(knows, link), message.NewDecoder(nobody, link)}
		on, last := newWire(nobody, nobody), newWire(nobody, knows)
		for len(data) > 0 {
			length, n := binary.Uvarint(data)
			if n <= 0 || length > uint64(len(data)-n) {
				return
			}
			m := data[n : n+int(length)]
			data = data[n+int(length):]
			known, defined, err := decoders[0].Decode(m)
			opaque, alsoDefined, opaqueErr := decoders[1].Decode(m)
			if defined != alsoDefined {
				t.Fatalf("% x: definition: %v, %v", m, defined, alsoDefined)
			}
			if err != nil && !errors.Is(err, message.ErrMalformed) || opaqueErr != nil && !errors.Is(opaqueErr, message.ErrMalformed) {
				t.Fatalf("an error of another kind: %v, %v", err, opaqueErr)
			}
			if opaqueErr != nil || defined || nobody.Check(opaque.Message) != nil {
				continue
			}
			relayed := on.pass(t, opaque)
			if relayed.Target != opaque.Target || relayed.Sender != opaque.Sender {
				t.Fatalf("%v became %v", opaque, relayed)
			}
			if err == nil && (known.Target != opaque.Target || known.Sender != opaque.Sender) {
				t.Fatalf("%v is another than %v", known, opaque)
			}
			if err == nil {
				last.pass(t, relayed)
			}
		}
	})
}
