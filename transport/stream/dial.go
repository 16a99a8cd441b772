package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"thespian.dev/transport"
	"thespian.dev/transport/hello"
)

const (
	// firstBackoff and lastBackoff bound the wait between two attempts to connect, which grows by 1.7 each time (Thespian 3.5). The first follows at once.
	firstBackoff = 50 * time.Millisecond
	lastBackoff  = 7300 * time.Millisecond

	// dialWithin is how long an attempt may take until the other node has been heard, welcomeWithin how long it may think about the connection.
	dialWithin    = 10 * time.Second
	welcomeWithin = admitWithin + 5*time.Second
)

// dial makes one attempt.
func (n *node) dial(ctx context.Context, endpoint string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	return n.network.Dial(ctx, endpoint)
}

func (p *peer) setEndpoint(endpoint string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if endpoint == "" || endpoint == p.endpoint {
		return
	}
	p.endpoint = endpoint
	p.backoff = 0
	signal(p.wakeDialer)
	p.connect()
}

// wanted says whether a connection is wanted that is not there. The lock is held.
func (p *peer) wanted() bool {
	return p.conn == nil && !p.forgotten && !p.node.stopped.Load() && !p.queue.empty() && p.endpoint != ""
}

// connect starts to connect if that is wanted. The lock is held.
func (p *peer) connect() {
	if p.dialling || !p.wanted() {
		return
	}
	ctx, cancel := context.WithCancel(p.node.ctx)
	p.stopDial = cancel
	p.dialling = p.node.spawn(func() { p.dial(ctx, cancel) })
	if !p.dialling {
		cancel()
	}
}

// dial is the goroutine that connects, until there is a connection or none is wanted.
func (p *peer) dial(ctx context.Context, cancel context.CancelFunc) {
	defer cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() {
		p.dialling = false
		p.connect() // if the connection that ended the dialling has ended meanwhile
	}()
	for p.wanted() {
		if wait := p.backoff; wait > 0 {
			p.mu.Unlock()
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
			case <-p.wakeDialer:
			case <-ctx.Done():
			}
			timer.Stop()
			p.mu.Lock()
			if ctx.Err() != nil {
				return
			}
			if !p.wanted() {
				continue
			}
		}
		p.backoff = min(max(p.backoff*17/10, firstBackoff), lastBackoff)
		endpoint, attempt := p.endpoint, make(chan struct{})
		p.attempt = attempt
		p.mu.Unlock()
		err := p.try(ctx, endpoint)
		p.mu.Lock()
		p.attempt = nil
		close(attempt)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			p.failure = fmt.Errorf("%s: %w", endpoint, err)
		}
	}
}

// try makes one attempt.
func (p *peer) try(ctx context.Context, endpoint string) error {
	n := p.node
	raw, err := n.dial(ctx, endpoint)
	if tooManyFiles(err) && n.closeMostIdle() {
		raw, err = n.dial(ctx, endpoint)
	}
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	_ = raw.SetDeadline(time.Now().Add(dialWithin))
	stream := raw
	leaves := n.network.Leaves(raw)
	if n.clientTLS != nil && leaves {
		config := n.clientTLS
		if config.ServerName == "" {
			config = config.Clone()
			config.ServerName, _, _ = net.SplitHostPort(endpoint)
		}
		client := tls.Client(raw, config)
		if err := client.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return err
		}
		stream = client
	}
	p.mu.Lock()
	mine, there := p.session(leaves), p.conn != nil
	p.mu.Unlock()
	if there { // the other node made it meanwhile, and would now take that one for dead, though it delivers
		_ = raw.Close()
		return errThere
	}
	remote, err := hello.Initiate(&patient{Conn: stream}, n.self(), p.to, mine.append(nil))
	var theirs session
	if err == nil {
		theirs, err = decodeSession(remote.Info)
	}
	if err != nil {
		_ = raw.Close()
		return err
	}
	if !stop() {
		return ctx.Err()
	}
	c := p.newConn(stream, raw, theirs, leaves, true)
	p.mu.Lock()
	if !p.wantsConn() || p.conn != nil {
		p.mu.Unlock()
		_ = raw.Close()
		return errThere
	}
	c.count = max(theirs.count, p.count)
	p.install(c, theirs)
	p.mu.Unlock()
	c.start()
	return nil
}

var errThere = errors.New("there is another connection")

// patient gives the other node more time once it has been heard.
type patient struct {
	net.Conn
	heard bool
}

func (p *patient) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if err == nil && !p.heard {
		p.heard = true
		_ = p.SetDeadline(time.Now().Add(welcomeWithin))
	}
	return n, err
}

// wantsConn says whether a connection is to be kept that was made. The lock is held.
func (p *peer) wantsConn() bool { return !p.forgotten && !p.node.stopped.Load() }

// session is what the other node is told of this one. The lock is held.
func (p *peer) session(leaves bool) session {
	c := p.node.config
	return session{taken: p.taken, count: p.count, maxMessage: c.MaxMessage, window: c.Window, compressed: leaves}
}

func (p *peer) newConn(stream, raw net.Conn, theirs session, leaves, initiator bool) *conn {
	c := &conn{
		peer: p, net: stream, raw: raw, initiator: initiator,
		leaves:   leaves,
		compress: leaves && theirs.compressed,
		owing:    min(max(theirs.window/4, 1<<10), 256<<10),
		from:     theirs.taken,
		handed:   make(chan struct{}),
		ended:    make(chan struct{}),
		dead:     make(chan struct{}),
		awaken:   make(chan struct{}, 1),

		attendance: attendance{back: make(chan struct{}, 1)},
	}
	c.touch()
	return c
}

// install makes c the connection to the peer; there is none. It is started later. The lock is held.
func (p *peer) install(c *conn, theirs session) {
	p.conn = c
	p.conns[c] = struct{}{}
	c.certain = theirs.count >= p.count
	p.count = c.count
	c.due = p.delivered > 0 // what the last connection confirmed may not have arrived
	c.before, p.last = p.last, c.handed
	p.failure = nil
	p.endReach()
	p.queue.chunk = localChunk
	if c.leaves {
		p.queue.chunk = distantChunk
	}
	if theirs.taken > p.arrived {
		p.arrived = theirs.taken
		p.backoff = 0 // the last connection was of use
	}
	if theirs.maxMessage > 0 && theirs.maxMessage < p.limit {
		p.limit = theirs.maxMessage
		before := len(p.losses)
		p.losses = p.queue.loseLonger(p.losses, p.limit, func(length int) error { return tooLarge(length, p.limit) })
		if len(p.losses) > before {
			p.node.spawn(p.report)
		}
		p.wakeAll()
	}
}

// lost is called at the end of a connection.
func (p *peer) lost(c *conn, why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.fail(why)
	c.hand()
	delete(p.conns, c)
	close(c.ended)
	p.connect()
	p.watchReach()
}

func tooManyFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

var _ transport.Peer = (*peer)(nil)
