package benchmarks

import (
	"time"

	"thespian.dev/address"
)

// A Pair is the small message of the benchmarks. Whoever sends one pays for boxing it.
type Pair struct{ Left, Right int }

// Begin tells an actor to begin with its part of a work.
type Begin struct {
	N  int             // operations
	To address.Address // whom they are about; where it matters
}

// Next tells an actor of a ring where the message goes from it.
type Next struct{ Next address.Address }

// The messages of the works between processes, beside bare bytes.
type (
	// A Sale is a message of a few fields, about 64 bytes long through the codec.
	Sale struct {
		Number   int
		Customer string
		Price    float64
		Paid     bool
	}

	// Flood tells an actor to send so many messages to another one: of Size bytes each, or sales if it is 0.
	Flood struct {
		N, Size int
		To      address.Address
	}

	// Received is what a sink says when it has received all, or how many there are if it is asked by Count.
	Received struct {
		PID, N int
		Last   int64 // when the last of them came, in nanoseconds since 1970; after Count alone
	}

	// Count has a sink begin to count, and to look at the clock with each that comes, or say how far it is. A sink begins once for each number.
	Count struct{ Number int }

	// Breed tells an actor to create children of a kind, and to say when they have started, and which they are if it shall List them. With Insist, who says
	// the same again is answered again, and what the children say may get lost.
	Breed struct {
		N      int
		Kind   string
		List   bool
		Insist bool
	}

	// Announce, as an argument, has a child say to its parent that it has started.
	Announce struct{}

	// Present says that an actor has started.
	Present struct{ PID int }

	// Bred says that children have started, or why they have not.
	Bred struct {
		Actors  []address.Address
		PIDs    []int
		Failure string
	}

	// Probe tells an actor to create N children, one after another with a pause between, to ask each once, and to end it. An answer that does not come in the Patience is lost; zero: none is.
	// Who says the same again is answered again.
	Probe struct {
		N               int
		Kind            string
		Pause, Patience time.Duration
	}

	// Probed says how long it took from each creation to the answer.
	Probed struct {
		Took    []time.Duration
		Lost    int
		Failure string
	}
)
