package system

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"thespian.dev/admin"
	"thespian.dev/convention/authority"
	"thespian.dev/transport"
	"thespian.dev/transport/stream"
)

// outside is what leads to nodes of other systems: a transport of its own, in which this node has the name of its system's incarnation, over connections with TLS from end to end. It is
// opened when it is first needed, and closed when the system is cut off from others.
type outside struct {
	peers *peers
	base  transport.Base

	mu          sync.Mutex
	transport   transport.Transport // nil: not open
	incarnation uint64
	strangers   map[transport.Node]*peer         // by the incarnation of their system
	expected    map[transport.Node]chan struct{} // who has connected before the Admin has spoken of it
	closed      bool
}

// authorityOf returns the authority by which systems know each other.
func authorityOf(c admin.Credentials) (*authority.Authority, error) {
	if c.Certificate != "" {
		return authority.Files(c.Certificate, c.Key, c.Root)
	}
	return authority.Derive(c.Secret)
}

// meet opens the transport, and tells the Admin where others reach this node.
func (o *outside) meet(with admin.Outside) {
	n := o.peers.node
	n.goroutines.begin()
	go func() { // as names may have to be resolved
		defer n.goroutines.end()
		endpoint, err := o.open(with)
		_ = n.client.line.send(admin.Met{Endpoint: endpoint, Failure: failureOf(err)})
	}()
}

func (o *outside) open(with admin.Outside) (endpoint string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	a, err := authorityOf(with.Credentials)
	if err != nil {
		return "", err
	}
	n := o.peers.node
	opened, err := stream.Open(ctx, transport.Config{
		Self: transport.Node{System: with.Incarnation, Process: n.id.Process}, Handler: outsideHandler{o}, Listen: with.Listen,
		LowestPort: with.LowestPort, HighestPort: with.HighestPort, MaxMessage: n.limits.MaxMessage, Unreachable: n.limits.Unreachable, Logger: n.log, Released: n.peers.buffers.released,
	}, o.network(a, with))
	if err != nil {
		return "", err
	}
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		_ = opened.Close()
		return "", transport.ErrClosed
	}
	o.transport, o.incarnation = opened, with.Incarnation
	o.strangers, o.expected = make(map[transport.Node]*peer), make(map[transport.Node]chan struct{})
	o.mu.Unlock()
	return opened.Endpoint(), nil
}

// network returns how connections to other systems are made: that of the base, with TLS. An endpoint is the one of the base and the name of a node behind a slash; without the former this
// system's Admin is asked to bring the connection on.
func (o *outside) network(a *authority.Authority, with admin.Outside) stream.Network {
	under := o.base.Network
	return stream.Network{Name: o.base.Short + " between systems", Features: o.base.Features, Network: transport.Network{
		Listen: func(ctx context.Context, c transport.Config) (net.Listener, string, error) {
			l, endpoint, err := under.Listen(ctx, c)
			if err != nil {
				return nil, "", err
			}
			return securedListener{l, a.Server()}, endpoint, nil
		},
		Dial: func(ctx context.Context, endpoint string) (net.Conn, error) {
			at, name, _ := strings.Cut(endpoint, "/")
			var raw net.Conn
			var err error
			if at == "" {
				raw, err = passGate(ctx, under, with, name)
			} else {
				raw, err = under.Dial(ctx, at)
			}
			if err != nil {
				return nil, err
			}
			of, _, _ := strings.Cut(name, ".")
			c := tls.Client(raw, a.Client(of))
			if err := c.HandshakeContext(ctx); err != nil {
				_ = raw.Close()
				return nil, a.Explain(err)
			}
			return secured{c}, nil
		},
		Leaves: func(c net.Conn) bool {
			if s, ok := c.(secured); ok {
				c = s.NetConn()
			}
			return under.Leaves(c)
		},
	}}
}

// A secured connection is closed at once: who closes it has said all before, and the other side may not read.
type secured struct{ *tls.Conn }

func (s secured) Close() error { return s.NetConn().Close() }

// OtherEnded tells the connection beneath, if it wants to know, that the process at the other end has died (see package stream).
func (s secured) OtherEnded() {
	if c, ok := s.NetConn().(interface{ OtherEnded() }); ok {
		c.OtherEnded()
	}
}

type securedListener struct {
	net.Listener
	config *tls.Config
}

func (l securedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return secured{tls.Server(c, l.config)}, nil
}

// nameOf is how a node is called where connections are brought on: its process, which is in the system that is reached there.
func nameOf(process uint64) string { return fmt.Sprintf("p%x", process) }

// peer returns what sends to a node of another system.
func (o *outside) peer(p *peer, m admin.Located) transport.Peer {
	endpoint := m.Endpoint + "/" + nameOf(m.Process)
	if m.Via {
		endpoint = fmt.Sprintf("/%s.%x", nameOf(m.Process), m.System)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.transport == nil {
		return cutOff{}
	}
	node := transport.Node{System: m.Incarnation, Process: m.Process}
	o.strangers[node] = p
	if expected := o.expected[node]; expected != nil {
		close(expected)
		delete(o.expected, node)
	}
	return o.transport.Peer(node, endpoint)
}

// forget forgets a peer that has ended.
func (o *outside) forget(p *peer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for node, other := range o.strangers {
		if other == p {
			delete(o.strangers, node)
		}
	}
}

// part closes the transport: this system was cut off. What there was to say of the nodes of others was said before.
func (o *outside) part() {
	o.mu.Lock()
	was := o.transport
	o.transport, o.strangers = nil, nil
	for _, expected := range o.expected {
		close(expected)
	}
	o.expected = nil
	o.mu.Unlock()
	if was == nil {
		return
	}
	n := o.peers.node
	n.goroutines.begin()
	go func() { // which reports what was not delivered
		defer n.goroutines.end()
		_ = was.Close()
	}()
}

// shutdown brings what was sent to other systems, and closes.
func (o *outside) shutdown(ctx context.Context) error {
	o.mu.Lock()
	was := o.transport
	o.closed = true
	o.mu.Unlock()
	if was == nil {
		return nil
	}
	return was.Shutdown(ctx)
}

func (o *outside) close() error {
	o.mu.Lock()
	was := o.transport
	o.closed = true
	o.mu.Unlock()
	if was == nil {
		return nil
	}
	return was.Close()
}

// of returns the peer that has a name in the transport, nil if there is none.
func (o *outside) of(node transport.Node) *peer {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.strangers[node]
}

// await waits until the Admin has spoken of a node, which may connect before.
func (o *outside) await(ctx context.Context, node transport.Node) (*peer, error) {
	o.mu.Lock()
	p, expected := o.strangers[node], o.expected[node]
	if p == nil && o.expected != nil && expected == nil {
		expected = make(chan struct{})
		o.expected[node] = expected
	}
	o.mu.Unlock()
	if p != nil {
		return p, nil
	}
	if expected != nil {
		select {
		case <-expected:
		case <-ctx.Done():
			o.mu.Lock()
			if o.expected[node] == expected {
				delete(o.expected, node)
			}
			o.mu.Unlock()
		}
		if p = o.of(node); p != nil {
			return p, nil
		}
	}
	return nil, errors.New("the Admin does not know it")
}

// An outsideHandler hands what nodes of other systems say to the peers that they are.
type outsideHandler struct{ *outside }

func (h outsideHandler) Deliver(from transport.Node, messages [][]byte) {
	if p := h.of(from); p != nil {
		h.peers.deliver(p, messages)
	}
}

func (h outsideHandler) Undelivered(to transport.Node, data []byte, perhaps bool, why error) {
	h.peers.undelivered(h.of(to), data, perhaps, why)
}

// Admit is a method of transport.Handler: the Admins of the two systems have spoken about the two nodes.
func (h outsideHandler) Admit(ctx context.Context, from transport.Node) error {
	p, err := h.await(ctx, from)
	if err != nil {
		return err
	}
	return h.peers.vouched(ctx, p)
}

var _ transport.Handler = outsideHandler{}

// cutOff is the peer that cannot be reached, as this system is cut off.
type cutOff struct{}

func (cutOff) Send(context.Context, uint64, []byte) error   { return transport.ErrForgotten }
func (cutOff) Assure(context.Context, uint64, []byte) error { return transport.ErrForgotten }
func (cutOff) Forget(context.Context)                       {}

// shutdown brings what was sent, within the system and to others, and closes.
func (ps *peers) shutdown(ctx context.Context) error {
	outside := make(chan error, 1)
	go func() { outside <- ps.outside.shutdown(ctx) }()
	return errors.Join(ps.transport.Shutdown(ctx), <-outside)
}

// close closes what leads to other nodes, at once.
func (ps *peers) close() error { return errors.Join(ps.outside.close(), ps.transport.Close()) }
