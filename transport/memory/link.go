package memory

import (
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// Link says how packets travel from one endpoint to another. The zero value is a link that is perfect and takes no time.
type Link struct {
	// Cut: nothing gets through. What is on its way on a connection waits until the link is whole again; what was sent without one is lost.
	Cut bool
	// Delay is how long each packet takes; Jitter is how much longer it may take.
	Delay, Jitter time.Duration
	// Loss, Duplicate and Reorder are how probable it is that a packet gets lost, arrives twice, or arrives later than some that were sent after it; each
	// from 0 to 1.
	Loss, Duplicate, Reorder float64
}

const (
	resendAfter  = 200 * time.Millisecond // how long a reliable base takes to miss a packet
	maxResends   = 10                     // so that a loss of 1 does not resend for ever: that is what Cut is for
	reorderAfter = 10 * time.Millisecond  // by how much a packet is late that others overtake
)

// direction is one way between two endpoints.
type direction struct{ from, to string }

// way is what the network keeps for one direction that was used or set.
type way struct {
	link Link
	set  bool // whether link is its own; else the network's default counts
	rand *rand.Rand
}

// way returns the record of a direction. n.mu is held.
func (n *Network) way(d direction) *way {
	w := n.ways[d]
	if w == nil {
		h := fnv.New64a()
		h.Write([]byte(d.from + "\x00" + d.to))
		// A source of its own for each direction: what happens on one does not depend on how the traffic of others is scheduled.
		w = &way{rand: rand.New(rand.NewPCG(n.seed, h.Sum64()))}
		n.ways[d] = w
	}
	return w
}

// link returns how packets travel in a direction now. n.mu is held.
func (n *Network) link(d direction) Link {
	if w := n.ways[d]; w != nil && w.set {
		return w.link
	}
	return n.every
}

// travel draws how long each copy of a packet takes; none for one that is lost. n.mu is held.
func (n *Network) travel(d direction, reliable bool) []time.Duration {
	l, r := n.link(d), n.way(d).rand
	// Always the same number of draws for a packet, so that a change of the link does not change the fate of all later packets.
	jitter, lost, twice, late := r.Float64(), r.Float64(), r.Float64(), r.Float64()
	takes := l.Delay + time.Duration(jitter*float64(l.Jitter))
	if late < l.Reorder {
		takes += l.Delay + l.Jitter + reorderAfter
	}
	switch {
	case lost < l.Loss && !reliable:
		return nil
	case lost < l.Loss:
		wait := resendAfter
		for range maxResends {
			takes += wait + l.Delay
			wait *= 2
			// The resent packet may be lost, too: lost/l.Loss is as even between 0 and 1 as lost was.
			if lost /= l.Loss; lost >= l.Loss {
				break
			}
		}
	case twice < l.Duplicate && !reliable:
		return []time.Duration{takes, takes + l.Delay + l.Jitter}
	}
	return []time.Duration{takes}
}
