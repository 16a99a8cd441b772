package message_test

import (
	"bytes"
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
