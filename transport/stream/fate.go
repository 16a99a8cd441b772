package stream

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"thespian.dev/transport"
)

// mark remembers which messages were there at a time: those before the two numbers.
type mark struct {
	at         time.Time
	seq, slows uint64
}

// marksPerLimit is in how many steps Config.Unreachable is measured.
const marksPerLimit = 8

// watchReach lets messages expire while the peer cannot be reached. The lock is held.
func (p *peer) watchReach() {
	n := p.node
	if p.reach != nil || p.conn != nil || n.config.Unreachable < 0 || n.stopped.Load() || p.forgotten || p.queue.empty() {
		return
	}
	step := max(n.config.Unreachable/marksPerLimit, time.Millisecond)
	p.mark()
	p.reach = time.AfterFunc(step, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.conn != nil || n.stopped.Load() || p.forgotten || p.queue.empty() {
			p.endReach()
			return
		}
		p.mark()
		why := fmt.Errorf("not reached for %v", n.config.Unreachable)
		if p.failure != nil {
			why = fmt.Errorf("%w: %w", why, p.failure)
		}
		before := len(p.losses)
		for len(p.marks) > 0 && time.Since(p.marks[0].at) >= n.config.Unreachable {
			m := p.marks[0]
			p.marks = p.marks[1:]
			p.losses = p.queue.lose(p.losses, m.seq, m.slows, why)
		}
		if len(p.losses) > before {
			n.spawn(p.report)
			p.madeRoom()
		}
		p.reach.Reset(step)
	})
}

func (p *peer) mark() {
	p.queue.open = false // a frame expires as a whole
	p.marks = append(p.marks, mark{time.Now(), p.queue.seq, p.queue.slows})
}

// endReach ends what watchReach began. The lock is held.
func (p *peer) endReach() {
	if p.reach != nil {
		p.reach.Stop()
		p.reach = nil
	}
	p.marks = nil
}

// loseAll has all messages reported. The lock is held.
func (p *peer) loseAll(why error) {
	p.losses = p.queue.lose(p.losses, all, all, why)
	p.madeRoom()
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

func (p *peer) Forget(ctx context.Context) {
	n := p.node
	n.mu.Lock()
	n.forgotten.add(p.to)
	n.mu.Unlock()
	p.mu.Lock()
	first := !p.forgotten
	p.forgotten = true
	p.wakeAll()
	p.recall()
	p.endReach()
	if p.stopDial != nil {
		p.stopDial()
	}
	p.mu.Unlock()
	if first {
		n.spawn(func() { p.finish(ctx) }) // else Close reports what is left
	}
	select {
	case <-p.gone:
	case <-n.down:
	case <-ctx.Done():
		if first {
			p.abandon.Store(true)
		}
	}
}

// finish reads what a forgotten node had sent to its end, as far as the context allows, and reports what is left for it.
func (p *peer) finish(ctx context.Context) {
	n := p.node
	p.mu.Lock()
	last := p.last
	conns := slices.Collect(maps.Keys(p.conns))
	p.mu.Unlock()
	for _, c := range conns {
		if c, ok := c.raw.(interface{ OtherEnded() }); ok {
			c.OtherEnded()
		}
	}
	if last != nil {
		select {
		case <-last:
		case <-ctx.Done():
			p.abandon.Store(true)
			p.mu.Lock()
			for c := range p.conns {
				c.fail(transport.ErrForgotten)
			}
			p.mu.Unlock()
			<-last
		}
	}
	p.mu.Lock()
	p.loseAll(transport.ErrForgotten)
	p.mu.Unlock()
	p.report()
	p.leave()
	n.mu.Lock()
	if n.peers[p.to] == p {
		delete(n.peers, p.to)
	}
	n.mu.Unlock()
}

// leave ends the waiting of Forget.
func (p *peer) leave() { p.left.Do(func() { close(p.gone) }) }
