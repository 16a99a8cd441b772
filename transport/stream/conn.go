package stream

import (
	"encoding/binary"
	"net"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/s2"

	"thespian.dev/message"
)

// confirmWithin is how long a confirmation waits for a message that takes it along, or for others. When messages have taken them along, it waits twice as long the next time, up to
// confirmAtLast: a timer that fires every two milliseconds beside questions and answers, and wakes a thread each time, makes them take half as long again.
const (
	confirmWithin = 2 * time.Millisecond
	confirmAtLast = 64 * time.Millisecond
)

// compressFrom is the length in bytes from which a frame is compressed.
const compressFrom = 2 << 10

// conn is a connection to a peer. Its first group of fields does not change; the second is guarded by the peer's lock.
type conn struct {
	peer      *peer
	net       net.Conn // of TLS if there is TLS
	raw       net.Conn // below it
	initiator bool     // this node has dialled
	leaves    bool     // it leaves the host
	compress  bool
	owing     int             // how many bytes are confirmed at once, at the latest
	before    <-chan struct{} // closed when the connection before this one delivers no more
	handed    chan struct{}   // closed when this one delivers no more
	ended     chan struct{}   // closed when it has ended
	dead      chan struct{}   // closed when nothing is written any more
	awaken    chan struct{}   // wakes the writer
	used      atomic.Int64    // when something last passed, in nanoseconds

	count      uint64 // of connections, this one included
	from       uint64 // where the writing goes on: the number that the other node named
	certain    bool   // whether the other node knew then of all connections that there had been
	resumed    bool   // whether it has gone on
	awake      bool   // the writer is awake or being woken
	failure    error  // why it is of no more use
	broken     bool   // writing is of no more use
	owed       int    // bytes that were delivered and not confirmed
	due        bool   // a confirmation is to be written
	waits      bool   // a timer runs for it
	patience   time.Duration
	confirms   uint64 // how often something was written, and so confirmed
	waitsSince uint64 // the same when the timer began to run
	delivering bool
	bye        goodbye
	farewell   bool // the goodbye was said, or is being said: nothing more is taken
	quiet      bool // handed is closed
	timer      *time.Timer
	idle       *time.Timer

	attendance

	// Of whoever writes.
	vector  [2][]byte
	buffers net.Buffers
	scratch []byte
	head    [chunkHead]byte
}

// goodbye says whether a goodbye is to be said, and why.
type goodbye int

const (
	none    goodbye = iota
	resting         // nothing passes: only if that is still so
	leaving         // the node ends
)

func (c *conn) touch() { c.used.Store(time.Now().UnixNano()) }

// start begins to read and to write.
func (c *conn) start() {
	_ = c.raw.SetDeadline(time.Time{})
	n := c.peer.node
	if !n.spawn(c.read) {
		c.peer.lost(c, net.ErrClosed)
		return
	}
	n.spawn(c.write)
	p := c.peer
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.failure == nil {
		c.watchIdle()
		c.wake()
	}
}

// wake wakes the writer. The lock is held.
func (c *conn) wake() {
	if !c.awake {
		c.awake = true
		signal(c.awaken)
	}
}

// fail ends a connection. The lock is held.
func (c *conn) fail(why error) {
	if c.failure != nil {
		return
	}
	c.failure = why
	close(c.dead)
	_ = c.raw.Close() // tls.Conn.Close could wait
	if c.timer != nil {
		c.timer.Stop()
	}
	if c.idle != nil {
		c.idle.Stop()
	}
	if c.peer.conn == c {
		c.peer.conn = nil
	}
}

// write is the goroutine that writes what Send does not write by itself.
func (c *conn) write() {
	p := c.peer
	for {
		select {
		case <-c.awaken:
		case <-c.dead:
			return
		}
		runtime.Gosched() // those that send now are taken along
		p.mu.Lock()
		for p.writeNext(c) {
		}
		c.awake = false
		p.mu.Unlock()
	}
}

// writeNext writes one frame, if there is one, and says whether there may be more. The lock is held, and let go while it writes.
func (p *peer) writeNext(c *conn) (more bool) {
	if p.writing || p.conn != c || c.broken {
		return false // whoever writes wakes the next one
	}
	if !c.resumed {
		if !p.queue.resume(c.from, c.certain) {
			c.fail(errProtocol)
			return false
		}
		c.resumed = true
		p.madeRoom()
	}
	f, ok := p.queue.take()
	confirm := p.delivered
	bye := false
	switch {
	case ok:
	case c.due:
	case c.bye != none && c.mayLeave():
		bye = true
		c.farewell = true
	default:
		if c.bye == resting {
			c.bye = none
		}
		return false
	}
	c.due = false
	c.owed = 0
	c.confirms++
	p.writing = true
	p.mu.Unlock()
	var err error
	switch {
	case ok && f.long != nil:
		err = c.writeChunk(f, confirm)
	case ok:
		err = c.writeBatch(f, confirm)
	case bye:
		err = c.writeNumber(kindGoodbye, confirm)
	default:
		err = c.writeNumber(kindConfirm, confirm)
	}
	c.touch()
	p.mu.Lock()
	p.writing = false
	switch {
	case err != nil:
		c.broken = true // what the other node has sent is still read; the reader learns of the end by itself
	case ok && p.conn == c:
		p.queue.written()
		p.madeRoom()
	}
	if bye {
		c.left()
	}
	if p.conn != c {
		if p.conn != nil {
			p.conn.wake()
		}
		return false
	}
	return err == nil
}

// mayLeave says whether a goodbye can be said now. The lock is held.
func (c *conn) mayLeave() bool {
	if c.bye == leaving {
		return !c.delivering
	}
	return c.atRest()
}

// atRest says whether nothing is under way. The lock is held.
func (c *conn) atRest() bool {
	p := c.peer
	return p.queue.empty() && c.owed == 0 && !c.due && !c.delivering && !p.writing && !p.midway
}

// sayGoodbye has the goodbye said. The lock is held.
func (c *conn) sayGoodbye(why goodbye) {
	c.bye = max(c.bye, why)
	c.recall()
	c.wake()
}

// left is called when the goodbye has been said: the connection is of no more use, and is closed when the other node has closed it. The lock is held.
func (c *conn) left() {
	if c.peer.conn == c {
		c.peer.conn = nil
	}
	c.hand()
	if half, ok := c.raw.(interface{ CloseWrite() error }); ok && c.net == c.raw {
		_ = half.CloseWrite()
	}
	if !c.interrupted { // or who reads might never notice that, and sets it afterwards
		c.resetDeadline()
	}
	c.peer.connect() // Send may have come in between
	c.peer.watchReach()
}

// hand says that nothing more is delivered. The lock is held.
func (c *conn) hand() {
	if !c.quiet {
		c.quiet = true
		close(c.handed)
	}
}

// writeBatch writes a frame of messages.
func (c *conn) writeBatch(f frame, confirm uint64) error {
	b := f.bytes
	fixed := b[message.FrameHeader:batchHead]
	binary.BigEndian.PutUint64(fixed, confirm)
	binary.BigEndian.PutUint64(fixed[8:], f.first)
	binary.BigEndian.PutUint32(fixed[16:], uint32(f.next-f.first))
	if c.compress && len(b) >= compressFrom {
		if packed, ok := c.pack(b[batchHead:]); ok {
			head := c.head[:batchHead]
			copy(head[message.FrameHeader:], fixed)
			return c.writeBoth(kindBatch, flagCompressed, head, packed)
		}
	}
	sealHeader(b, kindBatch, 0, nil)
	_, err := c.net.Write(b)
	return err
}

// writeChunk writes a part of a long message.
func (c *conn) writeChunk(f frame, confirm uint64) error {
	head := c.head[:chunkHead]
	fixed := head[message.FrameHeader:]
	binary.BigEndian.PutUint64(fixed, confirm)
	binary.BigEndian.PutUint64(fixed[8:], f.first)
	binary.BigEndian.PutUint64(fixed[16:], uint64(len(f.long.data)))
	binary.BigEndian.PutUint64(fixed[24:], uint64(f.at))
	data := f.long.data[f.at:f.to]
	if c.compress {
		if packed, ok := c.pack(data); ok {
			return c.writeBoth(kindChunk, flagCompressed, head, packed)
		}
	}
	flags := uint16(0)
	if !c.leaves {
		flags = flagUnsummed
	}
	return c.writeBoth(kindChunk, flags, head, data)
}

func (c *conn) writeBoth(kind byte, flags uint16, head, rest []byte) error {
	sealHeader(head, kind, flags, rest)
	c.vector = [2][]byte{head, rest}
	c.buffers = c.vector[:]
	_, err := c.buffers.WriteTo(c.net)
	c.vector = [2][]byte{}
	return err
}

func (c *conn) writeNumber(kind byte, number uint64) error {
	b := c.head[:message.FrameHeader+8]
	binary.BigEndian.PutUint64(b[message.FrameHeader:], number)
	sealHeader(b, kind, 0, nil)
	_, err := c.net.Write(b)
	return err
}

// pack compresses, if that makes it shorter. What it returns is good until the next call.
func (c *conn) pack(b []byte) ([]byte, bool) {
	if need := s2.MaxEncodedLen(len(b)); cap(c.scratch) < need {
		c.scratch = make([]byte, need)
	}
	packed := s2.Encode(c.scratch[:cap(c.scratch)], b)
	return packed, len(packed) < len(b)-len(b)/8
}

// watchIdle says goodbye when nothing has passed for long. The lock is held.
func (c *conn) watchIdle() {
	limit := c.peer.node.config.Idle
	if limit < 0 {
		return
	}
	c.idle = time.AfterFunc(limit, func() {
		p := c.peer
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.conn != c {
			return
		}
		rest := limit - time.Since(time.Unix(0, c.used.Load()))
		switch {
		case rest > 0:
		case c.atRest():
			c.sayGoodbye(resting)
			rest = limit
		default:
			rest = limit / 4
		}
		c.idle.Reset(max(rest, time.Millisecond))
	})
}
