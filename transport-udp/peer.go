package udp

import (
	"context"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"thespian.dev/transport"
)

// peer is what a node keeps of another one.
type peer struct {
	node *node
	to   transport.Node

	turn    sync.Mutex // held by whoever calls the Handler for this peer
	gone    chan struct{}
	left    sync.Once
	openKey func() cipher.AEAD // of what comes from it

	mu        sync.Mutex
	named     bool // this node's user asked for it: it is not dropped when it is refused
	forgotten bool
	signal    chan struct{} // closed when something changes for which somebody may wait; nil: nobody does

	// Of all that goes out.
	addr   netip.AddrPort // not valid: not known yet
	key    cipher.AEAD
	prefix uint32 // 0: nothing was sent yet
	used   uint64 // numbers of datagrams
	heard  bool   // something came since a datagram was written at once
	reach  time.Time
	held   [][]byte // messages that wait for an address

	// Of messages that are not assured.
	sent, floor uint64   // numbers: the next one, and below which all were handled there or got lost
	costs       []uint32 // what those between take there
	underWay    int      // together
	room        int      // how much may be
	counting    *time.Timer
	counted     uint64        // how many the other node was told of
	patience    time.Duration // until it is asked again

	// Of messages that are assured.
	assured []*assured
	next    uint64 // number of the next one
	kept    int    // the size of all that is kept here
	resend  *time.Timer
	wait    time.Duration // until they are sent again

	in     incoming
	losses []loss
}

// assured is a message that is kept until it was handled.
type assured struct {
	number  uint64
	data    []byte
	since   time.Time
	written bool
}

// loss is a message to be reported.
type loss struct {
	data    []byte
	perhaps bool
	why     error
}

const (
	// firstRoom is how many bytes may be under way before the other node has said how many.
	firstRoom = 64 << 10
	// perDatagram is what a datagram takes in a socket beside its bytes, at least.
	perDatagram = 1 << 10
	// perMessage is what a message counts beside its bytes, as even an empty one takes memory.
	perMessage = 64

	countAfter             = 5 * time.Millisecond
	firstWait, longestWait = 20 * time.Millisecond, 500 * time.Millisecond
	// resentAtOnce is how many assured messages are sent again at a time.
	resentAtOnce = 32
)

func newPeer(n *node, to transport.Node) *peer {
	p := &peer{node: n, to: to, gone: make(chan struct{}), room: firstRoom, wait: firstWait, patience: countAfter, reach: time.Now()}
	p.openKey = sync.OnceValue(func() cipher.AEAD { return keyOf(n.config.Key, to, n.config.Self) })
	return p
}

func (p *peer) opens() cipher.AEAD { return p.openKey() }

// name says where the node listens, if that is known.
func (p *peer) name(endpoint string) {
	var at *net.UDPAddr
	var err error
	if endpoint != "" {
		at, err = net.ResolveUDPAddr("udp", endpoint)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.named = true
	if err != nil {
		p.node.config.Logger.Warn("udp: an endpoint cannot be used", "endpoint", endpoint, "error", err)
	}
	if at != nil {
		p.moveTo(at.AddrPort())
	}
}

// moveTo sends to an address from now on. The lock is held.
func (p *peer) moveTo(at netip.AddrPort) {
	at = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	if at == p.addr {
		return
	}
	first := !p.addr.IsValid()
	p.addr = at
	if !first {
		return
	}
	held := p.held
	p.held = nil
	for _, data := range held {
		p.kept -= len(data) + perMessage
		p.sendData(data)
	}
	p.sendAssured()
	p.changed()
}

// say sends a datagram. The lock is held.
func (p *peer) say(kind byte, body []byte, atOnce bool) { p.sayBoth(kind, body, nil, atOnce) }

func (p *peer) sayBoth(kind byte, body, rest []byte, atOnce bool) {
	if !p.addr.IsValid() {
		return
	}
	if p.prefix == 0 {
		p.prefix = drawPrefix()
		p.key = keyOf(p.node.config.Key, p.node.config.Self, p.to)
	}
	buf := packet(header + 1 + len(body) + len(rest) + tagSize)
	b := begin((*buf)[:0], p.node.config.Self, p.prefix, p.used)
	p.used++
	b = append(append(append(b, kind), body...), rest...)
	*buf = seal(p.key, b)
	p.node.socket.send(outgoing{p.addr, buf}, atOnce)
}

// sayNumbered sends a message under its number. The lock is held.
func (p *peer) sayNumbered(kind byte, number uint64, data []byte, atOnce bool) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], number)
	p.sayBoth(kind, n[:], data, atOnce)
}

func costOf(length int) int { return perDatagram + length + length/4 }

// sendData sends a message that is not assured. The lock is held.
func (p *peer) sendData(data []byte) {
	cost := costOf(len(data))
	p.costs = append(p.costs, uint32(cost))
	p.underWay += cost
	number := p.sent
	p.sent++
	atOnce := p.heard || p.underWay == cost // the other node waits for this one
	p.heard = false
	p.sayNumbered(kindData, number, data, atOnce)
	p.countSoon()
}

// countSoon sees to it that the other node learns how many there were. The lock is held.
func (p *peer) countSoon() {
	if p.counting == nil {
		p.counting = time.AfterFunc(p.patience, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.counting = nil
			if p.node.ctx.Err() != nil || p.forgotten || p.floor >= p.sent {
				p.patience = countAfter
				return
			}
			if p.counted != p.sent {
				p.patience = countAfter
			} else {
				p.patience = min(2*p.patience, longestWait)
			}
			p.expire()
			p.count()
			if p.floor < p.sent {
				p.countSoon()
			}
		})
	}
}

// count tells the other node how many messages there were, and so asks for a report. The lock is held.
func (p *peer) count() {
	p.counted = p.sent
	p.say(kindCount, binary.BigEndian.AppendUint64(nil, p.sent), true)
}

func (p *peer) Send(ctx context.Context, _ uint64, data []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.await(ctx, len(data), func() (int, int) {
		if !p.addr.IsValid() {
			return p.kept, p.node.config.Window
		}
		return p.underWay, p.room
	}); err != nil {
		return err
	}
	if !p.addr.IsValid() {
		p.kept += len(data) + perMessage
		p.held = append(p.held, slices.Clone(data))
		p.expireLater()
		return nil
	}
	p.sendData(data)
	return nil
}

func (p *peer) Assure(ctx context.Context, _ uint64, data []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.await(ctx, len(data), func() (int, int) { return p.kept, p.node.config.Window }); err != nil {
		return err
	}
	a := &assured{number: p.next, data: slices.Clone(data), since: time.Now()}
	p.next++
	p.kept += len(data) + perMessage
	p.assured = append(p.assured, a)
	if len(p.assured) <= resentAtOnce {
		p.sendOne(a)
	}
	p.resendLater()
	return nil
}

// await waits until there is room for a message: state says how much is taken, and of what. The lock is held, and let go while it waits.
func (p *peer) await(ctx context.Context, length int, state func() (taken, room int)) error {
	for {
		if err := p.refusal(length); err != nil {
			return err
		}
		taken, room := state()
		need := taken + costOf(length)
		if taken == 0 || need <= room || ctx == nil && need <= 2*room {
			return nil
		}
		if ctx == nil {
			return fmt.Errorf("%w: %d bytes", transport.ErrFull, taken)
		}
		changed := p.change()
		p.mu.Unlock()
		var err error
		select {
		case <-changed:
		case <-ctx.Done():
			err = ctx.Err()
		}
		p.mu.Lock()
		if err != nil {
			return err
		}
	}
}

// refusal says why a message is not taken. The lock is held.
func (p *peer) refusal(length int) error {
	switch limit := p.node.config.MaxMessage; {
	case p.node.closing.Load():
		return transport.ErrClosed
	case p.forgotten:
		return transport.ErrForgotten
	case length > limit:
		return fmt.Errorf("%w: %d bytes, the limit is %d", transport.ErrTooLarge, length, limit)
	}
	return nil
}

// change returns what is closed at the next change. The lock is held.
func (p *peer) change() <-chan struct{} {
	if p.signal == nil {
		p.signal = make(chan struct{})
	}
	return p.signal
}

// changed lets all look that wait. The lock is held.
func (p *peer) changed() {
	if p.signal != nil {
		close(p.signal)
		p.signal = nil
	}
}

// sendOne sends an assured message. The lock is held.
func (p *peer) sendOne(a *assured) {
	if p.addr.IsValid() {
		a.written = true
		p.sayNumbered(kindAssured, a.number, a.data, len(p.assured) == 1)
	}
}

// sendAssured sends the first assured messages, perhaps again. The lock is held.
func (p *peer) sendAssured() {
	for _, a := range p.assured[:min(len(p.assured), resentAtOnce)] {
		p.sendOne(a)
	}
	p.resendLater()
}

// resendLater sees to it that assured messages are sent again. The lock is held.
func (p *peer) resendLater() {
	if p.resend != nil || len(p.assured) == 0 {
		return
	}
	p.resend = time.AfterFunc(p.wait, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.resend = nil
		if p.node.ctx.Err() != nil || p.forgotten {
			return
		}
		p.wait = min(2*p.wait, longestWait)
		p.expire()
		p.sendAssured()
	})
}

// reported is told how things stand at the other node. The lock is held.
func (p *peer) reported(handled, floor uint64, room int) {
	progress := false
	for len(p.assured) > 0 && p.assured[0].number < handled {
		p.kept -= len(p.assured[0].data) + perMessage
		p.assured[0] = nil
		p.assured = p.assured[1:]
		progress = true
	}
	if progress {
		p.wait = firstWait
		if len(p.assured) > 0 { // those that have not been sent at all
			for _, a := range p.assured[:min(len(p.assured), resentAtOnce)] {
				if !a.written {
					p.sendOne(a)
				}
			}
		}
	}
	if n := int(min(floor, p.sent) - min(p.floor, floor)); n > 0 {
		for _, cost := range p.costs[:n] {
			p.underWay -= int(cost)
		}
		p.costs = p.costs[n:]
		p.floor += uint64(n)
		progress = true
	}
	p.room = max(room, perDatagram)
	if progress {
		p.changed()
	}
}

// expireLater sees to it that messages expire which wait for an address. The lock is held.
func (p *peer) expireLater() {
	if p.resend == nil {
		p.resend = time.AfterFunc(max(p.node.config.Unreachable/8, time.Millisecond), func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.resend = nil
			if p.node.ctx.Err() == nil && !p.forgotten && len(p.held) > 0 && !p.addr.IsValid() {
				p.expire()
				if len(p.held) > 0 {
					p.expireLater()
				}
			}
		})
	}
}

// expire gives up what has waited for too long, when nothing was heard. The lock is held.
func (p *peer) expire() {
	limit := p.node.config.Unreachable
	if limit < 0 || time.Since(p.reach) < limit {
		return
	}
	why := fmt.Errorf("not reached for %v", limit)
	before := len(p.losses)
	for len(p.assured) > 0 && time.Since(p.assured[0].since) >= limit {
		p.loseFirst(why)
	}
	p.loseHeld(why)
	p.giveUp()
	if len(p.losses) > before {
		p.node.spawn(p.report)
	}
	p.changed()
}

// giveUp takes what is under way as lost. The lock is held.
func (p *peer) giveUp() {
	p.floor, p.costs, p.underWay = p.sent, nil, 0
}

func (p *peer) loseFirst(why error) {
	a := p.assured[0]
	p.assured = p.assured[1:]
	p.kept -= len(a.data) + perMessage
	p.losses = append(p.losses, loss{a.data, a.written, why})
}

func (p *peer) loseHeld(why error) {
	for _, data := range p.held {
		p.kept -= len(data) + perMessage
		p.losses = append(p.losses, loss{data, false, why})
	}
	p.held = nil
}

// loseAll has all messages reported that are kept. The lock is held.
func (p *peer) loseAll(why error) {
	for len(p.assured) > 0 {
		p.loseFirst(why)
	}
	p.loseHeld(why)
}

// report tells the Handler of the losses.
func (p *peer) report() {
	p.turn.Lock()
	defer p.turn.Unlock()
	for {
		p.mu.Lock()
		losses := p.losses
		p.losses = nil
		p.mu.Unlock()
		if len(losses) == 0 {
			return
		}
		for _, l := range losses {
			if p.node.silent.Load() {
				return
			}
			p.node.config.Handler.Undelivered(p.to, l.data, l.perhaps, l.why)
		}
	}
}

func (p *peer) stopTimers() {
	for _, t := range []*time.Timer{p.counting, p.resend} {
		if t != nil {
			t.Stop()
		}
	}
	p.changed()
}

// markAgain is how long a marker gets.
const markAgain = 20 * time.Millisecond

func (p *peer) Forget(ctx context.Context) {
	n := p.node
	n.forget(p.to)
	p.mu.Lock()
	first := !p.forgotten
	p.forgotten = true
	p.stopTimers()
	p.mu.Unlock()
	if first {
		n.spawn(func() { p.finish(ctx) }) // else Close reports what is left
	}
	select {
	case <-p.gone:
	case <-n.down:
	case <-ctx.Done():
	}
}

// finish takes what a forgotten node had sent, as far as it has come and the context allows, and reports what is left for it.
func (p *peer) finish(ctx context.Context) {
	n := p.node
	for read := false; !read && ctx.Err() == nil && n.ctx.Err() == nil; {
		reached := make(chan struct{})
		number := n.mark(func() { close(reached) })
		select {
		case <-reached:
			read = true
		case <-time.After(markAgain):
		case <-ctx.Done():
		case <-n.ctx.Done():
		}
		n.unmark(number)
	}
	p.settleInbox(ctx)
	p.mu.Lock()
	p.loseAll(transport.ErrForgotten)
	p.mu.Unlock()
	p.report()
	n.drop(p)
	p.leave()
}

// leave ends the waiting of Forget.
func (p *peer) leave() { p.left.Do(func() { close(p.gone) }) }
