package system

import (
	"slices"

	"thespian.dev/address"
	"thespian.dev/admin"
	"thespian.dev/message"
	"thespian.dev/transport"
)

// An address may be sent on before it is known in which process its actor is. Whoever then has it asks the creator's node, and keeps what is sent to the actor until
// the answer comes: so all of it goes the same way, in order.

// pendingHint is the hint of such an address.
const pendingHint = admin.PendingHint

// creatorOf returns the node that created an actor.
func creatorOf(who address.Address) transport.Node {
	id := who.Record().ID()
	return transport.Node{System: id.System, Process: id.Process}
}

// search returns what keeps the mail of an actor until it is found.
func (ps *peers) search(who address.Address) *peer {
	ps.mu.Lock()
	s := ps.searches[who]
	isNew := s == nil
	if isNew {
		s = ps.node.newPeer(transport.Node{})
		ps.searches[who] = s
	}
	ps.mu.Unlock()
	if isNew {
		creator := ps.get(creatorOf(who))
		ps.say(creator, 0, whereis{who})
		creator.mu.Lock()
		gone := creator.reason
		creator.mu.Unlock()
		if gone != "" {
			ps.askAdmin(who, gone)
		}
	}
	return s
}

// askAdmin asks for an actor whose creator has ended: it may have left it to the Admin.
func (ps *peers) askAdmin(who address.Address, reason string) {
	ps.client.ask(func(number uint64) any { return admin.Find{Request: number, Actor: who} }, func(answer any) {
		if m, ok := answer.(admin.Created); ok && m.Failure == (admin.Failure{}) {
			ps.found(whereabouts{Actor: who, At: message.Node(ps.node.in(m.System, m.Process))})
			return
		}
		ps.found(whereabouts{Actor: who, Reason: reason})
	})
}

// abandon has the Admin asked for what a process was asked for that has ended.
func (ps *peers) abandon(at transport.Node, reason string) {
	ps.mu.Lock()
	var lost []address.Address
	for who := range ps.searches {
		if creatorOf(who) == at {
			lost = append(lost, who)
		}
	}
	ps.mu.Unlock()
	for _, who := range lost {
		ps.askAdmin(who, reason)
	}
}

// found ends a search.
func (ps *peers) found(m whereabouts) {
	done := ps.handOver()
	ps.mu.Lock()
	s := ps.searches[m.Actor]
	delete(ps.searches, m.Actor)
	ps.mu.Unlock()
	at := transport.Node(m.At)
	if s == nil || at == (transport.Node{}) || at == ps.node.here() {
		defer done()
	}
	if s == nil {
		return
	}
	if at == (transport.Node{}) {
		s.end(ps, m.Reason, drainTime)
		return
	}
	if at == ps.node.here() {
		s.end(ps, refusedEnded, drainTime) // it would be bound to its mailbox
		return
	}
	real := ps.get(at)
	ps.node.goroutines.begin()
	go func() { // it waits for room as a sender does
		defer ps.node.goroutines.end()
		defer done()
		s.becomes(real, m.Actor)
	}()
}

// becomes hands what was kept to the peer where the actor was found, and all that comes later.
func (p *peer) becomes(real *peer, who address.Address) {
	for {
		p.mu.Lock()
		held, watchers := p.held, p.watches[who]
		p.held, p.watches = nil, nil
		over := len(held) == 0 && len(watchers) == 0
		if over {
			p.alias = real
		}
		p.mu.Unlock()
		if over {
			p.settleDown()
			who.Record().SetHint(hintOf(real.at))
			who.Record().Bind(&real.binding)
			return
		}
		for watcher := range watchers { // before what the watcher may have sent
			if reason := real.watch(who, watcher); reason != "" {
				tellWatchers(map[*cell]struct{}{watcher: {}}, distant{p.node, who}, who, reason)
			}
		}
		for _, o := range held {
			if o.control == nil {
				real.forward(o.envelope, o.to)
			} // a watch begins anew
		}
	}
}

// tellWhere answers where an actor is that this node created.
func (n *node) tellWhere(asker *peer, who address.Address) {
	if who.IsZero() {
		return
	}
	answer := whereabouts{Actor: who, Reason: refusedEnded}
	if stub := n.stub(who); stub != nil {
		stub.mu.Lock()
		away, pending := stub.more.away, !stub.closed
		if pending && !slices.Contains(stub.more.seekers, asker) {
			stub.more.seekers = append(stub.more.seekers, asker)
		}
		stub.mu.Unlock()
		if pending {
			return
		}
		if away != nil {
			answer.At = message.Node(away.at)
		}
	} else if b := who.Record().Binding(); b != nil {
		if p, ok := b.Mailbox.(*peer); ok && p.node == n {
			answer.At = message.Node(p.at)
		}
	}
	n.peers.say(asker, 0, answer)
}

// stub returns the stub that stands for the actor here, nil if there is none.
func (n *node) stub(who address.Address) *cell {
	if who.IsZero() {
		return nil
	}
	if b := who.Record().Binding(); b != nil {
		if c, ok := b.Mailbox.(*cell); ok && c.node == n && c.stub {
			return c
		}
	}
	return nil
}
