package convention

import (
	"maps"
	"slices"
	"time"
)

// maxHops is how many systems a message may pass.
const maxHops = 4

// Post sends a message to another system's Admin: directly, or by way of the leader. It is lost only with the system, or the leader; [Left] says so.
func (c *Core) Post(now time.Time, to uint64, msg any) []Output {
	c.now = now
	c.forward(Post{From: c.self.Number, To: to, Message: msg}, nil)
	return c.take()
}

// routed is called with a post that a member has brought.
func (c *Core) routed(from *member, p Post) {
	if p.To != c.self.Number {
		c.forward(p, from)
		return
	}
	switch body := p.Message.(type) {
	case Departed:
		if p.From == from.system.Number && (from.leads || p.From == body.System) {
			c.distantGone(body.System, body.Why)
		}
	case Interest:
		for _, system := range body.Systems {
			if m := c.members[system]; m != nil && m.joined {
				c.pair(from.system.Number, system)
			} else {
				c.post(from, Post{From: c.self.Number, To: from.system.Number, Message: Departed{system, "the leader does not know it"}})
			}
		}
	default:
		if from.system.Number != p.From {
			c.distant[p.From] = struct{}{}
		}
		c.do(Deliver{p.From, p.Message})
	}
}

// forward sends a post on to its receiver, or towards it.
func (c *Core) forward(p Post, from *member) {
	p.Hops++
	if m := c.members[p.To]; m != nil && m.joined {
		if from != nil {
			c.pair(from.system.Number, p.To)
			c.pair(p.To, from.system.Number)
		}
		c.post(m, p)
		return
	}
	if m := c.members[c.leader]; m != nil && m != from && p.Hops <= maxHops {
		if from == nil {
			c.distant[p.To] = struct{}{}
		} else {
			c.pair(from.system.Number, p.To)
		}
		c.post(m, p)
		return
	}
	why := "the convention does not know it"
	if c.leader == 0 {
		why = "the leader of the convention is not reached"
	}
	if from == nil {
		c.do(Left{System: p.To, Why: why})
	} else {
		c.post(from, Post{From: c.self.Number, To: from.system.Number, Message: Departed{p.To, why}})
	}
}

// pair notes that one system is to be told of the end of another.
func (c *Core) pair(told, of uint64) {
	if told == of {
		return
	}
	if c.pairs[of] == nil {
		c.pairs[of] = make(map[uint64]struct{})
	}
	c.pairs[of][told] = struct{}{}
}

// tellPairs tells those who talk through this system to another that it has departed.
func (c *Core) tellPairs(system uint64, why string) {
	for _, told := range sorted(c.pairs[system]) {
		if m := c.members[told]; m != nil && m.joined {
			c.post(m, Post{From: c.self.Number, To: told, Message: Departed{system, why}})
		}
	}
	delete(c.pairs, system)
	for _, others := range c.pairs {
		delete(others, system)
	}
}

// distantGone is called when a system has departed that was reached by way of the leader.
func (c *Core) distantGone(system uint64, why string) {
	if m := c.members[system]; m != nil && m.joined {
		return // it is reached in another way
	}
	delete(c.distant, system)
	c.do(Left{System: system, Why: why})
	c.tellPairs(system, why)
}

// forgetDistant is called when no leader is left by way of which others were reached.
func (c *Core) forgetDistant(why string) {
	for _, system := range sorted(c.distant) {
		c.distantGone(system, why)
	}
}

func sorted(set map[uint64]struct{}) []uint64 { return slices.Sorted(maps.Keys(set)) }
