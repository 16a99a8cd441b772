package system

import (
	"runtime"

	"thespian.dev/address"
)

// arrivals are messages from a peer that came together for one actor, and go into its mailbox in one step.
type arrivals struct {
	to   *cell
	mail []envelope
}

// add takes a message. One for another actor than the last sends those before it on their way.
func (a *arrivals) add(p *peer, e envelope, to address.Address) {
	c, _ := p.node.local(to).(*cell)
	if c != a.to || c == nil {
		a.flush(p)
	}
	if c == nil || c.stub {
		p.node.arrived(p, e, to)
		return
	}
	a.to = c
	a.mail = append(a.mail, e)
}

func (a *arrivals) flush(p *peer) {
	if a.to == nil {
		return
	}
	done, behind, full := a.to.pushAll(a.mail)
	if behind { // the actor may wait for this processor: that costs less than to stop the senders
		runtime.Gosched()
	}
	if full {
		p.node.peers.stopIfFull(p, a.to)
	}
	if !done {
		for _, e := range a.mail {
			p.node.arrived(p, e, a.to.self)
		}
	}
	clear(a.mail)
	a.to, a.mail = nil, a.mail[:0]
}
