package convention_test

import (
	"cmp"
	"container/heap"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"thespian.dev/address"
	"thespian.dev/address/record"
	"thespian.dev/convention"
	"thespian.dev/message"
)

// A world is systems, the network between them and the time, all in one goroutine: what happens follows from the seed.
type world struct {
	now     time.Time
	events  events
	serial  uint64
	random  *rand.Rand
	systems map[string]*system
	order   []*system
	at      map[string]*system           // by address
	hidden  map[string]bool              // addresses to which no way leads
	said    map[[2]*system]func()        // what one has said to another last, to say it again
	late    map[[2]*system]time.Duration // by how much the next message from one to another is late
	cut     map[[2]string]bool
	links   map[uint64]*cable
	names   map[uint64]string
	latency time.Duration
	jitter  time.Duration
	timing  convention.Timing

	log     func(line string) // nil: nothing is written down
	counted time.Time         // since when traffic is
}

// A system is a core and what it has told its shell.
type system struct {
	world   *world
	name    string
	outward bool          // nobody can connect to it
	clock   time.Duration // by how much it is fast
	number  uint64
	core    *convention.Core
	paused  bool
	held    []func()
	tickAt  time.Time

	members   map[uint64]bool
	doubled   int // notifications that said what was known
	leader    uint64
	delivered []string
	fences    int
	began     time.Time
	said      int
	received  int
	dialled   int
}

// A cable is a connection.
type cable struct {
	ends   [2]*system
	dials  string // the address that the first end has dialled
	closed bool   // no more is sent
	reset  bool   // nor does arrive what was
	opened [2]bool
}

type event struct {
	at     time.Time
	serial uint64
	do     func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return cmp.Or(e[i].at.Compare(e[j].at), cmp.Compare(e[i].serial, e[j].serial)) < 0
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newWorld(seed uint64) *world {
	return &world{
		now: epoch, random: rand.New(rand.NewPCG(seed, seed)), systems: make(map[string]*system), at: make(map[string]*system), hidden: make(map[string]bool),
		said: make(map[[2]*system]func()), late: make(map[[2]*system]time.Duration), cut: make(map[[2]string]bool),
		links: make(map[uint64]*cable), names: make(map[uint64]string), latency: time.Millisecond,
	}
}

func (w *world) after(d time.Duration, do func()) {
	w.serial++
	heap.Push(&w.events, event{w.now.Add(d), w.serial, do})
}

// run lets time pass.
func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	for len(w.events) > 0 && !w.events[0].at.After(end) {
		e := heap.Pop(&w.events).(event)
		w.now = e.at
		e.do()
	}
	w.now = end
}

func (w *world) delay() time.Duration {
	if w.jitter == 0 {
		return w.latency
	}
	return w.latency + time.Duration(w.random.Int64N(int64(w.jitter)))
}

func (w *world) printf(s *system, format string, args ...any) {
	if w.log != nil {
		w.log(fmt.Sprintf("%7.3f %s %s", w.now.Sub(epoch).Seconds(), s.name, fmt.Sprintf(format, args...)))
	}
}

// start starts a system, at one address or, behind commas, at several, of which it tells the first. One of the same name that was there is another one.
func (w *world) start(name, at string, leaders []string, capabilities message.Capabilities) *system {
	w.serial++
	addresses := strings.Split(at, ",")
	at = addresses[0]
	s := &system{world: w, name: name, number: w.serial, began: w.now, members: make(map[uint64]bool)}
	s.outward = at == ""
	w.systems[name] = s
	w.names[s.number] = name
	w.order = append(w.order, s)
	if !s.outward {
		for _, address := range addresses {
			w.at[address] = s
		}
	}
	self := convention.System{Number: s.number, Admin: address.Of(record.Intern(record.ID{System: s.number, Process: 1, Counter: 1})), Address: at, Capabilities: capabilities}
	core, do := convention.New(w.now, convention.Options{Self: self, Leaders: leaders, Timing: w.timing, Number: func() uint64 {
		w.serial++
		return w.serial
	}})
	s.core = core
	s.perform(do)
	return s
}

// kill ends a system at once: its connections break.
func (w *world) kill(s *system) {
	w.forget(s)
	w.breakAll(func(c *cable) bool { return c.ends[0] == s || c.ends[1] == s }, s)
}

// breakAll breaks connections.
func (w *world) breakAll(which func(*cable) bool, by *system) {
	for _, number := range slices.Sorted(maps.Keys(w.links)) {
		if c := w.links[number]; which(c) {
			c.reset = true
			w.sever(number, c, by, "connection reset")
		}
	}
}

func (w *world) forget(s *system) {
	if w.systems[s.name] == s {
		delete(w.systems, s.name)
	}
	maps.DeleteFunc(w.at, func(_ string, at *system) bool { return at == s })
	w.order = slices.DeleteFunc(w.order, func(o *system) bool { return o == s })
	s.core = nil
}

// sever ends a connection. Whoever is not its cause is told.
func (w *world) sever(number uint64, c *cable, by *system, why string) {
	if c.closed {
		return
	}
	c.closed = true
	delete(w.links, number)
	for i, end := range c.ends {
		if end != by && c.opened[i] {
			w.after(w.latency, func() { end.input(func() []convention.Output { return end.core.Closed(end.now(), number, why) }) })
		}
	}
}

func (w *world) separated(a, b *system) bool { return w.cut[pairOf(a, b)] }

func pairOf(a, b *system) [2]string { return [2]string{min(a.name, b.name), max(a.name, b.name)} }

// now is the time on a system's clock.
func (s *system) now() time.Time { return s.world.now.Add(s.clock) }

// input gives the core something to do, later if the machine stands still.
func (s *system) input(call func() []convention.Output) {
	switch {
	case s.core == nil:
	case s.paused:
		s.held = append(s.held, func() { s.input(call) })
	default:
		s.perform(call())
	}
}

// pause has a machine stand still for a while.
func (s *system) pause(d time.Duration) {
	s.paused = true
	s.world.after(d, func() {
		s.paused = false
		held := s.held
		s.held = nil
		for _, do := range held {
			do()
		}
	})
}

func (s *system) perform(outputs []convention.Output) {
	w := s.world
	for _, o := range outputs {
		switch o := o.(type) {
		case convention.Dial:
			s.dialled++
			w.printf(s, "dials %s", o.Address)
			w.dial(s, o.Address)
		case convention.Send:
			s.said++
			if _, ping := o.Message.(convention.Ping); !ping {
				w.printf(s, "says %s to %s", describe(o.Message), w.other(o.Link, s))
			}
			w.send(s, o.Link, o.Message)
		case convention.Drop:
			w.printf(s, "closes the connection to %s: %s", w.other(o.Link, s), o.Why)
			if c := w.links[o.Link]; c != nil {
				w.sever(o.Link, c, s, "closed by the other side")
			}
		case convention.Joined:
			known := s.members[o.System.Number]
			if known != o.Again {
				s.doubled++
			}
			s.members[o.System.Number] = true
			again := ""
			if o.Again {
				again = " again"
			}
			w.printf(s, "knows%s: %s has joined%s", again, w.name(o.System.Number), offers(o.System.Capabilities))
		case convention.Left:
			if o.Incarnation != 0 {
				if !s.members[o.System] {
					s.doubled++
				}
				delete(s.members, o.System)
			}
			w.printf(s, "knows: %s is gone: %s", w.name(o.System), o.Why)
		case convention.Deliver:
			s.delivered = append(s.delivered, fmt.Sprint(o.Message))
			w.printf(s, "gets %v from %s", o.Message, w.name(o.From))
		case convention.Lead:
			s.leader = o.System
			w.printf(s, "is led by %s", w.name(o.System))
		case convention.Fence:
			s.fences++
			s.members = make(map[uint64]bool)
			w.printf(s, "begins anew: %s", o.Why)
			w.after(10*time.Millisecond, func() { s.input(func() []convention.Output { return s.core.Fenced(s.now()) }) })
		case convention.Note:
			w.printf(s, "notes: %s (%s)", o.Text, o.Address)
		}
	}
	at, any := s.core.Next()
	if any && !at.Equal(s.tickAt) {
		s.tickAt = at
		w.after(max(0, at.Sub(s.now())), func() {
			if s.tickAt.Equal(at) {
				s.input(func() []convention.Output { s.tickAt = time.Time{}; return s.core.Tick(s.now()) })
			}
		})
	}
}

func (w *world) dial(s *system, to string) {
	w.after(w.delay(), func() {
		other := w.at[to]
		if other == nil || w.separated(s, other) || w.hidden[to] {
			why, refused := "connection refused", true
			if other != nil || w.hidden[to] {
				why, refused = "no route to host", false
			}
			w.after(w.latency, func() {
				s.input(func() []convention.Output { return s.core.Failed(s.now(), to, why, refused) })
			})
			return
		}
		w.serial++
		number, c := w.serial, &cable{ends: [2]*system{s, other}, dials: to}
		w.links[number] = c
		for i, end := range c.ends {
			dialled := ""
			if i == 0 {
				dialled = to
			}
			w.after(0, func() {
				end.input(func() []convention.Output {
					if c.closed {
						if dialled != "" {
							return end.core.Failed(end.now(), to, "the connection broke", false)
						}
						return nil
					}
					c.opened[i] = true
					return end.core.Opened(end.now(), number, dialled)
				})
			})
		}
	})
}

func (w *world) send(from *system, number uint64, msg any) {
	c := w.links[number]
	if c == nil {
		return
	}
	to := c.ends[0]
	if to == from {
		to = c.ends[1]
	}
	if c.ends[0] == c.ends[1] {
		to = from
	}
	arrive := func() {
		if c.reset || w.separated(from, to) || w.hidden[c.dials] {
			return
		}
		to.received++
		to.input(func() []convention.Output { return to.core.Received(to.now(), number, msg) })
	}
	way := [2]*system{from, to}
	if w.log != nil {
		w.said[way] = arrive
	}
	late := w.late[way]
	delete(w.late, way)
	w.after(w.latency+late, arrive)
}

func (w *world) other(number uint64, s *system) string {
	c := w.links[number]
	switch {
	case c == nil:
		return "nobody"
	case c.ends[0] == s:
		return c.ends[1].name
	}
	return c.ends[0].name
}

func (w *world) name(number uint64) string {
	if number == 0 {
		return "nobody"
	}
	return w.names[number]
}

func describe(msg any) string {
	switch m := msg.(type) {
	case convention.Numbered:
		return fmt.Sprintf("Post %v", m.Post.Message)
	case convention.Hello:
		return "Hello"
	case convention.Register:
		return "Register" + offers(m.Capabilities)
	case convention.Registered:
		return "Registered" + offers(m.Capabilities)
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", msg), "convention.")
}

func offers(c message.Capabilities) string {
	if len(c) == 0 {
		return ""
	}
	return fmt.Sprintf(" with %v", c)
}
