package udp

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"

	"thespian.dev/transport"
)

// node is the transport of one node. Its locks are taken in this order: peer.turn, peer.mu, node.mu, socket.mu.
type node struct {
	config   transport.Config
	socket   *socket
	endpoint string
	self     netip.AddrPort
	own      *peer // for markers

	ctx    context.Context // done when the transport closes
	cancel context.CancelFunc
	work   sync.WaitGroup // all goroutines

	closing atomic.Bool // takes no more messages
	silent  atomic.Bool // calls the Handler no more: in tests, which end the node as a process ends
	once    sync.Once
	down    chan struct{} // closed at the end of Close

	mu        sync.Mutex
	peers     map[transport.Node]*peer
	forgotten map[transport.Node]struct{}
	order     []transport.Node // of those, a ring once it is full
	oldest    int
	asking    int               // how many nodes are being asked about
	lost      uint64            // of peers that are not there any more
	markers   map[uint64]func() // what is done when one comes
	marker    uint64
	ended     bool // no goroutine is started any more
}

const (
	// maxForgotten is how many nodes are remembered that were forgotten; of those before them Handler.Admit knows that they have ended.
	maxForgotten = 4096
	// maxAsking is how many nodes may be there of which Admit is asked, and admitWithin how long it has.
	maxAsking   = 1024
	admitWithin = 30 * time.Second
)

func newNode(config transport.Config, s *socket, endpoint string, self netip.AddrPort) *node {
	n := &node{
		config: config, socket: s, endpoint: endpoint, self: self, down: make(chan struct{}),
		peers: make(map[transport.Node]*peer), forgotten: make(map[transport.Node]struct{}), markers: make(map[uint64]func()),
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.own = newPeer(n, config.Self)
	n.own.addr = self
	n.spawn(n.read)
	n.spawn(func() { s.write(n.ctx.Done()) })
	return n
}

func (n *node) Endpoint() string { return n.endpoint }

// Lost is a method of transport.Transport.
func (n *node) Lost() uint64 {
	n.mu.Lock()
	lost := n.lost
	n.mu.Unlock()
	for _, p := range n.all() {
		p.mu.Lock()
		lost += p.missing()
		p.mu.Unlock()
	}
	return lost
}

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
	p.name(endpoint)
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
	if _, is := n.forgotten[to]; is {
		p.forgotten = true
		p.leave()
		return p
	}
	if keep && !n.ended {
		n.peers[to] = p
	}
	return p
}

// known returns the record of another node, nil if there is none, and whether the node was forgotten.
func (n *node) known(from transport.Node) (p *peer, forgotten bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, forgotten = n.forgotten[from]
	return n.peers[from], forgotten
}

func (n *node) all() []*peer {
	n.mu.Lock()
	defer n.mu.Unlock()
	peers := make([]*peer, 0, len(n.peers))
	for _, p := range n.peers {
		peers = append(peers, p)
	}
	return peers
}

// forget remembers that a node has ended.
func (n *node) forget(node transport.Node) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, is := n.forgotten[node]; is {
		return
	}
	n.forgotten[node] = struct{}{}
	if len(n.order) < maxForgotten {
		n.order = append(n.order, node)
		return
	}
	delete(n.forgotten, n.order[n.oldest])
	n.order[n.oldest] = node
	n.oldest = (n.oldest + 1) % maxForgotten
}

// drop takes a peer out of the table, for ever.
func (n *node) drop(p *peer) {
	p.mu.Lock()
	missing := p.missing()
	p.mu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.peers[p.to] == p {
		delete(n.peers, p.to)
		n.lost += missing
	}
}

// read is the goroutine that takes what comes.
func (n *node) read() {
	messages := make([]ipv4.Message, batchSize)
	for i := range messages {
		messages[i].Buffers = [][]byte{make([]byte, 1<<16)}
	}
	touched := make(map[*peer]struct{}, batchSize)
	for {
		count, err := n.socket.batch.ReadBatch(messages, 0)
		if err != nil {
			if n.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			continue // an answer of the network to what was sent
		}
		for _, m := range messages[:count] {
			if from, ok := m.Addr.(*net.UDPAddr); ok {
				if p := n.take(m.Buffers[0][:m.N], from.AddrPort()); p != nil {
					touched[p] = struct{}{}
				}
			}
		}
		for p := range touched {
			p.wake()
		}
		clear(touched)
	}
}

// take takes a datagram, and returns the peer for whom there is something to do then.
func (n *node) take(b []byte, at netip.AddrPort) *peer {
	from, ok := senderOf(b)
	if !ok {
		return nil
	}
	if from == n.config.Self {
		if d, err := unseal(n.own.opens(), b); err == nil && d.kind == kindMarker {
			n.marked(d.body)
		}
		return nil
	}
	p, forgotten := n.known(from)
	if forgotten && p == nil {
		return nil
	}
	if p != nil {
		d, err := unseal(p.opens(), b)
		if err != nil {
			return nil
		}
		return p.take(d, at)
	}
	d, err := unseal(keyOf(n.config.Key, from, n.config.Self), b) // nothing is kept of a stranger
	if err != nil || n.closing.Load() {
		return nil
	}
	n.mu.Lock()
	many := n.asking >= maxAsking
	n.mu.Unlock()
	if many {
		return nil
	}
	return n.peer(from, true).take(d, at)
}

// ask asks whether a node that is not known may send.
func (n *node) ask(p *peer) {
	n.mu.Lock()
	n.asking++
	n.mu.Unlock()
	started := n.spawn(func() {
		ctx, cancel := context.WithTimeout(n.ctx, admitWithin)
		err := n.config.Handler.Admit(ctx, p.to)
		cancel()
		n.mu.Lock()
		n.asking--
		n.mu.Unlock()
		if err == nil {
			p.admit()
			return
		}
		if n.ctx.Err() == nil {
			n.config.Logger.Info("udp: a node was refused", "node", p.to, "error", err)
		}
		if p.refuse() {
			n.drop(p)
		}
	})
	if !started {
		n.mu.Lock()
		n.asking--
		n.mu.Unlock()
	}
}

// mark calls f when all has been taken that the socket holds now. It may be lost.
func (n *node) mark(f func()) (number uint64) {
	n.mu.Lock()
	n.marker++
	number = n.marker
	n.markers[number] = f
	n.mu.Unlock()
	n.own.mu.Lock()
	defer n.own.mu.Unlock()
	n.own.say(kindMarker, binary.BigEndian.AppendUint64(nil, number), true)
	return number
}

func (n *node) marked(body []byte) {
	if number, _, ok := numbers(body, 1); ok {
		n.mu.Lock()
		f := n.markers[number[0]]
		delete(n.markers, number[0])
		n.mu.Unlock()
		if f != nil {
			f()
		}
	}
}

// unmark forgets a marker.
func (n *node) unmark(number uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.markers, number)
}

// refuse takes no more messages.
func (n *node) refuse() {
	n.closing.Store(true)
	for _, p := range n.all() {
		p.mu.Lock()
		p.changed()
		p.mu.Unlock()
	}
}

// settleWithin is how long a node that ends waits for word of what is not assured.
const settleWithin = 200 * time.Millisecond

func (n *node) Shutdown(ctx context.Context) error {
	n.refuse()
	err := n.drain(ctx)
	for _, p := range n.all() {
		p.mu.Lock()
		if p.addr.IsValid() && p.prefix != 0 {
			p.say(kindGoodbye, binary.BigEndian.AppendUint64(nil, p.sent), true)
		}
		p.mu.Unlock()
	}
	_ = n.Close()
	return err
}

// drain waits until what is assured has arrived, and, for a moment, until there is word of the rest.
func (n *node) drain(ctx context.Context) error {
	settle, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	for _, p := range n.all() {
		for {
			p.mu.Lock()
			assured, rest := len(p.assured) > 0, p.floor < p.sent || len(p.held) > 0
			if rest {
				p.count()
			}
			changed := p.change()
			p.mu.Unlock()
			if !assured && (!rest || settle.Err() != nil) {
				break
			}
			wait := settle.Done()
			if assured {
				wait = ctx.Done()
			}
			select {
			case <-changed:
			case <-wait:
			case <-n.ctx.Done():
				return nil
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	for !n.socket.idle() && ctx.Err() == nil {
		time.Sleep(time.Millisecond) // the writer is at work, and waits for nobody
	}
	return nil
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
	<-n.down
	return nil
}

// end stops all that the node does. It waits for nothing.
func (n *node) end() {
	n.refuse()
	n.mu.Lock()
	n.ended = true
	n.mu.Unlock()
	n.cancel()
	_ = n.socket.conn.Close()
	for _, p := range append(n.all(), n.own) {
		p.mu.Lock()
		p.stopTimers()
		p.mu.Unlock()
	}
}

// drawPrefix returns a number that is not 0.
func drawPrefix() uint32 { return rand.Uint32() | 1 }
