package admin

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"thespian.dev/address"
	"thespian.dev/message"
)

// What Admins of different systems say to each other. It travels between them in order, and is lost only with one of them.

// Abroad returns the types of that protocol, for the registry that encodes them.
func Abroad() message.TypeSet {
	return message.Types(Seek{}, Sought{}, PlaceActor{}, Placed{}, Hosted{}, ActorEnded{}, ProcessEnded{}, FindActor{}, RelayTo{}, AdoptActor{}, KillPlaced{}, KilledPlaced{})
}

// A Place says how a process is reached from other systems.
type Place struct {
	System, Incarnation, Process uint64
	Endpoint                     string // as it is seen from outside
	Local                        string // as it is seen from its own host
	Host                         string // which that is
	Admin                        string // where the system's Admin is reached, "" if it is not
	Routed                       bool   // the Admin is all that can be reached ("Admin Routing")
	Outbound                     bool   // nor can that be ("Outbound Only")
}

type (
	// Seek asks where a process is, and says where the one is that wants to reach it; the answer is Sought.
	Seek struct {
		Request uint64
		Process uint64
		From    Place
	}
	Sought struct {
		Request uint64
		Place   Place
		Failure Failure
	}

	// PlaceActor asks for an actor, for a process of the system Origin; the answer is Placed. On asks the receiver to ask others, if it cannot.
	PlaceActor struct {
		Request uint64
		Origin  uint64
		From    Place
		Parent  Place // without an endpoint
		Create  Create
		Tried   []Refusal
		On      bool
	}
	Placed struct {
		Request uint64
		Place   Place
		Tried   []Refusal
		Failure Failure
	}

	// Hosted says that the sender runs an actor for the receiver's system that a third has asked for: so each is told of the end of the other, and the sender also if there is no
	// such system.
	Hosted struct{ Actor address.Address }

	// ActorEnded says that an actor has ended which the receiver's system has asked for, ProcessEnded that a process has of which the receiver knows.
	ActorEnded   struct{ Actor address.Address }
	ProcessEnded struct {
		Process uint64
		Reason  string
	}

	// FindActor asks where an actor is that was created in the receiver's system; the answer is Sought.
	FindActor struct {
		Request uint64
		Actor   address.Address
		From    Place
	}

	// RelayTo has something brought to a process that can be said in no other way.
	RelayTo struct {
		Process uint64
		Data    []byte
	}

	// AdoptActor says that an actor's parent has ended without it: the Admin of the sender is its parent now.
	AdoptActor struct{ Actor address.Address }

	// KillPlaced ends the process of an actor; the answer is KilledPlaced.
	KillPlaced struct {
		Request uint64
		Actor   address.Address
	}
	KilledPlaced struct {
		Request uint64
		Failure Failure
	}
)

// A Refusal says why a system does not run an actor.
type Refusal struct {
	System uint64
	Name   string
	Why    string
}

// Outputs that concern other systems.
type (
	// Post sends a message to the Admin of another system.
	Post struct {
		To      uint64
		Message any
	}

	// Offer says what the system offers now.
	Offer struct{ Capabilities message.Capabilities }

	// Invite has the system at an address invited, Uninvite not any more, or the one whose number is given.
	Invite   struct{ Address string }
	Uninvite struct {
		Address string
		System  uint64
		Process uint64 // who is told how it went
		Request uint64
	}

	// Fenced says that what crossed the cut has ended.
	Fenced struct{}
)

func (Post) output()     {}
func (Offer) output()    {}
func (Invite) output()   {}
func (Uninvite) output() {}
func (Fenced) output()   {}

// convention is what the core knows of other systems.
type convention struct {
	here       Place // in its present incarnation
	neighbours map[uint64]*neighbour
	leader     uint64
	awaiting   []asker // who wants to know that there is a leader
	watchers   []handler
	strangers  map[uint64]*stranger // processes of other systems, by their number
	requests   map[uint64]any       // what was asked of other systems: *seeking, *attempt, *asker
	request    uint64
	attempts   map[address.Address]*attempt // for actors of this system
	placed     map[address.Address]*placed  // actors that other systems run for this one
	fence      *fence
}

// A neighbour is a system that this one is in touch with.
type neighbour struct {
	system       uint64
	admin        address.Address
	name         string
	capabilities message.Capabilities
	actors       int // that it runs for this one
}

// A stranger is a process of another system.
type stranger struct {
	system, process uint64
	admin           string              // where its system's Admin is reached
	related         map[uint64]*process // who is told of its end
}

// A placed actor was created for this system by another one.
type placed struct {
	name  string
	place Place
}

// A foreign is what an actor is run for.
type foreign struct {
	origin  uint64
	asker   uint64 // the system that asked, perhaps for the origin
	request uint64
	from    Place
	tried   []Refusal
	on      bool
	create  Create
	parent  Place
	settled bool // the answer was given
}

// An attempt is the search for a system that runs an actor.
type attempt struct {
	// For a process of this system, or for another system.
	process *process
	foreign *foreign

	request uint64
	create  Create
	tried   []Refusal
	at      uint64 // who is asked
	on      bool   // and is the last, as it asks others
	then    []func()
}

type seeking struct {
	process *process
	of      *stranger
	find    *Find
	ended   func() // if set: what to do when the actor is not found
}

// A fence is the end of all that crosses the cut.
type fence struct {
	deadline time.Time
	late     bool
}

func (v *convention) init(o Options) {
	v.here = o.Here
	v.neighbours, v.strangers = make(map[uint64]*neighbour), make(map[uint64]*stranger)
	v.requests, v.attempts, v.placed = make(map[uint64]any), make(map[address.Address]*attempt), make(map[address.Address]*placed)
}

// alone says that there is no other system to ask.
func (c *Core) alone() bool { return len(c.neighbours) == 0 }

func (c *Core) post(to uint64, msg any) { c.do(Post{to, msg}) }

func (c *Core) ask(what any) uint64 {
	c.convention.request++
	c.requests[c.convention.request] = what
	return c.convention.request
}

// Joined is called when a system has joined, or offers something else.
func (c *Core) Joined(system uint64, admin address.Address, name string, capabilities message.Capabilities) []Output {
	n := c.neighbours[system]
	isNew := n == nil
	if isNew {
		n = &neighbour{system: system}
		c.neighbours[system] = n
		for _, p := range c.placed { // the leader may have found it before
			if p.place.System == system {
				n.actors++
			}
		}
	}
	n.admin, n.name, n.capabilities = admin, name, capabilities
	if isNew {
		c.notify(n, true)
	}
	return c.take()
}

// Left is called when a system has left or was lost, or cannot be reached by way of the leader any more.
func (c *Core) Left(now time.Time, system uint64, reason string) []Output {
	if n := c.neighbours[system]; n != nil {
		delete(c.neighbours, system)
		c.notify(n, false)
	}
	c.cut(func(s uint64) bool { return s == system }, fmt.Sprintf("its system is lost: %s", reason))
	return c.take()
}

// Led is called when another system leads, or none: 0.
func (c *Core) Led(leader uint64) []Output {
	c.leader = leader
	if leader != 0 {
		for _, a := range c.awaiting {
			c.tell(a.process, Done{Request: a.request})
		}
		c.awaiting = nil
	}
	return c.take()
}

// OutsideOf returns where nodes of other systems reach a process, "" if nowhere.
func (c *Core) OutsideOf(process uint64) string {
	if p := c.processes[process]; p != nil {
		return p.outside
	}
	return ""
}

// AdminOf returns where the Admin of another system is reached, "" if that is not known, or not possible.
func (c *Core) AdminOf(system uint64) string {
	for _, s := range c.strangers {
		if s.system == system {
			return s.admin
		}
	}
	return ""
}

// cut ends what this system has to do with others.
func (c *Core) cut(of func(system uint64) bool, reason string) {
	for _, number := range slices.Sorted(maps.Keys(c.strangers)) {
		if s := c.strangers[number]; of(s.system) {
			c.strangerGone(s, reason, true)
		}
	}
	for _, e := range sorted(maps.Values(c.actors)) {
		if f := e.foreign; f != nil && of(f.origin) {
			f.settled = true
			c.tell(e.host, Orphaned{e.run.Child})
		}
	}
	for _, request := range slices.Sorted(maps.Keys(c.requests)) {
		switch r := c.requests[request].(type) {
		case *seeking:
			if of(r.of.system) {
				delete(c.requests, request)
				c.notFound(r, reason)
			}
		case *attempt:
			if of(r.at) {
				delete(c.requests, request)
				c.refused(r, reason)
			} else if r.foreign != nil && of(r.foreign.asker) {
				delete(c.requests, request)
			}
		case *killing:
			if of(r.system) {
				delete(c.requests, request)
				r.answer(fail(CodeFailed, "%s", reason))
			}
		}
	}
	for child, p := range c.placed {
		if of(p.place.System) {
			c.forgetPlaced(child)
		}
	}
	for _, p := range c.processes {
		for system := range p.known {
			if of(system) {
				delete(p.known, system)
			}
		}
	}
}

// strangerGone tells those who have to do with a process of another system that it has ended.
func (c *Core) strangerGone(s *stranger, reason string, cut bool) {
	delete(c.strangers, s.process)
	for _, number := range slices.Sorted(maps.Keys(s.related)) {
		c.tell(s.related[number], Gone{System: s.system, Process: s.process, Reason: reason, Cut: cut})
	}
	for child, p := range c.placed {
		if p.place.Process == s.process {
			c.forgetPlaced(child)
		}
	}
}

// fenceTime is how long actors whose parents are across the cut get to exit.
const fenceTime = 3 * time.Second

// Fence ends all that this system has to do with others. It is another incarnation from then on. [Fenced] says that it is done.
func (c *Core) Fence(now time.Time, incarnation uint64, reason string) []Output {
	c.cut(func(uint64) bool { return true }, "its system is cut off: "+reason)
	for _, p := range c.everyone() {
		if p.outside != "" || p.meeting != nil {
			p.outside = ""
			c.notMet(p, fail(CodeFailed, "its system is cut off: %s", reason))
			c.tell(p, Part{})
		}
	}
	c.here.Incarnation = incarnation
	c.fence = &fence{deadline: now.Add(fenceTime)}
	c.finishFence()
	return c.take()
}

func (c *Core) finishFence() {
	if c.fence == nil {
		return
	}
	for _, e := range c.actors {
		if e.foreign != nil {
			return
		}
	}
	c.fence = nil
	c.do(Fenced{})
}

// hurryFence ends the processes of actors that do not exit.
func (c *Core) hurryFence() {
	c.fence.late = true
	for _, e := range sorted(maps.Values(c.actors)) {
		if e.foreign != nil && !e.host.shared && !e.host.killed {
			e.host.killed = true
			c.do(Kill{e.host.number})
		}
	}
	for _, e := range sorted(maps.Values(c.actors)) {
		if e.foreign != nil && e.host.shared { // its process has others, and it hears nobody
			e.foreign = nil
		}
	}
	c.finishFence()
}

// FromSystem is called with what the Admin of another system has said.
func (c *Core) FromSystem(now time.Time, from uint64, msg any) []Output {
	if c.finished || c.fence != nil || c.own(from) {
		return nil
	}
	switch m := msg.(type) {
	case Seek:
		c.sought(from, m)
	case Sought:
		c.found(from, m)
	case PlaceActor:
		c.placeActor(from, m)
	case Placed:
		c.placedThere(from, m)
	case ActorEnded:
		if p := c.placed[m.Actor]; p != nil && p.place.System == from {
			c.forgetPlaced(m.Actor)
		}
	case ProcessEnded:
		if s := c.strangers[m.Process]; s != nil && s.system == from {
			c.strangerGone(s, m.Reason, false)
		}
	case FindActor:
		c.findHere(from, m)
	case RelayTo:
		c.relay(Relay{To: m.Process, Data: m.Data})
	case AdoptActor:
		if e := c.actors[m.Actor]; e != nil && e.foreign != nil && e.foreign.origin == from {
			e.adopted = true
		}
	case KillPlaced:
		c.kill(now, nil, from, m.Actor, func(why Failure) { c.post(from, KilledPlaced{m.Request, why}) })
	case KilledPlaced:
		if k, ok := c.requests[m.Request].(*killing); ok && k.system == from {
			delete(c.requests, m.Request)
			k.answer(m.Failure)
		}
	}
	return c.take()
}

// meet has something done once the nodes of other systems can reach a process.
func (c *Core) meet(p *process, then func(Failure)) {
	if p.outside != "" {
		then(Failure{})
		return
	}
	if len(p.meeting) >= maxStrangers {
		then(fail(CodeFailed, "too many wait for the process"))
		return
	}
	p.meeting = append(p.meeting, then)
	if len(p.meeting) == 1 {
		o := c.options.Outside
		o.Incarnation = c.here.Incarnation
		c.tell(p, Meet{o})
	}
}

func (c *Core) met(p *process, m Met) {
	p.outside = m.Endpoint
	c.notMet(p, m.Failure)
}

// notMet goes on with what waits for a process to be reached, and says why it cannot be, if it cannot.
func (c *Core) notMet(p *process, why Failure) {
	then := p.meeting
	p.meeting = nil
	for _, do := range then {
		do(why)
	}
}

// placeOf says how a process is reached.
func (c *Core) placeOf(p *process) Place {
	place := c.here
	place.Process, place.Local = p.number, p.outside
	place.Endpoint = p.outside
	if advertised := c.here.Endpoint; advertised != "" {
		place.Endpoint = withHost(p.outside, advertised)
	}
	return place
}

// withHost returns an endpoint with another host.
func withHost(endpoint, host string) string {
	i := strings.LastIndexByte(endpoint, ':')
	if i < 0 {
		return endpoint
	}
	return host + endpoint[i:]
}

// maxStrangers is how many processes of other systems may be known at once, and how many questions may wait for a process.
const maxStrangers = 1 << 16

// own says that a number is not that of another system.
func (c *Core) own(system uint64) bool { return system == 0 || system == c.options.System }

// strange returns why a process cannot be met as one of another system.
func (c *Core) strange(to Place) Failure {
	s := c.strangers[to.Process]
	switch {
	case c.own(to.System) || to.Process == 0:
		return fail(CodeFailed, "what is said to be a process of another system is none")
	case s != nil && s.system != to.System: // who came first has it
		return fail(CodeFailed, "two systems have drawn the same number for a process")
	case s == nil && len(c.strangers) >= maxStrangers:
		return fail(CodeFailed, "too many processes of other systems are known")
	}
	return Failure{}
}

// introduce tells a process how one of another system is reached, that is not strange.
func (c *Core) introduce(p *process, to Place) {
	s := c.strangers[to.Process]
	if s == nil {
		s = &stranger{to.System, to.Process, to.Admin, make(map[uint64]*process)}
		c.strangers[to.Process] = s
	}
	s.related[p.number] = p
	endpoint, via := c.route(to)
	c.tell(p, Located{System: to.System, Incarnation: to.Incarnation, Process: to.Process, Endpoint: endpoint, Via: via})
}

// route says how a process of another system is reached (the table of routes in docs/conventions.md): on the same host directly; one that only connects to others by way of this system's
// Admin, as from a system that does itself to one whose Admin is all that can be reached; else by that Admin, or directly.
func (c *Core) route(to Place) (endpoint string, via bool) {
	switch {
	case to.Host != "" && to.Host == c.here.Host:
		return to.Local, false
	case to.Outbound, to.Routed && c.here.Outbound:
		return "", true
	case to.Routed:
		return to.Admin, false
	}
	return to.Endpoint, false
}

// seek finds a process of another system.
func (c *Core) seek(p *process, m Locate) {
	if !c.options.Meets {
		c.tell(p, Gone{System: m.System, Process: m.Process, Reason: "the address belongs to another system, and this one has no convention: set Options.ConventionSecret"})
		return
	}
	s := &stranger{system: m.System, process: m.Process}
	c.meet(p, func(why Failure) {
		if c.processes[p.number] != p {
			return
		}
		if why != (Failure{}) {
			c.tell(p, Gone{System: m.System, Process: m.Process, Reason: why.Text})
			return
		}
		c.post(m.System, Seek{Request: c.ask(&seeking{process: p, of: s}), Process: m.Process, From: c.placeOf(p)})
		c.vouch(p, m.System)
	})
}

// vouch notes that a system knows a process of this one: it is told of its end.
func (c *Core) vouch(p *process, system uint64) {
	if p.known == nil {
		p.known = make(map[uint64]struct{})
	}
	p.known[system] = struct{}{}
}

// sought is called when another system asks for a process of this one.
func (c *Core) sought(from uint64, m Seek) {
	p := c.processes[m.Process]
	if p == nil || p.endpoint == "" {
		c.post(from, Sought{Request: m.Request, Place: Place{System: c.options.System, Process: m.Process}, Failure: fail(CodeFailed, "%s", c.graves.reason(m.Process))})
		return
	}
	m.From.System = from
	c.present(p, from, m.From, func(place Place, why Failure) { c.post(from, Sought{m.Request, place, why}) })
}

// present introduces a process of another system to one of this, and says where that is.
func (c *Core) present(p *process, system uint64, other Place, then func(Place, Failure)) {
	c.meet(p, func(why Failure) {
		if why == (Failure{}) {
			why = c.strange(other)
		}
		if why == (Failure{}) {
			c.vouch(p, system)
			c.introduce(p, other)
		}
		then(c.placeOf(p), why)
	})
}

// found is called with the answer to a Seek or a FindActor.
func (c *Core) found(from uint64, m Sought) {
	r, ok := c.requests[m.Request].(*seeking)
	if !ok || r.of.system != from {
		return
	}
	delete(c.requests, m.Request)
	m.Place.System = from
	if m.Failure == (Failure{}) {
		m.Failure = c.strange(m.Place)
	}
	if m.Failure == (Failure{}) && r.of.process != 0 && r.of.process != m.Place.Process {
		m.Failure = fail(CodeFailed, "its system speaks of another process")
	}
	if m.Failure != (Failure{}) {
		c.notFound(r, m.Failure.Text)
		return
	}
	if c.processes[r.process.number] != r.process {
		c.post(m.Place.System, ProcessEnded{r.process.number, c.graves.reason(r.process.number)})
		return
	}
	c.vouch(r.process, m.Place.System)
	c.introduce(r.process, m.Place)
	if r.find != nil {
		c.tell(r.process, Created{Request: r.find.Request, Actor: r.find.Actor, System: m.Place.System, Process: m.Place.Process})
	}
}

func (c *Core) notFound(r *seeking, reason string) {
	if r.ended != nil {
		r.ended()
		return
	}
	if r.find != nil {
		c.tell(r.process, Created{Request: r.find.Request, Actor: r.find.Actor, Failure: fail(CodeFailed, "%s", reason)})
		return
	}
	c.tell(r.process, Gone{System: r.of.system, Process: r.of.process, Reason: reason})
}

// findAbroad asks another system for an actor, and reports whether there is one to ask.
func (c *Core) findAbroad(p *process, m Find) bool {
	if placed := c.placed[m.Actor]; placed != nil {
		at := &stranger{system: placed.place.System, process: placed.place.Process}
		c.askFor(p, m, at, func(request uint64) any { return Seek{Request: request, Process: at.process, From: c.placeOf(p)} })
		return true
	}
	if m.Actor.IsZero() {
		return false
	}
	system := m.Actor.Record().ID().System
	if system == c.options.System || !c.options.Meets {
		return false
	}
	c.askFor(p, m, &stranger{system: system}, func(request uint64) any { return FindActor{Request: request, Actor: m.Actor, From: c.placeOf(p)} })
	return true
}

// askFor asks another system for an actor, once the process that looks for it can be reached.
func (c *Core) askFor(p *process, m Find, at *stranger, question func(request uint64) any) {
	r := &seeking{process: p, of: at, find: &m}
	c.meet(p, func(why Failure) {
		switch {
		case c.processes[p.number] != p:
		case why != (Failure{}):
			c.notFound(r, why.Text)
		default:
			c.post(at.system, question(c.ask(r)))
		}
	})
}

// findHere answers where an actor is that was created in this system.
func (c *Core) findHere(from uint64, m FindActor) {
	m.From.System = from
	if e := c.actors[m.Actor]; e != nil && e.running && !e.leaving {
		c.present(e.host, from, m.From, func(place Place, why Failure) { c.post(from, Sought{m.Request, place, why}) })
		return
	}
	c.post(from, Sought{Request: m.Request, Failure: fail(CodeFailed, "the actor has ended")})
}

// relay brings a process what another one could say in no other way.
func (c *Core) relay(m Relay) {
	if m.System != 0 && m.System != c.options.System {
		c.post(m.System, RelayTo{m.To, m.Data})
		return
	}
	to := c.processes[m.To]
	switch own := c.processes[c.options.Process]; {
	case to != nil && !to.parting:
		c.tell(to, Relayed{Data: m.Data})
	case own != nil:
		reason := "its process ends"
		if to == nil {
			reason = c.graves.ended(m.To)
		}
		c.tell(own, Relayed{m.Data, reason})
	}
}

// part is called when a process takes nothing more that others have relayed.
func (c *Core) part(p *process, m Parting) {
	p.parting = true
	c.tell(p, Done{Request: m.Request})
}

// forgetAbroad tells other systems of the end of a process.
func (c *Core) forgetAbroad(p *process, reason string) {
	for _, system := range slices.Sorted(maps.Keys(p.known)) {
		c.post(system, ProcessEnded{p.number, reason})
	}
	p.known = nil
	c.notMet(p, fail(CodeFailed, "%s", reason))
	for _, s := range c.strangers {
		delete(s.related, p.number)
	}
	for request, r := range c.requests {
		switch r := r.(type) {
		case *seeking:
			if r.process == p {
				delete(c.requests, request)
			}
		case *killing:
			if r.process == p {
				delete(c.requests, request)
			}
		}
	}
	of := func(h handler) bool { return h.process == p }
	c.watchers = slices.DeleteFunc(c.watchers, of)
	c.awaiting = slices.DeleteFunc(c.awaiting, func(a asker) bool { return a.process == p })
}

// notifyConvention notes who wants to be told of the systems that join and leave, and tells of those that are there (Thespian 3.5 feature A16).
func (c *Core) notifyConvention(p *process, m NotifyConvention) {
	i := slices.IndexFunc(c.watchers, func(h handler) bool { return h.actor == m.Watcher })
	switch {
	case m.On && i < 0 && !m.Watcher.IsZero():
		c.watchers = append(c.watchers, handler{m.Watcher, p})
		for _, system := range slices.Sorted(maps.Keys(c.neighbours)) {
			n := c.neighbours[system]
			c.tell(p, ConventionUpdate{m.Watcher, n.admin, n.capabilities, true})
		}
	case !m.On && i >= 0:
		c.watchers = slices.Delete(c.watchers, i, i+1)
	}
}

func (c *Core) notify(n *neighbour, added bool) {
	for _, w := range c.watchers {
		c.tell(w.process, ConventionUpdate{w.actor, n.admin, n.capabilities, added})
	}
}

func (c *Core) preRegister(p *process, m PreRegister) {
	if !c.options.Meets {
		c.tell(p, Done{m.Request, errNoCredentials})
		return
	}
	c.do(Invite{m.Address})
	c.tell(p, Done{Request: m.Request})
}

func (c *Core) deRegister(p *process, m DeRegister) {
	if !c.options.Meets {
		c.tell(p, Done{m.Request, errNoCredentials})
		return
	}
	u := Uninvite{Address: m.Address, Process: p.number, Request: m.Request}
	if !m.Admin.IsZero() {
		u.System = m.Admin.Record().ID().System
	}
	c.do(u)
}

// Uninvited answers who has asked for an Uninvite.
func (c *Core) Uninvited(u Uninvite, was bool) []Output {
	if p := c.processes[u.Process]; p != nil {
		var why Failure
		if !was {
			why = fail(CodeFailed, "%s was not pre-registered", cmp.Or(u.Address, "the system"))
		}
		c.tell(p, Done{u.Request, why})
	}
	return c.take()
}

var errNoCredentials = fail(CodeFailed, "this system cannot meet others: start it with Options.ConventionSecret, or Options.TLS (\"thespian start --secret-file\", or \"--tls-certificate\")")

func (c *Core) awaitLeader(p *process, m AwaitLeader) {
	if c.leader != 0 {
		c.tell(p, Done{Request: m.Request})
		return
	}
	c.awaiting = append(c.awaiting, asker{process: p, request: m.Request})
}
