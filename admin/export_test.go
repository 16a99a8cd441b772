package admin

import "fmt"

// Consistent returns what is wrong with the tables of the core, or nil.
func (c *Core) Consistent() error {
	if c.finished {
		return nil
	}
	known := func(p *process) bool { return p != nil && c.processes[p.number] == p }
	for name, a := range c.names {
		if e := c.actors[a]; name == "" || e == nil || e.run.Name != name {
			return fmt.Errorf("the name %q leads to %v, which the table of actors has as %+v", name, a, e)
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
		if !known(q.asker.process) || len(q.pending) == 0 {
			return fmt.Errorf("query %d is of no use any more", q.number)
		}
		for number := range q.pending {
			if c.processes[number] == nil {
				return fmt.Errorf("query %d waits for process %d, which has ended", q.number, number)
			}
		}
	}
	for _, a := range c.waiting {
		if !known(a.process) {
			return fmt.Errorf("process %d has ended and waits for the end of the system", a.process.number)
		}
	}
	return nil
}
