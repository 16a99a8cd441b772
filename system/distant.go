package system

import "thespian.dev/address"

// A distant actor lives in another process. That process tells this one of its end, which tells those who watch.
type distant struct {
	node  *node
	actor address.Address
}

func (d distant) watchedBy(watcher *cell) (reason string) {
	p, err := d.node.peers.of(d.actor)
	switch {
	case err != nil:
		return err.Error()
	case p == nil:
		return refusedEnded
	}
	return p.watch(d.actor, watcher)
}

func (p *peer) watch(actor address.Address, watcher *cell) (reason string) {
	p.orders.Lock()
	defer p.orders.Unlock()
	p.mu.Lock()
	if alias := p.alias; alias != nil {
		p.mu.Unlock()
		return alias.watch(actor, watcher)
	}
	if p.reason != "" {
		defer p.mu.Unlock()
		return p.reason
	}
	first := len(p.watches[actor]) == 0
	if p.watches == nil {
		p.watches = make(map[address.Address]map[*cell]struct{})
	}
	watchers := p.watches[actor]
	note(&watchers, watcher)
	p.watches[actor] = watchers
	p.mu.Unlock()
	if first {
		p.node.peers.say(p, 0, watching{actor, true})
	}
	return ""
}

func (d distant) unwatch(watcher *cell) {
	p, err := d.node.peers.of(d.actor)
	if err != nil || p == nil {
		return
	}
	p.orders.Lock()
	defer p.orders.Unlock()
	p.mu.Lock()
	watchers := p.watches[d.actor]
	_, was := watchers[watcher]
	delete(watchers, watcher)
	last := was && len(watchers) == 0
	if last {
		delete(p.watches, d.actor)
	}
	p.mu.Unlock()
	if last {
		p.node.peers.say(p, 0, watching{d.actor, false})
	}
}

// keep notes that an actor of this node is watched from there, or not any more: it forgets a peer that ends. It reports whether the peer has not. The actor may be locked.
func (p *peer) keep(watched *cell, on bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reason != "" {
		return false
	}
	if on {
		note(&p.watched, watched)
	} else {
		delete(p.watched, watched)
	}
	return true
}

// observe has a peer told of the end of an actor of this node, or not any more.
func (n *node) observe(p *peer, m watching) {
	reason := ""
	switch found := n.local(m.Actor).(type) {
	case *cell:
		found.mu.Lock()
		switch more := found.extra(); {
		case found.closed && m.On:
			reason = refusedEnded
		case !p.keep(found, m.On): // it has ended
		case m.On:
			if more.observers == nil {
				more.observers = make(map[*peer]struct{})
			}
			more.observers[p] = struct{}{}
		default:
			delete(more.observers, p)
		}
		found.mu.Unlock()
	case nil:
		if m.On {
			reason = refusedEnded
		}
	}
	if reason != "" {
		n.peers.say(p, 0, exited{Actor: m.Actor, Reason: reason})
	}
}
