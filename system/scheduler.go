package system

import (
	"sync"
	"sync/atomic"
	"time"
)

// The concurrent scheduler. An actor that gets a message while it is idle becomes ready; a worker then runs its turn, until its mailbox is
// empty. A worker is a goroutine: there are as many as there are processors, and as many more as do not return from an actor's code. An actor has none while
// it is idle.
//
// An actor that was made ready by another one's turn is put into the slot of that turn's worker: if the turn ends now, as it
// mostly does, the worker goes on with it, on a processor that has the message at hand, for a fraction of what it costs
// to wake another. An actor must never wait for the one that woke it, though. So who is in the slot goes to the other workers as
// soon as the turn has another message, wakes another actor or waits; and the monitor sees to it when none of these happens, because the turn is
// long. The monitor also starts more workers when those that there are do not come to those that wait.
type scheduler struct {
	mu     sync.Mutex
	queue  queue
	taken  uint64    // how many were taken from the queue
	active int       // workers whose goroutines do not wait
	parked []*worker // workers whose goroutines wait for more to do
	free   []*worker // workers without a goroutine
	all    []*worker // every worker there is
	limit  int       // of workers that are active before some have to wait, and of those that are parked
	closed bool

	watched atomic.Bool // the monitor is at work
}

// A worker is what a goroutine of the scheduler works with: the state of the turn that it runs.
type worker struct {
	wake chan *cell           // takes the next to run while the goroutine waits
	slot atomic.Pointer[cell] // ready, to be run after the turn; shut when the worker is not at work

	batch    []envelope
	next     int    // index of the message being handled, or to be handled next
	resume   int    // when next gets here, senders that wait for the mailbox go on; -1: never
	attempt  int    // how often the message was tried
	received uint64 // how many messages the actor got in this turn

	inside   bool // the actor's code runs
	last     bool // it handles a message that comes at the end of its life
	control  bool // it runs for a control
	hold     bool // it asked for the message to be held
	stepped  bool // the turn has had its one message (synchronous scheduler)
	gathered bool // the batch begins with all that is left for an actor that leaves
	failure  error
}

// largeBatch is the largest room for messages that a worker keeps while it has nothing to do.
const largeBatch = 1024

// shut in a slot says that nobody would look there.
var shut = new(cell)

// rest returns and forgets the messages of the batch that were not handled.
func (w *worker) rest() []envelope {
	rest := append([]envelope(nil), w.batch[w.next:]...)
	clear(w.batch[w.next:])
	w.batch, w.next, w.attempt = w.batch[:0], 0, 0
	return rest
}

// ready has a turn of c run. by is the actor that caused it, nil if it was none.
func (n *node) ready(c, by *cell) {
	if n.synchronous != nil {
		n.synchronous.add(c)
		return
	}
	if by != nil {
		if w := by.worker.Load(); w != nil {
			if c = w.offer(c); c == nil {
				n.watch()
				return
			}
		}
	}
	n.dispatch(c)
}

// offer puts c into the slot and returns who has to be dispatched instead: who was there, or c when the worker is not at work any more.
func (w *worker) offer(c *cell) *cell {
	for {
		old := w.slot.Load()
		if old == shut {
			return c
		}
		if w.slot.CompareAndSwap(old, c) {
			return old
		}
	}
}

// handOver gives who is in the worker's slot to the other workers.
func (n *node) handOver(w *worker) {
	if c := w.slot.Load(); c != nil && c != shut && w.slot.CompareAndSwap(c, nil) {
		n.dispatch(c)
	}
}

// dispatch gives c to a worker that has nothing to do, or to a new one; if all that there may be are at work, to the first that has time.
func (n *node) dispatch(c *cell) {
	s := &n.scheduler
	s.mu.Lock()
	switch last := len(s.parked) - 1; {
	case last >= 0:
		w := s.parked[last]
		s.parked = s.parked[:last]
		s.active++
		s.mu.Unlock()
		w.wake <- c // has room, since the worker waits
	case s.active < s.limit:
		w := s.hire()
		s.mu.Unlock()
		n.goroutines.begin()
		go n.serve(w, c)
	default:
		s.queue.add(c)
		s.mu.Unlock()
		n.watch()
	}
}

// hire returns a worker for a new goroutine. The lock is held.
func (s *scheduler) hire() *worker {
	s.active++
	if last := len(s.free) - 1; last >= 0 {
		w := s.free[last]
		s.free = s.free[:last]
		return w
	}
	w := &worker{wake: make(chan *cell, 1)}
	w.slot.Store(shut)
	s.all = append(s.all, w)
	return w
}

// serve runs c's turn, then the turns of who is in the slot and in the queue, and waits for more.
func (n *node) serve(w *worker, c *cell) {
	returned := false
	defer func() {
		if !returned { // an actor ended the goroutine: another one goes on
			go n.serve(w, c)
		}
	}()
	for c != nil {
		w.slot.CompareAndSwap(shut, nil)
		for c != nil {
			c.turn(w)
			c = w.following()
		}
		c = n.scheduler.next(w)
	}
	returned = true
	n.goroutines.end()
}

// following takes who is in the slot, and shuts it when it is nobody.
func (w *worker) following() *cell {
	for {
		c := w.slot.Load()
		if c == nil {
			if w.slot.CompareAndSwap(nil, shut) {
				return nil
			}
		} else if w.slot.CompareAndSwap(c, nil) {
			return c
		}
	}
}

// next returns who is to be run next, and waits for it if need be. nil ends the worker.
func (s *scheduler) next(w *worker) *cell {
	s.mu.Lock()
	if c := s.queue.take(); c != nil {
		s.taken++
		s.mu.Unlock()
		return c
	}
	if cap(w.batch) > largeBatch {
		w.batch = nil
	}
	s.active--
	if s.closed || len(s.parked) >= s.limit {
		s.free = append(s.free, w)
		s.mu.Unlock()
		return nil
	}
	s.parked = append(s.parked, w)
	s.mu.Unlock()
	return <-w.wake
}

// close ends the workers that wait, and has no more of them wait.
func (s *scheduler) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, w := range s.parked {
		w.wake <- nil
	}
	s.parked = nil
}

// A queue is first in, first out. It gives up its room when it is empty.
type queue struct {
	cells []*cell
	head  int
}

func (q *queue) add(c *cell) {
	if q.head > 1024 && q.head > len(q.cells)/2 {
		n := copy(q.cells, q.cells[q.head:])
		clear(q.cells[n:])
		q.cells, q.head = q.cells[:n], 0
	}
	q.cells = append(q.cells, c)
}

func (q *queue) take() *cell {
	if q.head == len(q.cells) {
		return nil
	}
	c := q.cells[q.head]
	q.cells[q.head] = nil
	q.head++
	if q.head == len(q.cells) {
		q.head = 0
		if q.cells = q.cells[:0]; cap(q.cells) > 1024 {
			q.cells = nil
		}
	}
	return c
}

func (q *queue) empty() bool { return q.head == len(q.cells) }

// The monitor looks at the slots and at the queue while there is anybody in them, and ends after a few looks at none.
const (
	monitorPeriod   = 50 * time.Microsecond
	monitorPatience = 8
)

// watch makes sure that the monitor is at work.
func (n *node) watch() {
	if s := &n.scheduler; !s.watched.Load() && s.watched.CompareAndSwap(false, true) {
		n.goroutines.begin()
		go n.monitor()
	}
}

// A look is what the monitor remembers of the last time.
type look struct {
	slots map[*worker]*cell
	taken uint64
	stuck int // how often in a row nobody was taken from a queue that was not empty
}

func (n *node) monitor() {
	defer n.goroutines.end()
	last := look{slots: make(map[*worker]*cell)}
	for quiet := 0; quiet < monitorPatience; quiet++ {
		time.Sleep(monitorPeriod)
		if n.inspect(&last) {
			quiet = 0
		}
	}
	n.scheduler.watched.Store(false)
	if n.inspect(&last) { // it came before the store, and may rely on this goroutine
		n.watch()
	}
}

// inspect dispatches who is in a slot for the second time, and starts more workers when nobody was taken from the queue since the last look: twice as many
// each time. It reports whether there was anybody in a slot or in the queue.
func (n *node) inspect(last *look) bool {
	s := &n.scheduler
	s.mu.Lock()
	all, waiting := s.all, !s.queue.empty()
	if waiting && s.taken == last.taken {
		last.stuck++
	} else {
		last.stuck = 0
	}
	last.taken = s.taken
	s.mu.Unlock()
	found := waiting
	for _, w := range all {
		c := w.slot.Load()
		if c == nil || c == shut {
			delete(last.slots, w)
			continue
		}
		found = true
		if last.slots[w] != c {
			last.slots[w] = c
			continue
		}
		delete(last.slots, w)
		n.handOver(w)
	}
	if last.stuck > 0 {
		for range 1 << min(last.stuck-1, 10) {
			if !n.reinforce() {
				break
			}
		}
	}
	return found
}

// reinforce starts a worker for the first in the queue. It reports whether there was one.
func (n *node) reinforce() bool {
	s := &n.scheduler
	s.mu.Lock()
	c := s.queue.take()
	if c == nil {
		s.mu.Unlock()
		return false
	}
	w := s.hire()
	s.mu.Unlock()
	n.goroutines.begin()
	go n.serve(w, c)
	return true
}

// goroutines counts the goroutines that a node has started, so that its end can wait for them.
type goroutines struct {
	count atomic.Int64
	quiet chan struct{} // holds a token after the count has fallen to 0
}

func (g *goroutines) begin() { g.count.Add(1) }

func (g *goroutines) end() {
	if g.count.Add(-1) == 0 {
		select {
		case g.quiet <- struct{}{}:
		default:
		}
	}
}
