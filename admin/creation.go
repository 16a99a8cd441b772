package admin

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"thespian.dev/address"
)

// create finds or makes a host for an actor.
func (c *Core) create(p *process, m Create) {
	again := c.whileThere(p, func() { c.create(p, m) })
	ask := asker{process: p, request: m.Request, wait: m.Wait, again: again}
	if e := c.actors[c.names[m.Name]]; m.Name != "" && e != nil {
		c.await(e, ask)
		return
	}
	if c.namedAbroad(p, m.Name, m.Request, again) {
		return
	}
	refuse := func(f Failure) { c.tell(p, Created{Request: m.Request, Actor: m.Child, Failure: f}) }
	if m.Child.IsZero() || c.actors[m.Child] != nil {
		refuse(fail(CodeFailed, "the address of an actor that is to be created must be new"))
		return
	}
	if c.closing {
		refuse(fail(CodeShutdown, "the system is being shut down"))
		return
	}
	b, kind := c.buildOf(m.Kind, p.build)
	why := c.suitable(b, kind, m.Kind)
	if why != (Failure{}) && c.alone() {
		refuse(why)
		return
	}
	if m.Name != "" {
		m.Parent = c.options.Admin
	}
	c.place(p, m.Parent)
	if why != (Failure{}) {
		c.createAbroad(&attempt{process: p, request: m.Request, create: m}, why)
		return
	}
	run := Run{Child: m.Child, Parent: m.Parent, Kind: m.Kind, Name: m.Name, Args: m.Args, Requirements: m.Requirements, ParentProcess: p.number, ParentEndpoint: p.endpoint}
	if m.Parent == c.options.Admin {
		run.ParentProcess, run.ParentEndpoint = c.options.Process, c.options.Endpoint
	}
	if m.Name != "" {
		c.names[m.Name] = m.Child
	}
	run.Awaited = kind.Checks && !c.alone()
	e := c.run(run, b, kind)
	relate(p, e.host)
	c.tell(e.host, e.run)
	if run.Awaited { // if it does not suit this system, others are tried
		e.attempt = &attempt{process: p, request: m.Request, create: m}
	} else {
		c.await(e, ask)
	}
	if c.startup(kind) == forkserver && (b == p.build || b.programs > 0) { // others do without: the pool would end with their actor
		c.taken(b, p)
		c.fill(b) // last: nobody waits for it
	}
}

// suitable returns why this system does not run a kind, of which it has found the build.
func (c *Core) suitable(b *build, kind Kind, name string) Failure {
	if b == nil {
		return fail(CodeUnknownKind, "unknown kind %q; the kinds are: %s", name, c.kindNames())
	}
	if err := c.offers.Satisfies(kind.Requires); err != nil {
		return fail(CodeNoSystem, "no compatible system for kind %q: %v", name, err)
	}
	return Failure{}
}

// run finds a host for an actor. It is told what to run by the caller.
func (c *Core) run(run Run, b *build, kind Kind) *entry {
	e := &entry{run: run}
	c.actors[run.Child] = e
	e.host = c.host(b, kind, run.Kind+" "+run.Child.String())
	e.host.actors[run.Child] = e
	return e
}

// host returns the host for a new actor.
func (c *Core) host(b *build, kind Kind, title string) *process {
	switch c.startup(kind) {
	case goroutine:
		if b.shared == nil {
			b.shared = c.launch(b, "shared", true)
		}
		return b.shared
	case forkserver:
		if len(b.pool) == 0 {
			break
		}
		p := b.pool[0]
		b.pool = slices.Delete(b.pool, 0, 1)
		return p
	}
	return c.launch(b, title, false)
}

// fill has processes of the build wait for their actors, once half of them are taken: to start one takes longer than to take one, and would hold up whoever wants the next.
func (c *Core) fill(b *build) {
	if len(b.pool) > c.options.Pool/2 {
		return
	}
	for len(b.pool) < c.options.Pool {
		b.pool = append(b.pool, c.launch(b, "waiting", false))
	}
}

// await answers when the actor is as far as the asker wants it to be.
func (c *Core) await(e *entry, a asker) {
	if e.started || e.running && !a.wait {
		c.answer(e, a, Failure{})
		return
	}
	e.askers = append(e.askers, a)
	a.process.asks[e]++
}

// release answers one who has waited.
func (c *Core) release(e *entry, a asker, f Failure) {
	c.unask(e, a)
	c.answer(e, a, f)
}

func (c *Core) unask(e *entry, a asker) {
	if asks := a.process.asks; asks[e] > 1 {
		asks[e]--
	} else {
		delete(asks, e)
	}
}

// whileThere returns what does something unless the process has ended by then.
func (c *Core) whileThere(p *process, do func()) func() {
	return func() {
		if c.processes[p.number] == p {
			do()
		}
	}
}

func (c *Core) answer(e *entry, a asker, f Failure) {
	m := Created{Request: a.request, Actor: e.run.Child, Failure: f}
	switch {
	case f != Failure{} && a.lookup:
		m = Created{Request: a.request}
	case f == Failure{}:
		relate(a.process, e.host)
		m.Process, m.Endpoint = e.host.number, e.host.endpoint
	}
	c.tell(a.process, m)
}

// Hint returns the hint of an actor that runs in the process: where it is, for whoever gets its address.
func Hint(system, process uint64) string {
	return fmt.Sprintf("%016x.%016x", system, process)
}

// PendingHint is the hint of an actor of which only its creator knows, or will know, where it is.
const PendingHint = "?"

// ParseHint is the opposite of Hint.
func ParseHint(hint string) (system, process uint64, err error) {
	first, second, dot := strings.Cut(hint, ".")
	system, err1 := strconv.ParseUint(first, 16, 64)
	process, err2 := strconv.ParseUint(second, 16, 64)
	if !dot || err1 != nil || err2 != nil {
		return 0, 0, fmt.Errorf("the address says that the actor is at %q, which is no process", hint)
	}
	return system, process, nil
}

// place notes that an actor is in the process, which has spoken of it: with its address goes from now on where it is. It was created by another process, which did not know that yet.
func (c *Core) place(p *process, actor address.Address) {
	if p.actors[actor] != nil {
		actor.Record().SetHint(Hint(c.options.System, p.number))
	}
}

// running is called when the actor of a Run can take messages.
func (c *Core) running(p *process, child address.Address) {
	e := p.actors[child]
	if e == nil {
		return
	}
	e.running = true
	c.place(p, child)
	e.askers = slices.DeleteFunc(e.askers, func(a asker) bool {
		if !a.wait {
			c.release(e, a, Failure{})
		}
		return !a.wait
	})
}

// started is called when the actor's Start has returned.
func (c *Core) started(p *process, m Started) {
	e := p.actors[m.Child]
	if e == nil || e.started {
		return
	}
	e.started = m.Failure == Failure{}
	if !e.started {
		c.freeName(e) // who tries again is not to get the one that ends
	}
	if m.Failure.Code == CodeNoSystem && e.run.Awaited { // it may run elsewhere: whoever gets its address from here is not to look for it in this process
		m.Child.Record().SetHint(PendingHint)
	}
	if t := e.attempt; t != nil {
		e.attempt = nil
		if m.Failure.Code == CodeNoSystem {
			e.run.Name = "" // which goes abroad, as those do who wait
			for _, a := range e.askers {
				c.unask(e, a)
				t.then = append(t.then, a.again)
			}
			e.askers = nil
			c.createAbroad(t, m.Failure)
			return
		}
		c.await(e, asker{process: t.process, request: t.request, wait: true})
	}
	if t := e.foreign; t != nil {
		c.placedHere(e, m.Failure)
	}
	for _, a := range e.askers {
		c.release(e, a, m.Failure)
	}
	e.askers = nil
}

// leaving frees the name of an actor that is about to end: whoever hears of the end can take it.
func (c *Core) leaving(p *process, m Leaving) {
	if e := p.actors[m.Actor]; e != nil {
		c.freeName(e)
		e.leaving = true
	}
	c.tell(p, Done{Request: m.Request})
}

func (c *Core) ended(p *process, actor address.Address) {
	if e := p.actors[actor]; e != nil {
		c.remove(e, fail(CodeFailed, "the actor has ended"))
		c.rest(p.build)
	}
}

// adopt makes the Admin the parent of an actor.
func (c *Core) adopt(child address.Address) {
	e := c.actors[child]
	if e == nil {
		c.adoptAbroad(child)
		return
	}
	e.adopted = true
	e.run.Parent, e.run.ParentProcess, e.run.ParentEndpoint = c.options.Admin, c.options.Process, c.options.Endpoint
	c.tell(e.host, Adopted{child})
}

// remove forgets an actor that has ended. Its name is free for another.
func (c *Core) remove(e *entry, why Failure) {
	delete(c.actors, e.run.Child)
	delete(e.host.actors, e.run.Child)
	c.freeName(e)
	for _, a := range e.askers {
		c.release(e, a, why)
	}
	e.askers = nil
	if t := e.attempt; t != nil {
		e.attempt = nil
		c.tell(t.process, Created{Request: t.request, Actor: e.run.Child, Failure: why})
	}
	if e.foreign != nil {
		c.endedHere(e, why)
	}
}

func (c *Core) freeName(e *entry) {
	if c.names[e.run.Name] == e.run.Child {
		delete(c.names, e.run.Name)
	}
}

func (c *Core) lookup(p *process, m Lookup) {
	again := c.whileThere(p, func() { c.lookup(p, m) })
	if e := c.actors[c.names[m.Name]]; m.Name != "" && e != nil {
		c.await(e, asker{process: p, request: m.Request, lookup: true, again: again})
		return
	}
	if c.namedAbroad(p, m.Name, m.Request, again) {
		return
	}
	c.tell(p, Created{Request: m.Request})
}

// find says where an actor is, once it runs.
func (c *Core) find(p *process, m Find) {
	if e := c.actors[m.Actor]; e != nil {
		c.await(e, asker{process: p, request: m.Request, again: c.whileThere(p, func() { c.find(p, m) })})
		return
	}
	if c.findAbroad(p, m) {
		return
	}
	c.tell(p, Created{Request: m.Request, Actor: m.Actor, Failure: fail(CodeFailed, "the actor has ended")})
}

// kindNames lists all kinds that any build has.
func (c *Core) kindNames() string {
	names := make(map[string]struct{})
	for _, b := range c.builds {
		for name := range b.kinds {
			names[name] = struct{}{}
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(names)), ", ")
}
