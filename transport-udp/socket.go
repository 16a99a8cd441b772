package udp

import (
	"net"
	"net/netip"
	"sync"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// A socket sends and receives several datagrams in one call where the system can.
type socket struct {
	conn  *net.UDPConn
	batch interface {
		ReadBatch([]ipv4.Message, int) (int, error)
		WriteBatch([]ipv4.Message, int) (int, error)
	}
	room int // how many bytes it holds that were not read

	mu      sync.Mutex
	queue   []outgoing
	writing bool
	wake    chan struct{}
	single  bool // of write: each datagram goes by itself
}

// An outgoing datagram is sealed.
type outgoing struct {
	to   netip.AddrPort
	data *[]byte
}

const (
	// batchSize is how many datagrams go through one call.
	batchSize = 32
	// wantedBuffer is how large a socket's buffers are to be; the system gives less.
	wantedBuffer = 8 << 20
	// maxSegment is the length of the longest datagrams that go together: they have to fit the network's packets.
	maxSegment = 1400
	// smallDatagram is the capacity of buffers that are kept.
	smallDatagram = 2 << 10
)

func newSocket(conn *net.UDPConn) *socket {
	s := &socket{conn: conn, wake: make(chan struct{}, 1), room: enlarge(conn, wantedBuffer)}
	if conn.LocalAddr().(*net.UDPAddr).IP.To4() != nil {
		s.batch = ipv4.NewPacketConn(conn)
	} else {
		s.batch = ipv6.NewPacketConn(conn)
	}
	return s
}

var packets = sync.Pool{New: func() any {
	b := make([]byte, 0, smallDatagram)
	return &b
}}

// packet returns a buffer for a datagram.
func packet(size int) *[]byte {
	if size <= smallDatagram {
		return packets.Get().(*[]byte)
	}
	b := make([]byte, 0, size)
	return &b
}

func release(b *[]byte) {
	if cap(*b) == smallDatagram {
		*b = (*b)[:0]
		packets.Put(b)
	}
}

// send takes a datagram. At once says that it is better written now than with others: nobody else writes.
func (s *socket) send(o outgoing, atOnce bool) {
	s.mu.Lock()
	if atOnce && !s.writing && len(s.queue) == 0 {
		s.writing = true
		s.mu.Unlock()
		_, _ = s.conn.WriteToUDPAddrPort(*o.data, o.to) // one that cannot be sent is one that got lost
		release(o.data)
		s.mu.Lock()
		s.writing = false
		more := len(s.queue) > 0
		s.mu.Unlock()
		if more {
			signal(s.wake)
		}
		return
	}
	s.queue = append(s.queue, o)
	first := len(s.queue) == 1 && !s.writing
	s.mu.Unlock()
	if first {
		signal(s.wake)
	}
}

// write is the goroutine that writes what waits, until stop is closed.
func (s *socket) write(stop <-chan struct{}) {
	var batch []outgoing
	messages := make([]ipv4.Message, batchSize)
	for {
		select {
		case <-s.wake:
		case <-stop:
			return
		}
		for {
			s.mu.Lock()
			if s.writing || len(s.queue) == 0 { // whoever writes wakes this one
				s.mu.Unlock()
				break
			}
			batch, s.queue = s.queue, batch[:0]
			s.writing = true
			s.mu.Unlock()
			s.writeAll(messages, batch)
			clear(batch)
			s.mu.Lock()
			s.writing = false
			s.mu.Unlock()
		}
	}
}

// writeAll writes datagrams. Those that follow each other to the same place and have one length go together, the last of them may be shorter: the kernel makes them datagrams of their own again, late.
func (s *socket) writeAll(messages []ipv4.Message, all []outgoing) {
	for rest := all; len(rest) > 0; {
		n, taken := 0, 0
		for ; n < len(messages) && taken < len(rest); n++ {
			m := &messages[n]
			together := s.together(rest[taken:])
			m.Buffers, m.OOB = m.Buffers[:0], m.OOB[:0]
			for _, o := range rest[taken : taken+together] {
				m.Buffers = append(m.Buffers, *o.data)
			}
			if together > 1 {
				m.OOB = segmentSize(m.OOB, len(m.Buffers[0]))
			}
			if to := rest[taken].to; m.Addr == nil || m.Addr.(*net.UDPAddr).AddrPort() != to {
				m.Addr = net.UDPAddrFromAddrPort(to)
			}
			taken += together
		}
		s.writeBatch(messages[:n])
		rest = rest[taken:]
	}
	for _, o := range all {
		release(o.data)
	}
}

// together returns how many of the first datagrams go together.
func (s *socket) together(all []outgoing) int {
	size := len(*all[0].data)
	if s.single || size > maxSegment {
		return 1
	}
	total := size
	for i, o := range all[1:] {
		length := len(*o.data)
		if total += length; o.to != all[0].to || length > size || total > maxDatagram || i+1 >= maxSegments {
			return i + 1
		}
		if length < size {
			return i + 2
		}
	}
	return len(all)
}

// writeBatch writes messages. What cannot be written is lost; but a system that does not take several datagrams together is given them one by one from then on.
func (s *socket) writeBatch(messages []ipv4.Message) {
	for len(messages) > 0 {
		n, err := s.batch.WriteBatch(messages, 0)
		if n > 0 {
			messages = messages[n:]
			continue
		}
		if m := messages[0]; err != nil && len(m.Buffers) > 1 {
			s.single = true
			for _, b := range m.Buffers {
				_, _ = s.conn.WriteToUDPAddrPort(b, m.Addr.(*net.UDPAddr).AddrPort())
			}
		}
		messages = messages[1:]
	}
}

// idle says whether all that was taken has been written.
func (s *socket) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.writing && len(s.queue) == 0
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
