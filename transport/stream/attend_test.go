package stream_test

import (
	"context"
	"errors"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
	"thespian.dev/transport/stream"
)

// Who attends is interrupted by a deadline, which must not be the connection's end: neither of a bare one nor of one under TLS, where a record may have come in part.
func TestInterruptionsKeepTheConnection(t *testing.T) {
	certificates := newAuthority(t).config(t)
	for name, c := range map[string]struct {
		open   opener
		change func(*transport.Config)
	}{
		"bare": {openTCP, nil},
		"TLS":  {openLeaving, func(c *transport.Config) { c.TLS = certificates }},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := newNodeWith(t, c.open, c.change), newNodeWith(t, c.open, c.change)
			way := newProxy(t, b.tr.Endpoint())
			peer := a.tr.Peer(b.id, way.endpoint()).(transport.Attendable)
			const count = 300
			attended, interruptions := 0, 0
			for i := range count {
				a.send(b, way.endpoint(), 0, "question")
				b.waitFrom(a, i+1)
				length := 40 + i*40
				answer := sync.OnceFunc(func() {
					go func() {
						peer.Interrupt()
						b.send(a, "", 0, numbered(i, length))
						peer.Interrupt()
					}()
				})
				var looks atomic.Int64
				if peer.Attend(func() bool {
					looks.Add(1)
					answer() // nothing has come: the interruption comes before it
					return len(a.from(b)) > i
				}) {
					attended++
					interruptions += int(looks.Load())
				}
				answer()
				a.waitFrom(b, i+1)
			}
			checkNumbered(t, a.from(b), count, func(i int) int { return 40 + i*40 })
			assert.Assert(t, attended > 0 && interruptions > attended, "attended %d times, looked %d times", attended, interruptions)
			way.set(func() { assert.Equal(t, len(way.conns), 2, "it is one connection all the time") })
		})
	}
}

// reads says whether the transport reads by itself: then nobody attends.
func reads(peer transport.Attendable) bool { return !peer.Attend(func() bool { return true }) }

// Who would have read, and waits all the same, is not left without anybody who reads by what comes before its answer.
func TestNobodyWaitsForALentConnection(t *testing.T) {
	a, b := newNodeWith(t, openTCP, nil), newNodeWith(t, openTCP, nil)
	peer := a.tr.Peer(b.id, b.tr.Endpoint()).(transport.Attendable)
	a.send(b, b.tr.Endpoint(), 0, "question")
	b.waitFrom(a, 1)
	for i := range 200 {
		came := 2 * i
		peer.Release()
		assert.Assert(t, !peer.Attend(func() bool { return len(a.from(b)) >= came+2 }))
		b.send(a, "", 0, "something else")
		a.waitFrom(b, came+1)
		assert.Assert(t, reads(peer), "nobody reads, and the answer is still to come")
		b.send(a, "", 0, "answer")
		a.waitFrom(b, came+2)
	}
}

// halting is a Handler that waits first, when it is told to.
type halting struct {
	transport.Handler
	until chan chan struct{}
}

func (h *halting) Deliver(from transport.Node, messages [][]byte) {
	select {
	case until := <-h.until:
		<-until
	default:
	}
	h.Handler.Deliver(from, messages)
}

// While somebody waits for room, of which the other node will tell, the transport reads, though somebody has asked who would have read.
func TestRoomBesideQuestions(t *testing.T) {
	halt := make(chan chan struct{}, 1)
	a := newNodeWith(t, openTCP, func(c *transport.Config) { c.Window = 2 << 10 })
	b := newNodeWith(t, openTCP, func(c *transport.Config) { c.Handler = &halting{c.Handler, halt} })
	peer := a.tr.Peer(b.id, b.tr.Endpoint()).(transport.Attendable)
	a.send(b, b.tr.Endpoint(), 0, "question")
	b.waitFrom(a, 1)
	fills := make([]byte, 1500) // the window
	noWait, cancel := context.WithCancel(t.Context())
	cancel()
	sent := 1
	for i := range 50 {
		until := make(chan struct{})
		goOn := sync.OnceFunc(func() { close(until) })
		defer goOn()
		halt <- until
		a.send(b, "", 0, string(fills))
		room := make(chan struct{})
		go func() {
			defer close(room)
			a.send(b, "", 0, string(fills))
		}()
		eventually(t, "who waits to be in the way of others", func() bool {
			err := peer.Send(noWait, 0, []byte("short"))
			if err == nil {
				sent++
			}
			return err != nil
		})
		assert.Assert(t, !peer.Attend(func() bool { return len(a.from(b)) > i }))
		b.send(a, "", 0, "answer")
		a.waitFrom(b, i+1)
		assert.Assert(t, reads(peer), "nobody reads, and somebody waits for room")
		goOn()
		<-room
		sent += 2
		b.waitFrom(a, sent)
	}
}

// A staged connection does not let its goodbye out, and has something happen in the meantime. It tells at which deadline a Read ended.
type staged struct {
	*net.TCPConn
	armed       atomic.Bool
	meanwhile   func()
	interrupted chan struct{}
	once        sync.Once

	mu       sync.Mutex
	deadline time.Time
	ended    []time.Time
}

func (s *staged) CloseWrite() error { return nil }

func (s *staged) Write(b []byte) (int, error) {
	if !s.armed.Load() {
		return s.TCPConn.Write(b)
	}
	s.once.Do(func() { go s.meanwhile() })
	<-s.interrupted
	return len(b), nil
}

func (s *staged) SetReadDeadline(at time.Time) error {
	s.mu.Lock()
	s.deadline = at
	s.mu.Unlock()
	return s.TCPConn.SetReadDeadline(at)
}

func (s *staged) Read(b []byte) (int, error) {
	n, err := s.TCPConn.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.mu.Lock()
		s.ended = append(s.ended, s.deadline)
		s.mu.Unlock()
	}
	return n, err
}

// The deadline of a goodbye does not take the place of an interruption that has not been noticed yet.
func TestInterruptionAtGoodbye(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // or it would be noticed at once, mostly
	for !interruptAtGoodbye(t) {                    // the transport's own goroutine was about to read
	}
}

// interruptAtGoodbye reports whether there was somebody to interrupt.
func interruptAtGoodbye(t *testing.T) bool {
	var conn *staged
	a := newNodeWith(t, func(ctx context.Context, c transport.Config) (transport.Transport, error) {
		over := overTCP(false)
		dial := over.Dial
		over.Dial = func(ctx context.Context, endpoint string) (net.Conn, error) {
			c, err := dial(ctx, endpoint)
			if err == nil {
				conn = &staged{TCPConn: c.(*net.TCPConn), interrupted: make(chan struct{})}
				return conn, nil
			}
			return nil, err
		}
		return stream.Open(ctx, c, over)
	}, nil)
	b := newNodeWith(t, openTCP, nil)
	peer := a.tr.Peer(b.id, b.tr.Endpoint()).(transport.Attendable)
	a.send(b, b.tr.Endpoint(), 0, "question")
	b.waitFrom(a, 1)
	peer.Attend(func() bool { return len(a.from(b)) > 0 })
	b.send(a, "", 0, "answer")
	a.waitFrom(b, 1)
	var over atomic.Bool
	asked, left := make(chan struct{}, 1), make(chan bool, 1)
	go func() { left <- peer.Attend(func() bool { signal(asked); return over.Load() }) }()
	select {
	case <-left:
		return false
	case <-asked:
	}
	conn.meanwhile = func() {
		over.Store(true)
		peer.Interrupt()
		close(conn.interrupted)
	}
	conn.armed.Store(true)
	assert.Check(t, a.tr.Shutdown(t.Context()))
	if !<-left {
		return false
	}
	conn.mu.Lock()
	defer conn.mu.Unlock()
	assert.Check(t, len(conn.ended) > 0 && conn.ended[0].Equal(time.Unix(1, 0)), "who was interrupted waited on: %v", conn.ended)
	return true
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
