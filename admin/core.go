// Package admin is what the Admin of a system decides, as a pure core: control messages of processes, what happens to them, and the time go in; control messages and orders
// to start or kill processes come out. It has no goroutine, clock or socket. The shell around it, in package system, does the input and output.
package admin

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"thespian.dev/address"
	"thespian.dev/message"
)

// Options are what a [Core] is made with.
type Options struct {
	// System and Process are the numbers of the system and of the Admin's own process, Admin the address that stands for the system.
	System, Process uint64
	Admin           address.Address
	Endpoint        string // of the Admin's node
	Listen          string // where the other nodes are to listen
	LowestPort      int    // and at which ports
	HighestPort     int
	Limits          Limits
	Base            string
	Key             []byte
	Capabilities    message.Capabilities

	// Number draws the number of a new process. It never returns one twice.
	Number func() uint64

	// Meets says that the system has the credentials to meet others, Here how its processes are reached then: the fields that concern a process are left out. Outside is what they need.
	Meets   bool
	Here    Place
	Outside Outside
	// Convention, if set, says for the status what the shell knows of the convention. The core adds the members' actors and who leads.
	Convention func() ConventionReport

	// Pool is how many processes are kept ready for each build whose actors start by "forkserver". Zero: [DefaultPool].
	Pool int
}

// A ConventionReport is what is known of a convention: whom the system connects to, whom it has refused, and the systems that it knows, by their numbers.
type ConventionReport struct {
	Contacts []message.ConventionContact
	Refusals []message.ConventionRefusal
	Members  map[uint64]message.ConventionMember
}

// DefaultPool is how many processes are kept ready for each build whose actors start by "forkserver", once the first has.
const DefaultPool = 8

// A Core decides. It is not safe for concurrent use: the shell calls one method after the other.
type Core struct {
	options  Options
	began    time.Time
	offers   message.Capabilities // replaced, never changed
	handlers []handler

	processes map[uint64]*process
	builds    []*build // the newest comes last
	actors    map[address.Address]*entry
	names     map[string]address.Address
	graves    graves

	convention

	queries   map[uint64]*query // of statuses
	serial    uint64            // of the last query
	accounted uint64            // the dead letters of processes that have ended

	closing  bool
	deadline time.Time // when hosts are killed
	late     bool      // they were
	killed   []string  // the actors that had no time
	waiting  []asker   // who wants to know that the system has ended
	finished bool

	out []Output
}

// An Output is something that the shell has to do: one of the types below.
type Output interface{ output() }

type (
	// Tell sends a control message to a process. One that has ended meanwhile does not get it.
	Tell struct {
		To      uint64
		Message any
	}

	// Launch starts a host from a build. It is told Welcome, and what else there is, at once. If it cannot be started, [Core.Gone] says why.
	Launch struct {
		Process uint64
		Build   string
		Title   string // what lists of processes show
	}

	// Kill ends a host at once.
	Kill struct{ Process uint64 }

	// Discard says that no host will be launched from a build, unless a program announces it again: no process of it is left.
	Discard struct{ Build string }

	// Finish says that no host is left, and the Admin can end.
	Finish struct{}
)

func (Tell) output()    {}
func (Launch) output()  {}
func (Kill) output()    {}
func (Discard) output() {}
func (Finish) output()  {}

// A process is a program or a host.
type process struct {
	number      uint64
	endpoint    string // "" until its announcement was accepted
	pid         int
	build       *build // nil until a program announced itself
	program     bool
	lifetime    bool
	shared      bool
	killed      bool
	took        int                        // how often it has taken a host out of a pool
	failure     string                     // why the host cannot become a part of the system
	parting     bool                       // it takes nothing more that was relayed
	gaveAccount bool                       // it ends, and its dead letters are counted
	actors      map[address.Address]*entry // those that the Admin had it run, and that have not ended
	asks        map[*entry]int             // for whom it waits, and how often it has asked
	related     map[uint64]*process        // who is told of its end
	seekers     []*process                 // who is told where it is once it has said so

	// Of what it has to do with other systems.
	outside string              // where their nodes reach it; "": nowhere yet
	meeting []func(Failure)     // what waits for that
	known   map[uint64]struct{} // systems that are told of its end
}

// An entry is an actor that the Admin had a host run.
type entry struct {
	run     Run
	host    *process
	running bool
	started bool
	leaving bool     // its end is about to be told
	adopted bool     // its parent has ended and left it to the Admin
	askers  []asker  // who waits for it to run, or to have started
	attempt *attempt // if this system does not suit it, others are tried
	foreign *foreign // another system has asked for it
}

// An asker waits for the answer to a request.
type asker struct {
	process *process
	request uint64
	wait    bool   // for the start
	lookup  bool   // no actor is no failure
	again   func() // asks once more, as the actor is to run in another system
}

// New returns the core of a system without processes but the Admin's own.
func New(now time.Time, o Options) *Core {
	o.Pool = cmp.Or(o.Pool, DefaultPool)
	c := &Core{
		options: o, began: now, offers: o.Capabilities.Clone(), processes: make(map[uint64]*process), actors: make(map[address.Address]*entry),
		names: make(map[string]address.Address), queries: make(map[uint64]*query),
	}
	c.convention.init(o)
	own := c.admit(o.Process) // the Admin's node hears what all others do
	own.program, own.endpoint = true, o.Endpoint
	return c
}

// Attached is called when a program has connected. It returns the program's number, and what to do, which begins with a welcome.
func (c *Core) Attached() (number uint64, do []Output) {
	p := c.admit(c.options.Number())
	p.program = true
	c.welcome(p)
	return p.number, c.take()
}

// Received is called with what a process has said. What makes no sense is ignored, and so is all that comes before the announcement of the process was accepted.
func (c *Core) Received(now time.Time, from uint64, msg any) []Output {
	p := c.processes[from]
	if p == nil || c.finished {
		return nil
	}
	if m, failed := msg.(Failed); failed && p.endpoint == "" && !p.program {
		p.failure = m.Reason
		return nil
	}
	if _, announces := msg.(Announce); !announces && p.endpoint == "" {
		return nil
	}
	switch m := msg.(type) {
	case Announce:
		c.announce(p, m)
	case Create:
		c.create(p, m)
	case Running:
		c.running(p, m.Child)
	case Started:
		c.started(p, m)
	case Leaving:
		c.leaving(p, m)
	case Ended:
		c.ended(p, m.Actor)
	case Account:
		c.account(p, m)
	case Adopt:
		c.adopt(m.Child)
	case Relay:
		c.relay(m)
	case Parting:
		c.part(p, m)
	case Locate:
		c.locate(p, m)
	case Met:
		c.met(p, m)
	case NotifyConvention:
		c.notifyConvention(p, m)
	case PreRegister:
		c.preRegister(p, m)
	case DeRegister:
		c.deRegister(p, m)
	case AwaitLeader:
		c.awaitLeader(p, m)
	case Lookup:
		c.lookup(p, m)
	case Find:
		c.find(p, m)
	case SetCapability:
		c.setCapability(p, m)
	case HandleDeadLetters:
		c.handleDeadLetters(p, m)
	case StatusRequest:
		c.query(now, asker{process: p, request: m.Request})
	case Status:
		c.report(p, m)
	case Shutdown:
		c.waiting = append(c.waiting, asker{process: p, request: m.Request})
		c.shutdown(now, m.Grace)
	case KillActor:
		c.kill(now, p, 0, m.Actor, func(why Failure) {
			c.whileThere(p, func() { c.tell(p, Done{m.Request, why}) })()
		})
	}
	return c.take()
}

// Next returns when Tick is to be called, if at all.
func (c *Core) Next() (at time.Time, any bool) {
	if c.closing && !c.finished && !c.late {
		at, any = c.deadline, true
	}
	if f := c.fence; f != nil && !f.late && (!any || f.deadline.Before(at)) {
		at, any = f.deadline, true
	}
	for _, q := range c.queries {
		if !any || q.deadline.Before(at) {
			at, any = q.deadline, true
		}
	}
	return at, any
}

// Tick is called when the time that Next returned has come.
func (c *Core) Tick(now time.Time) []Output {
	for _, id := range slices.Sorted(maps.Keys(c.queries)) {
		if q := c.queries[id]; !now.Before(q.deadline) {
			c.conclude(q)
		}
	}
	if c.fence != nil && !now.Before(c.fence.deadline) {
		c.hurryFence()
	}
	if c.closing && !c.finished && !now.Before(c.deadline) {
		c.late = true
		c.killHosts()
	}
	return c.take()
}

func (c *Core) do(o Output) { c.out = append(c.out, o) }

func (c *Core) tell(p *process, msg any) { c.do(Tell{p.number, msg}) }

func (c *Core) take() []Output {
	out := c.out
	c.out = nil
	return out
}

// everyone returns the processes, ordered so that a run can be repeated.
func (c *Core) everyone() []*process {
	all := make([]*process, 0, len(c.processes))
	for _, number := range slices.Sorted(maps.Keys(c.processes)) {
		all = append(all, c.processes[number])
	}
	return all
}

// sorted returns entries in the order in which their actors were created.
func sorted(entries iter.Seq[*entry]) []*entry {
	return slices.SortedFunc(entries, func(a, b *entry) int { return a.run.Child.Compare(b.run.Child) })
}

func fail(code, format string, args ...any) Failure {
	return Failure{code, fmt.Sprintf(format, args...)}
}
