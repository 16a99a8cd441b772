// Package benchmarks measures the system against the machine's raw limits: the same work, done with bare goroutines, channels and locks.
//
//	go run ./benchmarks/cmd/compare
//
// has all contestants do each work in one run, in turn, and prints how they compare. Works whose names begin with "far" are between processes. The benchmarks of this package do the same
// works, one contestant at a time:
//
//	go test -bench Tell ./benchmarks
//
// A work has a file of its own, with a function that returns it. To add one, write that function and list it in [Works]; to add a contestant, add it
// to the list in its work.
package benchmarks

import "thespian.dev/benchmarks/internal/contest"

// Works returns all works, in the order in which they are reported.
func Works() []contest.Work {
	return append([]contest.Work{
		tell(1, contest.Goal{Ratio: 0.5, AtMost: map[string]float64{contest.Allocs: 1}}),
		tell(8, contest.Goal{Ratio: 0.8, AtMost: map[string]float64{contest.Allocs: 1}}),
		ask(1, contest.Nanoseconds, contest.Goal{Ratio: 1.5, AtMost: map[string]float64{contest.Allocs: 2}}),
		ask(16, contest.MillionsPerSecond, contest.Goal{}),
		ring("bounce", 2, contest.Goal{Ratio: 1.35}),
		ring("ring 100", 100, contest.Goal{}),
		spawn(),
		spawnAgain(),
		idleMemory(),
		million(),
	}, Far(Venues())...)
}
