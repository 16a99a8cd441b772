package benchmarks

import "thespian.dev/address"

// A Pair is the small message of the benchmarks. Whoever sends one pays for boxing it.
type Pair struct{ Left, Right int }

// Begin tells an actor to begin with its part of a work.
type Begin struct {
	N  int             // operations
	To address.Address // whom they are about; where it matters
}

// Next tells an actor of a ring where the message goes from it.
type Next struct{ Next address.Address }
