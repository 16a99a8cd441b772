package memory

import (
	"slices"
	"time"
)

// conn is a connection of two nodes. It exists at both ends or, after one has stopped, at the other until that has read all.
type conn struct {
	net     *Network
	streams [2]*stream
	idle    *time.Timer
	used    time.Time
}

// stream is one direction of a connection: what is on its way, the next to arrive first.
type stream struct {
	conn     *conn
	from, to *peer
	direction
	packets []packet
	bytes   int       // of messages on their way
	last    time.Time // when the last packet arrives
	sent    uint64    // messages, for those without order
	arrived uint64    // the highest number that has arrived
	timer   *time.Timer
	dropped bool // read no more
}

// packet is one thing on its way.
type packet struct {
	at     time.Time
	kind   kind
	m      *message
	number uint64
}

type kind int

const (
	carries  kind = iota // a message
	confirms             // that the message was handed to the Handler
	ends                 // the sender has stopped
	goodbye              // the same, and has taken nothing that it did not confirm
)

// join makes a connection. net.mu is held.
func join(a, b *peer) {
	n := a.node.net
	c := &conn{net: n, used: time.Now()}
	for i, ends := range [][2]*peer{{a, b}, {b, a}} {
		from, to := ends[0], ends[1]
		c.streams[i] = &stream{conn: c, from: from, to: to, direction: direction{from.node.endpoint, to.node.endpoint}}
		n.streams = append(n.streams, c.streams[i])
	}
	a.conn, b.conn = c, c
	c.watchIdle(min(positive(a.node.config.Idle), positive(b.node.config.Idle)))
	a.connected()
	b.connected()
}

func positive(d time.Duration) time.Duration {
	if d < 0 {
		return 1<<63 - 1
	}
	return d
}

// watchIdle closes the connection when nothing was sent for a time and nothing is on its way. net.mu is held.
func (c *conn) watchIdle(limit time.Duration) {
	if limit == 1<<63-1 {
		return
	}
	c.idle = time.AfterFunc(limit, func() {
		c.net.mu.Lock()
		defer c.net.mu.Unlock()
		if c.streams[0].dropped || c.streams[1].dropped {
			return
		}
		rest := limit - time.Since(c.used)
		for _, s := range c.streams {
			if len(s.packets) > 0 || s.from.queue.Len() > 0 {
				rest = max(rest, limit)
			}
		}
		if rest > 0 {
			c.idle.Reset(rest)
			return
		}
		c.breakOff()
	})
}

// out returns the stream that a peer sends on. net.mu is held.
func (c *conn) out(p *peer) *stream {
	if c.streams[0].from == p {
		return c.streams[0]
	}
	return c.streams[1]
}

// send puts a packet on its way. net.mu is held.
func (s *stream) send(k kind, m *message) {
	if s.dropped {
		return
	}
	features := s.from.node.features
	now := time.Now()
	s.conn.used = now
	takes := []time.Duration{s.conn.net.link(s.direction).Delay}
	if k == carries {
		s.sent++
		takes = s.conn.net.travel(s.direction, m.assured)
		if !m.assured && (len(takes) == 0 || s.bytes > s.to.node.config.Window) {
			s.to.node.loses(m)
			return // nothing holds the sender back, so the network has to drop what is too much
		}
	}
	for _, d := range takes {
		p := packet{at: now.Add(d), kind: k, m: m, number: s.sent}
		// On a connection that keeps the order, what is late holds up what is behind it. An end is behind all else on any.
		if (features.Ordered && features.Reliable || k != carries || m.assured && !features.Reliable) && p.at.Before(s.last) {
			p.at = s.last
		}
		if p.at.After(s.last) {
			s.last = p.at
		}
		i, _ := slices.BinarySearchFunc(s.packets, p, func(a, b packet) int {
			if a.at.After(b.at) {
				return 1
			}
			return -1 // equal times: behind those that are there
		})
		s.packets = slices.Insert(s.packets, i, p)
		if k == carries {
			s.bytes += m.size()
		}
	}
	s.advance()
}

// advance lets arrive what is due, and waits for the next. net.mu is held.
func (s *stream) advance() {
	for len(s.packets) > 0 && !s.dropped {
		p := s.packets[0]
		cut := s.conn.net.link(s.direction).Cut
		if wait := time.Until(p.at); wait > 0 {
			if s.timer == nil {
				s.timer = time.AfterFunc(wait, func() {
					s.conn.net.mu.Lock()
					defer s.conn.net.mu.Unlock()
					s.advance()
				})
			} else {
				s.timer.Reset(wait)
			}
			return
		}
		if cut && (p.kind != carries || p.m.assured) {
			return // the change of the link goes on with it
		}
		s.packets = slices.Delete(s.packets, 0, 1)
		if p.kind == carries {
			s.bytes -= p.m.size()
		}
		if cut {
			s.to.node.loses(p.m)
			continue
		}
		s.arrive(p)
	}
}

// arrive hands a packet to the peer. net.mu is held.
func (s *stream) arrive(p packet) {
	features := s.from.node.features
	switch p.kind {
	case carries:
		if features.Ordered && !features.Reliable && !p.m.assured && p.number <= s.arrived {
			s.to.node.loses(p.m)
			return
		}
		s.arrived = max(s.arrived, p.number)
		s.to.receive(p.m)
	case confirms:
		s.to.confirmed(p.m)
	case ends, goodbye:
		s.drop()
		s.to.hungUp(p.kind == goodbye)
	}
}

// drop forgets what is on its way. net.mu is held.
func (s *stream) drop() {
	if s.dropped {
		return
	}
	s.dropped = true
	s.packets = nil
	if s.timer != nil {
		s.timer.Stop()
	}
	n := s.conn.net
	n.streams = slices.DeleteFunc(n.streams, func(o *stream) bool { return o == s })
}

// breakOff ends the connection at both ends; what is on its way is lost. net.mu is held.
func (c *conn) breakOff() {
	c.close()
	for _, s := range c.streams {
		if p := s.from; p.conn == c {
			p.conn = nil
			p.disconnected()
		}
	}
}

// hangUp ends the connection at one end, which has stopped. The other end reads what it had sent. net.mu is held.
func (c *conn) hangUp(p *peer, politely bool) {
	p.conn = nil
	out := c.out(p)
	in := c.streams[0]
	if in == out {
		in = c.streams[1]
	}
	in.drop()
	if c.idle != nil {
		c.idle.Stop()
	}
	if politely {
		out.send(goodbye, nil)
	} else {
		out.send(ends, nil)
	}
}

func (c *conn) close() {
	for _, s := range c.streams {
		s.drop()
	}
	if c.idle != nil {
		c.idle.Stop()
	}
}
