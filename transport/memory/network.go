package memory

import (
	"context"
	"slices"
	"sync"
	"time"

	"thespian.dev/transport"
)

// Network connects the transports that are opened by its bases. All methods may be called from several goroutines at once.
type Network struct {
	seed uint64

	mu      sync.Mutex       // guards all below and the state of all nodes, peers and connections; never held while a Handler runs
	nodes   map[string]*node // those that can be reached, by endpoint
	ways    map[direction]*way
	every   Link // of directions that have no link of their own
	streams []*stream
}

// NewNetwork returns a network without faults. The seed decides about all that is random on it.
func NewNetwork(seed uint64) *Network {
	return &Network{seed: seed, nodes: map[string]*node{}, ways: map[direction]*way{}}
}

// Base returns a base whose transports live on the network and promise what features says. Nodes opened by bases with other features do not connect.
//
// The host part of Config.Listen may be any name, as if it were another machine: "north:1900". "" stands for "memory". A free port is the lowest
// that is free, so endpoints come back as soon as possible.
func (n *Network) Base(features transport.Features) transport.Base {
	return transport.Base{
		Name:      "memory",
		Short:     "memory",
		AdminPort: 1900,
		Features:  features,
		Open: func(ctx context.Context, config transport.Config) (transport.Transport, error) {
			return n.open(ctx, features, config)
		},
	}
}

// SetLink changes how packets travel from one endpoint to another, for those that are sent from now on; Cut, for those on their way, too.
func (n *Network) SetLink(from, to string, l Link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	w := n.way(direction{from, to})
	w.link, w.set = l, true
	n.changed()
}

// SetDefault changes how packets travel where SetLink, Partition and Heal said nothing.
func (n *Network) SetDefault(l Link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.every = l
	n.changed()
}

// Link returns how packets travel from one endpoint to another.
func (n *Network) Link(from, to string) Link {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.link(direction{from, to})
}

// Partition cuts the links between two endpoints, both ways.
func (n *Network) Partition(a, b string) { n.cut(a, b, true) }

// Heal ends a partition of two endpoints.
func (n *Network) Heal(a, b string) { n.cut(a, b, false) }

func (n *Network) cut(a, b string, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, d := range []direction{{a, b}, {b, a}} {
		w := n.way(d)
		l := n.link(d)
		l.Cut = cut
		w.link, w.set = l, true
	}
	n.changed()
}

// Reset breaks the connection between two endpoints, if there is one. What is on its way is lost; a reliable base connects again and sends it once more.
func (n *Network) Reset(a, b string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range slices.Clone(n.streams) {
		if s.direction == (direction{a, b}) && !s.dropped {
			s.conn.breakOff()
		}
	}
}

// Kill ends the node at an endpoint as if its process had died: its Handler hears nothing more, and its peers get no goodbye, but all that it had sent to them
// before. Close has yet to be called to wait for a Handler that is being called. Kill does not wait, so it may be called by a Handler.
func (n *Network) Kill(endpoint string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if t := n.nodes[endpoint]; t != nil {
		t.killed = true
		t.stop(false)
	}
}

// changed is called when links have changed: packets may be free to go, and peers may have got out of reach. n.mu is held.
func (n *Network) changed() {
	for _, s := range slices.Clone(n.streams) {
		s.advance()
	}
	for _, t := range n.nodes {
		for _, p := range t.peers {
			p.watchReach()
		}
	}
}

// after calls f with n.mu held when d has passed, or at once if there is nothing to wait for. n.mu is held.
func (n *Network) after(d time.Duration, f func()) {
	if d <= 0 {
		f()
		return
	}
	time.AfterFunc(d, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		f()
	})
}
