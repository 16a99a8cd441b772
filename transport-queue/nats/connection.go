package nats

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	// firstWindow is how much an end takes that its user has not read, at first: a stranger may fill it. It grows with what was read, up to maxWindow, which keeps a link busy whose answers take 20 ms at 400 Mbit/s.
	firstWindow = 256 << 10
	maxWindow   = 1 << 20
	// perMessage is what each message counts beside its bytes: so short ones are bounded, too.
	perMessage = 128
	// maxPiece is how much goes in one message, and minPiece how much room a longer Write waits for.
	maxPiece = 128 << 10
	minPiece = 8 << 10
)

// window is how much may come that was not read, when so much was.
func window(read uint64) uint64 { return min(maxWindow, firstWindow+4*read) }

// The errors of a connection.
var (
	errNobody       = fmt.Errorf("no node listens there: %w", syscall.ECONNREFUSED) // as of a port that nobody has
	errGone         = errors.New("the other end has gone")
	errReset        = errors.New("the other end has ended the connection")
	errGap          = errors.New("the server has lost a message")
	errSilent       = errors.New("nothing was heard of the other end for a minute")
	errOverrun      = errors.New("the other end sends more than it may")
	errDisconnected = errors.New("the connection to the server broke")
)

// connection is one end of a connection between two nodes: a net.Conn whose bytes go through the server. Positions count bytes, and perMessage for each message.
type connection struct {
	client *client
	id     string
	from   string // the subject where this end is reached
	self   side

	maxPiece int // how many bytes may go in one message

	ready chan struct{} // closed when the other end is known, or the connection has failed
	done  chan struct{} // closed by Close

	reading, writing   sync.Mutex // held by whoever reads, and whoever writes
	readBy, writeBy    deadline
	readable, writable chan struct{} // get something when there is something new for them
	scratch            []byte        // of whoever writes

	mu       sync.Mutex
	to       string // the subject of the other end, "" as long as that is not known
	leaves   bool
	queue    [][]byte // what has come and was not read; of the first, at bytes were
	at       int
	got      uint64 // the position behind what has come
	read     uint64 // the position behind what was read
	granted  uint64 // the limit that the other end knows
	sent     uint64 // the position behind what was sent
	limit    uint64 // that of the other end
	quiet    bool   // nothing was sent since the last check
	arrivals uint64 // messages that have come
	checked  uint64 // how many that were at the last check
	silent   int    // checks since the last one came
	probed   bool   // the death of the other end is being waited for
	finished bool   // the end was said
	closed   bool
	readEnd  error // why nothing more comes
	writeEnd error // why nothing more can be sent
}

func (c *connection) leavesHost() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leaves
}

// meet is told who the other end is. The lock is held.
func (c *connection) meet(to string, m message, other side) {
	c.to, c.limit = to, m.limit
	c.leaves = c.self.leaving(other)
	close(c.ready)
}

// unmet returns why the other end is not known.
func (c *connection) unmet() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.to == "" {
		return c.readEnd
	}
	return nil
}

// fail ends both directions; what has come can still be read.
func (c *connection) fail(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed(why)
}

// failed is fail with the lock held.
func (c *connection) failed(why error) {
	if c.readEnd == nil {
		c.readEnd = why
	}
	if c.writeEnd == nil {
		c.writeEnd = why
	}
	if c.to == "" {
		select {
		case <-c.ready:
		default:
			close(c.ready)
		}
	}
	signal(c.readable)
	signal(c.writable)
}

// gone is called when the server has said that nobody gets what is sent to the other end. All that this had sent has come by then.
func (c *connection) gone() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.to == "" {
		c.failed(errNobody)
		return
	}
	c.failed(errGone)
}

// take is called with what comes, in its order, and returns whether the other end is to be told that the connection is of no more use.
func (c *connection) take(from string, m message) (reset bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.to == "" {
		other, ok := parseSide(m.body)
		switch {
		case c.readEnd != nil:
		case m.kind == kindReset:
			c.failed(errReset)
		case m.kind == kindAccept && ok && isConn(from):
			c.meet(from, m, other)
		}
		return false
	}
	if from != c.to {
		return false
	}
	c.arrivals++
	switch m.kind {
	case kindReset:
		c.failed(errReset)
	case kindEnd:
		switch {
		case c.readEnd != nil:
		case m.position > c.got:
			c.failed(errGap)
			return true
		default:
			c.readEnd = io.EOF
			signal(c.readable)
		}
	case kindSegment:
		if m.limit > c.limit {
			c.limit = m.limit
			signal(c.writable)
		}
		size := uint64(len(m.body)) + perMessage
		switch {
		case c.readEnd != nil || m.position < c.got:
		case m.position > c.got:
			c.failed(errGap)
			return true
		case len(m.body) == 0:
		case c.got+size > c.granted:
			c.failed(errOverrun)
			return true
		default:
			c.queue = append(c.queue, m.body)
			c.got += size
			signal(c.readable)
		}
	}
	return false
}

// Read reads what has come, or waits for it.
func (c *connection) Read(b []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	if len(b) == 0 {
		return 0, nil
	}
	for {
		n, grant, err := c.tryRead(b)
		if n > 0 || err != nil {
			if grant.limit > 0 {
				c.client.say(c.to, c.from, grant)
			}
			return n, err
		}
		select {
		case <-c.readable:
		case <-c.done:
		case <-c.readBy.wait():
			select {
			case <-c.done:
				return 0, net.ErrClosed
			default:
				return 0, os.ErrDeadlineExceeded
			}
		}
	}
}

// tryRead reads what there is, and returns what to tell the other end, if its limit is above 0.
func (c *connection) tryRead(b []byte) (n int, grant message, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return 0, grant, net.ErrClosed
	case len(c.queue) == 0:
		return 0, grant, c.readEnd
	}
	select {
	case <-c.readBy.wait():
		return 0, grant, os.ErrDeadlineExceeded
	default:
	}
	for len(c.queue) > 0 && n < len(b) {
		first := c.queue[0]
		k := copy(b[n:], first[c.at:])
		n += k
		if c.at += k; c.at < len(first) {
			break
		}
		c.read += uint64(len(first)) + perMessage
		c.at = 0
		c.queue[0] = nil
		c.queue = c.queue[1:]
	}
	if len(c.queue) == 0 {
		c.queue = nil
	}
	if limit := c.read + window(c.read); c.readEnd == nil && limit-c.granted >= window(c.read)/4 {
		c.granted = limit
		c.quiet = false
		grant = message{kind: kindSegment, position: c.sent, limit: limit}
	}
	return n, grant, nil
}

// Write sends bytes, or waits until the other end takes some.
func (c *connection) Write(b []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	written := 0
	for written < len(b) {
		n, err := c.tryWrite(b[written:])
		written += n
		if err != nil {
			return written, err
		}
		if n > 0 {
			continue
		}
		select {
		case <-c.writable:
		case <-c.done:
		case <-c.writeBy.wait():
		}
	}
	return written, nil
}

// tryWrite sends one message, if there is room for one.
func (c *connection) tryWrite(b []byte) (int, error) {
	select {
	case <-c.writeBy.wait():
		return 0, os.ErrDeadlineExceeded
	default:
	}
	c.mu.Lock()
	switch {
	case c.closed:
		c.mu.Unlock()
		return 0, net.ErrClosed
	case c.writeEnd != nil || c.finished:
		defer c.mu.Unlock()
		if c.writeEnd == nil {
			return 0, net.ErrClosed
		}
		return 0, c.writeEnd
	case c.limit < c.sent+uint64(min(len(b), minPiece)+perMessage):
		c.mu.Unlock()
		return 0, nil
	}
	n := int(min(uint64(min(len(b), c.maxPiece)), c.limit-c.sent-perMessage))
	if c.readEnd == nil {
		c.granted = max(c.granted, c.read+window(c.read))
	}
	m := message{kindSegment, c.sent, c.granted, b[:n]}
	c.quiet = false
	c.mu.Unlock()
	c.scratch = m.append(c.scratch[:0])
	err := c.client.publish(c.to, c.from, c.scratch)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.failed(err)
		return 0, err
	}
	c.sent += uint64(n) + perMessage // not before it is on its way: other messages tell the position, too
	return n, nil
}

// CloseWrite says that no more bytes come. Reading goes on.
func (c *connection) CloseWrite() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.mu.Lock()
	end := c.finish()
	c.mu.Unlock()
	end()
	return nil
}

// finish takes no more bytes to send, and returns what tells the other end. The lock is held.
func (c *connection) finish() (tell func()) {
	m := message{kind: kindEnd, position: c.sent}
	told := c.finished || c.writeEnd != nil || c.to == ""
	c.finished = true
	return func() {
		if !told {
			c.client.say(c.to, c.from, m)
		}
	}
}

// Close ends the connection. The other end still gets what was written.
func (c *connection) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	c.queue = nil
	close(c.done)
	c.readBy.set(time.Time{})
	c.writeBy.set(time.Time{})
	end := c.finish()
	c.mu.Unlock()
	end()
	c.client.remove(c)
	return nil
}

// maxSilent is after how many checks without a message from the other end, which checks as well, that end is taken for gone. It comes to a minute.
const maxSilent = 4

// check tells the other end the position, if nothing was sent since the last call: so it learns of what got lost, and this end, from the server, that the other one has gone.
func (c *connection) check() {
	if c.isQuiet() {
		c.probe()
	}
}

// isQuiet says whether nothing was sent since the last call. It looks for the other end, too.
func (c *connection) isQuiet() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.to == "" || c.closed || c.readEnd != nil {
		return false
	}
	c.silent++
	if c.arrivals != c.checked {
		c.checked, c.silent = c.arrivals, 0
	}
	if c.silent >= maxSilent {
		c.failed(errSilent)
		return false
	}
	quiet := c.quiet
	c.quiet = true
	return quiet && c.writeEnd == nil
}

// probe sends a message without bytes.
func (c *connection) probe() {
	c.mu.Lock()
	m := message{kind: kindSegment, position: c.sent, limit: c.granted}
	c.mu.Unlock()
	c.client.say(c.to, c.from, m)
}

const (
	// lastProbe is the longest time between two looks whether the other end is still there.
	lastProbe = 250 * time.Millisecond
	// deadSilence is how long nothing has come from a process that has died, when nothing is on its way any more, either.
	deadSilence = 2 * time.Second
)

// OtherEnded says that the process at the other end has died. The server learns of that, too, and from then on says that nobody gets what is sent to it; all that it had sent has come by then. So it is asked until it says
// so. Somebody who listens in on all subjects keeps it from that: then a silence has to do.
func (c *connection) OtherEnded() {
	c.mu.Lock()
	again := c.probed
	c.probed = true
	c.mu.Unlock()
	if !again {
		c.client.spawn(c.awaitEnd)
	}
}

// awaitEnd is the goroutine that asks.
func (c *connection) awaitEnd() {
	var arrivals uint64
	began := time.Now()
	for wait := time.Millisecond; ; wait = min(2*wait, lastProbe) {
		c.mu.Lock()
		if c.arrivals != arrivals {
			arrivals, began = c.arrivals, time.Now()
		} else if time.Since(began) > deadSilence {
			c.failed(errGone)
		}
		over := c.readEnd != nil
		c.mu.Unlock()
		if over {
			return
		}
		c.probe()
		select {
		case <-time.After(wait):
		case <-c.done:
			return
		}
	}
}

// LocalAddr returns the subject of this end.
func (c *connection) LocalAddr() net.Addr { return addr(c.from) }

// RemoteAddr returns the subject of the other end.
func (c *connection) RemoteAddr() net.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	return addr(c.to)
}

// SetDeadline is that of net.Conn.
func (c *connection) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// SetReadDeadline is that of net.Conn.
func (c *connection) SetReadDeadline(t time.Time) error { return c.setDeadline(&c.readBy, t) }

// SetWriteDeadline is that of net.Conn.
func (c *connection) SetWriteDeadline(t time.Time) error { return c.setDeadline(&c.writeBy, t) }

func (c *connection) setDeadline(d *deadline, t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	d.set(t)
	return nil
}

// addr is a subject.
type addr string

func (addr) Network() string  { return "nats" }
func (a addr) String() string { return string(a) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
