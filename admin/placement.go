package admin

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

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
	if t.create.Name != "" {
		c.names[t.create.Name] = t.create.Child
	}
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

// addUnsuited notes those that were not asked, as it was known that they are not suited.
func (c *Core) addUnsuited(t *attempt) {
	_, kind := c.buildOf(t.create.Kind, nil)
	tried := make(map[uint64]bool)
	for _, r := range t.tried {
		tried[r.System] = true
	}
	for _, system := range slices.Sorted(maps.Keys(c.neighbours)) {
		n := c.neighbours[system]
		if err := n.capabilities.Satisfies(kind.Requires); err != nil && !tried[system] && len(t.tried) < maxTried {
			t.tried = append(t.tried, Refusal{system, n.name, err.Error()})
		}
	}
}

// exhausted says that no system runs the actor, and why each one does not.
func (c *Core) exhausted(t *attempt) {
	c.addUnsuited(t)
	var text strings.Builder
	what := fmt.Sprintf("no compatible system for kind %q", t.create.Kind)
	text.WriteString(what)
	code := CodeUnknownKind
	for i, r := range t.tried {
		separator := "; "
		if i == 0 {
			separator = ": "
		}
		text.WriteString(separator + r.Name + ": " + strings.TrimPrefix(r.Why, what+": "))
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
		c.freeNameAbroad(t.create.Name, child)
		if c.processes[t.process.number] == t.process {
			c.tell(t.process, Created{Request: t.request, Actor: child, Failure: why})
		}
		return
	}
	c.placed[child] = &placed{name: t.create.Name, place: place}
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
		c.answerAttempt(t, m.Place, c.strange(m.Place))
	case m.Failure.Code == CodeNoSystem || m.Failure.Code == CodeUnknownKind:
		name := "a system"
		if n := c.neighbours[from]; n != nil {
			name = n.name
		}
		t.tried = merge(t.tried, append(m.Tried, Refusal{from, name, m.Failure.Text})) // so whatever it says: it is not asked again
		if t.on || len(t.tried) >= maxTried {
			c.exhausted(t)
		} else {
			c.attempt(t)
		}
	default:
		c.answerAttempt(t, Place{}, m.Failure)
	}
}

// maxTried is how many systems are asked for an actor, maxWhy how many bytes each may take to say why not.
const (
	maxTried = 1 << 12
	maxWhy   = 1 << 10
)

// merge returns what is known of those that have refused, with what another system says of that.
func merge(known, said []Refusal) []Refusal {
	of := make(map[uint64]struct{}, len(known))
	for _, r := range known {
		of[r.System] = struct{}{}
	}
	known = slices.Clip(known) // others may have it
	for _, r := range said {
		if _, twice := of[r.System]; twice || len(known) >= maxTried {
			continue
		}
		of[r.System] = struct{}{}
		known = append(known, Refusal{r.System, r.Name[:min(len(r.Name), maxWhy)], r.Why[:min(len(r.Why), maxWhy)]})
	}
	return known
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
	f := &foreign{origin: m.Origin, asker: from, request: m.Request, from: m.From, tried: merge(nil, m.Tried), on: m.On, create: m.Create, parent: m.Parent}
	f.from.System = m.Origin
	b, kind := c.buildOf(m.Create.Kind, nil)
	why := c.suitable(b, kind, m.Create.Kind)
	switch child := m.Create.Child; {
	case c.own(m.Origin):
		why = fail(CodeFailed, "a system asks for an actor of this one")
	case !child.IsZero() && child.Record().ID().System != m.Origin:
		why = fail(CodeFailed, "the address of an actor that is to be created must be one of its creator's system")
	case c.closing:
		why = fail(CodeNoSystem, "the system is being shut down")
	case child.IsZero() || c.actors[child] != nil:
		why = fail(CodeFailed, "the address of an actor that is to be created must be new")
	}
	if why != (Failure{}) {
		c.refuseForeign(f, why)
		return
	}
	run := Run{Child: m.Create.Child, Parent: m.Create.Parent, Kind: m.Create.Kind, Name: m.Create.Name, Args: m.Create.Args, Requirements: m.Create.Requirements, ParentSystem: m.Origin, ParentProcess: m.Parent.Process, Awaited: true}
	e := c.run(run, b, kind)
	e.foreign = f
	c.present(e.host, m.Origin, f.from, func(_ Place, why Failure) {
		switch {
		case c.actors[run.Child] != e:
			return // its host has ended
		case why == (Failure{}) && e.foreign == f && !f.settled: // its parent is not lost meanwhile
			c.tell(e.host, e.run)
			return
		case why == (Failure{}):
			why = fail(CodeFailed, "its parent's system is lost")
		}
		c.remove(e, why)
		if !e.host.shared {
			c.tell(e.host, Exit{})
		}
		c.rest(e.host.build)
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
	if f.asker != f.origin {
		c.post(f.origin, Hosted{e.run.Child})
	}
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
	c.freeNameAbroad(p.name, child)
	if n := c.neighbours[p.place.System]; n != nil {
		n.actors--
	}
}

// namedAbroad answers with the actor that has a name and runs in another system, or is to run there, and reports whether there is one. If it turns out that it has ended, and that was not
// known here yet, its name is free, and the question is put again.
func (c *Core) namedAbroad(p *process, name string, request uint64, again func()) bool {
	child := c.names[name]
	if name == "" || child.IsZero() {
		return false
	}
	if t := c.attempts[child]; t != nil {
		t.then = append(t.then, again)
		return true
	}
	placed := c.placed[child]
	if placed == nil {
		return false
	}
	c.meet(p, func(why Failure) {
		if why != (Failure{}) {
			c.tell(p, Created{Request: request, Failure: why})
			return
		}
		s := &seeking{process: p, of: &stranger{system: placed.place.System, process: placed.place.Process}, find: &Find{Request: request, Actor: child}}
		s.ended = func() {
			if c.placed[child] == placed {
				c.forgetPlaced(child)
			}
			again()
		}
		c.post(placed.place.System, FindActor{Request: c.ask(s), Actor: child, From: c.placeOf(p)})
	})
	return true
}

func (c *Core) freeNameAbroad(name string, child address.Address) {
	if c.names[name] == child {
		delete(c.names, name)
	}
}

func (c *Core) adoptAbroad(child address.Address) {
	if p := c.placed[child]; p != nil {
		c.post(p.place.System, AdoptActor{child})
	}
}

// A killing waits for another system's answer.
type killing struct {
	process *process // who asks, if it is one of this system
	system  uint64
	answer  func(Failure)
}

// kill ends the process of an actor, if it has one of its own, wherever that runs. from is the system that asks; 0: this one.
func (c *Core) kill(now time.Time, p *process, from uint64, actor address.Address, answer func(Failure)) {
	if e := c.actors[actor]; e != nil {
		if e.host.shared {
			answer(fail(CodeFailed, "%v shares its process with others", actor))
			return
		}
		if !e.host.killed {
			e.host.killed = true
			c.do(Kill{e.host.number})
		}
		answer(Failure{})
		return
	}
	if t := c.attempts[actor]; t != nil {
		if len(t.then) >= maxTried {
			answer(fail(CodeFailed, "too many wait for the creation of %v", actor))
			return
		}
		t.then = append(t.then, func() { c.kill(now, p, from, actor, answer) })
		return
	}
	system := c.options.System
	if placed := c.placed[actor]; placed != nil {
		system = placed.place.System
	} else if from == 0 && !actor.IsZero() {
		system = actor.Record().ID().System
	}
	if system == c.options.System || !c.options.Meets {
		c.afterCreator(now, p, actor, func() {
			if c.actors[actor] == nil && c.attempts[actor] == nil && c.placed[actor] == nil {
				answer(fail(CodeFailed, "no process is that of actor %v alone: the actor has ended, never was, or is in its creator's process", actor))
				return
			}
			c.kill(now, p, from, actor, answer)
		})
		return
	}
	c.post(system, KillPlaced{c.ask(&killing{p, system, answer}), actor})
}
