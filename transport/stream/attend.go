package stream

import (
	"errors"
	"os"
	"syscall"
	"time"

	"thespian.dev/message"
	"thespian.dev/transport"
)

// lentFor is for how long a connection that nobody attends stays unread, before its own goroutine reads it again: at most twice as long. While somebody attends it again and again, the goroutine looks less and
// less often, up to lentAtLast, as it disturbs them.
const (
	lentFor    = 2 * time.Millisecond
	lentAtLast = 64 * time.Millisecond
)

// An attendance says who reads a connection: its own goroutine, or who attends it. The peer's lock guards it, but for the reader, which belongs to whoever reads.
type attendance struct {
	reader *reader

	wanted      func() bool   // what somebody waits for who would have read: says whether it has come
	lent        bool          // the connection's own goroutine does not read
	attended    bool          // somebody else does
	interrupted bool          // and is being interrupted
	recalled    bool          // the connection's own goroutine is to read, once nobody else does
	patient     bool          // it waits for that, however long it takes
	turns       uint64        // how often somebody has come to read, or has recalled it
	back        chan struct{} // wakes it
	trouble     error         // met by who read
}

var _ transport.Attendable = (*peer)(nil)

// Attend is a method of transport.Attendable. Only what the kernel tells the runtime of is worth it: of anything else there is a goroutine that learns of it first.
func (p *peer) Attend(done func() bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.conn
	if c == nil {
		return false
	}
	if _, direct := c.raw.(syscall.Conn); !direct {
		return false
	}
	c.turns++
	if !c.lent || c.attended || c.recalled {
		switch {
		case !c.lent:
			c.wanted = done
		case c.attended:
			c.recall() // or nobody would read for this one once that one has left
		}
		return false
	}
	c.attended = true
	for {
		p.mu.Unlock()
		left, err := c.attend(done)
		p.mu.Lock()
		if c.interrupted {
			c.interrupted = false
			c.resetDeadline()
			if errors.Is(err, os.ErrDeadlineExceeded) {
				continue // it was for somebody else, or done says so
			}
		}
		c.attended = false
		c.trouble = err
		if left || err != nil || c.reader.end > c.reader.begin {
			c.recalled = true
		}
		if c.recalled || c.patient {
			signal(c.back)
		}
		return true
	}
}

// attend reads frames until done says so, or what comes next is for the connection's own goroutine to read. Nothing is taken in part.
func (c *conn) attend(done func() bool) (left bool, err error) {
	r := c.reader
	r.step = readSize
	for !done() {
		h, err := r.ahead()
		if err != nil {
			return false, err
		}
		if h.kind == kindChunk {
			return true, nil
		}
		if err := c.readFrame(r); err != nil {
			return false, err
		}
	}
	return false, nil
}

// ahead reads as much as it takes for the next frame to be there as a whole, unless it is a chunk, and returns its header.
func (r *reader) ahead() (header, error) {
	if err := r.fill(message.FrameHeader); err != nil {
		return header{}, err
	}
	h, err := parseHeader(r.buf[r.begin : r.begin+message.FrameHeader])
	if err == nil && h.kind != kindChunk {
		err = r.fill(message.FrameHeader + h.length)
	}
	return h, err
}

// lend lets others read, if somebody would have who has got meanwhile what it waited for: it may soon wait for the next. Until then it does not come to read, and the connection's own goroutine has to. lend returns
// when that is so again.
func (c *conn) lend() error {
	p := c.peer
	p.mu.Lock()
	defer p.mu.Unlock()
	done, turns := c.wanted, c.turns
	if done == nil {
		return nil
	}
	p.mu.Unlock()
	over := done()
	p.mu.Lock()
	if !over || turns != c.turns {
		return nil
	}
	c.wanted = nil
	if c.reader.end > c.reader.begin || p.midway || len(p.waiters) > 0 || c.failure != nil || c.bye != none || p.forgotten || p.node.closing.Load() {
		return nil
	}
	c.lent = true
	pause := lentFor
	timer := time.NewTimer(pause)
	defer timer.Stop()
	dead := c.dead
	for ; !c.recalled || c.attended; turns = c.turns {
		p.mu.Unlock()
		lapsed := false
		select {
		case <-c.back:
			timer.Reset(pause)
		case <-timer.C:
			lapsed = true
		case <-dead:
			dead = nil
		}
		p.mu.Lock()
		c.patient = false
		switch {
		case dead == nil:
			c.recalled = true
		case !lapsed:
		case turns != c.turns:
			pause = min(2*pause, lentAtLast)
			timer.Reset(pause)
		case c.attended: // for longer than asks mostly take: this goroutine need not look again and again
			c.patient = true
		default:
			c.recalled = true
		}
	}
	c.lent, c.recalled = false, false
	return c.trouble
}

// recall has the connection's own goroutine read again. The lock is held.
func (c *conn) recall() {
	c.wanted = nil
	c.turns++
	if c.lent && !c.recalled {
		c.recalled = true
		if !c.attended {
			signal(c.back)
		}
	}
}

// Release is a method of transport.Attendable.
func (p *peer) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.recall()
}

// recall has the goroutines of all connections read. The lock is held.
func (p *peer) recall() {
	for c := range p.conns {
		c.recall()
	}
}

// Interrupt is a method of transport.Attendable.
func (p *peer) Interrupt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		if c.attended && !c.interrupted && !c.delivering { // it asks done after it has delivered
			c.interrupted = true
			_ = c.raw.SetReadDeadline(time.Unix(1, 0))
		}
	}
}

// resetDeadline sets the deadline for reading that there is without an interruption. The lock is held.
func (c *conn) resetDeadline() {
	var at time.Time
	if c.farewell {
		at = time.Now().Add(goodbyeWithin)
	}
	_ = c.raw.SetReadDeadline(at)
}
