package admin

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"thespian.dev/address"
	"thespian.dev/message"
)

// queryTime is how long processes get to report their status.
const queryTime = 2 * time.Second

// maxQueries is how many may be under way before no more are made for what other systems ask.
const maxQueries = 1 << 10

// A query gathers the status of the system from its processes.
type query struct {
	number   uint64
	asker    asker
	deadline time.Time
	pending  map[uint64]struct{}
	status   message.SystemStatus
	then     func() // in place of an answer
}

// query asks all processes for their status.
func (c *Core) query(now time.Time, a asker) {
	c.serial++
	q := &query{number: c.serial, asker: a, deadline: now.Add(queryTime), pending: make(map[uint64]struct{})}
	q.status = message.SystemStatus{
		Admin: c.options.Admin, Base: c.options.Base, Capabilities: c.offers.Clone(), InShutdown: c.closing, GlobalNames: maps.Clone(c.names),
		DeadLetterHandlers: c.deadLetterHandlers(), DeadLetters: c.accounted, Uptime: now.Sub(c.began), Counters: map[string]uint64{},
	}
	c.reportConvention(&q.status)
	c.queries[q.number] = q
	for _, p := range c.everyone() {
		if p.endpoint == "" {
			continue
		}
		q.pending[p.number] = struct{}{}
		switch {
		case p.number == c.options.Process:
		case p.program:
			q.status.Counters["programs"]++
		default:
			q.status.Counters["hosts"]++
		}
		c.tell(p, StatusRequest{q.number})
	}
	c.concludeIfComplete(q)
}

// afterCreator calls then once all is heard that the creator of an actor has said until now. Others may have had the actor's address from it, and name it, before its request to create the
// actor is read: they have connections of their own. What p says itself comes in order.
func (c *Core) afterCreator(now time.Time, p *process, actor address.Address, then func()) {
	var creator *process
	if !actor.IsZero() {
		creator = c.processes[actor.Record().ID().Process]
	}
	if creator == nil || creator == p || creator.number == c.options.Process || creator.endpoint == "" || len(c.queries) >= maxQueries {
		then()
		return
	}
	c.serial++
	c.queries[c.serial] = &query{number: c.serial, deadline: now.Add(queryTime), pending: map[uint64]struct{}{creator.number: {}}, status: message.SystemStatus{Counters: map[string]uint64{}}, then: then}
	c.tell(creator, StatusRequest{c.serial})
}

// reportConvention adds what there is to say of other systems.
func (c *Core) reportConvention(to *message.SystemStatus) {
	if !c.options.Meets {
		return
	}
	if c.leader == c.options.System {
		to.ConventionLeader = c.options.Admin
	} else if n := c.neighbours[c.leader]; n != nil {
		to.ConventionLeader = n.admin
	}
	if c.options.Convention == nil {
		return
	}
	known := c.options.Convention()
	to.ConventionContacts, to.ConventionRefusals = known.Contacts, known.Refusals
	for _, number := range slices.Sorted(maps.Keys(known.Members)) {
		m := known.Members[number]
		m.Leads = number == c.leader
		if n := c.neighbours[number]; n != nil {
			m.Actors = n.actors
		}
		to.ConventionMembers = append(to.ConventionMembers, m)
	}
	slices.SortStableFunc(to.ConventionMembers, func(a, b message.ConventionMember) int {
		switch {
		case a.Leads:
			return -1
		case b.Leads:
			return 1
		}
		return cmp.Compare(a.Address, b.Address)
	})
}

// report adds what one process has to say.
func (c *Core) report(p *process, m Status) {
	q := c.queries[m.Request]
	if q == nil {
		return
	}
	if _, wanted := q.pending[p.number]; !wanted {
		return
	}
	delete(q.pending, p.number)
	q.status.Actors = append(q.status.Actors, m.Status.Actors...)
	q.status.Processes = append(q.status.Processes, m.Status.Processes...)
	if !p.gaveAccount { // else they are counted
		q.status.DeadLetters += m.Status.DeadLetters
	}
	for name, n := range m.Status.Counters {
		q.status.Counters[name] += n
	}
	c.concludeIfComplete(q)
}

// account notes what a process has counted that ends now. Queries still wait for its end, so that who has an answer knows of it.
func (c *Core) account(p *process, m Account) {
	if p.gaveAccount {
		return
	}
	p.gaveAccount = true
	c.accounted += m.DeadLetters
	for _, q := range c.queries {
		if _, wanted := q.pending[p.number]; wanted {
			q.status.DeadLetters += m.DeadLetters
		}
	}
}

// missing is called when a process has ended, which will not report any more.
func (c *Core) missing(p *process) {
	for _, number := range slices.Sorted(maps.Keys(c.queries)) {
		q := c.queries[number]
		delete(q.pending, p.number)
		c.concludeIfComplete(q)
	}
}

func (c *Core) concludeIfComplete(q *query) {
	if len(q.pending) == 0 {
		c.conclude(q)
	}
}

// concludeAll answers who still waits when the system ends.
func (c *Core) concludeAll() {
	for _, number := range slices.Sorted(maps.Keys(c.queries)) {
		c.conclude(c.queries[number])
	}
}

func (c *Core) conclude(q *query) {
	delete(c.queries, q.number)
	if q.then != nil {
		q.then()
		return
	}
	if n := len(q.pending); n > 0 {
		q.status.Counters["processes without an answer"] = uint64(n)
	}
	q.status.Actors = inTree(q.status.Actors)
	slices.SortStableFunc(q.status.Processes, adminFirst)
	c.tell(q.asker.process, Status{q.asker.request, q.status})
}

// adminFirst orders processes by their numbers, behind the Admin's, as they answer in any order.
func adminFirst(a, b message.ProcessStatus) int {
	rank := func(p message.ProcessStatus) int {
		if p.Role == "admin" {
			return 0
		}
		return 1
	}
	return cmp.Or(rank(a)-rank(b), cmp.Compare(a.PID, b.PID))
}

// inTree puts each actor behind its parent, and siblings in the order of their creation. What processes report may make no sense: each line comes out once also
// when parents form a circle or an actor is there twice.
func inTree(all []message.ActorStatus) []message.ActorStatus {
	slices.SortStableFunc(all, func(a, b message.ActorStatus) int { return a.Actor.Compare(b.Actor) })
	known := make(map[address.Address]bool, len(all))
	for _, s := range all {
		known[s.Actor] = true
	}
	below := make(map[address.Address][]message.ActorStatus) // by parent; under no address those without one here
	for _, s := range all {
		parent := s.Parent
		if !known[parent] || parent == s.Actor {
			parent = address.Address{}
		}
		below[parent] = append(below[parent], s)
	}
	ordered := make([]message.ActorStatus, 0, len(all))
	list := func(parent address.Address) {
		var next []message.ActorStatus // a stack: trees may be deep
		push := func(parent address.Address) {
			for _, s := range slices.Backward(below[parent]) {
				next = append(next, s)
			}
			delete(below, parent)
		}
		for push(parent); len(next) > 0; {
			s := next[len(next)-1]
			next = next[:len(next)-1]
			ordered = append(ordered, s)
			push(s.Actor)
		}
	}
	list(address.Address{})
	for _, s := range all { // circles
		list(s.Actor)
	}
	return ordered
}
