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
	for i := range messages {
		messages[i].Buffers = make([][]byte, 1)
	}
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

func (s *socket) writeAll(messages []ipv4.Message, all []outgoing) {
	for len(all) > 0 {
		n := min(len(all), len(messages))
		for i, o := range all[:n] {
			messages[i].Buffers[0] = *o.data
			messages[i].Addr = net.UDPAddrFromAddrPort(o.to)
		}
		for begin := 0; begin < n; {
			k, err := s.batch.WriteBatch(messages[begin:n], 0)
			begin += max(k, 0)
			if err != nil || k <= 0 {
				begin++ // that one is lost
			}
		}
		for _, o := range all[:n] {
			release(o.data)
		}
		all = all[n:]
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
