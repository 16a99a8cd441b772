package stream

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"thespian.dev/transport"
)

// peer is what a node keeps of another one.
type peer struct {
	node *node
	to   transport.Node

	turn    sync.Mutex  // held by whoever calls the Handler for this peer
	abandon atomic.Bool // nothing more is delivered
	gone    chan struct{}
	left    sync.Once

	mu        sync.Mutex
	queue     queue
	waiters   []*waiter // calls of Send that wait for room, the first first
	wanting   int       // the size of what they have
	limit     int       // the longest message that both ends take, as far as that is known
	forgotten bool

	conn    *conn
	conns   map[*conn]struct{} // this one, and those that are not at their end
	last    <-chan struct{}    // closed when the latest connection delivers no more
	count   uint64             // of connections that both ends agreed on
	writing bool               // somebody writes: at most one at a time, whatever the connection
	heard   bool               // something came from the other node since a Send wrote by itself

	taken     uint64 // messages with lower numbers have been taken from the other node
	delivered uint64 // and those with lower numbers were delivered
	midway    bool   // a part of a long message is there

	// Of the goroutine that reads.
	partial []byte // the long message of which chunks have come
	total   int    // how long it gets

	endpoint   string
	dialling   bool
	attempt    chan struct{} // closed when the attempt that runs has ended; nil: none runs
	stopDial   context.CancelFunc
	wakeDialer chan struct{}
	backoff    time.Duration
	failure    error  // why it was not reached the last time
	arrived    uint64 // messages with lower numbers have arrived, as the last connection began

	reach *time.Timer // runs while messages wait without a connection
	marks []mark

	losses []loss // to be reported
}

func newPeer(n *node, to transport.Node) *peer {
	return &peer{
		node: n, to: to,
		gone:       make(chan struct{}),
		conns:      make(map[*conn]struct{}),
		wakeDialer: make(chan struct{}, 1),
		limit:      n.config.MaxMessage,
		queue:      queue{blocks: &n.blocks, released: n.config.Released, frameCap: min(max(n.config.Window/4, 1<<10), blockSize)},
	}
}

// inlineLimit is how many bytes may wait for confirmation while Send writes by itself: so few that the socket has room for them.
const inlineLimit = 16 << 10

func (p *peer) Send(ctx context.Context, flow uint64, data []byte) error {
	p.mu.Lock()
	if err := p.admit(ctx, data); err != nil {
		p.mu.Unlock()
		return err
	}
	switch {
	case !p.queue.isSlow(flow, len(data)):
		p.queue.add(data)
	case len(data) > transport.LongMessage: // it is the transport's
		p.queue.addSlow(flow, data)
	default:
		p.queue.addSlow(flow, bytes.Clone(data))
	}
	p.push()
	p.mu.Unlock()
	return nil
}

// Assure is a method of transport.Peer: nothing gets lost in any case.
func (p *peer) Assure(ctx context.Context, flow uint64, data []byte) error {
	return p.Send(ctx, flow, data)
}

// push sees to it that what was just queued is sent. The lock is held, and let go while it writes.
func (p *peer) push() {
	c := p.conn
	switch {
	case c == nil:
		p.connect()
		p.watchReach()
	case p.writing || c.awake:
	case c.resumed && p.queue.kept <= inlineLimit && (p.heard || p.queue.head+1 == len(p.queue.frames)):
		// The other node waits for this one: waking another goroutine to write it would take longer than writing it.
		p.heard = false
		p.writeNext(c)
		if c := p.conn; c != nil && (p.queue.unwritten() || c.due || c.bye != none) {
			c.wake()
		}
	default:
		c.wake()
	}
}

// admit waits until there is room for a message, as far as it may, and counts its size. The lock is held, and let go while it waits.
func (p *peer) admit(ctx context.Context, data []byte) error {
	window := p.node.config.Window
	size := sizeOf(data)
	var mine *waiter // in waiters while this call waits
	for {
		err := p.refusal()
		if err == nil && len(data) > p.limit {
			err = tooLarge(len(data), p.limit)
		}
		if err != nil {
			p.stopWaiting(mine)
			return err
		}
		kept := p.queue.kept
		if kept == 0 || kept+p.before(mine)+size <= window || ctx == nil && kept+size <= 2*window {
			p.stopWaiting(mine)
			p.queue.kept += size
			if len(data) > p.queue.largest {
				p.queue.largest = len(data)
			}
			return nil
		}
		if ctx == nil {
			return fmt.Errorf("%w: %d bytes", transport.ErrFull, kept)
		}
		if mine == nil {
			mine = &waiter{make(chan struct{}, 1), size}
			p.waiters = append(p.waiters, mine)
			p.wanting += size
			p.recall() // room comes with what the other node says
		}
		p.mu.Unlock()
		select {
		case <-mine.turn:
		case <-ctx.Done():
			err = ctx.Err()
		}
		p.mu.Lock()
		if err != nil {
			p.stopWaiting(mine)
			return err
		}
	}
}

func tooLarge(length, limit int) error {
	return fmt.Errorf("%w: %d bytes, the limit is %d", transport.ErrTooLarge, length, limit)
}

// refusal says why messages are not taken. The lock is held.
func (p *peer) refusal() error {
	switch {
	case p.node.closing.Load():
		return transport.ErrClosed
	case p.forgotten:
		return transport.ErrForgotten
	}
	return nil
}

// A waiter is a call of Send that waits for room.
type waiter struct {
	turn chan struct{}
	size int
}

// before returns the size of what those have that wait in front of a call, whose turn comes first. The lock is held.
func (p *peer) before(mine *waiter) int {
	if mine == nil {
		return p.wanting
	}
	size := 0
	for _, w := range p.waiters {
		if w == mine {
			break
		}
		size += w.size
	}
	return size
}

// stopWaiting takes a call of Send out of those that wait, and lets the next ones look. The lock is held.
func (p *peer) stopWaiting(mine *waiter) {
	if mine == nil {
		return
	}
	p.waiters = slices.DeleteFunc(p.waiters, func(w *waiter) bool { return w == mine })
	p.wanting -= mine.size
	p.madeRoom()
}

// madeRoom lets the calls of Send look for which there is room now, and a shutdown whether all is done. The lock is held.
func (p *peer) madeRoom() {
	kept := p.queue.kept
	for i, w := range p.waiters {
		if kept += w.size; i > 0 && kept > p.node.config.Window {
			break
		}
		signal(w.turn)
	}
	if p.node.closing.Load() && p.queue.empty() {
		signal(p.node.drained)
	}
}

// wakeAll lets all waiting calls of Send see that they are refused. The lock is held.
func (p *peer) wakeAll() {
	for _, w := range p.waiters {
		signal(w.turn)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
