//go:build linux

package integration

import (
	"testing"
)

// BenchmarkSpawn measures from the creation of an actor to its first answer.
func BenchmarkSpawn(b *testing.B) {
	for _, kind := range []string{"servant", "pooled", "thread"} {
		b.Run(kind, func(b *testing.B) {
			sys := start(b, nil)
			ask(b, sys, create(b, sys, kind), Say{"x"})
			for b.Loop() {
				ask(b, sys, create(b, sys, kind), Say{"x"})
			}
		})
	}
}

// BenchmarkAsk measures a question of a program to an actor in another process.
func BenchmarkAsk(b *testing.B) {
	sys := start(b, nil)
	a := create(b, sys, "servant")
	for b.Loop() {
		ask(b, sys, a, Say{"x"})
	}
}
