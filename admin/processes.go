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
	p := &process{number: number, actors: make(map[address.Address]*entry), related: make(map[uint64]*process)}
	c.processes[p.number] = p
	return p
}

func (c *Core) welcome(p *process) {
	o := &c.options
	c.tell(p, Welcome{
		System: o.System, Process: p.number, Admin: o.Admin, AdminProcess: o.Process, AdminEndpoint: o.Endpoint, Base: o.Base, Key: o.Key, Listen: o.Listen, LowestPort: o.LowestPort, HighestPort: o.HighestPort, Limits: o.Limits,
		Capabilities: c.offers, Handlers: c.deadLetterHandlers(), Shared: p.shared,
	})
}

// announce notes what a process is.
func (c *Core) announce(p *process, m Announce) {
	if p.endpoint != "" {
		return // it said so before
	}
	if m.Endpoint == "" {
		c.tell(p, Done{m.Request, fail(CodeFailed, "a process without an endpoint cannot be reached")})
		return
	}
	if p.program {
		if c.closing && !m.Attach {
			c.tell(p, Done{m.Request, fail(CodeShutdown, "the system is being shut down")})
			return
		}
		if failure := c.suits(m); failure != (Failure{}) {
			c.tell(p, Done{m.Request, failure})
			return
		}
		p.build, p.lifetime = c.learn(m), m.Lifetime
	}
	p.endpoint, p.pid = m.Endpoint, m.PID
	c.tell(p, Done{Request: m.Request})
}

// suits compares what a program brings along, and what it expects of the system, with what that is.
func (c *Core) suits(m Announce) Failure {
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

// learn returns the build of a program, which becomes the newest.
func (c *Core) learn(m Announce) *build {
	i := slices.IndexFunc(c.builds, func(b *build) bool { return b.name == m.Build })
	var b *build
	if i >= 0 {
		b = c.builds[i]
		c.builds = slices.Delete(c.builds, i, i+1)
	} else {
		b = &build{name: m.Build, kinds: make(map[string]Kind)}
		for _, k := range m.Kinds {
			b.kinds[k.Name] = k
		}
	}
	c.builds = append(c.builds, b)
	return b
}

// buildOf returns the build that runs the kind: the creator's own if it can, else the newest that does.
func (c *Core) buildOf(kind string, own *build) (*build, Kind) {
	if own != nil {
		if k, ok := own.kinds[kind]; ok {
			return own, k
		}
	}
	for _, b := range slices.Backward(c.builds) {
		if k, ok := b.kinds[kind]; ok {
			return b, k
		}
	}
	return nil, Kind{}
}

// launch starts a host.
func (c *Core) launch(b *build, title string, shared bool) *process {
	p := c.admit(c.options.Number())
	p.build, p.shared = b, shared
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

func (c *Core) locate(p *process, number uint64) {
	other := c.processes[number]
	switch {
	case other == nil:
		c.tell(p, Gone{number, c.graves.reason(number)})
	default:
		relate(p, other)
		c.tell(p, Located{number, other.endpoint})
	}
}

// Gone is called when a process has ended, after all that it had said, or when it could not be launched. The reason says how.
func (c *Core) Gone(now time.Time, number uint64, reason string) []Output {
	p := c.processes[number]
	if p == nil {
		return nil
	}
	delete(c.processes, number)
	c.graves.bury(number, reason)
	if c.finished {
		return nil
	}
	c.forgetAsker(p) // first: it may have asked for what ends with it
	for _, e := range sorted(p.actors) {
		c.remove(e, fail(CodeFailed, "%s", reason))
	}
	if b := p.build; b != nil {
		if b.shared == p {
			b.shared = nil
		}
		b.pool = slices.DeleteFunc(b.pool, func(other *process) bool { return other == p })
	}
	for _, number := range slices.Sorted(maps.Keys(p.related)) {
		other := p.related[number]
		delete(other.related, p.number)
		c.tell(other, Gone{p.number, reason})
	}
	c.forgetHandlers(p)
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
	for _, e := range sorted(c.actors) {
		before := len(e.askers)
		if e.askers = slices.DeleteFunc(e.askers, of); before > 0 && len(e.askers) == 0 && e.run.Name == "" && e.run.Parent == c.options.Admin && !e.adopted && !e.host.shared && e.host != p {
			c.tell(e.host, Exit{}) // nobody would ever know of the actor
		}
	}
	for id, q := range c.queries {
		if of(q.asker) {
			delete(c.queries, id)
		}
	}
	c.waiting = slices.DeleteFunc(c.waiting, of)
}
