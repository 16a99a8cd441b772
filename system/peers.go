package system

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"thespian.dev/address"
	"thespian.dev/address/record"
	"thespian.dev/admin"
	"thespian.dev/message"
	"thespian.dev/transport"
)

// peers are the other processes of the system, as far as this node has to do with them. On the base simple there are none.
type peers struct {
	node      *node
	client    *adminClient
	transport transport.Transport
	features  transport.Features
	control   *message.Registry // of what nodes say to each other
	outside   outside
	buffers   buffers

	mu       sync.Mutex
	table    map[transport.Node]*peer
	searches map[address.Address]*peer
	moving   map[chan struct{}]struct{} // closed when mail that was kept is on its way
}

// A peer is the node of another process. What is sent to an actor there goes through it; so do the messages of nodes about their actors. It knows what
// has to be done when the process ends.
type peer struct {
	binding record.Binding // of the records of its actors
	node    *node
	at      transport.Node // zero: of a search
	known   chan struct{}  // closed when the Admin has said where the process is, or that it has ended
	settled chan struct{}  // closed when nothing is held any more
	settle  sync.Once      // closes it

	out   atomic.Pointer[link] // nil: not yet, or not any more
	last  atomic.Pointer[link] // the same, from when the process is located, and kept
	stops atomic.Int32         // how many of its actors take no more

	mu       sync.Mutex
	held     []outgoing // what waits until the process is located
	alias    *peer      // of a search: where the actor was found
	located  bool
	reason   string // why it is gone; "": it is not
	stopped  map[address.Address]chan struct{}
	backlog  []outgoing                             // what must not be lost, and waits for room in the transport
	children map[address.Address]*cell              // stubs of actors there whose parents are here
	watches  map[address.Address]map[*cell]struct{} // actors there that are watched from here
	watched  map[*cell]struct{}                     // actors here that are watched from there

	orders sync.Mutex // keeps what is said of one actor in the order in which it came about

	// Of Deliver alone.
	decode   *message.Decoder // nil as an encoder is
	arrivals arrivals
}

// A link is what it takes to send to a peer.
type link struct {
	to         transport.Peer
	attendable transport.Attendable // the same, nil if it is none
	encode     *message.Encoder     // nil: messages have to say themselves of what types they are, as some may get lost
}

func (ps *peers) link(p *peer, m admin.Located) *link {
	l, at := &link{}, p.at
	if at.System == ps.node.id.System {
		l.to = ps.transport.Peer(at, m.Endpoint)
	} else {
		l.to = ps.outside.peer(p, m)
	}
	l.attendable, _ = l.to.(transport.Attendable)
	if ps.features.Ordered && ps.features.Reliable {
		l.encode = message.NewEncoder(ps.node.messages, message.Link{From: ps.own(), To: message.Node(at), Hint: hintOf(ps.node.here())})
	}
	return l
}

func (ps *peers) own() message.Node {
	return message.Node{System: ps.node.id.System, Process: ps.node.id.Process}
}

// definitions is the flow of definitions: no long message is in it, behind which a definition would be overtaken by messages of others that refer to it.
const definitions = math.MaxUint64

// append appends an encoded envelope, and sends definitions before if need be.
func (l *link) append(n *node, b []byte, e message.Envelope) ([]byte, error) {
	if l.encode == nil {
		return n.messages.AppendEnvelope(append(b, linkEnvelope), e)
	}
	return l.encode.AppendEnvelope(append(b, linkEncoded), e, func(definition []byte) error {
		return l.to.Send(noContext, definitions, append([]byte{linkEncoded}, definition...))
	})
}

// An outgoing message waits: one of an actor, or one of this node.
type outgoing struct {
	envelope
	to      address.Address
	control []byte
	flow    uint64
}

func newPeers(n *node, client *adminClient) *peers {
	ps := &peers{node: n, client: client, control: controlMessages(), table: make(map[transport.Node]*peer), searches: make(map[address.Address]*peer), moving: make(map[chan struct{}]struct{})}
	ps.outside.peers = ps
	return ps
}

// get returns the peer of a process, and asks the Admin where it is when it is new.
func (ps *peers) get(at transport.Node) *peer {
	p, isNew := ps.enter(at)
	if isNew {
		_ = ps.client.line.send(admin.Locate{System: at.System, Process: at.Process})
	}
	return p
}

// in returns the node of a process, of which the Admin has said in which system it is: 0 for this one.
func (n *node) in(system, process uint64) transport.Node {
	if system == 0 {
		system = n.id.System
	}
	return transport.Node{System: system, Process: process}
}

// here returns this node.
func (n *node) here() transport.Node { return n.in(0, n.id.Process) }

// enter returns the peer of a process, and whether it is new.
func (ps *peers) enter(at transport.Node) (p *peer, isNew bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p = ps.table[at]; p == nil {
		p, isNew = ps.node.newPeer(at), true
		ps.table[at] = p
	}
	return p, isNew
}

// find returns the peer of a process, nil if there is none.
func (ps *peers) find(at transport.Node) *peer {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.table[at]
}

func (n *node) newPeer(at transport.Node) *peer {
	p := &peer{node: n, at: at, known: make(chan struct{}), settled: make(chan struct{})}
	p.binding.Mailbox = p
	return p
}

// place says in which process an actor is.
func (ps *peers) place(a address.Address, at transport.Node) {
	r := a.Record()
	ps.mu.Lock()
	_, searched := ps.searches[a]
	ps.mu.Unlock()
	if at == ps.node.here() || searched { // who searches hands over what was kept first
		return
	}
	r.SetHint(hintOf(at))
	if b := r.Binding(); b == nil || foreign(b) {
		r.Bind(&ps.get(at).binding)
	}
}

func foreign(b *record.Binding) bool {
	_, is := b.Mailbox.(*peer)
	return is
}

// hintOf returns the hint of an actor that lives in another process than the one which created it.
func hintOf(at transport.Node) string { return admin.Hint(at.System, at.Process) }

// of returns the peer to which an address leads, nil if it is this process.
func (ps *peers) of(to address.Address) (*peer, error) {
	r := to.Record()
	id := r.ID()
	at := transport.Node{System: id.System, Process: id.Process}
	switch hint := r.Hint(); hint {
	case "":
	case pendingHint:
		if at == ps.node.here() {
			return nil, nil
		}
		return ps.search(to), nil
	default:
		var err error
		if at.System, at.Process, err = admin.ParseHint(hint); err != nil {
			return nil, err
		}
	}
	if at == ps.node.here() {
		return nil, nil
	}
	p := ps.get(at)
	if b := r.Binding(); b == nil || b.Mailbox != p && foreign(b) {
		r.Bind(&p.binding)
	}
	return p, nil
}

// located is called when the Admin has said where a process is.
func (ps *peers) located(m admin.Located) {
	at := ps.node.in(m.System, m.Process)
	if at == ps.node.here() {
		return
	}
	p, _ := ps.enter(at)
	p.mu.Lock()
	if p.located || p.reason != "" {
		p.mu.Unlock()
		return
	}
	to := ps.link(p, m)
	p.located = true
	close(p.known)
	p.mu.Unlock()
	p.last.Store(to)
	ps.node.goroutines.begin()
	go func() { // it waits for room as a sender does
		defer ps.node.goroutines.end()
		p.flush(to)
	}()
}

// flush sends what is held, in order, before anything else goes to the link.
func (p *peer) flush(to *link) {
	for {
		p.mu.Lock()
		held := p.held
		p.held = nil
		if p.reason != "" {
			p.mu.Unlock()
			return
		}
		if len(held) == 0 {
			p.out.Store(to)
			p.mu.Unlock()
			p.settleDown()
			return
		}
		p.mu.Unlock()
		for _, o := range held {
			if o.control != nil {
				_ = p.sendControl(to, o.flow, o.control)
			} else {
				_ = p.transmit(context.Background(), to, o.envelope, o.to, nil)
			}
		}
	}
}

// settleDown lets those go on that wait until nothing is held any more.
func (p *peer) settleDown() { p.settle.Do(func() { close(p.settled) }) }

// send brings a message to an actor there. It waits as a push into a mailbox does, and returns its error.
func (p *peer) send(ctx context.Context, e envelope, to address.Address, from *cell) error {
	out := p.out.Load()
	if out == nil {
		if err := p.awaitRoom(ctx, e, from); err != nil {
			return err
		}
		var refused string
		p, out, refused = p.hold(outgoing{envelope: e, to: to}, passesLimit(e.msg))
		if refused != "" {
			p.node.undeliverable(e, to, refused)
		}
		if out == nil {
			return nil
		}
	}
	if p.stops.Load() > 0 && !passesMark(e.msg) {
		if err := p.awaitProceed(ctx, closing(e.sender), to, from); err != nil {
			return err
		}
	}
	return p.transmit(ctx, out, e, to, from)
}

// forward is send for who hands over what was kept, for as long as it takes.
func (p *peer) forward(e envelope, to address.Address) {
	if p.stops.Load() > 0 && !passesMark(e.msg) {
		_ = p.awaitProceed(context.Background(), nil, to, nil)
	}
	if out := p.out.Load(); out != nil {
		_ = p.transmit(context.Background(), out, e, to, nil)
		return
	}
	_ = p.send(noContext, e, to, nil)
}

// awaitRoom waits while much is held already, as far as the sender may.
func (p *peer) awaitRoom(ctx context.Context, e envelope, from *cell) error {
	if from == nil && ctx == nil || passesMark(e.msg) {
		return nil
	}
	p.mu.Lock()
	much := len(p.held) >= p.node.limits.Mark
	p.mu.Unlock()
	if !much {
		return nil
	}
	if from != nil {
		from.block(p.settled)
		return nil
	}
	return p.node.await(ctx, p.settled, closing(e.sender))
}

// lapsed says that the peer has ended as its system was lost, which may have come back since with the process.
func (p *peer) lapsed() bool {
	if p.out.Load() != nil || p.at.System == p.node.id.System || p.at == (transport.Node{}) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reason != ""
}

// hold keeps what is to be sent until the process is located. If it was meanwhile, or the actor was found at another peer, it returns the link and whose it is
// instead. refused says why it is not kept.
func (p *peer) hold(o outgoing, passes bool) (at *peer, out *link, refused string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch out = p.out.Load(); {
	case p.alias != nil:
		if out = p.alias.out.Load(); out != nil {
			return p.alias, out, ""
		}
		return p.alias.hold(o, passes)
	case out != nil:
	case p.reason != "":
		refused = "its process has ended: " + p.reason
	case len(p.held) >= p.node.limits.Hard && !passes:
		refused = refusedOverloaded
	default:
		p.held = append(p.held, o)
	}
	return p, out, refused
}

// awaitProceed waits while an actor there takes no more, as far as the sender may.
func (p *peer) awaitProceed(ctx context.Context, closed <-chan struct{}, to address.Address, from *cell) error {
	for from != nil || ctx != nil {
		p.mu.Lock()
		proceed := p.stopped[to]
		p.mu.Unlock()
		if proceed == nil {
			return nil
		}
		if from != nil {
			if !from.block(proceed) {
				return nil
			}
		} else if err := p.node.await(ctx, proceed, closed); err != nil {
			return err
		}
	}
	return nil
}

// transmit encodes a message and hands it to the transport.
func (p *peer) transmit(ctx context.Context, out *link, e envelope, to address.Address, from *cell) error {
	n := p.node
	buf := n.peers.buffers.get(e.msg)
	data, err := out.append(n, (*buf)[:0], message.Envelope{Target: to, Sender: e.sender, Message: e.msg})
	if err != nil && !refusedByTransport(err) { // which may refuse a definition, too
		n.peers.buffers.put(buf)
		n.unsendable(e, to, err)
		return nil
	}
	if err == nil {
		buf, data = n.peers.buffers.fit(buf, data)
		send := out.to.Send
		if passesMark(e.msg) {
			send = out.to.Assure
		}
		err = waitAs(ctx, from, flowOf(e.sender), data, send)
	}
	taken := err == nil && len(data) > transport.LongMessage // it is the transport's
	if !taken && !errors.Is(err, transport.ErrFull) {
		*buf = data
		n.peers.buffers.put(buf)
	}
	if err == nil {
		return nil
	}
	if ctx != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, transport.ErrFull) && passesMark(e.msg) {
		p.sendLater(out, flowOf(e.sender), data)
		return nil
	}
	if errors.Is(err, transport.ErrClosed) {
		if data, err := n.messages.AppendEnvelope([]byte{linkEnvelope}, message.Envelope{Target: to, Sender: e.sender, Message: e.msg}); err == nil {
			p.relay(data)
			return nil
		}
	}
	if errors.Is(err, transport.ErrTooLarge) {
		if letter, is := shortened(e.msg, err); is {
			return p.transmit(ctx, out, envelope{letter, e.sender}, to, from)
		}
		n.log.Warn("a message is too large to be sent to another process", "message", fmt.Sprintf("%T", e.msg), "target", to.String(), "sender", e.sender.String(), "error", err)
	}
	n.undeliverable(e, to, err.Error())
	return nil
}

// shortened returns a dead letter without its message, which is too large to be passed on, and whether there is one to be left out.
func shortened(msg any, why error) (letter message.DeadEnvelope, is bool) {
	if letter, is = msg.(message.DeadEnvelope); !is || letter.Message == nil {
		return letter, false
	}
	letter.Reason += fmt.Sprintf(" (the message, a %T, is left out: %v)", letter.Message, why)
	letter.Message = nil
	return letter, true
}

func refusedByTransport(err error) bool {
	return errors.Is(err, transport.ErrClosed) || errors.Is(err, transport.ErrForgotten) || errors.Is(err, transport.ErrFull)
}

// unsendable deals with a message that cannot be encoded: its sender learns of it.
func (n *node) unsendable(e envelope, to address.Address, err error) {
	n.log.Warn("a message cannot be sent to another process", "message", fmt.Sprintf("%T", e.msg), "target", to.String(), "sender", e.sender.String(), "error", err)
	if !e.sender.IsZero() {
		_ = n.deliver(noContext, envelope{message.PoisonMessage{Message: e.msg, Details: err.Error()}, to}, e.sender, nil)
		return
	}
	n.undeliverable(e, to, err.Error())
}

// flowOf returns the number that keeps the messages of one sender in order.
func flowOf(sender address.Address) uint64 {
	if sender.IsZero() {
		return 0
	}
	id := sender.Record().ID()
	return id.Process ^ id.Counter
}

// waitAs has a message sent, and waits for the transport as its source may wait.
func waitAs(ctx context.Context, from *cell, flow uint64, data []byte, send func(context.Context, uint64, []byte) error) error {
	if from == nil {
		return send(ctx, flow, data) // the nil context of who must not wait means the same there
	}
	err := send(doneContext, flow, data)
	if errors.Is(err, context.Canceled) {
		if full := from.prepareToWait(); full != nil {
			err = send(roomContext{context.Background(), full}, flow, data)
		}
	}
	if errors.Is(err, context.Canceled) {
		err = send(noContext, flow, data)
	}
	return err
}

// doneContext is for a send that does not wait.
var doneContext = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// A roomContext is done when an actor may not wait any more, since its own mailbox is at its mark.
type roomContext struct {
	context.Context
	full <-chan struct{}
}

func (r roomContext) Done() <-chan struct{} { return r.full }

func (r roomContext) Err() error {
	if isClosed(r.full) {
		return context.Canceled
	}
	return nil
}

// settle waits until nothing is held any more that was sent before: then the transport has it.
func (ps *peers) settle(ctx context.Context) {
	for {
		settled := ps.unsettled()
		if settled == nil {
			return
		}
		select {
		case <-settled:
		case <-ps.client.ended:
			return
		case <-ctx.Done():
			return
		}
	}
}

// handOver notes that mail is kept which will go somewhere else. The function says that it has.
func (ps *peers) handOver() (done func()) {
	over := make(chan struct{})
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.moving[over] = struct{}{}
	return func() {
		ps.mu.Lock()
		defer ps.mu.Unlock()
		delete(ps.moving, over)
		close(over)
	}
}

// unsettled returns what is closed when something that is held is on its way: by a peer, or a search, whose mail goes to a peer in the end, or a stub; nil if nothing is.
func (ps *peers) unsettled() <-chan struct{} {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for over := range ps.moving {
		return over
	}
	for _, all := range []iter.Seq[*peer]{maps.Values(ps.searches), maps.Values(ps.table)} {
		for p := range all {
			if !isClosed(p.settled) {
				return p.settled
			}
		}
	}
	return nil
}

// gone is called when the Admin has said that a process has ended, or that this system has to do with it no more.
func (ps *peers) gone(at transport.Node, reason string, cut bool) {
	p := ps.find(at)
	if p == nil {
		return
	}
	ps.node.goroutines.begin()
	done := ps.handOver() // of what was not delivered
	go func() {           // what the process had sent is taken to its end, which may take a while
		defer ps.node.goroutines.end()
		defer done()
		drain := drainTime
		if cut {
			drain = cutTime
		}
		p.end(ps, reason, drain)
	}()
}

func (p *peer) end(ps *peers, reason string, drain time.Duration) {
	out := p.last.Load()
	if out != nil {
		ctx, cancel := context.WithTimeout(context.Background(), drain)
		out.to.Forget(ctx)
		cancel()
	}
	p.mu.Lock()
	if p.reason != "" {
		p.mu.Unlock()
		return
	}
	p.reason = reason
	if !p.located {
		close(p.known)
	}
	p.out.Store(nil)
	held, children, watches, stopped, watched := p.held, p.children, p.watches, p.stopped, p.watched
	p.held, p.children, p.watches, p.stopped, p.watched = nil, nil, nil, nil, nil
	p.stops.Store(0)
	p.mu.Unlock()
	p.settleDown()
	for _, proceed := range stopped {
		close(proceed)
	}
	for _, o := range held {
		if o.control != nil {
			continue
		}
		p.node.undeliverable(o.envelope, o.to, "its process has ended: "+reason)
	}
	for _, child := range children {
		child.endAway(reason, false)
	}
	for c := range watched {
		c.mu.Lock()
		delete(c.extra().observers, p)
		c.mu.Unlock()
	}
	for actor, watchers := range watches {
		tellWatchers(watchers, distant{p.node, actor}, actor, reason)
	}
	if p.at != (transport.Node{}) { // it was not a search
		ps.abandon(p.at, reason)
		p.node.parentGone(p.at)
	}
	if out != nil {
		out.to.Forget(context.Background()) // until all that was not delivered is reported: it takes the link to read it
	}
	ps.outside.forget(p)
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.table[p.at] == p {
		delete(ps.table, p.at)
	}
}
