package convention

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// A contact is an address at which there is, or should be, an Admin that this one connects to: that of a leader, or of a system that was pre-registered.
type contact struct {
	address  string
	leader   bool
	invited  bool // pre-registered
	self     bool // it is this system's own
	probe    bool // it is tried once, to know whether somebody is there still
	dialling bool
	met      *link     // that was dialled, until it is known who is there
	next     time.Time // of the next attempt
	delay    time.Duration
	system   uint64 // who was met there last
	failure  string // of the last attempt; "": it worked
}

func (c *Core) contact(address string) *contact {
	k := c.contacts[address]
	if k == nil {
		k = &contact{address: address}
		c.contacts[address] = k
	}
	return k
}

// release forgets a contact that is not wanted any more.
func (c *Core) release(k *contact) {
	if !k.leader && !k.invited && !k.probe {
		delete(c.contacts, k.address)
	}
}

// answered is called when it is known who is at an address, or that nobody says so. It was tried for nothing else, if it is not wanted.
func (c *Core) answered(k *contact) {
	k.probe = false
	if c.contacts[k.address] == k {
		c.release(k)
	}
}

// reset has the next attempt made at once.
func (k *contact) reset() { k.next, k.delay = time.Time{}, 0 }

// PreRegister has a system invited until it has joined, and again whenever it is lost (Thespian 3.5 feature D6). Its capabilities are what it says itself, as soon as it does.
func (c *Core) PreRegister(now time.Time, address string) []Output {
	c.at(now)
	k := c.contact(address)
	if !k.invited {
		k.invited = true
		k.reset()
	}
	if m := c.members[k.system]; m != nil && m.link != nil {
		m.contact = k
		c.say(m, Invite{})
	}
	c.connect()
	return c.take()
}

// DeRegister takes a pre-registration back. The system is told, and leads itself from then on (Thespian 3.5 feature A19). It reports whether there was one.
func (c *Core) DeRegister(now time.Time, address string) (do []Output, was bool) {
	c.at(now)
	k := c.contacts[address]
	if k == nil || !k.invited {
		return nil, false
	}
	k.invited = false
	if m := c.members[k.system]; m != nil {
		if m.link != nil {
			c.say(m, DeRegister{"it was deregistered"})
		}
		c.depart(m, "it was deregistered", true)
	}
	c.release(k)
	return c.take(), true
}

// AddressOf returns where a system was pre-registered, "" if it was not.
func (c *Core) AddressOf(system uint64) string {
	for _, address := range slices.Sorted(maps.Keys(c.contacts)) {
		if k := c.contacts[address]; k.invited && k.system == system {
			return address
		}
	}
	return ""
}

// Failed is called when a connection could not be made. refused says that nobody is there, for certain.
func (c *Core) Failed(now time.Time, address, why string, refused bool) []Output {
	c.at(now)
	k := c.contacts[address]
	if k == nil {
		return nil
	}
	k.dialling = false
	c.noteFailure(k, why)
	if m := c.members[k.system]; m != nil && m.link == nil && refused {
		c.depart(m, fmt.Sprintf("%s; nobody listens at %s any more", m.why, address), false)
	}
	c.lookLater(k)
	c.answered(k)
	c.lead()
	c.connect()
	return c.take()
}

// lookLater looks once more, soon, whether a member is there whose connection broke: a process that ends is reached for a moment, though it says nothing any more.
func (c *Core) lookLater(k *contact) {
	if m := c.members[k.system]; m != nil && m.link == nil && !m.looked {
		m.looked, m.look = true, c.now.Add(lookAgain)
		c.wake(m.look)
	}
}

// noteFailure says why somebody is not met at an address, once.
func (c *Core) noteFailure(k *contact, why string) {
	if why != k.failure {
		c.do(Note{"no connection to another system: " + why, k.address})
	}
	k.failure = why
}

// connect dials whom there should be a connection to.
func (c *Core) connect() {
	if c.fencing || c.left {
		return
	}
	for _, address := range slices.Sorted(maps.Keys(c.contacts)) {
		k := c.contacts[address]
		m := c.members[k.system]
		if k.self || k.dialling || !k.leader && !k.invited || k.met != nil || m != nil && m.link != nil {
			continue
		}
		if c.now.Before(k.next) {
			c.wake(k.next)
			continue
		}
		c.dial(k)
	}
}

func (c *Core) dial(k *contact) {
	k.dialling = true
	if k.delay == 0 {
		k.delay = firstRetry
	} else {
		k.delay = time.Duration(float64(k.delay) * retryGrowth)
	}
	k.delay = min(k.delay, c.timing.Retry)
	k.next = c.now.Add(k.delay)
	c.do(Dial{k.address})
}

// reach looks at once whether a member is still there whose connection broke.
func (c *Core) reach(m *member) {
	if m.contact != nil {
		m.contact.reset()
		return
	}
	if m.system.Address == "" || c.fencing || c.left {
		return
	}
	if k := c.contact(m.system.Address); !k.dialling {
		k.probe, k.system = true, m.system.Number
		c.dial(k)
	}
}

// A Contact is what there is to say of an address that this system connects to.
type Contact struct {
	Address                string
	Leader, Invited, Alive bool
	System                 uint64
	Failure                string
}

// Contacts lists the addresses that this system connects to, and how it goes.
func (c *Core) Contacts() []Contact {
	var all []Contact
	for _, address := range slices.Sorted(maps.Keys(c.contacts)) {
		k := c.contacts[address]
		m := c.members[k.system]
		all = append(all, Contact{k.address, k.leader, k.invited, k.self || m != nil && m.joined, k.system, k.failure})
	}
	return all
}

// Members lists the systems that this one is in touch with.
func (c *Core) Members() []System {
	var all []System
	for _, m := range c.everyone() {
		if m.joined {
			all = append(all, m.system)
		}
	}
	return all
}

// Self returns this system, in its present incarnation.
func (c *Core) Self() System { return c.self }

// Member returns a system that this one is in touch with.
func (c *Core) Member(system uint64) (System, bool) {
	m := c.members[system]
	if m == nil || !m.joined {
		return System{}, false
	}
	return m.system, true
}

// Leader returns the number of the system that leads: this one's own when it does, 0 when none is reached.
func (c *Core) Leader() uint64 { return c.leader }

// Heard returns when something was last heard of a member.
func (c *Core) Heard(system uint64) time.Time {
	if m := c.members[system]; m != nil {
		return m.heard.Add(-c.ahead)
	}
	return time.Time{}
}
