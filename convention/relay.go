package convention

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

const (
	// maxHops is how many systems a message may pass.
	maxHops = 4
	// maxDistant is of how many systems this one keeps that it, or others, talk to them by way of a third.
	maxDistant = 1 << 16
)

// Post sends a message to another system's Admin: directly, or by way of the leader. It is lost only with the system, or the leader; [Left] says so.
func (c *Core) Post(now time.Time, to uint64, msg any) []Output {
	c.at(now)
	c.forward(Post{From: c.self.Number, To: to, Message: msg}, nil)
	return c.take()
}

// routed is called with a post that a member has brought.
func (c *Core) routed(from *member, p Post) {
	if p.From != from.system.Number && !c.speaksForOthers(from) || p.From == 0 || p.From == c.self.Number {
		c.refuse(from, p.To, "it speaks for another system")
		return
	}
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
		if len(body.Systems) > maxDistant {
			c.depart(from, fmt.Sprintf("it talks to %d systems", len(body.Systems)), false)
			return
		}
		for _, system := range body.Systems {
			if c.members[from.system.Number] != from {
				return // it has departed meanwhile
			}
			if m := c.members[system]; m != nil && m.joined {
				c.pair(from.system.Number, system)
			} else {
				c.post(from, Post{From: c.self.Number, To: from.system.Number, Message: Departed{system, "the leader does not know it"}})
			}
		}
	default:
		if from.system.Number != p.From && !c.reachable(p.From) {
			c.refuse(from, p.To, tooManyDistant)
			return
		}
		c.do(Deliver{p.From, p.Message})
	}
}

// speaksForOthers says whether a member may bring posts of others: only leaders do.
func (c *Core) speaksForOthers(m *member) bool {
	return m.leads || slices.ContainsFunc(c.leaders, func(address string) bool { return c.contacts[address].system == m.system.Number })
}

// tooManyDistant is why a system is not heard, or not reached.
const tooManyDistant = "too many systems are reached by way of others"

// reachable notes that a system is reached by way of another, unless there are too many.
func (c *Core) reachable(system uint64) bool {
	if _, known := c.distant[system]; !known && len(c.distant) >= maxDistant {
		return false
	}
	c.distant[system] = struct{}{}
	return true
}

// refuse says to whom has brought a post that it goes no further.
func (c *Core) refuse(from *member, to uint64, why string) {
	c.post(from, Post{From: c.self.Number, To: from.system.Number, Message: Departed{to, why}})
}

// forward sends a post on to its receiver, or towards it.
func (c *Core) forward(p Post, from *member) {
	if p.Hops < 0 || p.Hops > maxHops {
		p.Hops = maxHops
	}
	p.Hops++
	if m := c.members[p.To]; m != nil && m.joined {
		if from != nil {
			c.pair(from.system.Number, p.To)
			c.pair(p.To, from.system.Number)
		}
		c.post(m, p)
		return
	}
	why := "the convention does not know it"
	if c.leader == 0 {
		why = "the leader of the convention is not reached"
	}
	if m := c.members[c.leader]; m != nil && m != from && p.Hops <= maxHops {
		if from == nil && c.reachable(p.To) || from != nil && c.pair(from.system.Number, p.To) {
			c.post(m, p)
			return
		}
		why = tooManyDistant
	}
	if from == nil {
		c.do(Left{System: p.To, Why: why})
	} else {
		c.refuse(from, p.To, why)
	}
}

// pair notes that one system is to be told of the end of another, unless there are too many.
func (c *Core) pair(told, of uint64) bool {
	if told == of {
		return true
	}
	if c.pairs[of] == nil {
		if len(c.pairs) >= maxDistant {
			return false
		}
		c.pairs[of] = make(map[uint64]struct{})
	}
	c.pairs[of][told] = struct{}{}
	return true
}

// tellPairs tells those who talk through this system to another that it has departed.
func (c *Core) tellPairs(system uint64, why string) {
	for _, told := range sorted(c.pairs[system]) {
		if m := c.members[told]; m != nil && m.joined {
			c.post(m, Post{From: c.self.Number, To: told, Message: Departed{system, why}})
		}
	}
	delete(c.pairs, system)
	for of, others := range c.pairs {
		if delete(others, system); len(others) == 0 {
			delete(c.pairs, of)
		}
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

// forgetDistant is called when this system is cut off from all. While only the leader is lost, others stay what they are: the next leader says who has ended meanwhile.
func (c *Core) forgetDistant(why string) {
	for _, system := range sorted(c.distant) {
		c.distantGone(system, why)
	}
}

func sorted(set map[uint64]struct{}) []uint64 { return slices.Sorted(maps.Keys(set)) }
