package system

import (
	"container/list"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/address/record"
	"thespian.dev/message"
)

// An envelope is a message on its way within this process.
type envelope struct {
	msg    any
	sender address.Address
}

// A cell is the home of one actor: its mailbox, its place in the tree of actors and its life. Idle it is all that
// there is of the actor: it has no goroutine, and costs about 300 bytes with its address.
//
// Locks: a cell's mu may be held while the root's is taken, never while another cell's is.
//
// Its fields stand in groups by who writes them: the turn for each message, nobody, and senders under the lock. Between the first and the last
// is more than a cache line, wherever the object begins, so that a turn and those who send to it do not take each other's lines.
type cell struct {
	phase    atomic.Uint32
	worker   atomic.Pointer[worker] // who runs the actor's turn
	actor    actor.Actor            // used in the turn alone
	sender   address.Address        // used in the turn alone
	received atomic.Uint64          // written at the end of a turn
	sent     atomic.Uint64
	birth    *birth // what the start needs, nil afterwards

	kind    *kind
	born    time.Duration // since the node began
	ctx     actor.Context
	self    address.Address
	binding record.Binding
	node    *node

	parent                               atomic.Pointer[cell]
	firstChild, nextSibling, prevSibling *cell // guarded by the parent's mu
	stub                                 bool  // the actor runs in another process
	_                                    [40]byte

	mu        sync.Mutex
	queue     []envelope // the mailbox: what came since the turn took its last batch
	scheduled bool       // somebody runs the actor's turn, or is about to
	closed    bool       // the mailbox takes no more
	more      *more      // what most actors never need
}

// The phases of a cell's life, in their order.
const (
	starting uint32 = iota // waits for its first turn, in which the actor is made
	running
	leaving // gets no more messages but those that have to do with its end; waits for its children
	ended
)

// birth is what a cell needs until its actor has started.
type birth struct {
	args    any
	err     error      // why there will be no actor: found when it was created, told in its first turn
	created chan error // gets the outcome, when a program waits for it
}

// more is the part of a cell that most actors never need. It is guarded by the cell's mu, but for the atomic fields.
type more struct {
	globalName   string
	freed        bool   // the name is free for others, as the actor leaves
	reason       string // why the actor leaves
	unborn       error  // why it could not start
	requirements any
	logger       *slog.Logger
	context      context.Context // done when the actor has ended
	cancel       context.CancelFunc
	held         []envelope             // messages put aside by Hold
	waiting      list.List              // senders that wait for this mailbox, from the oldest: of chan struct{}, closed to wake
	full         chan struct{}          // closed when the mailbox reaches its mark: this actor's own sends wait no longer
	unsuited     string                 // why the system may run it no more; "": it may
	creators     []*cell                // who created it by its name, and is told if it cannot start
	watchers     map[*cell]struct{}     // who watches it
	watched      map[watchable]struct{} // whom it watches
	timers       map[*timer]struct{}
	files        *fileWatch
	questions    map[*request]*question // requests without a timeout that were not answered, on a base with processes

	away      *peer              // there, once that is known
	placed    bool               // of a stub: it is known where the actor runs, and its mail is on the way there, or has gone
	seekers   []*peer            // who wants to know
	abroad    *abroad            // the parent, when it is in another process
	observers map[*peer]struct{} // whose actors watch this one
	crowd     map[*peer]struct{} // who was told to send no more

	failed, poisoned, created atomic.Uint64
}

// extra returns c.more, and makes it if there is none. c.mu is held.
func (c *cell) extra() *more {
	if c.more == nil {
		c.more = new(more)
	}
	return c.more
}

// grown returns c.more, and makes it if there is none. c.mu is not held.
func (c *cell) grown() *more {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.extra()
}

// create makes a cell. Its actor is made in the cell's first turn, so that whatever goes wrong there
// hurts nobody else. made is false when it is there already, under its global name.
func (n *node) create(parent *cell, kindName string, options actor.CreateOptions, created chan error) (c *cell, made bool) {
	k, options, err := n.admit(kindName, options)
	if n.closing.Load() {
		err = ErrShutdown
	}
	if err != nil && k == nil {
		k = &kind{Kind: actor.Kind{Name: kindName}}
	}
	if n.client != nil && !n.hosts(k) {
		return n.createAway(parent, kindName, options, err), true
	}
	if options.GlobalName != "" {
		return n.names.create(n, parent, k, options, err, created)
	}
	c = n.newCell(k, options, err, created)
	c.adopt(parent)
	return c, true
}

// admit finds the kind, checks the options, and returns them as the actor will get them.
func (n *node) admit(kindName string, options actor.CreateOptions) (*kind, actor.CreateOptions, error) {
	k := n.kinds[kindName]
	if k == nil {
		return nil, options, n.unknownKind(kindName)
	}
	for _, data := range [...]*any{&options.Args, &options.Requirements} {
		if *data == nil {
			continue
		}
		passed, err := n.pass(*data)
		if err != nil {
			return k, options, err
		}
		*data = passed
	}
	return k, options, nil
}

func (n *node) newCell(k *kind, options actor.CreateOptions, err error, created chan error) *cell {
	return n.newCellAt(n.newAddress(), k, options, err, created)
}

// newCellAt is newCell for an actor that has an address.
func (n *node) newCellAt(self address.Address, k *kind, options actor.CreateOptions, err error, created chan error) *cell {
	c := &cell{node: n, kind: k, self: self, born: n.uptime()}
	c.binding.Mailbox = c
	c.ctx = actor.MakeContext(c)
	c.scheduled = n.synchronous == nil
	if options.Args != nil || err != nil || created != nil {
		c.birth = &birth{args: options.Args, err: err, created: created}
	}
	if options.GlobalName != "" || options.Requirements != nil {
		c.more = &more{globalName: options.GlobalName, requirements: options.Requirements}
	}
	c.self.Record().Bind(&c.binding)
	return c
}

// adopt makes c a child of its creator, or of the root when the creator has ended, and has its first turn run.
func (c *cell) adopt(creator *cell) {
	parent := creator
	parent.mu.Lock()
	if parent.closed {
		parent.mu.Unlock()
		parent = c.node.root
		parent.mu.Lock()
	}
	c.parent.Store(parent)
	parent.link(c)
	s := c.node.synchronous
	if s != nil {
		s.add(c) // in one step with the link: who waits for the end of all actors must find something to do
	}
	parent.mu.Unlock()
	switch {
	case creator == c.node.root:
		c.node.adopted(c)
	case creator.phase.Load() >= leaving: // it has asked all of its children already
		c.tell(envelope{message.ActorExitRequest{}, creator.self})
	}
	if s == nil && !c.stub {
		if creator != c.node.root { // which a host has for its first actor alone
			c.node.useAll()
		}
		c.node.ready(c, creator)
	}
}

// adopted asks an actor that became the root's child to exit when the root has asked all of its children already.
func (n *node) adopted(c *cell) {
	if n.closing.Load() {
		c.tell(envelope{message.ActorExitRequest{}, n.admin.self})
	}
}

// link puts a child into the parent's list. The parent's mu is held.
func (c *cell) link(child *cell) {
	child.nextSibling = c.firstChild
	child.prevSibling = nil
	if c.firstChild != nil {
		c.firstChild.prevSibling = child
	}
	c.firstChild = child
}

// unlink takes a child out of the parent's list. The parent's mu is held.
func (c *cell) unlink(child *cell) {
	if child.prevSibling != nil {
		child.prevSibling.nextSibling = child.nextSibling
	} else {
		c.firstChild = child.nextSibling
	}
	if child.nextSibling != nil {
		child.nextSibling.prevSibling = child.prevSibling
	}
	child.nextSibling, child.prevSibling = nil, nil
}

// lockParent locks and returns the parent that c has now.
func (c *cell) lockParent() *cell {
	for {
		p := c.parent.Load()
		p.mu.Lock()
		if c.parent.Load() == p {
			return p
		}
		p.mu.Unlock()
	}
}

// children returns the children from the oldest to the youngest.
func (c *cell) children() []*cell {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.childrenLocked()
}

func (c *cell) childrenLocked() []*cell {
	var all []*cell
	for child := c.firstChild; child != nil; child = child.nextSibling {
		all = append(all, child)
	}
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all
}

func (c *cell) hasChildren() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.firstChild != nil
}

// passesMark reports whether a message goes into a mailbox that is above its mark: those of the system do.
func passesMark(msg any) bool { return passesLimit(msg) || message.IsSystem(msg) }

// passesLimit reports whether a message goes into a mailbox that is at its hard limit: what decides about life and death does, which comes once for each actor.
func passesLimit(msg any) bool {
	switch msg.(type) {
	case control, joiner, message.ActorExitRequest, message.ChildActorExited, message.ActorExited:
		return true
	}
	return false
}
