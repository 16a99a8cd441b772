package benchmarks

import (
	"strings"
	"testing"
	"time"

	"thespian.dev/benchmarks/internal/command"
)

func TestMain(m *testing.M) {
	command.Command{Works: Works(), App: App(), Roles: Roles()}.TestMain(m)
}

func BenchmarkTell1(b *testing.B)      { bench(b, "tell 1") }
func BenchmarkTell8(b *testing.B)      { bench(b, "tell 8") }
func BenchmarkAsk(b *testing.B)        { bench(b, "ask 1") }
func BenchmarkAsk16(b *testing.B)      { bench(b, "ask 16") }
func BenchmarkBounce(b *testing.B)     { bench(b, "bounce") }
func BenchmarkRing(b *testing.B)       { bench(b, "ring 100") }
func BenchmarkSpawn(b *testing.B)      { bench(b, "spawn") }
func BenchmarkIdleMemory(b *testing.B) { bench(b, "idle memory") }

func BenchmarkFarTell(b *testing.B)        { bench(b, "far tell 64 B") }
func BenchmarkFarTellStruct(b *testing.B)  { bench(b, "far tell CBOR") }
func BenchmarkFarTellKiB(b *testing.B)     { bench(b, "far tell 1 KiB") }
func BenchmarkFarTellMiB(b *testing.B)     { bench(b, "far tell 1 MiB") }
func BenchmarkFarAsk(b *testing.B)         { bench(b, "far ask 64 B") }
func BenchmarkFarAsk64(b *testing.B)       { bench(b, "far ask 64 callers") }
func BenchmarkFarCreate(b *testing.B)      { bench(b, "far create spawn") }
func BenchmarkFarFirstAnswer(b *testing.B) { bench(b, "far answer spawn") }

// bench has each contestant of a work do it b.N times.
func bench(b *testing.B, work string) {
	for _, w := range Works() {
		if w.Name != work {
			continue
		}
		for _, c := range w.Contestants {
			b.Run(c.Name, func(b *testing.B) {
				b.ReportAllocs()
				if err := c.Run(b.Context(), meter{b}, b.N); err != nil {
					b.Fatal(err)
				}
			})
		}
		return
	}
	b.Fatalf("there is no work %q", work)
}

// A meter writes units as package testing wants them, in one word.
type meter struct{ *testing.B }

func (m meter) ReportMetric(value float64, unit string) {
	m.B.ReportMetric(value, strings.ReplaceAll(unit, " ", "-"))
}

// Correct is what [contest.Correct] calls.
func (m meter) Correct(n int, took time.Duration) {
	m.B.ReportMetric(float64(took.Nanoseconds())/float64(n), "ns/op")
}
