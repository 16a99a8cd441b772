package system

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/address/record"
	"thespian.dev/admin"
	"thespian.dev/message"
)

// A kind is a registered actor.Kind.
type kind struct {
	actor.Kind
	attempts int
}

// newKinds returns the kinds by their names, or what is wrong with them.
func newKinds(given []actor.Kind) (map[string]*kind, error) {
	kinds := make(map[string]*kind, len(given))
	for _, k := range given {
		if err := k.Validate(); err != nil {
			return nil, err
		}
		if kinds[k.Name] != nil {
			return nil, fmt.Errorf("kind %q is given twice", k.Name)
		}
		attempts := k.Attempts
		if attempts == 0 {
			attempts = actor.DefaultAttempts
		}
		kinds[k.Name] = &kind{k, attempts}
	}
	return kinds, nil
}

// A node is what runs actors in one process: one path for every message, and one place that decides where an
// address leads.
type node struct {
	// Read by every send.
	id          record.ID // of the system and the process
	messages    *message.Registry
	limits      Limits
	synchronous *synchronous // nil: the concurrent scheduler
	copies      bool
	killed      chan struct{} // closed when the node is at its end

	kinds map[string]*kind
	log   *slog.Logger
	began time.Time
	admin *adminMailbox
	root  *cell // parent of the actors that have no other
	_     [64]byte

	// Written now and then: not on the lines of the above.
	counter    atomic.Uint64 // of addresses
	scheduler  scheduler
	processors processors
	goroutines goroutines
	timers     timers
	wakes      wakes
	works      works

	names        names
	deadLetters  deadLetters
	capabilities capabilities

	closing      atomic.Bool
	why          atomic.Pointer[error] // of an end that was not this program's doing
	childless    chan struct{}         // holds a token after the root has lost its last child, of whose end everybody has been told
	parting      atomic.Int32          // children of the root of whose end others are being told
	killOnce     sync.Once
	shutdownSoon func() // begins the end of the system

	// Of a system with several processes.
	client       *adminClient // nil on the base simple
	peers        *peers       // likewise
	adminProcess uint64
	asked        asked
	attention    attention
	hosting      bool          // this process is a host
	retired      chan struct{} // holds a token when it is to end once it has no actors, though it is shared
	stillborn    stillborn
	crowdings    atomic.Uint64 // how often a message came into a mailbox above its mark
}

// newNode returns the node of a process. The welcome is the Admin's, nil on the base simple, where the process is its own Admin.
func newNode(kinds []actor.Kind, registry *message.Registry, o *Options, limits Limits, log *slog.Logger, w *admin.Welcome) (*node, error) {
	n := &node{
		began: time.Now(), messages: registry, limits: limits, copies: o.CopyMessages,
		log: log, childless: make(chan struct{}, 1), retired: make(chan struct{}, 1), killed: make(chan struct{}),
	}
	n.goroutines.quiet = make(chan struct{}, 1)
	n.scheduler.limit = runtime.GOMAXPROCS(0)
	var err error
	if n.kinds, err = newKinds(kinds); err != nil {
		return nil, err
	}
	if w == nil {
		if err := n.capabilities.init("simple", o.Capabilities); err != nil {
			return nil, err
		}
		var identity [16]byte
		_, _ = rand.Read(identity[:]) // never fails
		w = &admin.Welcome{System: binary.BigEndian.Uint64(identity[:]), Process: binary.BigEndian.Uint64(identity[8:])}
	} else {
		n.capabilities.offers, n.adminProcess = w.Capabilities, w.AdminProcess
	}
	n.id = record.ID{System: w.System, Process: w.Process}
	if o.Synchronous {
		n.synchronous = newSynchronous(n)
	}
	n.admin = newAdmin(n, w.Admin)
	n.root = &cell{node: n, kind: &kind{}, self: n.admin.self}
	n.timers.node = n
	return n, nil
}

func (n *node) uptime() time.Duration { return time.Since(n.began) }

// newID returns an identity that nobody ever had.
func (n *node) newID() record.ID {
	id := n.id
	id.Counter = n.counter.Add(1)
	return id
}

func (n *node) newAddress() address.Address { return address.Of(record.New(n.newID())) }

func (n *node) unknownKind(name string) error {
	known := strings.Join(slices.Sorted(maps.Keys(n.kinds)), ", ")
	if known == "" {
		known = "none"
	}
	return fmt.Errorf("%w %q; the kinds are: %s", ErrUnknownKind, name, known)
}

// prepare checks that a message can be sent, and returns it as it will arrive.
func (n *node) prepare(to address.Address, msg any) (any, error) {
	if to.IsZero() {
		return nil, ErrNoAddress
	}
	if !n.copies {
		return msg, n.messages.Check(msg)
	}
	return n.pass(msg)
}

// pass checks that data can be passed to an actor, and returns it as it will arrive.
func (n *node) pass(data any) (any, error) {
	if err := n.messages.Check(data); err != nil {
		return nil, err
	}
	if !n.copies {
		return data, nil
	}
	encoded, err := n.messages.Append(nil, data)
	if err != nil {
		return nil, err
	}
	return n.messages.Decode(encoded)
}

// deliver brings a message to where its address leads. It waits as push does, and returns its error. What cannot be
// delivered becomes a dead letter.
func (n *node) deliver(ctx context.Context, e envelope, to address.Address, from *cell) error {
	if b := to.Record().Binding(); b != nil {
		switch m := b.Mailbox.(type) {
		case *cell:
			if m.node != n {
				break
			}
			refused, err := m.push(ctx, e, from)
			switch refused {
			case "":
			case refusedEnded:
				m.refuse(e)
			default:
				n.undeliverable(e, to, refused)
			}
			return err
		case *question:
			if m.node() == n {
				m.reply(e)
				return nil
			}
		case *Endpoint:
			if m.node == n {
				m.mail(e)
				return nil
			}
		case *adminMailbox:
			if m.node == n {
				m.receive(e)
				return nil
			}
		case *peer:
			if m.node == n && !m.lapsed() {
				return m.send(ctx, e, to, from)
			}
		}
	}
	if n.peers != nil {
		if id := to.Record().ID(); id.System == n.id.System && id.Process == n.id.Process {
			if asker := n.asked.by(to); asker != nil { // what comes to a question that nobody holds any more comes too late to be its answer
				asker.mail(e)
				return nil
			}
		}
		if p, err := n.peers.of(to); err != nil {
			n.undeliverable(e, to, err.Error())
			return nil
		} else if p != nil {
			return p.send(ctx, e, to, from)
		}
	}
	n.undeliverable(e, to, n.unreachable(to))
	return nil
}

func (n *node) unreachable(to address.Address) string {
	if id := to.Record().ID(); id.System == n.id.System && (n.peers != nil || id.Process == n.id.Process) { // one that another process created may have run here
		return refusedEnded
	}
	return "the address belongs to another system, and a system on the base simple does not reach out of its process"
}

// undeliverable deals with a message that did not reach its receiver. If it was a question, the asker learns of it at once.
func (n *node) undeliverable(e envelope, to address.Address, reason string) {
	n.deadLetters.add(n, e, to, reason) // first: who learns of it may look
	if !e.sender.IsZero() {
		if q := n.question(e.sender); q != nil {
			q.fail(&UndeliverableError{Target: to, Reason: reason})
		} else if n.peers != nil {
			n.peers.notDelivered(e.sender, to, reason)
		}
	}
}

// question returns the open question of this node that has the address, if it has one.
func (n *node) question(a address.Address) *question {
	if a.IsZero() {
		return nil
	}
	if b := a.Record().Binding(); b != nil {
		if q, ok := b.Mailbox.(*question); ok && q.node() == n {
			return q
		}
	}
	return nil
}

// walk calls visit for each actor, parents before their children, from the oldest to the youngest.
func (n *node) walk(visit func(*cell)) {
	var below func(c *cell)
	below = func(c *cell) {
		for _, child := range c.children() {
			visit(child)
			below(child)
		}
	}
	below(n.root)
}

// inhabited reports whether there are actors, or some that have ended and of which not everybody has been told.
func (n *node) inhabited() bool {
	return n.root.hasChildren() || n.parting.Load() > 0 // in this order: they part before they are gone
}

// allEnded is called when the root has lost its last child and everybody has been told of the end.
func (n *node) allEnded() {
	select {
	case n.childless <- struct{}{}:
	default:
	}
}

// retireSoon has a host end once it has no actors.
func (n *node) retireSoon() {
	select {
	case n.retired <- struct{}{}:
	default:
	}
}

// leave asks all actors to exit and waits until they have, or until ctx is done. It returns the cause of that.
func (n *node) leave(ctx context.Context) error {
	for _, c := range n.root.children() {
		c.tell(envelope{message.ActorExitRequest{}, n.admin.self})
	}
	if s := n.synchronous; s != nil {
		if err := s.until(ctx, nil, func() bool { return !n.inhabited() }); ctx.Err() == nil {
			return err
		}
		return context.Cause(ctx)
	}
	for n.inhabited() {
		select {
		case <-n.childless:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// kill ends what is left: actors get no more messages, and senders do not wait any more.
func (n *node) kill() {
	n.killOnce.Do(func() {
		close(n.killed)
		n.attention.interrupt()
		n.timers.stop()
		n.walk(func(c *cell) { c.kill() })
		n.scheduler.close()
	})
}

// wait waits until all goroutines that the node started have ended, or until ctx is done. Its error names the actors that do not end.
func (n *node) wait(ctx context.Context) error {
	for n.goroutines.count.Load() > 0 {
		select {
		case <-n.goroutines.quiet:
		case <-ctx.Done():
			var busy []string
			n.walk(func(c *cell) {
				if c.worker.Load() != nil {
					busy = append(busy, fmt.Sprintf("%v (%s)", c.self, c.kind.Name))
				}
			})
			busy = append(busy, n.works.left()...)
			return fmt.Errorf("actors are still at work: %s: %w", strings.Join(busy, ", "), ctx.Err())
		}
	}
	return nil
}
