package admin

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"thespian.dev/address"
	"thespian.dev/message"
)

// admit adds a process.
func (c *Core) admit(number uint64) *process {
	p := &process{number: number, actors: make(map[address.Address]*entry), asks: make(map[*entry]int), related: make(map[uint64]*process)}
	c.processes[p.number] = p
	return p
}

func (c *Core) welcome(p *process) {
	o := &c.options
	c.tell(p, Welcome{
		System: o.System, Process: p.number, Admin: o.Admin, AdminProcess: o.Process, AdminEndpoint: o.Endpoint, Base: o.Base, Key: o.Key, Listen: o.Listen, LowestPort: o.LowestPort, HighestPort: o.HighestPort, Limits: o.Limits, Credentials: o.Outside.Credentials.Mark(),
		Capabilities: c.offers, Handlers: c.deadLetterHandlers(), Shared: p.shared,
	})
}

// announce notes what a process is.
func (c *Core) announce(p *process, m Announce) {
	if p.endpoint != "" {
		return // it said so before
	}
	if failure := c.suits(p, m); failure != (Failure{}) {
		if p.program && !c.known(m.Build) {
			c.do(Discard{m.Build})
		}
		c.tell(p, Done{m.Request, failure})
		return
	}
	if p.program {
		p.build, p.lifetime = c.learn(m), m.Lifetime
	}
	p.endpoint, p.pid = m.Endpoint, m.PID
	c.tell(p, Done{Request: m.Request})
	for _, seeker := range p.seekers {
		if c.processes[seeker.number] == seeker {
			c.tell(seeker, Located{Process: p.number, Endpoint: p.endpoint})
		}
	}
	p.seekers = nil
	if p.build != nil && slices.Contains(p.build.pool, p) {
		c.prepare(p)
	}
}

// suits compares what a process brings along, and what a program expects of the system, with what that is.
func (c *Core) suits(p *process, m Announce) Failure {
	switch {
	case m.Endpoint == "":
		return fail(CodeFailed, "a process without an endpoint cannot be reached")
	case !p.program:
		return Failure{}
	case c.closing && !m.Attach:
		return fail(CodeShutdown, "the system is being shut down")
	}
	if err := startable(m.Kinds); err != nil {
		return fail(CodeFailed, "%v", err)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Capabilities)) {
		want := m.Capabilities[name]
		have, there := c.offers[name]
		if there && (message.Capabilities{name: want}).Equal(message.Capabilities{name: have}) {
			continue
		}
		running := fmt.Sprintf("with %s: %v", name, have)
		if !there {
			running = "without " + name
		}
		return fail(CodeFailed, "the system is running %s, this program wants %v: leave it out of the options, change it with UpdateCapability, or start another system with another \"Admin Port\"", running, want)
	}
	return Failure{}
}

// launch starts a host.
func (c *Core) launch(b *build, title string, shared bool) *process {
	p := c.admit(c.options.Number())
	p.build, p.shared = b, shared
	b.hosts++
	c.do(Launch{Process: p.number, Build: b.name, Title: title})
	c.welcome(p)
	return p
}

// relate has each of two processes told of the end of the other.
func relate(a, b *process) {
	if a != b {
		a.related[b.number] = b
		b.related[a.number] = a
	}
}

func (c *Core) locate(p *process, m Locate) {
	if m.System != 0 && m.System != c.options.System {
		c.seek(p, m)
		return
	}
	other := c.processes[m.Process]
	switch {
	case other == nil:
		c.tell(p, Gone{Process: m.Process, Reason: c.graves.reason(m.Process)})
	case other.endpoint == "": // others were sooner to speak of it than it was itself
		relate(p, other)
		other.seekers = append(other.seekers, p)
	default:
		relate(p, other)
		c.tell(p, Located{Process: m.Process, Endpoint: other.endpoint})
	}
}

// Gone is called when a process has ended, after all that it had said, or when it could not be launched. The reason says how.
func (c *Core) Gone(now time.Time, number uint64, reason string) []Output {
	p := c.processes[number]
	if p == nil {
		return nil
	}
	if p.failure != "" {
		reason = "its process could not become a part of the system: " + p.failure
	}
	delete(c.processes, number)
	c.graves.bury(number, reason)
	if c.finished {
		return nil
	}
	c.forgetAsker(p) // first: it may have asked for what ends with it
	for _, e := range sorted(maps.Values(p.actors)) {
		c.remove(e, fail(CodeFailed, "%s", reason))
	}
	for _, b := range c.builds {
		b.takers = slices.DeleteFunc(b.takers, func(taker *process) bool { return taker == p })
	}
	if p.build != nil {
		p.build.lost(p)
		c.rest(p.build)
	}
	for _, number := range slices.Sorted(maps.Keys(p.related)) {
		other := p.related[number]
		delete(other.related, p.number)
		c.tell(other, Gone{Process: p.number, Reason: reason})
	}
	c.forgetHandlers(p)
	c.forgetAbroad(p, reason)
	c.missing(p)
	if p.lifetime {
		c.shutdown(now, DefaultGrace)
	}
	c.finishIfEmpty()
	return c.take()
}

// forgetAsker takes a process out of all that wait for answers.
func (c *Core) forgetAsker(p *process) {
	of := func(a asker) bool { return a.process == p }
	for _, e := range sorted(maps.Keys(p.asks)) {
		if e.askers = slices.DeleteFunc(e.askers, of); len(e.askers) == 0 && e.run.Name == "" && e.run.Parent == c.options.Admin && !e.adopted && !e.host.shared && e.host != p {
			c.tell(e.host, Exit{}) // nobody would ever know of the actor
		}
	}
	p.asks = nil
	for id, q := range c.queries {
		if of(q.asker) {
			delete(c.queries, id)
		}
	}
	c.waiting = slices.DeleteFunc(c.waiting, of)
}
