package stream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/s2"

	"thespian.dev/message"
	"thespian.dev/transport"
)

// readSize is how much is read at once, and stepMidway how much while a long message is expected to go on: the next chunk is then read to where it belongs.
const (
	readSize   = 128 << 10
	stepMidway = 4 << 10
)

// maxTogether is how many messages are handed to the Handler at once.
const maxTogether = 1024

var errGoodbye = errors.New("the other node said goodbye")

// reader reads frames. What it returns lies in its buffer until the next call.
type reader struct {
	from       io.Reader
	buf        []byte
	begin, end int
	step       int // how much is read ahead
	sum        checksum
	unsummed   bool // what is read now is not in the checksum
	unpacked   []byte
	messages   [][]byte // to be delivered together
}

// fill sees to it that so many bytes are in the buffer.
func (r *reader) fill(n int) error {
	if r.end-r.begin >= n {
		return nil
	}
	if r.begin+n > len(r.buf) || r.begin == r.end {
		to := r.buf
		switch {
		case n > len(r.buf):
			to = make([]byte, n+readSize)
		case len(r.buf) > readSize && n <= readSize && r.end-r.begin <= readSize:
			to = make([]byte, readSize) // that one was for a longer frame
		}
		r.end = copy(to, r.buf[r.begin:r.end])
		r.begin, r.buf = 0, to
	}
	for r.end-r.begin < n {
		k, err := r.from.Read(r.buf[r.end:min(len(r.buf), r.begin+max(n, r.step))])
		r.end += k
		if err != nil && r.end-r.begin < n {
			if err == io.EOF && r.end > r.begin {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// header reads the header of the next frame.
func (r *reader) header() (header, error) {
	if err := r.fill(message.FrameHeader); err != nil {
		return header{}, err
	}
	b := r.buf[r.begin : r.begin+message.FrameHeader]
	h, err := parseHeader(b)
	r.sum.begin(b)
	r.unsummed = false
	r.begin += message.FrameHeader
	return h, err
}

// payload reads a whole payload.
func (r *reader) payload(h header) ([]byte, error) {
	b, err := r.part(h.length)
	if err == nil && r.sum.value() != h.sum {
		err = message.ErrChecksum
	}
	return b, err
}

// part reads the next part of a payload into the buffer.
func (r *reader) part(n int) ([]byte, error) {
	if err := r.fill(n); err != nil {
		return nil, err
	}
	b := r.buf[r.begin : r.begin+n]
	r.begin += n
	if !r.unsummed {
		r.sum.add(b)
	}
	return b, nil
}

// into reads the next part of a payload to where it belongs.
func (r *reader) into(b []byte) error {
	n := copy(b, r.buf[r.begin:r.end])
	r.begin += n
	_, err := io.ReadFull(r.from, b[n:])
	if !r.unsummed {
		r.sum.add(b)
	}
	return err
}

// unpack expands what is compressed, if it does not get longer than the limit.
func (r *reader) unpack(b []byte, limit int) ([]byte, error) {
	n, err := s2.DecodedLen(b)
	if err == nil && n > limit {
		err = fmt.Errorf("%w: %d bytes, the limit is %d", errProtocol, n, limit)
	}
	if err != nil {
		return nil, err
	}
	if cap(r.unpacked) < n {
		r.unpacked = make([]byte, n)
	}
	return s2.Decode(r.unpacked[:n], b)
}

// read is the goroutine that takes what comes.
func (c *conn) read() {
	if c.before != nil {
		<-c.before
	}
	r := &reader{from: c.net, buf: make([]byte, readSize)}
	c.reader = r
	var err error
	for err == nil {
		r.step = readSize
		if len(c.peer.partial) > 0 {
			r.step = stepMidway
		}
		if err = c.readFrame(r); err == nil {
			err = c.lend()
		}
	}
	c.peer.lost(c, err)
}

func (c *conn) readFrame(r *reader) error {
	h, err := r.header()
	if err != nil {
		return err
	}
	switch h.kind {
	case kindBatch:
		return c.readBatch(r, h)
	case kindChunk:
		return c.readChunk(r, h)
	}
	b, err := r.payload(h)
	if err != nil {
		return err
	}
	c.touch()
	p := c.peer
	p.mu.Lock()
	defer p.mu.Unlock()
	number := binary.BigEndian.Uint64(b)
	if err := p.confirmed(c, number); err != nil || h.kind == kindConfirm {
		if c.owed > 0 { // the other node may wait for it, as it has nothing else to say
			c.due = true
			c.wake()
		}
		return err
	}
	if p.conn == c || p.conn == nil {
		p.queue.high = max(number, p.queue.acked) // it took nothing else
	}
	return errGoodbye
}

// confirmed is told what the other node says it has. The lock is held.
func (p *peer) confirmed(c *conn, next uint64) error {
	if !p.queue.confirm(next) {
		return fmt.Errorf("%w: it confirms what it was not sent", errProtocol)
	}
	p.heard = true
	p.backoff = 0
	if p.queue.empty() || len(p.waiters) > 0 {
		p.madeRoom()
	}
	return nil
}

// begin says whether messages up to a number may be taken, and takes them. The lock is not held.
func (c *conn) begin(confirms, first, next uint64) (skip uint64, ok bool, err error) {
	c.touch()
	p := c.peer
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.confirmed(c, confirms); err != nil {
		return 0, false, err
	}
	if c.farewell || c.failure != nil {
		return 0, false, nil // the other node has been told, or is being told, that this one did not come
	}
	if next < first {
		return 0, false, fmt.Errorf("%w: number %d", errProtocol, first)
	}
	if next <= p.taken {
		return 0, false, nil // it was sent again and had come the first time
	}
	skip = p.taken - min(first, p.taken)
	p.taken = next // what the other node is told if this connection ends now
	c.delivering = true
	return skip, true, nil
}

// finish says that messages up to a number were delivered.
func (c *conn) finish(next uint64, size int, midway bool) {
	p := c.peer
	p.mu.Lock()
	defer p.mu.Unlock()
	c.delivering = false
	p.midway = midway
	p.delivered = next
	c.owed += size
	switch {
	case p.conn != c:
		if p.conn != nil {
			p.conn.due = true
			p.conn.wake()
		}
	case c.owed >= c.owing:
		c.due = true
		c.wake()
	case c.bye != none:
		c.wake()
	default:
		c.confirmSoon()
	}
}

// confirmSoon sees to it that what was delivered is confirmed, if no message takes the confirmation along. The lock is held.
func (c *conn) confirmSoon() {
	if c.waits {
		return
	}
	c.waits = true
	c.waitsSince = c.confirms
	if c.timer != nil {
		c.timer.Reset(c.patience)
		return
	}
	c.patience = confirmWithin
	c.timer = time.AfterFunc(c.patience, func() {
		p := c.peer
		p.mu.Lock()
		defer p.mu.Unlock()
		c.waits = false
		switch {
		case c.failure != nil:
		case c.confirms != c.waitsSince: // messages go the other way, and will take it along
			c.patience = min(2*c.patience, confirmAtLast)
			if c.owed > 0 {
				c.confirmSoon()
			}
		case c.owed == 0:
		default:
			c.patience = confirmWithin
			c.due = true
			c.wake()
		}
	})
}

func (c *conn) readBatch(r *reader, h header) error {
	b, err := r.payload(h)
	if err != nil {
		return err
	}
	rest := b[batchFixed:]
	if h.flags&flagCompressed != 0 {
		if rest, err = r.unpack(rest, maxBatch); err != nil {
			return err
		}
	}
	first, count := binary.BigEndian.Uint64(b[8:]), uint64(binary.BigEndian.Uint32(b[16:]))
	next := first + count
	if next < first || count > uint64(len(rest)) {
		return fmt.Errorf("%w: %d messages from %d in %d bytes", errProtocol, count, first, len(rest))
	}
	skip, ok, err := c.begin(binary.BigEndian.Uint64(b), first, next)
	if err != nil || !ok {
		return err
	}
	p := c.peer
	p.turn.Lock()
	defer p.turn.Unlock()
	limit := p.node.config.MaxMessage
	r.messages = r.messages[:0]
	for i := range count {
		var data []byte
		if data, rest, ok = nextMessage(rest); !ok || len(data) > limit {
			return fmt.Errorf("%w: malformed batch", errProtocol)
		}
		if i >= skip {
			r.messages = append(r.messages, data)
		}
		if len(r.messages) == maxTogether || i+1 == count && len(r.messages) > 0 {
			if err := p.deliver(r.messages); err != nil {
				return err
			}
			r.messages = r.messages[:0]
		}
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: a batch is longer than its messages", errProtocol)
	}
	c.finish(next, h.length+message.FrameHeader, len(p.partial) > 0)
	return nil
}

func (c *conn) readChunk(r *reader, h header) error {
	b, err := r.part(chunkFixed)
	if err != nil {
		return err
	}
	r.unsummed = h.flags&flagUnsummed != 0
	p := c.peer
	confirms, number := binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	total, at := binary.BigEndian.Uint64(b[16:]), binary.BigEndian.Uint64(b[24:])
	n := h.length - chunkFixed
	wrong := func() error { return fmt.Errorf("%w: a chunk at %d of a message of %d bytes", errProtocol, at, total) }
	if total > uint64(p.node.config.MaxMessage) || at > total || number == all {
		return wrong()
	}
	p.mu.Lock()
	again := number < p.taken || c.farewell
	c.delivering = !again // no goodbye while it is read to where it belongs
	p.mu.Unlock()
	packed := h.flags&flagCompressed != 0
	fits := func(n int) bool {
		return n > 0 && at+uint64(n) <= total && (at == 0 || at == uint64(len(p.partial)) && total == uint64(p.total))
	}
	var data []byte
	switch {
	case again || packed:
		data, err = r.part(n)
	case !fits(n):
		return wrong()
	default:
		p.room(int(at), n, int(total))
		if err = r.into(p.partial[at:]); err != nil || r.sum.value() != h.sum {
			p.partial = p.partial[:at]
		}
	}
	if err == nil && r.sum.value() != h.sum {
		err = message.ErrChecksum
	}
	if err == nil && packed && !again {
		if data, err = r.unpack(data, localChunk); err == nil && !fits(len(data)) {
			err = wrong()
		}
	}
	if err != nil {
		return err
	}
	_, ok, err := c.begin(confirms, number, number+1)
	if err != nil || !ok {
		if !again && !packed {
			p.partial = p.partial[:at] // it comes again
		}
		return err
	}
	if packed {
		p.room(int(at), len(data), int(total))
		copy(p.partial[at:], data)
	}
	if len(p.partial) == p.total {
		p.turn.Lock()
		defer p.turn.Unlock()
		if err := p.deliver([][]byte{p.partial}); err != nil {
			return err
		}
		p.partial = nil // it is the Handler's
	}
	c.finish(number+1, h.length, len(p.partial) > 0)
	return nil
}

// deliver hands messages to the Handler, unless nothing more is to be delivered. The turn is held.
func (p *peer) deliver(messages [][]byte) error {
	if p.abandon.Load() {
		return transport.ErrClosed
	}
	p.node.config.Handler.Deliver(p.to, messages)
	return nil
}

// room makes room for a chunk of a long message. The memory grows with what really comes.
func (p *peer) room(at, n, total int) {
	p.total = total
	p.partial = p.partial[:at]
	if cap(p.partial) < at+n {
		grown := make([]byte, at, min(total, max(2*(at+n), 1<<20)))
		copy(grown, p.partial)
		p.partial = grown
	}
	p.partial = p.partial[:at+n]
}
