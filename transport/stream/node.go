package stream

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"thespian.dev/message"
	"thespian.dev/transport"
	"thespian.dev/transport/hello"
)

// goodbyeWithin is how long a goodbye may take, until the other node has closed the connection.
const goodbyeWithin = time.Second

// node is the transport of one node. Its locks are taken in this order: peer.turn, peer.mu, node.mu.
type node struct {
	config    transport.Config
	network   Network
	listener  net.Listener
	endpoint  string
	serverTLS *tls.Config
	clientTLS *tls.Config
	blocks    blocks
	strangers strangers

	ctx    context.Context // done when the transport closes
	cancel context.CancelFunc
	work   sync.WaitGroup // all goroutines

	closing atomic.Bool   // takes no more messages
	stopped atomic.Bool   // makes no more connections
	silent  atomic.Bool   // calls the Handler no more: in tests, which end the node as a process ends
	drained chan struct{} // gets something when a peer has nothing left while the node is closing
	once    sync.Once
	down    chan struct{} // closed at the end of Close

	mu        sync.Mutex
	peers     map[transport.Node]*peer
	forgotten forgotten
	ended     bool // no goroutine is started any more
}

func (n *node) Endpoint() string { return n.endpoint }

func (n *node) Lost() uint64 { return 0 }

// spawn starts a goroutine, unless the transport has closed.
func (n *node) spawn(f func()) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended {
		return false
	}
	n.work.Go(f)
	return true
}

func (n *node) Peer(to transport.Node, endpoint string) transport.Peer {
	p := n.peer(to, !n.closing.Load())
	p.setEndpoint(endpoint)
	return p
}

// peer returns the record of another node, which is new if there is none. It is kept if asked for.
func (n *node) peer(to transport.Node, keep bool) *peer {
	n.mu.Lock()
	defer n.mu.Unlock()
	if p := n.peers[to]; p != nil {
		return p
	}
	p := newPeer(n, to)
	if n.forgotten.has(to) {
		p.forgotten = true
		p.leave()
		return p
	}
	if keep && !n.ended {
		n.peers[to] = p
	}
	return p
}

// all returns all peers.
func (n *node) all() []*peer {
	n.mu.Lock()
	defer n.mu.Unlock()
	peers := make([]*peer, 0, len(n.peers))
	for _, p := range n.peers {
		peers = append(peers, p)
	}
	return peers
}

// self is what the node brings to a handshake.
func (n *node) self() hello.Self {
	return hello.Self{
		Node: n.config.Self, Key: n.config.Key, Endpoint: n.endpoint,
		Versions: message.Versions{Lowest: protocolVersion, Highest: protocolVersion},
	}
}

// protocolVersion is the version of what follows the handshake.
const protocolVersion = 1

// refuse takes no more messages.
func (n *node) refuse() {
	n.closing.Store(true)
	for _, p := range n.all() {
		p.mu.Lock()
		p.wakeAll()
		p.recall()
		p.mu.Unlock()
	}
}

func (n *node) Shutdown(ctx context.Context) error {
	n.refuse()
	for _, p := range n.all() {
		p.mu.Lock()
		if c := p.conn; c != nil && !p.queue.empty() {
			c.due = true // the other node answers with its own
			c.wake()
		}
		p.mu.Unlock()
	}
	err := n.drain(ctx)
	n.stopped.Store(true)
	var ends []<-chan struct{}
	for _, p := range n.all() {
		p.mu.Lock()
		if c := p.conn; c != nil {
			c.sayGoodbye(leaving)
			ends = append(ends, c.ended)
		}
		p.mu.Unlock()
	}
	wait := goodbyeWithin
	if ctx.Err() != nil {
		wait /= 10 // goodbyes are short
	}
	grace, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	for _, ended := range ends {
		select {
		case <-ended:
		case <-grace.Done():
		}
	}
	_ = n.Close()
	return err
}

// drain waits until nothing is left to bring.
func (n *node) drain(ctx context.Context) error {
	for {
		var left *peer
		for _, p := range n.all() {
			p.mu.Lock()
			if !p.queue.empty() {
				left = p
			}
			p.mu.Unlock()
		}
		switch {
		case left == nil || n.stopped.Load():
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("not all that was sent to %v has come there: %w", left.to, ctx.Err())
		}
		select {
		case <-n.drained:
		case <-n.ctx.Done():
			return nil
		case <-ctx.Done():
		}
	}
}

func (n *node) Close() error {
	n.once.Do(func() {
		n.end()
		n.work.Wait()
		for _, p := range n.all() {
			p.mu.Lock()
			p.loseAll(transport.ErrClosed)
			p.mu.Unlock()
			p.report()
			p.leave()
		}
		close(n.down)
	})
	return nil
}

// end stops all that the node does. It waits for nothing.
func (n *node) end() {
	n.stopped.Store(true)
	n.refuse()
	n.mu.Lock()
	n.ended = true
	n.mu.Unlock()
	n.cancel()
	_ = n.listener.Close()
	n.strangers.closeAll()
	for _, p := range n.all() {
		p.mu.Lock()
		p.abandon.Store(true)
		if p.conn != nil {
			p.conn.fail(transport.ErrClosed)
		}
		for c := range p.conns {
			c.fail(transport.ErrClosed)
		}
		if p.reach != nil {
			p.reach.Stop()
		}
		p.mu.Unlock()
	}
}
