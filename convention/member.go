package convention

import (
	"fmt"
	"slices"
	"time"

	"thespian.dev/message"
)

// A member is a system that this one is connected to, or was a moment ago.
type member struct {
	system  System
	link    *link    // nil: it broke
	contact *contact // by which this system connects to it; nil: it does not
	joined  bool     // one has registered with the other
	leads   bool     // this system registers with it
	heard   time.Time
	said    time.Time
	broken  time.Time // when it is lost, if the connection stays broken
	look    time.Time // when it is looked again whether it is there; zero: not
	looked  bool      // that was to be done, or is, since the connection broke
	why     string    // the connection broke

	checkIn time.Time     // when the next registration is due; zero: not
	delay   time.Duration // between registrations that follow each other closely
	last    time.Time     // of the last registration

	session
}

// hello is called when somebody says who it is.
func (c *Core) hello(l *link, h Hello) {
	number := h.System.Number
	if k := l.contact; k != nil {
		k.failure, k.met = "", nil
		c.answered(k)
	}
	if number == c.self.Number {
		if l.contact != nil {
			l.contact.self = true
		}
		c.drop(l, "it is this system itself")
		c.lead()
		return
	}
	if l.contact != nil {
		l.contact.system = number
	}
	if gone, was := c.departed.find(number); was {
		switch {
		case gone.incarnation != h.System.Incarnation:
			c.departed.forget(number)
		case gone.led || l.contact != nil && l.contact.leader:
			c.fence(fmt.Sprintf("this system had lost touch with %s, which leads it", place(h.System)))
			return
		default:
			c.do(Send{l.number, Renew{}})
			c.drop(l, "it was declared lost, and has to begin anew")
			if l.contact != nil {
				l.contact.next = c.now.Add(firstRetry)
			}
			c.connect()
			return
		}
	}
	m := c.members[number]
	if m != nil && m.system.Incarnation != h.System.Incarnation { // firstTime: forget what was (Thespian 3.5 feature D4)
		c.depart(m, "it has begun anew", true)
		c.departed.forget(number)
		m = nil
	}
	if m == nil {
		m = &member{}
		c.members[number] = m
	}
	if old := m.link; old != nil && old != l {
		if !c.prefers(l, old, number) {
			c.drop(l, "there is a connection already")
			return
		}
		c.drop(old, "there is another connection")
	}
	offers := m.system.Capabilities // it says what it offers as it registers: who hears of that is told then
	m.system, m.link, m.heard = h.System, l, c.now
	m.system.Capabilities = offers
	l.member = m
	c.know(m, l.contact)
	if l.contact == nil || h.Of == 0 { // the other side may not have known whom it meets: c.now it is told what was taken before
		c.do(Send{l.number, Ping{m.taken}})
	}
	if h.Of == c.self.Incarnation {
		c.confirm(m, h.Taken)
	}
	m.said = c.now
	for _, u := range m.unconfirmed {
		u.Taken = m.taken
		c.do(Send{l.number, u.Numbered})
	}
	c.wake(c.now.Add(c.timing.Heartbeat))
	switch k := m.contact; {
	case k != nil && k.leader, m.leads:
		m.leads = true
		c.register(m)
	case k != nil && k.invited:
		c.say(m, Invite{})
	}
}

// know notes by which address this system connects to a member.
func (c *Core) know(m *member, k *contact) {
	if k == nil {
		k = c.contacts[m.system.Address]
	}
	if k == nil || k.self {
		return
	}
	k.system = m.system.Number
	c.answered(k)
	if k.leader || k.invited {
		m.contact = k
	}
}

// prefers says which of two connections to a system stays, so that both sides find the same: of those that one side has made the newer, else that of the system with the lower number.
func (c *Core) prefers(l, old *link, other uint64) bool {
	if (l.contact != nil) == (old.contact != nil) {
		return true
	}
	return (l.contact != nil) == (c.self.Number < other)
}

// register registers with a member, or tells it what this system offers now: at once the first time, then not too often. (Thespian 3.5 feature D8.)
func (c *Core) register(m *member) {
	if since := c.now.Sub(m.last); !m.last.IsZero() && since < m.delay {
		m.checkIn = m.last.Add(m.delay)
		c.wake(m.checkIn)
		return
	}
	switch {
	case m.last.IsZero(), c.now.Sub(m.last) > 2*m.delay:
		m.delay = firstRetry
	default:
		m.delay = min(time.Duration(float64(m.delay)*retryGrowth), c.timing.Retry)
	}
	m.last, m.checkIn = c.now, time.Time{}
	if !m.leads {
		c.say(m, Registered{c.self.Capabilities})
		return
	}
	m.checkIn = c.now.Add(m.delay) // until it is answered
	if m.joined {
		m.checkIn = c.now.Add(c.timing.CheckIn)
	}
	c.wake(m.checkIn)
	c.say(m, Register{c.self.Capabilities})
}

// registered is called when a system has registered, or was registered with.
func (c *Core) registered(m *member, capabilities message.Capabilities) {
	again := m.joined
	if again && m.system.Capabilities.Equal(capabilities) {
		return
	}
	m.system.Capabilities = capabilities
	m.joined = true
	c.do(Joined{m.system, again})
	if again {
		return
	}
	if m.leads {
		m.checkIn = c.now.Add(c.timing.CheckIn)
	}
	if m.contact != nil {
		m.contact.reset() // only now: who is refused whenever it registers is not to try without a pause
	}
	c.lead()
}

// deadline returns when something is to be done about a member.
func (c *Core) deadline(m *member) time.Time {
	if m.link == nil {
		if !m.look.IsZero() && m.look.Before(m.broken) {
			return m.look
		}
		return m.broken
	}
	at := m.heard.Add(c.timing.silence())
	if ping := m.said.Add(c.timing.Heartbeat); ping.Before(at) {
		at = ping
	}
	if !m.checkIn.IsZero() && m.checkIn.Before(at) {
		at = m.checkIn
	}
	return at
}

// check looks whether a member lives, and says that this system does.
func (c *Core) check(m *member) {
	switch silence := c.timing.silence(); {
	case m.link == nil && !c.now.Before(m.broken):
		c.depart(m, m.why, false)
	case m.link == nil:
		if !m.look.IsZero() && !c.now.Before(m.look) {
			m.look = time.Time{}
			c.reach(m)
		}
	case !c.now.Before(m.heard.Add(silence)):
		c.depart(m, fmt.Sprintf("nothing was heard of it for %v", silence.Round(time.Millisecond)), false)
	case !m.checkIn.IsZero() && !c.now.Before(m.checkIn):
		c.register(m)
	case !c.now.Before(m.said.Add(c.timing.Heartbeat)):
		c.say(m, Ping{m.taken})
	}
}

// say sends a member a message.
func (c *Core) say(m *member, msg any) {
	if m.link == nil {
		return
	}
	m.said = c.now
	c.do(Send{m.link.number, msg})
}

// depart forgets a member: it has left, or is lost. If it comes back, it has to be another incarnation, as what there was between the two has ended.
func (c *Core) depart(m *member, why string, orderly bool) {
	if m.link != nil {
		c.drop(m.link, why)
	}
	c.forget(m)
	if m.joined {
		c.leave(m, why)
	}
	if k := m.contact; k != nil {
		if orderly { // it would not take a connection in the next moment
			k.next = c.now.Add(firstRetry)
		}
		c.wake(k.next)
	}
	c.lead()
	c.connect()
}

// forget takes a member out of all tables.
func (c *Core) forget(m *member) {
	delete(c.members, m.system.Number)
	delete(c.inviters, m.system.Number)
	c.kept -= m.kept
	m.kept, m.unconfirmed = 0, nil
}

// leave tells of the end of a membership.
func (c *Core) leave(m *member, why string) {
	m.joined = false
	c.departed.add(gone{m.system.Number, m.system.Incarnation, m.leads})
	c.do(Left{System: m.system.Number, Incarnation: m.system.Incarnation, Member: m.system, Why: why})
	c.tellPairs(m.system.Number, why)
}

// lead finds out who leads: the first of the leaders that is there, or who has invited this system.
func (c *Core) lead() {
	leader := c.leads()
	if leader == c.leader {
		return
	}
	c.leader = leader
	c.do(Lead{leader})
	if m := c.members[leader]; m != nil && len(c.distant) > 0 {
		c.post(m, Post{From: c.self.Number, To: leader, Message: Interest{sorted(c.distant)}})
	}
}

func (c *Core) leads() uint64 {
	for _, address := range c.leaders {
		k := c.contacts[address]
		if k.self {
			return c.self.Number
		}
		if m := c.members[k.system]; m != nil && m.joined {
			return k.system
		}
	}
	if len(c.leaders) > 0 {
		return 0
	}
	for _, number := range sorted(c.inviters) {
		if m := c.members[number]; m != nil && m.joined {
			return number
		}
	}
	return c.self.Number
}

// place says for people where a system is.
func place(s System) string {
	if s.Address == "" {
		return fmt.Sprintf("system %v, which only connects to others", s.Admin)
	}
	return "the system at " + s.Address
}

// departed keeps who has left, so that whoever comes back is another incarnation.
type departed struct{ systems []gone }

type gone struct {
	system, incarnation uint64
	led                 bool // it has led this system
}

// maxDeparted bounds it: the oldest ones are forgotten.
const maxDeparted = 16384

func (d *departed) add(g gone) {
	d.forget(g.system)
	if len(d.systems) >= maxDeparted {
		d.systems = slices.Delete(d.systems, 0, maxDeparted/4)
	}
	d.systems = append(d.systems, g)
}

func (d *departed) find(system uint64) (gone, bool) {
	i := slices.IndexFunc(d.systems, func(g gone) bool { return g.system == system })
	if i < 0 {
		return gone{}, false
	}
	return d.systems[i], true
}

func (d *departed) forget(system uint64) {
	d.systems = slices.DeleteFunc(d.systems, func(g gone) bool { return g.system == system })
}
