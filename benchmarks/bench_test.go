package benchmarks

import (
	"testing"
)

func BenchmarkTell1(b *testing.B)      { bench(b, "tell 1") }
func BenchmarkTell8(b *testing.B)      { bench(b, "tell 8") }
func BenchmarkAsk(b *testing.B)        { bench(b, "ask 1") }
func BenchmarkAsk16(b *testing.B)      { bench(b, "ask 16") }
func BenchmarkBounce(b *testing.B)     { bench(b, "bounce") }
func BenchmarkRing(b *testing.B)       { bench(b, "ring 100") }
func BenchmarkSpawn(b *testing.B)      { bench(b, "spawn") }
func BenchmarkIdleMemory(b *testing.B) { bench(b, "idle memory") }

// bench has each contestant of a work do it b.N times.
func bench(b *testing.B, work string) {
	for _, w := range Works() {
		if w.Name != work {
			continue
		}
		for _, c := range w.Contestants {
			b.Run(c.Name, func(b *testing.B) {
				b.ReportAllocs()
				if err := c.Run(b.Context(), b, b.N); err != nil {
					b.Fatal(err)
				}
			})
		}
		return
	}
	b.Fatalf("there is no work %q", work)
}
