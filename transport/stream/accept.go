package stream

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"thespian.dev/message"
	"thespian.dev/transport"
	"thespian.dev/transport/hello"
)

const (
	// proveWithin is how long a stranger has to prove the key.
	proveWithin = 5 * time.Second
	// admitWithin is how long Handler.Admit has.
	admitWithin = 30 * time.Second
	// settleWithin is how long a connection waits for the outcome of an attempt of this node to connect to the same one.
	settleWithin = time.Second
	// maxStrangers is how many connections may be there that have not proven the key, and maxAdmitted how many of which Admit is asked.
	maxStrangers = 64
	maxAdmitted  = 1024
)

// strangers are connections that have not proven the key. When there are too many, the oldest one is closed.
type strangers struct {
	mu     sync.Mutex
	conns  list.List             // of net.Conn, the oldest first
	known  map[net.Conn]struct{} // have proven it, and Admit is asked
	closed bool
}

func (s *strangers) add(c net.Conn) *list.Element {
	s.mu.Lock()
	e := s.conns.PushBack(c)
	var tooMany net.Conn
	if s.closed {
		tooMany = c
	} else if s.conns.Len() > maxStrangers {
		tooMany = s.takeOldest()
	}
	s.mu.Unlock()
	if tooMany != nil {
		_ = tooMany.Close()
	}
	return e
}

// takeOldest takes the oldest one out, nil if there is none. The lock is held.
func (s *strangers) takeOldest() net.Conn {
	e := s.conns.Front()
	if e == nil {
		return nil
	}
	return s.conns.Remove(e).(net.Conn)
}

// closeOldest closes the oldest one, if there is one.
func (s *strangers) closeOldest() {
	s.mu.Lock()
	c := s.takeOldest()
	s.mu.Unlock()
	if c != nil {
		_ = c.Close()
	}
}

// prove says that one has proven the key, and whether there is room for it.
func (s *strangers) prove(e *list.Element) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.known) >= maxAdmitted {
		return false
	}
	s.conns.Remove(e)
	if s.known == nil {
		s.known = make(map[net.Conn]struct{})
	}
	s.known[e.Value.(net.Conn)] = struct{}{}
	return true
}

// remove forgets a connection whose handshake has ended.
func (s *strangers) remove(e *list.Element) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns.Remove(e) // does nothing if it is not there
	delete(s.known, e.Value.(net.Conn))
}

func (s *strangers) closeAll() {
	s.mu.Lock()
	s.closed = true
	conns := slices.Collect(maps.Keys(s.known))
	for c := s.takeOldest(); c != nil; c = s.takeOldest() {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
}

// accept is the goroutine that takes connections.
func (n *node) accept() {
	wait := time.Millisecond
	for {
		conn, err := n.listener.Accept()
		if err == nil {
			wait = time.Millisecond
			e := n.strangers.add(conn)
			n.spawn(func() {
				defer n.strangers.remove(e)
				n.meet(conn, func() bool { return n.strangers.prove(e) })
			})
			continue
		}
		if n.stopped.Load() || errors.Is(err, net.ErrClosed) {
			return
		}
		if tooManyFiles(err) {
			n.closeMostIdle()
			n.strangers.closeOldest()
		}
		n.config.Logger.Warn(n.network.Name+": accepting connections fails", "endpoint", n.endpoint, "error", err)
		select {
		case <-time.After(wait):
		case <-n.ctx.Done():
			return
		}
		wait = min(2*wait, time.Second)
	}
}

// meet is the goroutine that learns who has connected.
func (n *node) meet(raw net.Conn, prove func() bool) {
	_ = raw.SetDeadline(time.Now().Add(proveWithin))
	stream := raw
	leaves := n.network.Leaves(raw)
	if n.serverTLS != nil && leaves {
		stream = tls.Server(raw, n.serverTLS) // the handshake is made with the first bytes
	}
	var said io.ReadWriter = stream
	if n.config.Guest != nil {
		first := make([]byte, 1)
		if _, err := io.ReadFull(stream, first); err != nil {
			_ = raw.Close()
			return
		}
		begun := &begunConn{stream, first}
		if first[0] != message.FrameMagic[0] {
			_ = raw.SetDeadline(time.Time{})
			n.config.Guest(begun)
			return
		}
		said = begun
	}
	var c *conn
	remote, err := hello.Accept(said, n.self(), func(r hello.Remote) ([]byte, error) {
		if !prove() {
			return nil, errors.New("too many connections wait")
		}
		_ = raw.SetDeadline(time.Now().Add(admitWithin + proveWithin))
		theirs, err := decodeSession(r.Info)
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(n.ctx, admitWithin)
		defer cancel()
		if err := n.config.Handler.Admit(ctx, r.Node); err != nil {
			return nil, err
		}
		p := n.peer(r.Node, true)
		var mine session
		if c, mine, err = p.settle(ctx, stream, raw, theirs, leaves); err != nil {
			return nil, err
		}
		if r.Endpoint != "" {
			p.learnEndpoint(r.Endpoint)
		}
		return mine.append(nil), nil
	})
	switch {
	case err == nil:
		c.start()
	case c != nil: // the welcome could not be written
		if c.before != nil {
			<-c.before
		}
		c.peer.lost(c, err)
	default:
		_ = raw.Close()
		if !n.stopped.Load() && !errors.Is(err, errSettled) {
			level := slog.LevelInfo
			if remote.Node == (transport.Node{}) && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)) {
				level = slog.LevelDebug // who dialled has met this node in another way meanwhile
			}
			n.config.Logger.Log(n.ctx, level, n.network.Name+": a connection was refused", "from", raw.RemoteAddr(), "node", remote.Node, "error", err)
		}
	}
}

// A begunConn is a connection of which the first bytes were read already.
type begunConn struct {
	net.Conn
	read []byte
}

func (c *begunConn) Read(b []byte) (int, error) {
	if len(c.read) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.read)
	c.read = c.read[n:]
	return n, nil
}

func (p *peer) learnEndpoint(endpoint string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.endpoint == "" {
		p.endpoint = endpoint
	}
}

// errSettled refuses a connection beside another one.
var errSettled = error(&hello.RefusedError{Reason: "there is a connection already"})

// settle decides whether a connection that the other node has made becomes the one of the pair. When both have dialled at once, that of the node with the lower
// identity wins: it lets the other one's wait until its own attempt has ended.
func (p *peer) settle(ctx context.Context, stream, raw net.Conn, theirs session, leaves bool) (*conn, session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if attempt := p.attempt; attempt != nil && p.conn == nil && p.lower() {
		p.mu.Unlock()
		timer := time.NewTimer(settleWithin)
		select {
		case <-attempt:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		p.mu.Lock()
	}
	switch old := p.conn; {
	case p.forgotten:
		return nil, session{}, &hello.RefusedError{Reason: "this node was declared dead"}
	case p.node.stopped.Load():
		return nil, session{}, &hello.RefusedError{Reason: "the other side closes"}
	case old != nil && old.initiator && theirs.count < old.count:
		return nil, session{}, errSettled // it had not heard of that one when it dialled
	case old != nil:
		old.fail(errReplaced)
	}
	if p.stopDial != nil {
		p.stopDial()
	}
	mine := p.session(leaves)
	mine.count = max(p.count, theirs.count) + 1
	c := p.newConn(stream, raw, theirs, leaves, false)
	c.count = mine.count
	p.install(c, theirs)
	return c, mine, nil
}

var errReplaced = errors.New("the other node has made a new connection")

// lower says whether this node is the one whose connections win.
func (p *peer) lower() bool {
	a, b := p.node.config.Self, p.to
	return a.System < b.System || a.System == b.System && a.Process < b.Process
}

// closeMostIdle says goodbye on the connection that has carried nothing for longest, if there is one.
func (n *node) closeMostIdle() bool {
	var idlest *conn
	for _, p := range n.all() {
		p.mu.Lock()
		if c := p.conn; c != nil && c.bye == none && c.atRest() && (idlest == nil || c.used.Load() < idlest.used.Load()) {
			idlest = c
		}
		p.mu.Unlock()
	}
	if idlest == nil {
		return false
	}
	idlest.peer.mu.Lock()
	idlest.sayGoodbye(resting)
	idlest.peer.mu.Unlock()
	select {
	case <-idlest.ended:
	case <-time.After(2 * goodbyeWithin):
	case <-n.ctx.Done():
	}
	return true
}
