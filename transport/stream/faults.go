package stream

import (
	"time"

	"thespian.dev/transport"
)

// What follows is for the tests of transports: what happens to machines and networks happens to theirs.

// Reset breaks all connections between two transports, as a network does.
func Reset(a, b transport.Transport) {
	for _, ends := range [][2]*node{{a.(*node), b.(*node)}, {b.(*node), a.(*node)}} {
		for _, p := range ends[0].all() {
			if p.to != ends[1].config.Self {
				continue
			}
			p.mu.Lock()
			if p.conn != nil {
				if c, ok := p.conn.raw.(interface{ SetLinger(int) error }); ok {
					_ = c.SetLinger(0) // not even what was written arrives
				}
				_ = p.conn.raw.Close()
			}
			p.mu.Unlock()
		}
	}
}

// Kill ends a transport as the death of its process does.
func Kill(t transport.Transport) {
	n := t.(*node)
	n.silent.Store(true)
	n.end()
}

// Settled says whether all that transports took was written, as far as they are connected.
func Settled(transports []transport.Transport) bool {
	for _, t := range transports {
		for _, p := range t.(*node).all() {
			p.mu.Lock()
			busy := p.attempt != nil || p.writing || p.conn != nil && (p.queue.unwritten() || p.conn.due || !p.conn.resumed)
			p.mu.Unlock()
			if busy {
				return false
			}
		}
	}
	return true
}

// Settle waits for that.
func Settle(transports func() []transport.Transport) {
	for quiet := 0; quiet < 5; time.Sleep(2 * time.Millisecond) {
		quiet++
		if !Settled(transports()) {
			quiet = 0
		}
	}
}

// Connections returns how many connections a transport has with peers.
func Connections(t transport.Transport) (count int) {
	for _, p := range t.(*node).all() {
		p.mu.Lock()
		count += len(p.conns)
		p.mu.Unlock()
	}
	return count
}

// Strangers returns how many connections are there that have not proven the key.
func Strangers(t transport.Transport) int {
	s := &t.(*node).strangers
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns.Len()
}

// Unconfirmed returns how many bytes a transport keeps that were not confirmed.
func Unconfirmed(t transport.Transport) (size int) {
	for _, p := range t.(*node).all() {
		p.mu.Lock()
		size += p.queue.kept
		p.mu.Unlock()
	}
	return size
}
