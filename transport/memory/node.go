package memory

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"

	"thespian.dev/transport"
)

// node is a transport. Its fields below config are guarded by net.mu.
type node struct {
	net      *Network
	features transport.Features
	endpoint string
	config   transport.Config

	peers     map[transport.Node]*peer
	forgotten map[transport.Node]struct{} // for ever: a node is never used again
	closing   bool                        // takes no more messages
	stopped   bool                        // reads and sends nothing more
	killed    bool                        // calls its Handler no more
	lost      uint64                      // messages to it
	ctx       context.Context             // of Admit: done when it stops
	cancel    context.CancelFunc
	drained   chan struct{}  // closed when it is closing and nothing is left to bring
	calls     sync.WaitGroup // goroutines that call the Handler
}

func (n *Network) open(ctx context.Context, features transport.Features, config transport.Config) (transport.Transport, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if config.Handler == nil || config.Self == (transport.Node{}) {
		return nil, errors.New("memory: Config.Self and Config.Handler are needed")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	endpoint, err := n.listen(config)
	if err != nil {
		return nil, err
	}
	t := &node{
		net:       n,
		features:  features,
		endpoint:  endpoint,
		config:    config.WithDefaults(features),
		peers:     map[transport.Node]*peer{},
		forgotten: map[transport.Node]struct{}{},
		drained:   make(chan struct{}),
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	n.nodes[endpoint] = t
	return t, nil
}

// Lost is a method of transport.Transport.
func (t *node) Lost() uint64 {
	t.net.mu.Lock()
	defer t.net.mu.Unlock()
	return t.lost
}

// loses counts a message that does not arrive, unless a copy of it has. net.mu is held.
func (t *node) loses(m *message) {
	if !m.received && !m.missed {
		m.missed = true
		t.lost++
	}
}

// listen finds the endpoint of a new node. n.mu is held.
func (n *Network) listen(c transport.Config) (string, error) {
	host, port := c.Listen, 0
	if h, p, err := net.SplitHostPort(c.Listen); err == nil {
		number, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return "", fmt.Errorf("memory: the port of %q is no number from 0 to 65535", c.Listen)
		}
		host, port = h, int(number)
	}
	if host == "" {
		host = "memory"
	}
	if port != 0 {
		endpoint := net.JoinHostPort(host, strconv.Itoa(port))
		if n.nodes[endpoint] != nil {
			return "", fmt.Errorf("memory: %s is in use", endpoint)
		}
		return endpoint, nil
	}
	lowest, highest := max(c.LowestPort, 1), c.HighestPort
	if highest <= 0 {
		highest = 65535
	}
	for port := lowest; port <= highest; port++ {
		endpoint := net.JoinHostPort(host, strconv.Itoa(port))
		if n.nodes[endpoint] == nil {
			return endpoint, nil
		}
	}
	return "", fmt.Errorf("memory: no port from %d to %d of %s is free", lowest, highest, host)
}

func (t *node) Endpoint() string { return t.endpoint }

func (t *node) Peer(to transport.Node, endpoint string) transport.Peer {
	t.net.mu.Lock()
	defer t.net.mu.Unlock()
	p := t.peer(to)
	if endpoint != "" && endpoint != p.endpoint {
		p.endpoint = endpoint
		p.retryAtOnce()
		p.connect()
	}
	return p
}

// peer returns the record of another node. net.mu is held.
func (t *node) peer(to transport.Node) *peer {
	p := t.peers[to]
	if p == nil {
		p = &peer{node: t, to: to, gone: make(chan struct{})}
		if _, ok := t.forgotten[to]; ok {
			p.forgotten = true
			close(p.gone)
			return p
		}
		if !t.closing {
			t.peers[to] = p
		}
	}
	return p
}

func (t *node) Shutdown(ctx context.Context) error {
	n := t.net
	n.mu.Lock()
	t.refuse()
	n.mu.Unlock()

	var err error
	select {
	case <-t.drained:
	default:
		select {
		case <-t.drained:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}

	n.mu.Lock()
	t.stop(true)
	n.mu.Unlock()
	t.calls.Wait()
	return err
}

func (t *node) Close() error {
	t.net.mu.Lock()
	t.stop(false)
	t.net.mu.Unlock()
	t.calls.Wait()
	return nil
}

// refuse takes no more messages. net.mu is held.
func (t *node) refuse() {
	if t.closing {
		return
	}
	t.closing = true
	for _, p := range t.peers {
		p.wakeAll()
	}
	t.checkDrained()
}

// checkDrained notices that nothing is left to bring. net.mu is held.
func (t *node) checkDrained() {
	if !t.closing {
		return
	}
	for _, p := range t.peers {
		if p.queue.Len() > 0 {
			return
		}
	}
	select {
	case <-t.drained:
	default:
		close(t.drained)
	}
}

// stop ends all connections, with a goodbye or without, and has reported what is left, unless the node was killed. net.mu is held.
func (t *node) stop(goodbye bool) {
	if t.stopped {
		return
	}
	t.refuse()
	t.stopped = true
	t.cancel()
	delete(t.net.nodes, t.endpoint)
	for _, p := range t.peers {
		if p.conn != nil {
			p.conn.hangUp(p, goodbye)
		}
		p.retryAtOnce()
		p.clearInbox(goodbye)
		p.loseAll(transport.ErrClosed)
		p.watchReach()
		p.wake()
	}
}

// logRefusal logs what only the stranger has been told of. net.mu is not held.
func (t *node) logRefusal(from transport.Node, err error) {
	t.config.Logger.Info("memory: refused a node", "node", from, "error", err)
}
