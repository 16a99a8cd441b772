package memory

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"
)

// How long to wait until a node is dialled again that could not be reached, and for the answer of Admit.
const (
	firstBackoff = 10 * time.Millisecond
	lastBackoff  = 7300 * time.Millisecond
	admitWithin  = 10 * time.Second
)

// connect starts to connect if there is something to send and no connection. net.mu is held.
func (p *peer) connect() {
	t := p.node
	if p.conn != nil || p.dialing || p.retry != nil || p.forgotten || t.stopped || p.queue.Len() == 0 || p.endpoint == "" {
		return
	}
	p.dialing = true
	out, back := direction{t.endpoint, p.endpoint}, direction{p.endpoint, t.endpoint}
	t.net.after(t.net.link(out).Delay, func() {
		other, err := p.callee(out, back)
		if err != nil || p.conn != nil {
			p.dialled(err)
			return
		}
		// The other node asks its Handler, as long as that takes.
		other.calls.Go(func() {
			ctx, cancel := context.WithTimeout(other.ctx, admitWithin)
			refused := other.config.Handler.Admit(ctx, t.config.Self)
			cancel()
			if refused != nil {
				other.logRefusal(t.config.Self, refused)
			}
			t.net.mu.Lock()
			defer t.net.mu.Unlock()
			t.net.after(t.net.link(back).Delay, func() {
				now, err := p.callee(out, back)
				switch {
				case err != nil || p.conn != nil:
				case now != other:
					err = errors.New("the connection broke")
				case refused != nil:
					err = errors.New("it refused the connection")
				default:
					p.joinWith(other)
				}
				p.dialled(err)
			})
		})
	})
}

// callee returns the node that p reaches at its endpoint, if it would talk to p. net.mu is held.
func (p *peer) callee(out, back direction) (*node, error) {
	t := p.node
	other := t.net.nodes[out.to]
	switch {
	case t.stopped || p.forgotten:
		return nil, errors.New("no connection is wanted any more")
	case t.net.link(out).Cut || t.net.link(back).Cut:
		return nil, fmt.Errorf("%s does not answer", out.to)
	case other == nil:
		return nil, fmt.Errorf("nobody listens at %s", out.to)
	case other.config.Self != p.to:
		return nil, fmt.Errorf("another process listens at %s", out.to)
	case other.features != t.features || subtle.ConstantTimeCompare(other.config.Key, t.config.Key) == 0:
		return nil, fmt.Errorf("%s refused the connection", out.to)
	}
	if _, ok := other.forgotten[t.config.Self]; ok {
		return nil, fmt.Errorf("%s refused the connection", out.to)
	}
	return other, nil
}

// joinWith connects with the node that answered. net.mu is held.
func (p *peer) joinWith(other *node) {
	back := other.peer(p.node.config.Self)
	if back.endpoint == "" {
		back.endpoint = p.node.endpoint
	}
	if back.node.closing && other.peers[back.to] != back {
		other.peers[back.to] = back // it takes no more messages, but it reads
	}
	join(p, back)
}

// dialled ends an attempt to connect. net.mu is held.
func (p *peer) dialled(err error) {
	p.dialing = false
	if err == nil {
		p.connect() // the endpoint or the connection may have changed meanwhile
		return
	}
	p.failure = err
	if p.forgotten || p.node.stopped {
		return
	}
	p.backoff = min(max(p.backoff*17/10, firstBackoff), lastBackoff)
	p.retry = time.AfterFunc(p.backoff, func() {
		p.node.net.mu.Lock()
		defer p.node.net.mu.Unlock()
		p.retry = nil
		p.connect()
	})
}

// retryAtOnce lets the next attempt begin without waiting. net.mu is held.
func (p *peer) retryAtOnce() {
	p.backoff = 0
	if p.retry != nil {
		p.retry.Stop()
		p.retry = nil
	}
}
