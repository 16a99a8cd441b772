package system

import (
	"errors"
	"sync"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/admin"
	"thespian.dev/message"
	"thespian.dev/transport"
)

// An actor may run in another process than its parent. Its parent's node then has a stub in its place: a cell whose actor is elsewhere. Until it is known where, the
// stub's mailbox keeps what is sent to it; then it all goes there.

// An abroad is the parent of an actor that this process runs for another one.
type abroad struct {
	parent  address.Address
	at      transport.Node
	awaited bool       // the Admin tells the parent if the actor does not start
	started *sync.Once // the Admin was told how the start went
}

// createAway creates an actor in a process of its own. The Admin finds or makes that.
func (n *node) createAway(parent *cell, kindName string, options actor.CreateOptions, err error) *cell {
	stub := n.newCell(&kind{Kind: actor.Kind{Name: kindName}}, actor.CreateOptions{}, nil, nil)
	stub.phase.Store(running)
	stub.stub = true
	stub.extra() // it will know where the actor is
	stub.self.Record().SetHint(pendingHint)
	stub.adopt(parent)
	if err != nil && !errors.Is(err, ErrUnknownKind) { // another build may know it
		stub.endAway(err.Error(), true)
		return stub
	}
	request, err := n.creation(stub.self, parent.self, kindName, options, false)
	if err != nil {
		stub.endAway(err.Error(), true)
		return stub
	}
	done := n.peers.handOver()
	n.client.ask(request, func(answer any) {
		defer func() { done() }()
		switch m := answer.(type) {
		case admin.Created:
			if m.Failure != (admin.Failure{}) {
				if !stub.isPlaced() { // else the process has said, or will, how its actor ended
					stub.endAway(m.Failure.Text, true)
				}
				return
			}
			stub.moved(n.peers.get(n.in(m.System, m.Process)), done)
			done = func() {}
		case admin.Done: // it could not even be sent
			stub.endAway(m.Failure.Text, true)
		default:
			if !stub.isPlaced() {
				stub.endAway(ErrAdminGone.Error(), true)
			}
		}
	})
	return stub
}

// heardOf is called when the process that runs the stub's actor has said so itself: that is sooner known than from the Admin, whom it has told as well.
func (c *cell) heardOf(p *peer, m whereabouts) {
	if at := transport.Node(m.At); at == p.at && at.System == c.node.id.System {
		c.moved(p, c.node.peers.handOver())
	}
}

// isPlaced says whether it is known where the stub's actor runs, or ran.
func (c *cell) isPlaced() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.more.placed
}

// moved sends the stub's mail to where its actor is now, and what comes later as well. It may be called again.
func (c *cell) moved(to *peer, done func()) {
	c.mu.Lock()
	again := c.more.placed
	c.more.placed = true
	c.mu.Unlock()
	if again {
		done()
		return
	}
	if why := to.raise(c); why != "" {
		c.endAway(why, true)
		done()
		return
	}
	c.node.goroutines.begin()
	go func() { // it waits for room as a sender does
		defer c.node.goroutines.end()
		defer done()
		c.move(to)
	}()
}

func (c *cell) move(to *peer) {
	for {
		c.mu.Lock()
		if c.closed { // by its end
			c.mu.Unlock()
			return
		}
		batch, watchers := c.queue, c.more.watchers
		c.queue, c.more.watchers = nil, nil
		if len(batch) == 0 && len(watchers) == 0 {
			c.closed = true
			c.more.away = to
			c.self.Record().SetHint(hintOf(to.at))
			c.self.Record().Bind(&to.binding)
			c.wakeSenders(c.more.waiting.Len())
			seekers := c.more.seekers
			c.more.seekers = nil
			c.mu.Unlock()
			for _, p := range seekers {
				c.node.peers.say(p, 0, whereabouts{Actor: c.self, At: message.Node(to.at)})
			}
			return
		}
		c.wakeSenders(c.room())
		c.mu.Unlock()
		there := distant{c.node, c.self}
		for watcher := range watchers { // or who watches again would be told twice
			watcher.forget(c)
			if watcher.remember(there) {
				if reason := to.watch(c.self, watcher); reason != "" {
					tellWatchers(map[*cell]struct{}{watcher: {}}, there, c.self, reason)
				}
			}
		}
		for _, e := range batch {
			switch e.msg.(type) {
			case control, joiner:
			default:
				to.forward(e, c.self)
			}
		}
	}
}

// raise has the stub told of its actor's end. It returns why there is nothing to be told, or "".
func (p *peer) raise(stub *cell) (gone string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reason != "" {
		return p.reason
	}
	if p.children == nil {
		p.children = make(map[address.Address]*cell)
	}
	p.children[stub.self] = stub
	if stub.phase.Load() == ended { // it was told of before
		delete(p.children, stub.self)
	}
	return ""
}

// endAway is the end of a stub: its actor has ended, or never was. It may be called again.
func (c *cell) endAway(reason string, unborn bool) {
	if c.phase.Swap(ended) == ended {
		return
	}
	c.mu.Lock()
	m := c.extra()
	rest := c.queue
	c.queue = nil
	if unborn || !c.closed { // whoever writes to it, now or later, is to learn why it never was
		m.unborn, m.away, c.closed = errors.New(reason), nil, true
		c.self.Record().Bind(&c.binding)
	}
	c.wakeSenders(m.waiting.Len())
	seekers := m.seekers
	m.seekers = nil
	c.mu.Unlock()
	for _, p := range seekers {
		c.node.peers.say(p, 0, whereabouts{Actor: c.self, Reason: reason})
	}
	for _, e := range rest {
		c.refuse(e)
	}
	c.farewell(m, reason)
}

// createNamed returns the actor of a global name, which the Admin has created if there was none. It is no child of its creator, who hears of it only when it cannot
// be created.
func (n *node) createNamed(creator *cell, kindName string, options actor.CreateOptions, err error) address.Address {
	child := n.newAddress()
	failed := func(why string) address.Address {
		creator.tell(envelope{message.ChildActorExited{Child: child, Reason: why}, child})
		return child
	}
	if err != nil && !errors.Is(err, ErrUnknownKind) {
		return failed(err.Error())
	}
	request, err := n.creation(child, n.admin.self, kindName, options, false)
	if err != nil {
		return failed(err.Error())
	}
	answer, err := n.client.call(&creator.ctx, request, nil)
	if err != nil {
		return failed(err.Error())
	}
	m, _ := answer.(admin.Created)
	if m.Failure != (admin.Failure{}) {
		return failed(m.Failure.Text)
	}
	return m.Actor
}

// run runs an actor for another process, or for the Admin.
func (n *node) run(m admin.Run) {
	k, options, err := n.unpack(m)
	created := make(chan error, 1)
	m.Child.Record().SetHint(hintOf(n.here())) // which others get with the address
	c := n.newCellAt(m.Child, k, options, err, created)
	c.mu.Lock()
	from := &abroad{m.Parent, n.in(m.ParentSystem, m.ParentProcess), m.Awaited, new(sync.Once)}
	c.extra().abroad = from
	c.mu.Unlock()
	if m.ParentSystem == 0 && m.ParentProcess != n.adminProcess {
		n.peers.located(admin.Located{Process: m.ParentProcess, Endpoint: m.ParentEndpoint})
	}
	if parent := from.at; parent.System == n.id.System && parent.Process != n.adminProcess && !m.Awaited {
		n.peers.say(n.peers.get(parent), 0, whereabouts{Actor: m.Child, At: message.Node(n.here())}) // before anything else is said of it
	}
	_ = n.client.line.send(admin.Running{Child: m.Child}) // its mailbox takes messages
	c.adopt(n.root)
	n.goroutines.begin()
	go func() {
		defer n.goroutines.end()
		select {
		case err := <-created:
			n.startedHere(m.Child, from, err)
		case <-n.killed:
		}
	}()
}

// unpack returns the kind and the options of an actor that is to be run.
func (n *node) unpack(m admin.Run) (*kind, actor.CreateOptions, error) {
	options := actor.CreateOptions{GlobalName: m.Name}
	k := n.kinds[m.Kind]
	if k == nil {
		return &kind{Kind: actor.Kind{Name: m.Kind}}, options, n.unknownKind(m.Kind)
	}
	var err error
	for _, part := range []struct {
		to   *any
		data []byte
	}{{&options.Args, m.Args}, {&options.Requirements, m.Requirements}} {
		if len(part.data) > 0 && err == nil {
			*part.to, err = n.messages.Decode(part.data)
		}
	}
	return k, options, err
}

// startedHere tells the Admin, once, how the start of an actor went.
func (n *node) startedHere(child address.Address, from *abroad, err error) {
	from.started.Do(func() {
		if from.awaited && errors.Is(err, ErrNoCompatibleSystem) { // it may run elsewhere: who gets its address here asks its creator for it
			child.Record().Unbind()
			child.Record().SetHint(pendingHint)
		}
		_ = n.client.line.send(admin.Started{Child: child, Failure: failureOf(err)})
	})
}

// endedHere tells the others of the end of an actor that this process ran for them.
func (n *node) endedHere(c *cell, m *more, reason string) {
	from := m.abroad
	n.startedHere(c.self, from, m.unborn)
	if m.unborn != nil {
		n.stillborn.keep(c)
	}
	if from.at != n.in(0, n.adminProcess) && !(from.awaited && m.unborn != nil) {
		n.peers.say(n.peers.get(from.at), flowOf(c.self), exited{c.self, reason, m.unborn != nil})
	}
	_ = n.client.line.send(admin.Ended{Actor: c.self})
}

// freeName has the Admin free the name of an actor that leaves, before anybody can learn of its end. It waits for that.
func (c *cell) freeName(w *worker) {
	c.mu.Lock()
	m := c.more
	kept := m != nil && m.abroad != nil && m.globalName != "" && !m.freed
	if kept {
		m.freed = true
	}
	c.mu.Unlock()
	if kept {
		c.node.handOver(w)
		_, _ = c.node.client.call(&c.ctx, func(number uint64) any { return admin.Leaving{Request: number, Actor: c.self} }, nil)
	}
}

// parentGone asks the actors to exit whose parents were in a process that has ended.
func (n *node) parentGone(at transport.Node) {
	for _, c := range n.root.children() {
		c.mu.Lock()
		lost := c.more != nil && c.more.abroad != nil && c.more.abroad.at == at
		c.mu.Unlock()
		if lost {
			c.tell(envelope{message.ActorExitRequest{}, n.admin.self})
		}
	}
}

// adoptedByAdmin is called when the parent of an actor has ended without it.
func (n *node) adoptedByAdmin(child address.Address) {
	if c, ok := n.local(child).(*cell); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		m := c.extra()
		if m.abroad == nil {
			return
		}
		m.abroad = &abroad{n.admin.self, n.in(0, n.adminProcess), m.abroad.awaited, m.abroad.started}
	}
}

// hosts reports whether this process runs actors of the kind for its own actors.
func (n *node) hosts(k *kind) bool {
	if !n.hosting || k == nil || k.New == nil {
		return false
	}
	startup := k.Startup
	if startup == "" {
		method, _ := n.capabilities.current()["Process Startup Method"].(string)
		startup = actor.Startup(method)
	}
	return startup == actor.Goroutine
}

// handToAdmin makes the Admin the parent of a stub's actor: its own has ended without it.
func (c *cell) handToAdmin() {
	if c.phase.Swap(ended) == ended {
		return // its end is told to nobody here
	}
	c.mu.Lock()
	away := c.extra().away
	c.mu.Unlock()
	if away != nil {
		away.mu.Lock()
		delete(away.children, c.self)
		away.mu.Unlock()
	}
	_ = c.node.client.line.send(admin.Adopt{Child: c.self})
}

// stillborn keeps the last actors that this process could not start for others: they know why, for whoever has written to them. Nobody else here holds them.
type stillborn struct {
	mu    sync.Mutex
	cells [64]*cell
	next  int
}

func (s *stillborn) keep(c *cell) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cells[s.next%len(s.cells)] = c
	s.next++
}
