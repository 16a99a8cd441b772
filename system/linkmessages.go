package system

import (
	"context"
	"errors"
	"fmt"

	"thespian.dev/address"
	"thespian.dev/admin"
	"thespian.dev/message"
	"thespian.dev/transport"
)

// What nodes say to each other, beside the messages of actors: a byte says which it is.
const (
	linkEnvelope = 'E' // that says itself of what type its message is
	linkEncoded  = 'L' // by the encoder of the link, or a definition
	linkControl  = 'C'
)

type (
	// stop says that an actor's mailbox is at its mark: who sends to it has to wait until proceed.
	stop    struct{ Actor address.Address }
	proceed struct{ Actor address.Address }

	// watching says that a node wants to be told of an actor's end, or not any more.
	watching struct {
		Actor address.Address
		On    bool
	}

	// exited tells of the end of an actor: the node of its parent, and those of its watchers. Unborn says that it could not start.
	exited struct {
		Actor  address.Address
		Reason string
		Unborn bool
	}

	// whereis asks the creator of an actor in which process it is, whereabouts is the answer: no node and a reason if it is nowhere.
	whereis     struct{ Actor address.Address }
	whereabouts struct {
		Actor  address.Address
		At     message.Node
		Reason string
	}

	// approach says nothing: it has a connection made that will perhaps be needed.
	approach struct{}

	// notDelivered says that a message was not delivered, in case it was a question.
	notDelivered struct {
		Sender, Target address.Address
		Reason         string
	}
)

func linkMessages() message.TypeSet {
	return message.Types(stop{}, proceed{}, watching{}, exited{}, whereis{}, whereabouts{}, approach{}, notDelivered{})
}

// maxStopped is how many actors of a process may be told of that take no more: beyond that its mailboxes are as they are.
const maxStopped = 1 << 16

// say sends a peer a control message, behind what the flow has sent. It never waits.
func (ps *peers) say(p *peer, flow uint64, msg any) { _, _ = ps.tell(p, flow, msg) }

// tell is say for who has another way to bring what could not be sent.
func (ps *peers) tell(p *peer, flow uint64, msg any) (data []byte, err error) {
	if data, err = ps.control.Append([]byte{linkControl}, msg); err != nil {
		ps.node.log.Error("a control message cannot be encoded", "error", err)
		return nil, err
	}
	out := p.out.Load()
	if out == nil {
		if p, out, _ = p.hold(outgoing{control: data, flow: flow}, true); out == nil {
			return data, nil
		}
	}
	return data, p.sendControl(out, flow, data)
}

// sendControl sends what must not be lost. When the transport has no room, it waits for it beside the caller, and what comes later waits behind it.
func (p *peer) sendControl(to *link, flow uint64, data []byte) error {
	p.mu.Lock()
	waits := len(p.backlog) > 0
	p.mu.Unlock()
	if !waits {
		if err := to.to.Assure(noContext, flow, data); !errors.Is(err, transport.ErrFull) {
			return err
		}
	}
	p.sendLater(to, flow, data)
	return nil
}

// sendLater keeps data until there is room for it.
func (p *peer) sendLater(to *link, flow uint64, data []byte) {
	p.mu.Lock()
	p.backlog = append(p.backlog, outgoing{control: data, flow: flow})
	first := len(p.backlog) == 1
	p.mu.Unlock()
	if first {
		p.node.goroutines.begin()
		go p.catchUp(to, p.node.peers.handOver())
	}
}

// catchUp sends the backlog. It ends with it, or with the peer; when the transport has closed, the Admin brings what is left.
func (p *peer) catchUp(to *link, done func()) {
	defer p.node.goroutines.end()
	defer done()
	for {
		p.mu.Lock()
		next := p.backlog[0]
		p.mu.Unlock()
		err := to.to.Assure(context.Background(), next.flow, next.control)
		if errors.Is(err, transport.ErrClosed) {
			p.relaySent(to, next.control)
		}
		p.mu.Lock()
		p.backlog = p.backlog[1:]
		over := len(p.backlog) == 0
		p.mu.Unlock()
		if over {
			return
		}
	}
}

// relay has something brought to a peer by the Admin: the transport of this process closes already, and what still comes to its actors, who have ended, needs an answer. It is no
// more than the windows of those who sent it hold.
func (p *peer) relay(data []byte) {
	if err := p.node.client.line.bring(admin.Relay{System: p.at.System, To: p.at.Process, Data: data}); err != nil {
		p.node.log.Warn("an answer of a process that ends is lost", "to", p.at, "error", err)
	}
}

// relaySent is relay for what was encoded for the link.
func (p *peer) relaySent(to *link, data []byte) {
	if data[0] == linkEncoded {
		e, definition, err := to.encode.Decode(data[1:])
		if definition || err != nil {
			return
		}
		if data, err = p.node.messages.AppendEnvelope([]byte{linkEnvelope}, e); err != nil {
			return
		}
	}
	p.relay(data)
}

// relayed takes what another process had relayed, to an actor here or, in the Admin's process, to one of a process that has ended.
func (ps *peers) relayed(m admin.Relayed) {
	if len(m.Data) == 0 {
		return
	}
	n := ps.node
	switch body := m.Data[1:]; m.Data[0] {
	case linkEnvelope:
		e, err := n.messages.DecodeEnvelope(body)
		switch {
		case err != nil:
			n.log.Debug("what was relayed cannot be read", "error", err)
		case e.Target.IsZero():
		case m.Undelivered != "":
			n.undeliverable(envelope{e.Message, e.Sender}, e.Target, m.Undelivered)
		default:
			_ = n.deliver(noContext, envelope{e.Message, e.Sender}, e.Target, nil)
		}
	case linkControl:
		if m, err := ps.control.Decode(body); err == nil {
			if m, ok := m.(notDelivered); ok { // nothing else is said so late
				ps.said(nil, m)
			}
		}
	}
}

// Deliver is a method of transport.Handler.
func (ps *peers) Deliver(from transport.Node, messages [][]byte) {
	ps.deliver(ps.get(from), messages)
}

func (ps *peers) deliver(p *peer, messages [][]byte) {
	for _, data := range messages {
		ps.take(p, data)
	}
	p.arrivals.flush(p)
}

// take takes a message of a peer. What is for one and the same actor may wait for the next, or for the end of Deliver.
func (ps *peers) take(p *peer, data []byte) {
	n := ps.node
	if len(data) == 0 {
		return
	}
	if data[0] != linkEncoded {
		p.arrivals.flush(p)
	}
	switch body := data[1:]; data[0] {
	case linkEncoded:
		if p.decode == nil {
			p.decode = message.NewDecoder(n.messages, message.Link{From: message.Node(p.at), To: ps.own(), Hint: hintOf(p.at)})
		}
		decode := p.decode.Decode
		if len(data) > transport.LongMessage {
			decode = p.decode.DecodeOwn
		}
		e, definition, err := decode(body)
		if err != nil {
			n.malformed(e, err)
		} else if !definition {
			p.arrivals.add(p, envelope{e.Message, e.Sender}, e.Target)
		}
	case linkEnvelope:
		e, err := n.messages.DecodeEnvelope(body)
		if err != nil {
			e.Target, e.Sender, _, _ = message.CutEnvelope(body)
			n.malformed(e, err)
			return
		}
		n.arrived(p, envelope{e.Message, e.Sender}, e.Target)
	case linkControl:
		msg, err := ps.control.Decode(body)
		if err != nil {
			n.log.Warn("a process said what nobody understands", "process", p.at, "error", err)
			return
		}
		ps.said(p, msg)
	default:
		n.log.Warn("a process sent what nobody understands", "process", p.at, "kind", data[0])
	}
}

// malformed deals with a message that cannot be read: it is lost, and its sender is told.
func (n *node) malformed(e message.Envelope, err error) {
	n.log.Warn("a message cannot be read", "target", e.Target, "sender", e.Sender, "error", err)
	if !e.Sender.IsZero() {
		_ = n.deliver(noContext, envelope{message.PoisonMessage{Details: fmt.Sprintf("the message could not be read where it arrived: %v", err)}, e.Target}, e.Sender, nil)
	}
}

// arrived brings a message from another process to its actor.
func (n *node) arrived(p *peer, e envelope, to address.Address) {
	if to.IsZero() {
		return
	}
	if r := to.Record(); r.Binding() == nil && r.Hint() == "" && r.ID().Process != n.id.Process {
		r.Suggest(hintOf(n.here())) // it lived here, as others know: its creator must not be asked, who would send the message back
	}
	before := n.crowdings.Load()
	_ = n.deliver(noContext, e, to, nil)
	if n.crowdings.Load() != before {
		if c, ok := n.local(to).(*cell); ok {
			n.peers.stopIfFull(p, c)
		}
	}
}

// stopIfFull tells a peer to send no more to an actor whose mailbox is at its mark.
func (ps *peers) stopIfFull(p *peer, c *cell) {
	p.orders.Lock()
	defer p.orders.Unlock()
	c.mu.Lock()
	m := c.extra()
	_, told := m.crowd[p]
	full := !c.closed && c.room() == 0 && !told
	if full {
		if m.crowd == nil {
			m.crowd = make(map[*peer]struct{})
		}
		m.crowd[p] = struct{}{}
	}
	c.mu.Unlock()
	if full {
		ps.say(p, 0, stop{c.self})
	}
}

// disperse lets the processes go on that were told to send no more. The lock is held.
func (c *cell) disperse() {
	if c.more == nil || len(c.more.crowd) == 0 {
		return
	}
	crowd := c.more.crowd
	c.more.crowd = nil
	n := c.node
	n.goroutines.begin()
	go func() { // as the lock is held
		defer n.goroutines.end()
		for p := range crowd {
			p.orders.Lock()
			n.peers.say(p, 0, proceed{c.self})
			p.orders.Unlock()
		}
	}()
}

// notDelivered tells the process of a sender that its message did not arrive.
func (ps *peers) notDelivered(sender, target address.Address, reason string) {
	if p, err := ps.of(sender); err == nil && p != nil {
		if data, err := ps.tell(p, 0, notDelivered{sender, target, reason}); errors.Is(err, transport.ErrClosed) {
			p.relay(data)
		}
	}
}

func (ps *peers) said(p *peer, msg any) {
	n := ps.node
	switch m := msg.(type) {
	case stop:
		p.mu.Lock()
		if p.stopped == nil {
			p.stopped = make(map[address.Address]chan struct{})
		}
		if p.stopped[m.Actor] == nil && p.reason == "" && len(p.stopped) < maxStopped {
			p.stopped[m.Actor] = make(chan struct{})
			p.stops.Add(1)
		}
		p.mu.Unlock()
	case proceed:
		p.mu.Lock()
		if waiting := p.stopped[m.Actor]; waiting != nil {
			delete(p.stopped, m.Actor)
			p.stops.Add(-1)
			close(waiting)
		}
		p.mu.Unlock()
	case watching:
		n.observe(p, m)
	case exited:
		p.heardOfEnd(m)
	case whereis:
		n.tellWhere(p, m.Actor)
	case whereabouts:
		if stub := n.stub(m.Actor); stub != nil {
			stub.heardOf(p, m)
			return
		}
		ps.found(m)
	case notDelivered:
		if q := n.question(m.Sender); q != nil {
			q.fail(&UndeliverableError{Target: m.Target, Reason: m.Reason})
		}
	}
}

// heardOfEnd tells the parent and the watchers that are here. Each is told once, as it is forgotten then.
func (p *peer) heardOfEnd(m exited) {
	p.mu.Lock()
	child, watchers := p.children[m.Actor], p.watches[m.Actor]
	delete(p.children, m.Actor)
	delete(p.watches, m.Actor)
	p.mu.Unlock()
	if child == nil {
		child = p.node.stub(m.Actor) // it ended before the Admin could say where it was
	}
	if child != nil {
		child.endAway(m.Reason, m.Unborn)
	}
	tellWatchers(watchers, distant{p.node, m.Actor}, m.Actor, m.Reason)
}

// Undelivered is a method of transport.Handler.
func (ps *peers) Undelivered(to transport.Node, data []byte, perhaps bool, why error) {
	ps.undelivered(ps.find(to), data, perhaps, why)
}

// undelivered takes back a message to a peer, nil if that is forgotten.
func (ps *peers) undelivered(p *peer, data []byte, perhaps bool, why error) {
	n := ps.node
	e, definition, err := ps.decodeOwn(p, data)
	if definition {
		return
	}
	if err != nil {
		n.log.Warn("a message that was not delivered cannot be read", "error", err)
		return
	}
	reason := why.Error()
	if perhaps {
		reason = "it was perhaps delivered: " + reason
	}
	if stub := n.stub(e.Target); stub != nil {
		stub.refuse(envelope{e.Message, e.Sender}) // it knows why the actor never was
		return
	}
	n.undeliverable(envelope{e.Message, e.Sender}, e.Target, reason)
}

// decodeOwn decodes what this node has sent. What is nobody's message counts as a definition.
func (ps *peers) decodeOwn(p *peer, data []byte) (e message.Envelope, definition bool, err error) {
	if len(data) == 0 {
		return e, true, nil
	}
	switch data[0] {
	case linkEnvelope:
		e, err = ps.node.messages.DecodeEnvelope(data[1:])
		return e, false, err
	case linkEncoded:
		if p != nil {
			if l := p.last.Load(); l != nil && l.encode != nil {
				return l.encode.Decode(data[1:])
			}
		}
	}
	return e, true, nil
}

// Admit is a method of transport.Handler: the Admin vouches for the processes of its system.
func (ps *peers) Admit(ctx context.Context, from transport.Node) error {
	if from.System != ps.node.id.System {
		return fmt.Errorf("it belongs to the system %016x", from.System)
	}
	return ps.vouched(ctx, ps.get(from))
}

// vouched waits until the Admin has said what there is to say of a process.
func (ps *peers) vouched(ctx context.Context, p *peer) error {
	select {
	case <-p.known:
	case <-ctx.Done():
		return ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reason != "" {
		return fmt.Errorf("the Admin says: %s", p.reason)
	}
	return nil
}

var _ transport.Handler = (*peers)(nil)
