package admin

import "slices"

// A build is the content of an executable, with what it can run.
type build struct {
	name     string
	kinds    map[string]Kind
	programs int        // that live
	hosts    int        // likewise
	shared   *process   // the host for actors that want none of their own
	pool     []*process // hosts that wait for their actor
	takers   []*process // who took from the pool more than once, the last one first
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
	b.programs++
	for _, older := range slices.Clone(c.builds) { // which may have been waited for
		c.rest(older)
	}
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

// lost notes that a process of the build has ended.
func (b *build) lost(p *process) {
	if p.program {
		b.programs--
		return
	}
	b.hosts--
	if b.shared == p {
		b.shared = nil
	}
	b.pool = slices.DeleteFunc(b.pool, func(other *process) bool { return other == p })
}

// maxTakers is to how many processes the hosts of a pool connect while they wait.
const maxTakers = 4

// taken notes that a process has taken a host out of the pool. When it does so again, those that wait connect to it, for it will perhaps go on: to do so when it takes one of them would be most of what that takes.
func (c *Core) taken(b *build, by *process) {
	if by.took++; by.took < 2 {
		return
	}
	others := slices.DeleteFunc(b.takers, func(p *process) bool { return p == by })
	b.takers = append([]*process{by}, others[:min(len(others), maxTakers-1)]...)
	for _, p := range b.pool {
		c.prepare(p)
	}
}

// prepare has a host of a pool connect to those who will perhaps take it.
func (c *Core) prepare(p *process) {
	for _, taker := range p.build.takers {
		if p.endpoint != "" && p.related[taker.number] == nil {
			c.approach(p, taker)
		}
	}
}

func (c *Core) approach(p, taker *process) {
	relate(p, taker)
	c.tell(p, Approach{taker.number, taker.endpoint})
}

// rest ends the pool of a build when neither a program nor an actor of it is left that could create more. The build is given up then if newer ones have all its kinds: else programs
// that come and go could not create them any more.
func (c *Core) rest(b *build) {
	waiting := len(b.pool)
	if b.shared != nil && len(b.shared.actors) == 0 {
		waiting++
	}
	if c.closing || b.programs > 0 || b.hosts > waiting {
		return
	}
	for _, p := range b.pool {
		c.tell(p, Retire{})
	}
	b.pool = nil
	if !c.replaced(b) {
		return
	}
	if b.shared != nil {
		c.tell(b.shared, Retire{})
		b.shared = nil
	}
	if b.hosts == 0 {
		c.builds = slices.DeleteFunc(c.builds, func(other *build) bool { return other == b })
		c.do(Discard{b.name})
	}
}

// replaced reports whether newer builds have all kinds of this one.
func (c *Core) replaced(b *build) bool {
	for name := range b.kinds {
		if newest, _ := c.buildOf(name, nil); newest == b {
			return false
		}
	}
	return true
}

// known reports whether a build is in use.
func (c *Core) known(name string) bool {
	return slices.ContainsFunc(c.builds, func(b *build) bool { return b.name == name })
}
