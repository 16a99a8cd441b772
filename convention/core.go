package convention

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"thespian.dev/message"
)

// Options are what a [Core] is made with.
type Options struct {
	// Self is this system, in its first incarnation if none is given.
	Self System
	// Leaders are the addresses of those that lead the convention, in the order in which they do (Thespian 3.5 feature D9); its own may be among them. None: this system leads whoever
	// comes.
	Leaders []string
	Timing  Timing
	// Number draws the number of a new incarnation. It never returns one twice.
	Number func() uint64
	// Size returns how many bytes a message takes, which bounds what others can have this system keep, or why it cannot be sent. Nil: messages take none.
	Size func(message any) (int, error)
}

// A Core decides. It is not safe for concurrent use: the shell calls one method after the other, and does what it returns.
type Core struct {
	self   System
	timing Timing
	number func() uint64
	size   func(any) (int, error)
	now    time.Time     // of the present call
	ahead  time.Duration // by how much that is ahead of the shell's clock, which went back

	contacts map[string]*contact
	leaders  []string
	links    map[uint64]*link
	members  map[uint64]*member
	inviters map[uint64]struct{} // members that have invited this system
	departed departed
	distant  map[uint64]struct{}            // systems that this one reaches by way of its leader
	pairs    map[uint64]map[uint64]struct{} // who talks through this system to whom, and is told of its end
	kept     int                            // how many bytes wait to be confirmed, by all members

	leader  uint64
	fencing bool // what crosses the cut ends; no connection is made meanwhile
	left    bool
	due     time.Time // when Tick has something to do at the earliest; zero: never
	out     []Output
}

// An Output is something that the shell has to do, or has to know: one of the types below.
type Output interface{ output() }

type (
	// Dial asks for a connection to the Admin at an address. [Core.Opened] or [Core.Failed] tells of it.
	Dial struct{ Address string }

	// Send sends a message on a connection.
	Send struct {
		Link    uint64
		Message any
	}

	// Drop closes a connection, once all is written that was sent on it. [Core.Closed] is not called for it.
	Drop struct {
		Link uint64
		Why  string
	}

	// Joined says that a system has joined, or, again, what it offers now.
	Joined struct {
		System System
		Again  bool
	}

	// Left says that a system has left or was lost. It may not have been a member, but one that is reached by way of the leader.
	Left struct {
		System      uint64
		Incarnation uint64 // 0 if it was not a member
		Member      System
		Why         string
	}

	// Deliver hands over a message of another system's Admin to this one's.
	Deliver struct {
		From    uint64
		Message any
	}

	// Refused says that a message of this system's Admin cannot be sent to another's, and why: nothing of it was, and what there is between the two goes on.
	Refused struct {
		To      uint64
		Message any
		Why     string
	}

	// Lead says which system leads now: its number, this system's own, or 0 for none.
	Lead struct{ System uint64 }

	// Fence has all ended that this system has to do with others: it was declared lost, or has lost what leads it. It is another incarnation from then on. [Core.Fenced] is called
	// when it is done.
	Fence struct {
		Incarnation uint64
		Why         string
	}

	// Note is something that people may want to know.
	Note struct {
		Text    string
		Address string
	}
)

func (Dial) output()    {}
func (Send) output()    {}
func (Drop) output()    {}
func (Joined) output()  {}
func (Left) output()    {}
func (Deliver) output() {}
func (Refused) output() {}
func (Lead) output()    {}
func (Fence) output()   {}
func (Note) output()    {}

// A link is a connection.
type link struct {
	number  uint64
	contact *contact // that was dialled; nil: the other side has
	member  *member  // nil until it has said who it is
	until   time.Time
}

// New returns the core of a system, and what it does first.
func New(now time.Time, o Options) (*Core, []Output) {
	c := &Core{
		self: o.Self, timing: o.Timing.complete(), number: o.Number, size: o.Size,
		contacts: make(map[string]*contact), links: make(map[uint64]*link), members: make(map[uint64]*member), inviters: make(map[uint64]struct{}),
		distant: make(map[uint64]struct{}), pairs: make(map[uint64]map[uint64]struct{}),
	}
	c.self.Incarnation = cmp.Or(c.self.Incarnation, c.self.Number)
	if c.size == nil {
		c.size = func(any) (int, error) { return 0, nil }
	}
	return c, c.SetLeaders(now, o.Leaders)
}

// Follow is [Core.SetLeaders] for somebody's decision: the system says goodbye to a leader that is none any more.
func (c *Core) Follow(now time.Time, addresses []string) []Output {
	c.at(now)
	for _, address := range c.leaders {
		k := c.contacts[address]
		if slices.Contains(addresses, address) || k.invited {
			continue
		}
		if m := c.members[k.system]; m != nil && m.leads {
			if m.link != nil {
				c.say(m, DeRegister{"it follows another leader"})
			}
			c.depart(m, "this system follows another leader", true)
		}
	}
	return c.SetLeaders(now, addresses)
}

// SetLeaders says where the leaders are, when that has changed, as a name has other addresses. This system stays with one that it has joined.
func (c *Core) SetLeaders(now time.Time, addresses []string) []Output {
	c.at(now)
	for _, address := range c.leaders {
		if !slices.Contains(addresses, address) {
			c.contacts[address].leader = false
			c.release(c.contacts[address])
		}
	}
	c.leaders = nil
	for _, address := range addresses {
		if slices.Contains(c.leaders, address) {
			continue
		}
		c.leaders = append(c.leaders, address)
		k := c.contact(address)
		k.leader = true
		if address == c.self.Address {
			k.self = true
		}
	}
	c.connect()
	c.lead()
	return c.take()
}

// Opened is called when a connection is there: to the address that was dialled, or, if that is "", one that somebody else has made.
func (c *Core) Opened(now time.Time, number uint64, dialled string) []Output {
	c.at(now)
	l := &link{number: number, until: c.now.Add(c.timing.silence())}
	if dialled != "" {
		k := c.contact(dialled)
		k.dialling, k.probe = false, !k.leader && !k.invited
		l.contact = k
	}
	if c.left || c.fencing {
		c.do(Drop{number, "this system takes no connections at the moment"})
		if l.contact != nil {
			c.answered(l.contact)
		}
		return c.take()
	}
	c.links[number] = l
	if l.contact != nil {
		l.contact.met = l
	}
	c.greet(l)
	c.wake(l.until)
	return c.take()
}

// greet says hello. Who is at the other end of a connection that it made itself may be known from before.
func (c *Core) greet(l *link) {
	hello := Hello{System: c.self}
	if l.contact != nil {
		if m := c.members[l.contact.system]; m != nil {
			hello.Of, hello.Taken = m.system.Incarnation, m.taken
		}
	}
	c.do(Send{l.number, hello})
}

// Received is called with what came over a connection. What makes no sense is ignored.
func (c *Core) Received(now time.Time, number uint64, msg any) []Output {
	c.at(now)
	l := c.links[number]
	if l == nil || c.left {
		return nil
	}
	m := l.member
	if why := c.senseless(m, msg); why != "" {
		if m != nil {
			c.depart(m, why, false)
		} else {
			c.drop(l, why)
		}
		return c.take()
	}
	if m == nil {
		c.hello(l, msg.(Hello))
		return c.take()
	}
	m.heard = c.now
	switch body := msg.(type) {
	case Register:
		c.registered(m, body.Capabilities)
		c.say(m, Registered{c.self.Capabilities})
	case Registered:
		c.registered(m, body.Capabilities)
	case Invite:
		if !m.leads {
			m.leads = true
			c.inviters[m.system.Number] = struct{}{}
			c.lead() // it may have registered before
			c.register(m)
		}
	case DeRegister:
		c.depart(m, cmp.Or(body.Why, "it has left"), true)
	case Renew:
		c.fence("this system was declared lost by another one")
	case Ping:
		c.confirm(m, body.Taken)
	case Numbered:
		c.numbered(m, body)
	}
	return c.take()
}

// maxCapabilities is how many bytes a message may take that says who a system is, or what it offers: all who know the system keep that.
const maxCapabilities = message.MaxCapabilities + 64<<10

// senseless returns why nobody would say that who keeps to the protocol, "" if somebody might. A stranger has no member yet.
func (c *Core) senseless(m *member, msg any) string {
	hello, greets := msg.(Hello)
	_, posts := msg.(Numbered)
	switch {
	case greets && m != nil:
		return "it has said twice who it is"
	case greets && (hello.System.Number == 0 || hello.System.Incarnation == 0):
		return "it has no number"
	case !greets && m == nil:
		return "it did not say who it is"
	case posts && !m.joined:
		return "it has not registered" // its end would not be told
	}
	var offers message.Capabilities
	switch body := msg.(type) {
	case Hello:
	case Register:
		offers = body.Capabilities
	case Registered:
		offers = body.Capabilities
	default:
		return ""
	}
	if size, _ := c.size(msg); size > maxCapabilities {
		return fmt.Sprintf("what it says of itself has %d bytes, the limit is %d", size, maxCapabilities)
	}
	if err := offers.Validate(); err != nil {
		return "what it offers cannot be: " + err.Error()
	}
	return ""
}

// Closed is called when a connection has ended.
func (c *Core) Closed(now time.Time, number uint64, why string) []Output {
	c.at(now)
	l := c.links[number]
	if l == nil {
		return nil
	}
	c.unlink(l)
	if l.contact != nil && l.member == nil {
		c.noteFailure(l.contact, why) // the other side may not have wanted this system's certificate
		c.lookLater(l.contact)
	}
	if m := l.member; m != nil && m.link == nil {
		if m.joined {
			m.broken = c.now.Add(c.timing.Grace)
			m.why = why
			m.looked, m.look = false, time.Time{}
			c.wake(m.broken)
			c.reach(m)
		} else {
			c.forget(m)
		}
	}
	c.connect()
	return c.take()
}

// SetCapabilities is called when this system offers something else.
func (c *Core) SetCapabilities(now time.Time, capabilities message.Capabilities) []Output {
	c.at(now)
	c.self.Capabilities = capabilities
	for _, m := range c.everyone() {
		if m.joined && m.link != nil {
			c.register(m)
		}
	}
	return c.take()
}

// Leave says goodbye to all, for ever. (Thespian 3.5 feature D5.)
func (c *Core) Leave(now time.Time) []Output {
	c.at(now)
	for _, m := range c.everyone() {
		if m.link != nil {
			c.say(m, DeRegister{"it was shut down"})
		}
	}
	for _, number := range slices.Sorted(maps.Keys(c.links)) {
		c.drop(c.links[number], "the system ends")
	}
	c.left = true
	return c.take()
}

// Fenced is called when what crossed the cut has ended.
func (c *Core) Fenced(now time.Time) []Output {
	c.at(now)
	if !c.fencing {
		return nil
	}
	c.fencing = false
	for _, k := range c.contacts {
		k.reset()
	}
	c.connect()
	return c.take()
}

// fence begins another incarnation of this system.
func (c *Core) fence(why string) {
	if c.fencing {
		return
	}
	for _, m := range c.everyone() {
		if m.joined {
			c.leave(m, why)
		}
		c.forget(m)
	}
	for _, number := range slices.Sorted(maps.Keys(c.links)) {
		c.drop(c.links[number], "this system begins anew")
	}
	c.forgetDistant(why)
	c.departed = departed{} // whoever they lost was another one
	c.self.Incarnation = c.number()
	c.fencing = true
	c.do(Fence{c.self.Incarnation, why})
	c.lead()
}

// at is called with the time of each call. When it goes back, all goes on as if it had stood still for a moment: what is due would be so later and later.
func (c *Core) at(now time.Time) {
	if back := c.now.Sub(now.Add(c.ahead)); back > 0 {
		c.ahead += back
	}
	c.now = now.Add(c.ahead)
}

// Next returns when Tick is to be called, if at all. If the times that the core is given have a monotonic reading, this one has, too.
func (c *Core) Next() (at time.Time, any bool) {
	if c.due.IsZero() {
		return time.Time{}, false
	}
	return c.due.Add(-c.ahead), true
}

// quantum is how exact times are: much may be due at nearly the same time.
const quantum = 50 * time.Millisecond

// wake has Tick called, not before the time and not much later.
func (c *Core) wake(at time.Time) {
	if at.Before(c.now) {
		at = c.now
	}
	if over := at.Sub(at.Truncate(quantum)); over > 0 { // what Truncate returns has lost the monotonic reading
		at = at.Add(quantum - over)
	}
	if c.due.IsZero() || at.Before(c.due) {
		c.due = at
	}
}

// Tick is called when the time that Next returned has come.
func (c *Core) Tick(now time.Time) []Output {
	c.at(now)
	if c.left {
		c.due = time.Time{}
		return nil
	}
	late := !c.due.IsZero() && c.now.Sub(c.due) > c.timing.Heartbeat
	c.due = time.Time{}
	var silent []uint64
	for number, l := range c.links {
		if l.member == nil {
			silent = c.collect(silent, number, l.until)
		}
	}
	slices.Sort(silent)
	for _, number := range silent {
		c.drop(c.links[number], "it did not say who it is")
	}
	var awaited []uint64
	for number, m := range c.members {
		if late { // this machine stood still: what the others have said meanwhile is not read yet
			m.heard = c.now
			if m.link == nil {
				m.broken = c.now.Add(c.timing.Grace)
			}
		}
		awaited = c.collect(awaited, number, c.deadline(m))
	}
	slices.Sort(awaited)
	for _, number := range awaited {
		if m := c.members[number]; m != nil {
			c.check(m)
			c.wake(c.deadline(m))
		}
	}
	c.connect()
	return c.take()
}

// collect appends a number for which something is due.
func (c *Core) collect(to []uint64, number uint64, at time.Time) []uint64 {
	if c.now.Before(at) {
		c.wake(at)
		return to
	}
	return append(to, number)
}

func (c *Core) everyone() []*member {
	all := make([]*member, 0, len(c.members))
	for _, number := range slices.Sorted(maps.Keys(c.members)) {
		all = append(all, c.members[number])
	}
	return all
}

// unlink forgets a connection.
func (c *Core) unlink(l *link) {
	delete(c.links, l.number)
	if k := l.contact; k != nil {
		if k.met == l {
			k.met = nil
		}
		c.answered(k)
	}
	if l.member != nil && l.member.link == l {
		l.member.link = nil
	}
}

func (c *Core) drop(l *link, why string) {
	c.unlink(l)
	c.do(Drop{l.number, why})
}

func (c *Core) do(o Output) { c.out = append(c.out, o) }

func (c *Core) take() []Output {
	out := c.out
	c.out = nil
	return out
}
