package memory

import (
	"container/list"
	"context"
	"fmt"
	"slices"
	"time"

	"thespian.dev/transport"
)

// peer is what a node keeps of another one. Its fields below to are guarded by net.mu.
type peer struct {
	node *node
	to   transport.Node

	endpoint string
	conn     *conn
	dialing  bool        // while an attempt is under way
	retry    *time.Timer // until the next attempt
	backoff  time.Duration
	failure  error // why it was not reached the last time

	queue   list.List // of *message: taken and not confirmed, the oldest first
	kept    int       // their size
	waiters []chan struct{}

	downSince time.Time // since when it cannot be reached; zero if it can
	expiry    *time.Timer

	inbox   []*message // arrived
	waiting int        // their size
	losses  []loss     // to be reported
	calling bool       // whether a goroutine runs that calls the Handler

	forgotten bool
	gone      chan struct{} // closed when Forget is done
}

// message is one message, seen by both ends.
type message struct {
	data    []byte
	at      time.Time // when Send took it
	assured bool      // it must not get lost

	element  *list.Element // nil: not kept any more
	sent     bool          // whether it ever was on its way
	received bool          // whether the other node has it
	missed   bool          // whether it is counted as lost
	handled  bool          // whether Deliver has returned
}

// size is what counts towards the window: also an empty message takes memory.
func (m *message) size() int { return len(m.data) + 32 }

// loss is a message to be reported.
type loss struct {
	data    []byte
	perhaps bool
	why     error
}

func (p *peer) Send(ctx context.Context, _ uint64, data []byte) error {
	return p.take(ctx, data, p.node.features.Reliable)
}

func (p *peer) Assure(ctx context.Context, _ uint64, data []byte) error {
	return p.take(ctx, data, true)
}

// take is Send or Assure.
func (p *peer) take(ctx context.Context, data []byte, assured bool) error {
	t := p.node
	if limit := t.config.MaxMessage; len(data) > limit {
		return tooLarge(len(data), limit)
	}
	m := &message{data: slices.Clone(data), assured: assured}
	t.net.mu.Lock()
	defer t.net.mu.Unlock()
	var mine chan struct{} // in waiters while this call waits its turn
	for {
		if err := p.refusal(); err != nil {
			return err
		}
		if limit := p.limit(); len(data) > limit {
			p.stopWaiting(mine)
			return tooLarge(len(data), limit)
		}
		first := len(p.waiters) == 0 || p.waiters[0] == mine
		if p.kept == 0 || p.kept+m.size() <= t.config.Window && (first || ctx == nil) {
			break
		}
		if ctx == nil {
			if p.kept+m.size() <= 2*t.config.Window {
				break
			}
			return fmt.Errorf("%w: %d bytes", transport.ErrFull, p.kept)
		}
		if mine == nil {
			mine = make(chan struct{}, 1)
			p.waiters = append(p.waiters, mine)
		}
		t.net.mu.Unlock()
		var err error
		select {
		case <-mine:
		case <-ctx.Done():
			err = ctx.Err()
		}
		t.net.mu.Lock()
		if err != nil {
			p.stopWaiting(mine)
			return err
		}
	}
	p.stopWaiting(mine)
	m.at = time.Now()
	m.element = p.queue.PushBack(m)
	p.kept += m.size()
	if p.conn != nil {
		p.transmit(m)
	} else {
		p.connect()
	}
	p.watchReach()
	if len(data) > transport.LongMessage {
		t.config.Released(data) // there is a copy
	}
	return nil
}

func tooLarge(length, limit int) error {
	return fmt.Errorf("%w: %d bytes, the limit is %d", transport.ErrTooLarge, length, limit)
}

// limit is the length of the longest message that both ends take, as far as that is known. net.mu is held.
func (p *peer) limit() int {
	limit := p.node.config.MaxMessage
	if p.conn != nil {
		limit = min(limit, p.conn.out(p).to.node.config.MaxMessage)
	}
	return limit
}

// refusal says why messages are not taken. net.mu is held.
func (p *peer) refusal() error {
	switch {
	case p.node.closing:
		return transport.ErrClosed
	case p.forgotten:
		return transport.ErrForgotten
	}
	return nil
}

// stopWaiting takes a call of Send out of those that wait, and lets the next one look. net.mu is held.
func (p *peer) stopWaiting(mine chan struct{}) {
	if mine != nil {
		p.waiters = slices.DeleteFunc(p.waiters, func(w chan struct{}) bool { return w == mine })
	}
	p.wakeFirst()
}

// wakeFirst lets the longest waiting call of Send look whether there is room. net.mu is held.
func (p *peer) wakeFirst() {
	if len(p.waiters) > 0 {
		signal(p.waiters[0])
	}
}

// wakeAll lets all waiting calls of Send see that they are refused. net.mu is held.
func (p *peer) wakeAll() {
	for _, w := range p.waiters {
		signal(w)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// transmit sends a message on the connection. net.mu is held.
func (p *peer) transmit(m *message) {
	out := p.conn.out(p)
	if limit := p.limit(); len(m.data) > limit {
		p.lose(m, tooLarge(len(m.data), limit))
		p.wake()
		return
	}
	m.sent = true
	out.send(carries, m)
	if !m.assured {
		p.release(m) // nothing will be heard of it
	}
}

// release frees the room of a message. net.mu is held.
func (p *peer) release(m *message) {
	if m.element == nil {
		return
	}
	p.queue.Remove(m.element)
	m.element = nil
	p.kept -= m.size()
	p.wakeFirst()
	p.node.checkDrained()
}

// lose has a message reported. net.mu is held.
func (p *peer) lose(m *message, why error) {
	p.losses = append(p.losses, loss{m.data, m.sent, why})
	p.release(m)
}

// loseAll has all messages reported, unless nobody is left to whom. net.mu is held.
func (p *peer) loseAll(why error) {
	for e := p.queue.Front(); e != nil; e = p.queue.Front() {
		p.lose(e.Value.(*message), why)
	}
	if p.node.killed {
		p.losses = nil
	}
}

// connected sends what waits. net.mu is held.
func (p *peer) connected() {
	p.failure = nil
	p.retryAtOnce()
	p.watchReach()
	for e := p.queue.Front(); e != nil; {
		m := e.Value.(*message)
		e = e.Next()
		switch {
		case m.handled:
			p.release(m) // the confirmation was lost with the last connection
		case !m.received:
			p.transmit(m)
		}
	}
}

// disconnected goes on after a connection broke. net.mu is held.
func (p *peer) disconnected() {
	p.watchReach()
	p.connect()
	p.wake() // Forget may wait for this
}

// hungUp is the end of what the other node sends. net.mu is held.
func (p *peer) hungUp(politely bool) {
	p.conn.close()
	p.conn = nil
	if politely {
		for e := p.queue.Front(); e != nil; {
			m := e.Value.(*message)
			e = e.Next()
			switch {
			case m.handled:
				p.release(m)
			case !m.received:
				m.sent = false // it said that it did not take this one
			}
		}
	}
	p.disconnected()
}

// receive takes a message that has arrived. net.mu is held.
func (p *peer) receive(m *message) {
	if p.node.stopped {
		return
	}
	switch {
	case m.assured && m.received:
		return
	case !m.assured && p.waiting > p.node.config.Window:
		p.node.loses(m)
		return // nothing holds the sender back
	}
	m.received = true
	p.inbox = append(p.inbox, m)
	p.waiting += m.size()
	p.wake()
}

// clearInbox forgets what the Handler did not get. net.mu is held.
func (p *peer) clearInbox(politely bool) {
	for _, m := range p.inbox {
		m.received = m.received && !politely
	}
	p.inbox, p.waiting = nil, 0
}

// confirmed is told that the other node has handled a message. net.mu is held.
func (p *peer) confirmed(m *message) {
	p.release(m)
}

// watchReach lets messages expire while the peer cannot be reached. net.mu is held.
func (p *peer) watchReach() {
	t := p.node
	limit := t.config.Unreachable
	down := p.conn == nil
	if !down && p.queue.Len() > 0 { // what is not assured is not kept on a connection
		d := p.conn.out(p).direction
		down = t.net.link(d).Cut || t.net.link(direction{d.to, d.from}).Cut
	}
	if !down || p.queue.Len() == 0 || t.stopped || limit < 0 {
		p.downSince = time.Time{}
		if p.expiry != nil {
			p.expiry.Stop()
			p.expiry = nil
		}
		return
	}
	if p.expiry != nil {
		return // it looks at the oldest message first
	}
	if p.downSince.IsZero() {
		p.downSince = time.Now()
	}
	p.expireIn(time.Until(p.expires(p.queue.Front())))
}

// expires is when a message is given up. net.mu is held.
func (p *peer) expires(e *list.Element) time.Time {
	since := e.Value.(*message).at
	if p.downSince.After(since) {
		since = p.downSince
	}
	return since.Add(p.node.config.Unreachable)
}

func (p *peer) expireIn(wait time.Duration) {
	var timer *time.Timer
	timer = time.AfterFunc(wait, func() {
		p.node.net.mu.Lock()
		defer p.node.net.mu.Unlock()
		if p.expiry != timer {
			return
		}
		p.expiry = nil
		why := fmt.Errorf("not reached for %v", p.node.config.Unreachable)
		if p.failure != nil {
			why = fmt.Errorf("%w: %w", why, p.failure)
		}
		lost := false
		for e := p.queue.Front(); e != nil && !p.expires(e).After(time.Now()); e = p.queue.Front() {
			p.lose(e.Value.(*message), why)
			lost = true
		}
		if lost && p.conn != nil {
			p.conn.breakOff() // nothing may pile up on a cut link
		}
		p.watchReach()
		p.wake()
	})
	p.expiry = timer
}

func (p *peer) Forget(ctx context.Context) {
	n := p.node.net
	n.mu.Lock()
	first := !p.forgotten
	if first {
		p.forgotten = true
		p.node.forgotten[p.to] = struct{}{}
		p.wakeAll()
		p.watchReach()
		if p.node.stopped && !p.calling {
			p.leave() // the node starts no goroutine any more
		} else {
			p.wake()
		}
	}
	n.mu.Unlock()
	select {
	case <-p.gone:
		return
	case <-ctx.Done():
	}
	if !first {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	p.clearInbox(false)
	if p.conn != nil {
		p.conn.breakOff()
	}
	if !p.node.stopped {
		p.wake()
	}
}

// wake sees to it that a goroutine calls the Handler with all that is there for it. net.mu is held.
func (p *peer) wake() {
	if p.calling || len(p.inbox) == 0 && len(p.losses) == 0 && !p.forgotten {
		return
	}
	p.calling = true
	p.node.calls.Go(p.call)
}

// call calls the Handler with all that is there for it.
func (p *peer) call() {
	t := p.node
	handler := t.config.Handler
	var buffer []byte
	t.net.mu.Lock()
	defer t.net.mu.Unlock()
	for {
		switch {
		case t.killed:
			p.clearInbox(false)
			p.losses = nil
			p.calling = false
			p.leave()
			return
		case len(p.inbox) > 0:
			m := p.inbox[0]
			p.inbox = p.inbox[1:]
			p.waiting -= m.size()
			// In a buffer of the node's own: a Handler that keeps it is found out, and the sender may still need the message.
			buffer = append(buffer[:0], m.data...)
			data := buffer
			if len(data) > transport.LongMessage {
				buffer = nil // that one is the Handler's
			}
			t.net.mu.Unlock()
			handler.Deliver(p.to, [][]byte{data})
			t.net.mu.Lock()
			if !t.killed && m.assured {
				m.handled = true
				if p.conn != nil {
					p.conn.out(p).send(confirms, m)
				}
			}
		case len(p.losses) > 0:
			l := p.losses[0]
			p.losses = p.losses[1:]
			t.net.mu.Unlock()
			handler.Undelivered(p.to, l.data, l.perhaps, l.why)
			t.net.mu.Lock()
		case p.forgotten && p.conn == nil && p.queue.Len() > 0:
			p.loseAll(transport.ErrForgotten)
		default:
			p.calling = false
			if p.forgotten && p.conn == nil {
				p.leave()
			}
			return
		}
	}
}

// leave ends the work of Forget. net.mu is held.
func (p *peer) leave() {
	select {
	case <-p.gone:
	default:
		close(p.gone)
	}
	if p.node.peers[p.to] == p && p.forgotten {
		delete(p.node.peers, p.to)
	}
}
