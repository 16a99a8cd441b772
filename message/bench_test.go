package message_test

import (
	"runtime"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/address/record"
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

// Quote takes some 60 bytes in CBOR.
type Quote struct {
	Item   string
	Market string
	Price  float64
	Volume int
}

var benchEnvelopes = []struct {
	name string
	msg  any
}{
	{"bytes64", make([]byte, 64)}, {"string64", string(make([]byte, 64))}, {"int", 42}, {"point", Point{1, 2}}, {"struct", Quote{"Spruce", "north", 12.5, 1200}},
	{"any", []any{Greet{"World"}, 3, "x"}},
}

func BenchmarkEnvelope(b *testing.B) {
	r := newRegistry(b, samples(), message.Types(Quote{}))
	for _, m := range benchEnvelopes {
		e := message.Envelope{Target: actorOf(there, 1000), Sender: actorOf(here, 1000), Message: m.msg}
		var data []byte
		b.Run("append/"+m.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				data, _ = r.AppendEnvelope(data[:0], e)
			}
			b.ReportMetric(float64(len(data)), "bytes")
		})
		b.Run("decode/"+m.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.DecodeEnvelope(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLink(b *testing.B) {
	r := newRegistry(b, samples(), message.Types(Quote{}))
	for _, m := range benchEnvelopes {
		e := message.Envelope{Target: actorOf(there, 1000), Sender: actorOf(here, 1000), Message: m.msg}
		e.Target.Record().Bind(&record.Binding{}) // as an actor of the receiving process
		encoder, decoder := message.NewEncoder(r, hereToThere), message.NewDecoder(r, hereToThere)
		define := func(data []byte) error {
			_, _, err := decoder.Decode(data)
			return err
		}
		data, err := encoder.AppendEnvelope(nil, e, define)
		assert.NilError(b, err)
		b.Run("append/"+m.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				data, _ = encoder.AppendEnvelope(data[:0], e, define)
			}
			b.ReportMetric(float64(len(data)), "bytes")
		})
		b.Run("decode/"+m.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := decoder.Decode(data); err != nil {
					b.Fatal(err)
				}
			}
		})
		runtime.KeepAlive(e)
	}
}

func BenchmarkLinkParallel(b *testing.B) {
	r := newRegistry(b)
	encoder := message.NewEncoder(r, hereToThere)
	e := message.Envelope{Target: actorOf(there, 1000), Sender: actorOf(here, 1000), Message: make([]byte, 64)}
	b.RunParallel(func(pb *testing.PB) {
		var data []byte
		for pb.Next() {
			data, _ = encoder.AppendEnvelope(data[:0], e, func([]byte) error { return nil })
		}
	})
}
