package message_test

import (
	"testing"

	"thespian.dev/message"
)

var benchMessages = []struct {
	name string
	msg  any
}{
	{"struct", Line{"tea", 3.5}}, {"bytes64", make([]byte, 64)}, {"string", "a short text"}, {"int", 42}, {"address", actorAt(1)},
	{"any", []any{Greet{"World"}, 3, "x"}}, {"exit", message.ActorExitRequest{}},
}

func BenchmarkCheck(b *testing.B) {
	r := newRegistry(b, samples())
	for _, m := range benchMessages {
		b.Run(m.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := r.Check(m.msg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	r := newRegistry(b, samples())
	for _, m := range benchMessages {
		b.Run(m.name, func(b *testing.B) {
			b.ReportAllocs()
			var buffer []byte
			for b.Loop() {
				var err error
				if buffer, err = r.Append(buffer[:0], m.msg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	r := newRegistry(b, samples())
	for _, m := range benchMessages {
		data := encode(b, r, m.msg)
		b.Run(m.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Decode(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
