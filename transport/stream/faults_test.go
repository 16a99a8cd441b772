package stream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
	"thespian.dev/transport/stream"
	"thespian.dev/transport/stream/streamtest"
)

// proxy passes connections on. It cuts them after so many bytes, or stops to pass anything.
type proxy struct {
	listener net.Listener
	to       string
	work     sync.WaitGroup

	mu     sync.Mutex
	limit  int // bytes in one direction until a connection is cut; 0: none
	frozen bool
	conns  map[net.Conn]struct{}
	cuts   int
	closed bool
}

func newProxy(t *testing.T, to string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NilError(t, err)
	p := &proxy{listener: l, to: to, conns: map[net.Conn]struct{}{}}
	p.work.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			p.mu.Lock()
			p.conns[in], p.conns[out] = struct{}{}, struct{}{}
			closed := p.closed
			p.mu.Unlock()
			if closed {
				p.cut()
			}
			p.work.Go(func() { p.pass(in, out) })
			p.work.Go(func() { p.pass(out, in) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.mu.Lock()
		p.closed = true
		p.mu.Unlock()
		p.cut()
		p.work.Wait()
	})
	return p
}

func (p *proxy) endpoint() string { return p.listener.Addr().String() }

func (p *proxy) pass(from, to net.Conn) {
	buf := make([]byte, 10_000)
	passed := 0
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		frozen, limit := p.frozen, p.limit
		p.mu.Unlock()
		if frozen && err == nil {
			continue
		}
		if passed += n; limit > 0 && passed > limit {
			_, _ = to.Write(buf[:n/2]) // in the middle of a frame
			p.mu.Lock()
			p.cuts++
			p.mu.Unlock()
			reset(from)
			reset(to)
			return
		}
		if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
			from.Close()
			to.Close()
			return
		}
	}
}

func reset(c net.Conn) {
	_ = c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// cut resets all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		reset(c)
		delete(p.conns, c)
	}
}

func (p *proxy) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// Connections that are cut in the middle of a frame, again and again: nothing is lost, delivered twice or out of order, in both directions, short or long.
func TestCutInMidStream(t *testing.T) {
	checkDescriptors(t)
	a, b := newNode(t, nil), newNode(t, nil)
	p, back := newProxy(t, b.tr.Endpoint()), newProxy(t, a.tr.Endpoint())
	p.set(func() { p.limit = 3 << 20 })
	back.set(func() { back.limit = 3 << 20 })
	const count = 4000
	length := func(i int) int {
		switch {
		case i%500 == 499:
			return 1 << 20
		case i%50 == 49:
			return 100_000
		}
		return i % 2000
	}
	var senders sync.WaitGroup
	for _, c := range []struct {
		from, to *node
		endpoint string
	}{{a, b, p.endpoint()}, {b, a, back.endpoint()}} {
		senders.Go(func() {
			for i := range count {
				c.from.send(c.to, c.endpoint, 0, numbered(i, length(i)))
			}
		})
	}
	senders.Wait()
	b.waitFrom(a, count)
	a.waitFrom(b, count)
	checkNumbered(t, b.from(a), count, length)
	checkNumbered(t, a.from(b), count, length)
	assert.Equal(t, len(a.lost)+len(b.lost), 0)
	assert.Assert(t, p.cuts+back.cuts >= 3, "the test cut only %d connections", p.cuts+back.cuts)
	assert.NilError(t, a.tr.Shutdown(context.Background()))
}

// A connection on which nothing comes through any more is given up when it ends, and what was written meanwhile comes on the next one.
func TestHalfOpen(t *testing.T) {
	a, b := newNode(t, nil), newNode(t, nil)
	p := newProxy(t, b.tr.Endpoint())
	a.send(b, p.endpoint(), 0, numbered(0, 0))
	b.waitFrom(a, 1)
	p.set(func() { p.frozen = true })
	for i := 1; i < 10; i++ {
		a.send(b, p.endpoint(), 0, numbered(i, 0))
	}
	assert.Equal(t, len(b.from(a)), 1)
	p.set(func() { p.frozen = false })
	p.cut()
	b.waitFrom(a, 10)
	checkNumbered(t, b.from(a), 10, func(int) int { return 0 })
}

// A peer that dials while this node still believes in the old connection gets through at once.
func TestRedialedFromOneSide(t *testing.T) {
	a, b := newNode(t, nil), newNode(t, nil)
	p := newProxy(t, b.tr.Endpoint())
	for i := range 5 {
		a.send(b, p.endpoint(), 0, numbered(i, 0))
		b.waitFrom(a, i+1)
		p.set(func() { // b's end of the connection stays open, and nobody reads what it writes
			for c := range p.conns {
				if c.RemoteAddr().String() != b.tr.Endpoint() {
					reset(c)
				}
			}
		})
		b.send(a, "", 0, numbered(i, 0))
	}
	a.send(b, p.endpoint(), 0, numbered(5, 0))
	b.waitFrom(a, 6)
	a.waitFrom(b, 5)
	checkNumbered(t, b.from(a), 6, func(int) int { return 0 })
	checkNumbered(t, a.from(b), 5, func(int) int { return 0 })
}

// Both open at the same moment, a hundred times: one connection is left, and all arrives.
func TestSimultaneousOpen(t *testing.T) {
	checkDescriptors(t)
	for range 100 {
		a, b := newNode(t, nil), newNode(t, nil)
		var start, done sync.WaitGroup
		start.Add(1)
		const count = 5
		for _, ends := range [][2]*node{{a, b}, {b, a}} {
			done.Go(func() {
				start.Wait()
				for i := range count {
					ends[0].send(ends[1], ends[1].tr.Endpoint(), 0, numbered(i, 0))
				}
			})
		}
		start.Done()
		done.Wait()
		a.waitFrom(b, count)
		b.waitFrom(a, count)
		checkNumbered(t, a.from(b), count, func(int) int { return 0 })
		checkNumbered(t, b.from(a), count, func(int) int { return 0 })
		eventually(t, "one connection to be left", func() bool { return stream.Connections(a.tr) == 1 && stream.Connections(b.tr) == 1 })
		a.tr.Close()
		b.tr.Close()
	}
}

// An idle connection is closed at both ends, and opened again when there is something to send.
func TestIdleGoodbye(t *testing.T) {
	checkDescriptors(t)
	a := newNode(t, func(c *transport.Config) { c.Idle = 20 * time.Millisecond })
	b := newNode(t, nil)
	for i := range 5 {
		a.send(b, b.tr.Endpoint(), 0, numbered(i, 0))
		b.waitFrom(a, i+1)
		b.send(a, "", 0, numbered(i, 0))
		a.waitFrom(b, i+1)
		eventually(t, "the idle connection to be closed", func() bool { return stream.Connections(a.tr)+stream.Connections(b.tr) == 0 })
	}
	assert.Equal(t, len(a.lost)+len(b.lost), 0)
}

// A message of the size of the limit stops neither the short ones of other flows, nor lets its own flow overtake it.
func TestLongMessageStopsNobodyElse(t *testing.T) {
	a, b := newNodeWith(t, openLeaving, func(c *transport.Config) { c.Window = 80 << 20 }), newNodeWith(t, openLeaving, nil)
	a.send(b, b.tr.Endpoint(), 1, "first")
	b.waitFrom(a, 1)
	long := make([]byte, transport.DefaultMaxMessage)
	for i := range long {
		long[i] = byte(i * i >> 7)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	assert.NilError(t, a.tr.Peer(b.id, "").Send(ctx, 1, long))
	a.send(b, "", 1, "behind it")
	a.send(b, "", 2, "beside it")
	b.waitFrom(a, 4)
	got := b.from(a)
	assert.Equal(t, got[1], "beside it")
	assert.Assert(t, got[2] == string(long), "the long message arrived harmed or out of order")
	assert.Equal(t, got[3], "behind it")
}

// The time without a connection is short, whichever end notices.
func TestFirstRedialIsAtOnce(t *testing.T) {
	a, b := newNode(t, nil), newNode(t, nil)
	a.send(b, b.tr.Endpoint(), 0, numbered(0, 0))
	b.waitFrom(a, 1)
	var longest time.Duration
	for i := range 20 {
		stream.Reset(a.tr, b.tr)
		began := time.Now()
		a.send(b, "", 0, numbered(i+1, 0))
		b.waitFrom(a, i+2)
		longest = max(longest, time.Since(began))
	}
	t.Logf("at most %v", longest) // no assertion about time
	checkNumbered(t, b.from(a), 21, func(int) int { return 0 })
}

// Garbage, silence and slow beginnings are closed when there are too many, and keep nobody out.
func TestManyStrangers(t *testing.T) {
	checkDescriptors(t)
	a, b := newNode(t, nil), newNode(t, nil)
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	begin := streamtest.Greeting()
	for i := range 200 {
		c, err := net.Dial("tcp", a.tr.Endpoint())
		assert.NilError(t, err)
		conns = append(conns, c)
		_, _ = c.Write(begin[:i%len(begin)]) // slowly: there is more to come
		assert.Assert(t, stream.Strangers(a.tr) <= 64)
		if i%50 == 0 {
			b.send(a, a.tr.Endpoint(), 0, fmt.Sprint(i))
			b.send(a, "", 0, fmt.Sprint(i))
		}
	}
	a.waitFrom(b, 8)
	for i, c := range conns[:200-64] { // the oldest ones
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.Copy(io.Discard, c); err != nil {
			var timeout net.Error
			if asTimeout(err, &timeout) {
				t.Fatalf("stranger %d is still connected", i)
			}
		}
	}
	assert.Equal(t, stream.Connections(a.tr), 1)
}

// What follows a handshake that holds is not believed either.
func TestGarbageAfterHandshake(t *testing.T) {
	a := newNode(t, nil)
	harmed := stream.Frame(16, 0, append(make([]byte, 19), 1, 1, 'a'))
	harmed[len(harmed)-1]++
	for i, garbage := range [][]byte{
		make([]byte, 100),
		harmed,
		[]byte("THSP\x01\x10\x00\x00\xff\xff\xff\xff\x00\x00\x00\x00"),
		[]byte("THSP\x01\x63\x00\x00\x00\x00\x00\x08\x00\x00\x00\x00aaaaaaaa"),
		stream.Frame(16, 0, append(make([]byte, 16), 0xff, 0xff, 0xff, 0xff, 1)),                         // more messages than bytes
		stream.Frame(16, 0, append(make([]byte, 19), 1, 0x85, 0xff, 0xff, 0xff, 0x0f)),                   // a message longer than the frame
		stream.Frame(16, 1, append(make([]byte, 19), 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0)),                // gets too long
		stream.Frame(17, 0, append(make([]byte, 16), 0x7f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)), // a message above the limit
		stream.Frame(17, 0, append(make([]byte, 16), 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 9, 1)), // in its middle
		stream.Frame(18, 0, []byte{0, 0, 0, 0, 0, 0, 0, 9}),                                              // confirms what was not sent
	} {
		conn, err := stream.Connect(a.tr.Endpoint(), transport.Node{System: 7, Process: uint64(i)}, a.id, []byte("key"))
		assert.NilError(t, err)
		_, err = conn.Write(garbage)
		assert.NilError(t, err)
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		_, err = io.Copy(io.Discard, conn)
		var timeout net.Error
		assert.Assert(t, err == nil || !asTimeout(err, &timeout), "garbage %d: the connection must be closed: %v", i, err)
		conn.Close()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	assert.Equal(t, len(a.got), 0)
}

func asTimeout(err error, target *net.Error) bool {
	return errors.As(err, target) && (*target).Timeout()
}
