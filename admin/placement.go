package admin

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"thespian.dev/address"
)

// Where an actor runs: in this system if that suits it, else in one of those that are known and suit it, of which the one with the fewest actors of this system is tried first, else where the leader
// knows. Each system is tried at most once. (Thespian 3.5 feature C5.)

// createAbroad looks for another system, as this one is not suited.
func (c *Core) createAbroad(t *attempt, why Failure) {
	delete(c.actors, t.create.Child)
	t.tried = append(t.tried, Refusal{c.options.System, cmp.Or(c.here.Admin, "this system"), why.Text})
	if t.process == nil {
		c.attempt(t)
		return
	}
	c.attempts[t.create.Child] = t
	c.meet(t.process, func(failure Failure) {
		if failure != (Failure{}) {
			c.answerAttempt(t, Place{}, failure)
			return
		}
		c.attempt(t)
	})
}

// attempt asks the next system.
func (c *Core) attempt(t *attempt) {
	was := func(system uint64) bool {
		return slices.ContainsFunc(t.tried, func(r Refusal) bool { return r.System == system })
	}
	_, kind := c.buildOf(t.create.Kind, nil)
	var best *neighbour
	for _, system := range slices.Sorted(maps.Keys(c.neighbours)) {
		n := c.neighbours[system]
		if was(system) || system == c.leader && c.leader != c.options.System || n.capabilities.Satisfies(kind.Requires) != nil {
			continue
		}
		if best == nil || n.actors < best.actors {
			best = n
		}
	}
	t.on = best == nil
	if best == nil {
		best = c.neighbours[c.leader]
	}
	if best == nil || was(best.system) {
		c.exhausted(t)
		return
	}
	t.at = best.system
	m := PlaceActor{Request: c.ask(t), Origin: c.options.System, Create: t.create, Tried: t.tried, On: t.on}
	m.Create.Wait, m.Create.Request = true, 0
	if f := t.foreign; f != nil {
		m.Origin, m.From, m.Parent = f.origin, f.from, f.parent
	} else {
		m.From = c.placeOf(t.process)
		m.Parent = Place{System: c.options.System, Process: t.process.number}
		if t.create.Parent == c.options.Admin {
			m.Parent.Process = c.options.Process
		}
	}
	c.post(best.system, m)
}

// exhausted says that no system runs the actor, and why each one does not.
func (c *Core) exhausted(t *attempt) {
	var text strings.Builder
	text.WriteString("no compatible system for kind \"" + t.create.Kind + "\"")
	code := CodeUnknownKind
	for i, r := range t.tried {
		separator := "; "
		if i == 0 {
			separator = ": "
		}
		text.WriteString(separator + r.Name + ": " + r.Why)
		if !strings.HasPrefix(r.Why, "unknown kind") {
			code = CodeNoSystem
		}
	}
	c.answerAttempt(t, Place{}, Failure{code, text.String()})
}

// answerAttempt says how the search has ended.
func (c *Core) answerAttempt(t *attempt, place Place, why Failure) {
	defer func() {
		if t.foreign == nil {
			delete(c.attempts, t.create.Child)
		}
		for _, do := range t.then {
			do()
		}
	}()
	if f := t.foreign; f != nil {
		c.post(f.asker, Placed{Request: f.request, Place: place, Tried: t.tried, Failure: why})
		return
	}
	child := t.create.Child
	if why != (Failure{}) {
		c.tell(t.process, Created{Request: t.request, Actor: child, Failure: why})
		return
	}
	c.placed[child] = &placed{name: t.create.Name, place: place, process: t.process}
	if n := c.neighbours[place.System]; n != nil {
		n.actors++
	}
	if c.processes[t.process.number] != t.process { // who has asked is there no more
		c.post(place.System, ProcessEnded{t.process.number, c.graves.reason(t.process.number)})
		return
	}
	c.vouch(t.process, place.System)
	c.introduce(t.process, place)
	c.tell(t.process, Created{Request: t.request, Actor: child, System: place.System, Process: place.Process})
}

// placedThere is called with the answer of another system.
func (c *Core) placedThere(from uint64, m Placed) {
	t, ok := c.requests[m.Request].(*attempt)
	if !ok || t.at != from {
		return
	}
	delete(c.requests, m.Request)
	switch {
	case m.Failure == (Failure{}):
		c.answerAttempt(t, m.Place, Failure{})
	case m.Failure.Code == CodeNoSystem || m.Failure.Code == CodeUnknownKind:
		t.tried = m.Tried
		if t.on {
			c.exhausted(t)
		} else {
			c.attempt(t)
		}
	default:
		t.tried = m.Tried
		c.answerAttempt(t, Place{}, m.Failure)
	}
}

// refused is called when a system is lost that was asked.
func (c *Core) refused(t *attempt, reason string) {
	name := "a system"
	if n := c.neighbours[t.at]; n != nil {
		name = n.name
	}
	t.tried = append(t.tried, Refusal{t.at, name, reason})
	c.attempt(t)
}

// placeActor runs an actor for another system, if this one suits it.
func (c *Core) placeActor(from uint64, m PlaceActor) {
	f := &foreign{origin: m.Origin, asker: from, request: m.Request, from: m.From, tried: m.Tried, on: m.On, create: m.Create, parent: m.Parent}
	b, kind := c.buildOf(m.Create.Kind, nil)
	why := c.suitable(b, kind, m.Create.Kind)
	switch child := m.Create.Child; {
	case c.closing:
		why = fail(CodeNoSystem, "the system is being shut down")
	case child.IsZero() || c.actors[child] != nil:
		why = fail(CodeFailed, "the address of an actor that is to be created must be new")
	}
	if why != (Failure{}) {
		c.refuseForeign(f, why)
		return
	}
	run := Run{Child: m.Create.Child, Parent: m.Create.Parent, Kind: m.Create.Kind, Args: m.Create.Args, Requirements: m.Create.Requirements, ParentSystem: m.Origin, ParentProcess: m.Parent.Process}
	e := c.run(run, b, kind)
	e.foreign = f
	c.present(e.host, m.Origin, m.From, func(_ Place, why Failure) {
		if why != (Failure{}) {
			delete(c.actors, run.Child)
			delete(e.host.actors, run.Child)
			c.refuseForeign(f, why)
			c.tell(e.host, Exit{})
			return
		}
		c.tell(e.host, e.run)
	})
}

// refuseForeign says why this system does not run an actor, or asks others.
func (c *Core) refuseForeign(f *foreign, why Failure) {
	f.settled = true
	if f.on && (why.Code == CodeNoSystem || why.Code == CodeUnknownKind) {
		c.createAbroad(&attempt{foreign: f, create: f.create, tried: f.tried}, why)
		return
	}
	tried := append(f.tried, Refusal{c.options.System, cmp.Or(c.here.Admin, "a system that only connects to others"), why.Text})
	c.post(f.asker, Placed{Request: f.request, Tried: tried, Failure: why})
}

// placedHere answers how the start of an actor went that another system has asked for.
func (c *Core) placedHere(e *entry, why Failure) {
	f := e.foreign
	if f.settled {
		return
	}
	if why != (Failure{}) {
		e.foreign = nil
		c.refuseForeign(f, why)
		c.finishFence()
		return
	}
	f.settled = true
	c.post(f.asker, Placed{Request: f.request, Place: c.placeOf(e.host)})
}

// endedHere tells another system of the end of an actor that was run for it.
func (c *Core) endedHere(e *entry, why Failure) {
	f := e.foreign
	e.foreign = nil
	if !f.settled {
		c.refuseForeign(f, why)
	} else if c.fence == nil {
		c.post(f.origin, ActorEnded{e.run.Child})
	}
	c.finishFence()
}

func (c *Core) forgetPlaced(child address.Address) {
	p := c.placed[child]
	delete(c.placed, child)
	if n := c.neighbours[p.place.System]; n != nil {
		n.actors--
	}
}

func (c *Core) adoptAbroad(child address.Address) {
	if p := c.placed[child]; p != nil {
		c.post(p.place.System, AdoptActor{child})
	}
}

// A killing waits for another system's answer.
type killing struct {
	process *process
	request uint64
	system  uint64
}

// killAbroad has another system end the process of an actor, and reports whether it runs there.
func (c *Core) killAbroad(p *process, m KillActor) bool {
	placed := c.placed[m.Actor]
	if t := c.attempts[m.Actor]; placed == nil && t != nil {
		t.then = append(t.then, func() { c.kill(p, m) })
		return true
	}
	if placed == nil {
		return false
	}
	c.post(placed.place.System, KillPlaced{c.ask(&killing{p, m.Request, placed.place.System}), m.Actor})
	return true
}

func (c *Core) killHere(from uint64, m KillPlaced) {
	e := c.actors[m.Actor]
	var why Failure
	switch {
	case e == nil || e.foreign == nil || e.foreign.origin != from:
		why = fail(CodeFailed, "%v is not an actor with a process", m.Actor)
	case e.host.shared:
		why = fail(CodeFailed, "%v shares its process with others", m.Actor)
	case !e.host.killed:
		e.host.killed = true
		c.do(Kill{e.host.number})
	}
	c.post(from, KilledPlaced{m.Request, why})
}
