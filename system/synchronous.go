package system

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// synchronous is the scheduler for unit tests: one message at a time, in the order in which all of them were sent, while a program is inside
// Tell, Ask, Listen or Create, until nothing is left to do (simpleSystemBase, Thespian 3.5 feature H1).
type synchronous struct {
	node *node

	mu      sync.Mutex
	order   []*cell // one entry for each message, and for each start
	driving bool
	working int           // what runs beside the actors: an answer may come of it
	changed chan struct{} // closed at every change
}

func newSynchronous(n *node) *synchronous {
	return &synchronous{node: n, changed: make(chan struct{})}
}

// add notes that c has one more thing to do.
func (s *synchronous) add(c *cell) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.order = append(s.order, c)
	s.change()
}

// changed has who waits look again. The timers may be locked.
func (n *node) changed() {
	if s := n.synchronous; s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.change()
	}
}

// change wakes those that wait for something to do. The lock is held.
func (s *synchronous) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// drive is synchronous.drive, if that is the scheduler.
func (n *node) drive(ctx context.Context, closed <-chan struct{}) {
	if s := n.synchronous; s != nil {
		s.drive(ctx, closed)
	}
}

// drive runs what there is to do, if nobody does already, until ctx is done or closed is closed. It is called by a program, after each thing that it did. It does
// not wait for an actor that does not return then: what is left to do is for who drives next.
func (s *synchronous) drive(ctx context.Context, closed <-chan struct{}) {
	s.node.timers.fireDue()
	s.mu.Lock()
	if s.driving || len(s.order) == 0 { // nothing changes, and nobody who waits is to be woken
		s.mu.Unlock()
		return
	}
	s.driving = true
	s.mu.Unlock()
	// Actors run on a goroutine of the node's, so that one that calls runtime.Goexit does not end the program's.
	done := make(chan struct{})
	s.node.goroutines.begin()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go s.run(ctx, new(worker), nil, done)
	select {
	case <-done:
	case <-ctx.Done():
	case <-closed:
	case <-s.node.killed:
	}
}

// run runs one actor after the other until there is nothing to do, beginning with c if there is one.
func (s *synchronous) run(ctx context.Context, w *worker, c *cell, done chan struct{}) {
	returned := false
	defer func() {
		if !returned { // an actor ended the goroutine
			go s.run(ctx, w, c, done)
		}
	}()
	if c != nil {
		c.turn(w)
	}
	for c = s.next(ctx); c != nil; c = s.next(ctx) {
		c.turn(w)
	}
	returned = true
	s.node.goroutines.end()
	close(done)
}

func (s *synchronous) next(ctx context.Context) *cell {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.order) == 0 || ctx.Err() != nil {
		s.driving = false
		s.change()
		return nil
	}
	c := s.order[0]
	s.order[0] = nil
	s.order = s.order[1:]
	return c
}

// until drives until met returns true, ctx is done or closed is closed. When there is nothing left that could make it true, it returns ErrNoAnswer.
func (s *synchronous) until(ctx context.Context, closed chan struct{}, met func() bool) error {
	for {
		s.drive(ctx, closed)
		s.mu.Lock()
		changed, driven, busy := s.changed, s.driving || len(s.order) == 0, s.driving || s.working > 0
		s.mu.Unlock()
		if met() {
			return nil
		}
		at, timed := s.node.timers.earliest()
		if err := cmp.Or(s.node.open(closed), ctx.Err()); err != nil {
			return err
		}
		switch {
		case !driven: // who drove has given up
			continue
		case busy || timed:
		case s.node.closing.Load():
			return ErrShutdown
		default:
			return ErrNoAnswer
		}
		var alarm <-chan time.Time
		if timed {
			alarm = time.After(time.Until(at))
		}
		select {
		case <-alarm:
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-closed:
		case <-s.node.killed:
		}
	}
}

// countWork counts what runs beside the actors.
func (n *node) countWork(by int) {
	if s := n.synchronous; s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.working += by
		s.change()
	}
}

// pause ends a turn of the synchronous scheduler, whatever the mailbox holds.
func (c *cell) pause(w *worker) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.batch, w.next = w.batch[:0], 0
	c.scheduled = false
	c.leaveTurn(w)
}
