package stream_test

import (
	"context"
	"net"
	"runtime"
	"slices"
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
			assert.Assert(t, attended > count/2 && interruptions > attended, "attended %d times, looked %d times", attended, interruptions)
			way.set(func() { assert.Equal(t, len(way.conns), 2, "it is one connection all the time") })
		})
	}
}

// Who would have read waits all the same: what comes before its answer must not keep anybody from reading that.
func TestNobodyWaitsForALentConnection(t *testing.T) {
	a, b := newNodeWith(t, openTCP, nil), newNodeWith(t, openTCP, nil)
	peer := a.tr.Peer(b.id, b.tr.Endpoint()).(transport.Attendable)
	a.send(b, b.tr.Endpoint(), 0, "question")
	b.waitFrom(a, 1)
	const count = 101
	took := make([]time.Duration, count)
	for i := range count {
		came := 3 * i
		peer.Release()
		b.send(a, "", 0, "before it")
		a.waitFrom(b, came+1)
		time.Sleep(100 * time.Microsecond) // until that is taken as a whole
		assert.Assert(t, !peer.Attend(func() bool { return len(a.from(b)) >= came+3 }))
		b.send(a, "", 0, "something else")
		a.waitFrom(b, came+2)
		time.Sleep(100 * time.Microsecond)
		began := time.Now()
		b.send(a, "", 0, "answer")
		a.waitFrom(b, came+3)
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	assert.Assert(t, took[count/2] < time.Millisecond/2, "half of the answers took longer than %v", took[count/2])
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

// Who waits for room is told of it at once, though somebody else has asked meanwhile.
func TestRoomBesideQuestions(t *testing.T) {
	halt := make(chan chan struct{}, 1)
	a := newNodeWith(t, openTCP, func(c *transport.Config) { c.Window = 2 << 10 })
	b := newNodeWith(t, openTCP, func(c *transport.Config) { c.Handler = &halting{c.Handler, halt} })
	peer := a.tr.Peer(b.id, b.tr.Endpoint()).(transport.Attendable)
	a.send(b, b.tr.Endpoint(), 0, "question")
	b.waitFrom(a, 1)
	fills := string(make([]byte, 1500)) // the window, and is confirmed at once
	const count = 31
	took := make([]time.Duration, count)
	for i := range count {
		time.Sleep(5 * time.Millisecond) // until all is confirmed
		until := make(chan struct{})
		halt <- until
		a.send(b, "", 0, fills)
		room := make(chan struct{})
		go func() {
			defer close(room)
			a.send(b, "", 0, fills)
		}()
		time.Sleep(time.Millisecond) // until it waits
		assert.Assert(t, !peer.Attend(func() bool { return len(a.from(b)) > i }))
		b.send(a, "", 0, "answer")
		a.waitFrom(b, i+1)
		time.Sleep(100 * time.Microsecond)
		began := time.Now()
		close(until)
		<-room
		took[i] = time.Since(began)
		b.waitFrom(a, 2*i+3)
	}
	slices.Sort(took)
	assert.Assert(t, took[count/2] < time.Millisecond/2, "half of the messages waited for longer than %v", took[count/2])
}

// A staged connection does not let its goodbye out, and has something happen in the meantime.
type staged struct {
	*net.TCPConn
	armed       atomic.Bool
	meanwhile   func()
	interrupted chan struct{}
}

func (s *staged) CloseWrite() error { return nil }

func (s *staged) Write(b []byte) (int, error) {
	if !s.armed.Load() {
		return s.TCPConn.Write(b)
	}
	go s.meanwhile()
	<-s.interrupted
	return len(b), nil
}

func (s *staged) SetReadDeadline(at time.Time) error {
	if s.armed.Load() && at.Before(time.Now()) {
		close(s.interrupted)
		time.Sleep(5 * time.Millisecond) // until the goodbye waits for the lock
	}
	return s.TCPConn.SetReadDeadline(at)
}

// The deadline of a goodbye does not take the place of an interruption that has not been noticed yet.
func TestInterruptionAtGoodbye(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // or it would be noticed at once, mostly
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
	time.Sleep(10 * time.Millisecond) // until that is confirmed
	var over atomic.Bool
	for i := 0; ; i++ {
		peer.Release()
		assert.Assert(t, !peer.Attend(func() bool { return len(a.from(b)) > i }))
		b.send(a, "", 0, "answer")
		a.waitFrom(b, i+1)
		time.Sleep(100 * time.Microsecond)
		asked, left := make(chan struct{}, 1), make(chan time.Time, 1)
		go func() {
			if peer.Attend(func() bool { signal(asked); return over.Load() }) {
				left <- time.Now()
			} else {
				close(left)
			}
		}()
		select {
		case <-left: // too late
			continue
		case <-asked:
		}
		time.Sleep(5 * time.Millisecond)
		var began time.Time
		conn.meanwhile = func() {
			began = time.Now()
			over.Store(true)
			peer.Interrupt()
		}
		conn.armed.Store(true)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = a.tr.Shutdown(context.Background())
		}()
		took := (<-left).Sub(began)
		assert.Check(t, took < 500*time.Millisecond, "who was interrupted left after %v", took)
		<-ended
		return
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
