package admin

import (
	"fmt"

	"thespian.dev/address"
)

// Consistent returns what is wrong with the tables of the core, or nil.
func (c *Core) Consistent() error {
	if c.finished {
		return nil
	}
	known := func(p *process) bool { return p != nil && c.processes[p.number] == p }
	for name, a := range c.names {
		e, t, placed := c.actors[a], c.attempts[a], c.placed[a]
		if name == "" || !(e != nil && e.run.Name == name || t != nil && t.create.Name == name || placed != nil && placed.name == name) {
			return fmt.Errorf("the name %q leads to %v, which the tables of actors have as %+v, %+v, %+v", name, a, e, t, placed)
		}
	}
	for a, e := range c.actors {
		switch {
		case a.IsZero() || e.run.Child != a:
			return fmt.Errorf("%v is in the table as %v", e.run.Child, a)
		case !known(e.host) || e.host.actors[a] != e:
			return fmt.Errorf("%v is not an actor of its host", a)
		case e.started && len(e.askers) > 0:
			return fmt.Errorf("somebody waits for %v, which has started", a)
		}
		for _, asker := range e.askers {
			if !known(asker.process) {
				return fmt.Errorf("process %d has ended and waits for %v", asker.process.number, a)
			}
			if asker.process.asks[e] == 0 {
				return fmt.Errorf("process %d waits for %v and does not know", asker.process.number, a)
			}
		}
	}
	for number, p := range c.processes {
		if p.number != number {
			return fmt.Errorf("process %d is in the table as %d", p.number, number)
		}
		for e, n := range p.asks {
			asks := 0
			for _, a := range e.askers {
				if a.process == p {
					asks++
				}
			}
			if asks != n {
				return fmt.Errorf("process %d waits %d times for %v, it is said to wait %d times", number, asks, e.run.Child, n)
			}
		}
		for a, e := range p.actors {
			if c.actors[a] != e {
				return fmt.Errorf("process %d runs %v, which is not in the table of actors", number, a)
			}
		}
		for _, other := range p.related {
			if !known(other) || other.related[number] != p {
				return fmt.Errorf("process %d is to be told of %d, but not the other way round", number, other.number)
			}
		}
	}
	if method, given := c.offers["Process Startup Method"]; given && CheckStartup(method) != nil {
		return fmt.Errorf("processes are to start by %v", method)
	}
	for _, b := range c.builds {
		for _, k := range b.kinds {
			if k.Startup != "" && CheckStartup(k.Startup) != nil {
				return fmt.Errorf("actors of kind %q are to start by %q", k.Name, k.Startup)
			}
		}
		programs, hosts := 0, 0
		for _, p := range c.processes {
			switch {
			case p.build != b:
			case p.program:
				programs++
			default:
				hosts++
			}
		}
		if b.programs != programs || b.hosts != hosts {
			return fmt.Errorf("build %s has %d programs and %d hosts, it is said to have %d and %d", b.name, programs, hosts, b.programs, b.hosts)
		}
		if !c.closing && programs+hosts == len(b.pool) && (hosts > 0 || c.replaced(b)) {
			return fmt.Errorf("nobody is left who could create an actor of build %s", b.name)
		}
		if b.shared != nil && !known(b.shared) {
			return fmt.Errorf("the shared host of build %s has ended", b.name)
		}
		if len(b.pool) > c.options.Pool {
			return fmt.Errorf("build %s has %d processes ready", b.name, len(b.pool))
		}
		for _, p := range b.pool {
			if !known(p) || len(p.actors) > 0 {
				return fmt.Errorf("process %d of build %s has ended, or is in use, and waits in the pool", p.number, b.name)
			}
		}
	}
	for _, h := range c.handlers {
		if h.actor.IsZero() || !known(h.process) {
			return fmt.Errorf("%v takes dead letters, in a process that has ended", h.actor)
		}
	}
	for _, q := range c.queries {
		if q.then == nil && !known(q.asker.process) || len(q.pending) == 0 {
			return fmt.Errorf("query %d is of no use any more", q.number)
		}
		for number := range q.pending {
			if c.processes[number] == nil {
				return fmt.Errorf("query %d waits for process %d, which has ended", q.number, number)
			}
		}
	}
	if err := c.convention.consistent(c, known); err != nil {
		return err
	}
	for _, a := range c.waiting {
		if !known(a.process) {
			return fmt.Errorf("process %d has ended and waits for the end of the system", a.process.number)
		}
	}
	return nil
}

func (v *convention) consistent(c *Core, known func(*process) bool) error {
	actors := make(map[uint64]int)
	for number, s := range v.strangers {
		if number == 0 || s.process != number || c.own(s.system) {
			return fmt.Errorf("process %d of system %d is in the table of other systems' as %d", s.process, s.system, number)
		}
		for _, p := range s.related {
			if !known(p) {
				return fmt.Errorf("process %d has ended, and is to be told of %d", p.number, number)
			}
		}
	}
	for child, p := range v.placed {
		actors[p.place.System]++
		if child.IsZero() || c.own(p.place.System) {
			return fmt.Errorf("%v is said to run in system %d", child, p.place.System)
		}
	}
	for system, n := range v.neighbours {
		if n.actors != actors[system] {
			return fmt.Errorf("system %d runs %d actors for this one, it is said to run %d", system, actors[system], n.actors)
		}
	}
	for _, r := range v.requests {
		switch r := r.(type) {
		case *seeking:
			if !known(r.process) {
				return fmt.Errorf("process %d has ended, and looks for another", r.process.number)
			}
		case *killing:
			if r.process != nil && !known(r.process) {
				return fmt.Errorf("process %d has ended, and has one killed", r.process.number)
			}
		case *attempt:
			if len(r.tried) > maxTried {
				return fmt.Errorf("%d systems were tried", len(r.tried))
			}
		}
	}
	for _, e := range c.actors {
		if f := e.foreign; f != nil && (c.own(f.origin) || e.run.Child.Record().ID().System != f.origin) {
			return fmt.Errorf("%v is run for system %d", e.run.Child, f.origin)
		}
	}
	if n := len(v.strangers); n > maxStrangers {
		return fmt.Errorf("%d processes of other systems are known", n)
	}
	for number, p := range c.processes {
		if len(p.meeting) > maxStrangers {
			return fmt.Errorf("%d wait for process %d", len(p.meeting), number)
		}
	}
	return nil
}

// Abroad returns how much the core keeps that has to do with other systems: processes, actors of this system there, requests and creations, actors that are run for others.
func (c *Core) Abroad() (n [5]int) {
	n = [5]int{len(c.strangers), len(c.placed), len(c.requests), len(c.attempts), 0}
	for _, e := range c.actors {
		if e.foreign != nil && !e.foreign.settled {
			n[4]++
		}
	}
	return n
}

// ActorsOf returns the actors that the Admin had a process run.
func (c *Core) ActorsOf(process uint64) (all []address.Address) {
	if p := c.processes[process]; p != nil {
		for a := range p.actors {
			all = append(all, a)
		}
	}
	return all
}

// The bounds of what others can have a core keep.
const (
	MaxStrangers = maxStrangers
	MaxTried     = maxTried
)
