package udp

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/netip"
	"time"

	"thespian.dev/transport"
)

// incoming is what has come from a peer. The peer's lock guards it.
type incoming struct {
	admission admission
	refusal   time.Time
	prefix    uint32 // of the nonces that are taken; 0: none came yet
	replay    replay

	seen, got uint64            // messages that are not assured: how many there were, and how many of them came
	expected  uint64            // the next one that is assured
	early     map[uint64][]byte // assured ones behind it
	handled   uint64            // below which all that is assured was handled
	owed      bool              // a report is due

	inbox    []item
	bytes    []byte // what the inbox is of
	spare    []byte
	spares   []item
	size     int // of what is in the inbox or with the Handler
	unsaid   int // of what was handled since the last report
	oldest   uint64
	busy     bool // messages that are not assured are with the Handler, from number oldest on
	calling  bool // a goroutine runs that calls the Handler
	abandons bool // nothing more is delivered
}

// An item is a message in the inbox.
type item struct {
	end     int // in bytes
	number  uint64
	assured bool
}

// admission says whether a node may send.
type admission int

const (
	unknown admission = iota
	asked
	admitted
	refused
)

const (
	// maxEarly is how many assured messages are kept that came before their turn.
	maxEarly = 2 * resentAtOnce
	// askAgain is when a node that was refused is asked about again.
	askAgain = time.Second
	// maxTogether is how many messages are handed to the Handler at once.
	maxTogether = 1024
)

// missing returns how many messages did not come that should have. The lock is held.
func (p *peer) missing() uint64 { return p.in.seen - p.in.got }

// take takes a datagram, and returns the peer if it is to be woken.
func (p *peer) take(d datagram, at netip.AddrPort) *peer {
	p.mu.Lock()
	defer p.mu.Unlock()
	in := &p.in
	if in.prefix == 0 {
		in.prefix = d.prefix
	}
	newest := d.number >= in.replay.next
	if in.admission == refused && time.Since(in.refusal) > askAgain {
		in.admission = unknown
	}
	if d.prefix != in.prefix || in.admission == refused || !in.replay.take(d.number) {
		return nil
	}
	p.heard = true
	p.reach = time.Now()
	if newest && (!p.addr.IsValid() || !p.forgotten) {
		p.moveTo(at)
	}
	n, rest, ok := numbers(d.body, 1)
	if !ok {
		return nil
	}
	switch d.kind {
	case kindData:
		p.takeData(n[0], rest)
	case kindAssured:
		p.takeAssured(n[0], rest)
	case kindReport:
		if both, room, ok := numbers(d.body, 2); ok && len(room) == 4 && both[0] <= p.next && both[1] <= p.sent {
			p.reported(both[0], both[1], int(binary.BigEndian.Uint32(room)))
		}
	case kindCount, kindGoodbye:
		in.seen = max(in.seen, n[0])
		in.owed = true
	}
	if in.admission == unknown {
		in.admission = asked
		p.node.ask(p)
	}
	return p
}

// takeData takes a message that is not assured. The lock is held.
func (p *peer) takeData(number uint64, data []byte) {
	in := &p.in
	in.seen = max(in.seen, number+1)
	if in.size+costOf(len(data)) > 2*p.node.config.Window || len(data) > p.node.config.MaxMessage {
		return // it is lost
	}
	in.got++
	p.put(item{number: number}, data)
}

// takeAssured takes a message that is assured, when it is its turn. The lock is held.
func (p *peer) takeAssured(number uint64, data []byte) {
	in := &p.in
	switch {
	case number < in.expected:
		in.owed = true // the report got lost
	case in.size+costOf(len(data)) > 4*p.node.config.Window || len(data) > p.node.config.MaxMessage: // it comes again
	case number > in.expected:
		if _, is := in.early[number]; !is && number-in.expected <= maxEarly {
			if in.early == nil {
				in.early = make(map[uint64][]byte)
			}
			in.early[number] = bytes.Clone(data)
		}
	default:
		p.put(item{number: number, assured: true}, data)
		in.expected++
		for {
			data, is := in.early[in.expected]
			if !is {
				return
			}
			delete(in.early, in.expected)
			p.put(item{number: in.expected, assured: true}, data)
			in.expected++
		}
	}
}

// put puts a message into the inbox. The lock is held.
func (p *peer) put(i item, data []byte) {
	in := &p.in
	in.bytes = append(in.bytes, data...)
	i.end = len(in.bytes)
	in.inbox = append(in.inbox, i)
	in.size += costOf(len(data))
}

// admit lets the messages of the node through.
func (p *peer) admit() {
	p.mu.Lock()
	p.in.admission = admitted
	p.mu.Unlock()
	p.wake()
}

// refuse takes nothing of what has come, and reports whether nobody needs the peer.
func (p *peer) refuse() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	in := &p.in
	in.admission, in.refusal = refused, time.Now()
	in.inbox, in.bytes, in.early, in.size, in.expected = nil, nil, nil, 0, in.handled
	return !p.named
}

// wake has the Handler called with what is there for it, and the report sent that is due.
func (p *peer) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	in := &p.in
	if in.admission != admitted {
		return
	}
	if len(in.inbox) > 0 && !in.calling && !in.abandons {
		in.calling = p.node.spawn(p.deliver)
	}
	if in.owed {
		p.sayHowThingsStand()
	}
}

// sayHowThingsStand sends a report. The lock is held.
func (p *peer) sayHowThingsStand() {
	in := &p.in
	in.owed, in.unsaid = false, 0
	floor := in.seen
	if in.busy {
		floor = in.oldest
	} else {
		for _, i := range in.inbox {
			if !i.assured {
				floor = i.number
				break
			}
		}
	}
	var b [20]byte
	binary.BigEndian.PutUint64(b[:], in.handled)
	binary.BigEndian.PutUint64(b[8:], min(floor, in.seen))
	binary.BigEndian.PutUint32(b[16:], uint32(p.mayBeUnderWay()))
	p.say(kindReport, b[:], true)
}

// mayBeUnderWay is how many bytes this peer may have on their way here: half of the socket's room, as there are others.
func (p *peer) mayBeUnderWay() int {
	return min(p.node.socket.room/2, p.node.config.Window)
}

// deliver is the goroutine that calls the Handler, until the inbox is empty.
func (p *peer) deliver() {
	p.turn.Lock()
	defer p.turn.Unlock()
	in := &p.in
	var messages [][]byte
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(in.inbox) > 0 && !in.abandons && p.node.ctx.Err() == nil {
		items, data := in.inbox, in.bytes
		in.inbox, in.bytes, in.spares, in.spare = in.spares[:0], in.spare[:0], nil, nil
		begin := 0
		for len(items) > 0 && !in.abandons && p.node.ctx.Err() == nil {
			some := items[:min(len(items), maxTogether)]
			items = items[len(some):]
			messages = messages[:0]
			cost := 0
			in.busy = false
			for _, i := range some {
				messages = append(messages, data[begin:i.end:i.end])
				cost += costOf(i.end - begin)
				begin = i.end
				if !i.assured && !in.busy {
					in.busy, in.oldest = true, i.number
				}
			}
			p.mu.Unlock()
			if !p.node.silent.Load() {
				p.node.config.Handler.Deliver(p.to, messages)
			}
			p.mu.Lock()
			p.delivered(some, items, cost)
		}
		if cap(data) <= 1<<20 {
			in.spare, in.spares = data[:0], items[:0]
		}
	}
	in.calling = false
	p.changed()
}

// delivered notes what the Handler has had; rest is behind it. The lock is held.
func (p *peer) delivered(some, rest []item, cost int) {
	in := &p.in
	in.busy = false
	for _, i := range rest {
		if !i.assured {
			in.busy, in.oldest = true, i.number
			break
		}
	}
	in.size -= cost
	in.unsaid += cost
	for _, i := range some {
		if i.assured {
			in.handled = i.number + 1
			in.owed = true
		}
	}
	if in.owed || in.unsaid >= p.mayBeUnderWay()/4 {
		p.sayHowThingsStand()
	}
}

// settleInbox waits until the Handler has had all that has come, or ctx is done: then it gets no more.
func (p *peer) settleInbox(ctx context.Context) {
	for {
		p.mu.Lock()
		busy := p.in.calling
		if ctx.Err() != nil || p.node.ctx.Err() != nil {
			p.in.abandons = true
		}
		changed := p.change()
		abandons := p.in.abandons
		p.mu.Unlock()
		if !busy || abandons {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
		case <-p.node.ctx.Done():
		}
	}
}

var _ transport.Peer = (*peer)(nil)
