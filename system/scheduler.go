package system

import (
	"sync"
	"sync/atomic"
	"time"
)

// The concurrent scheduler. An actor that gets a message while it is idle becomes ready; a goroutine then runs its turn, until its
// mailbox is empty. So there are as many goroutines as actors that are at work, and none for one that is idle; a few goroutines, one for each
// processor, wait for more work when they have done theirs.
//
// An actor that was made ready by another one's turn is put into the slot of that turn's worker: if the turn ends now, as it
// mostly does, the worker goes on with it, on a processor that has the message at hand, for a fraction of what it costs
// to start a goroutine and to wake a processor for it. An actor must never wait for the one that woke it, though. So the slot is
// emptied into a goroutine as soon as the turn has another message, wakes another actor or waits; and the monitor
// does it when none of these happens, because the turn is long.

// A worker is what one goroutine of the scheduler works with: the state of the turn that it runs.
type worker struct {
	wake chan *cell           // takes the next to run while the goroutine waits
	slot atomic.Pointer[cell] // ready, to be run after the turn; shut when the worker is not at work

	batch    []envelope
	next     int    // index of the message being handled, or to be handled next
	resume   int    // when next gets here, senders that wait for the mailbox go on; -1: never
	attempt  int    // how often the message was tried
	received uint64 // how many messages the actor got in this turn

	inside  bool // the actor's code runs
	last    bool // it handles a message that comes at the end of its life
	control bool // it runs for a control
	hold    bool // it asked for the message to be held
	stepped bool // the turn has had its one message (synchronous scheduler)
	failure error
}

// shut in a slot says that nobody would look there.
var shut = new(cell)

// rest returns and forgets the messages of the batch that were not handled.
func (w *worker) rest() []envelope {
	rest := append([]envelope(nil), w.batch[w.next:]...)
	clear(w.batch[w.next:])
	w.batch, w.next, w.attempt = w.batch[:0], 0, 0
	return rest
}

// workers keeps those that have nothing to do.
type workers struct {
	mu     sync.Mutex
	all    []*worker // as many as goroutines ever ran at once
	parked []*worker // whose goroutines wait
	free   []*worker // that have no goroutine
	limit  int       // of parked
	closed bool
}

// unpark returns a worker whose goroutine waits, nil if there is none.
func (ws *workers) unpark() *worker {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	n := len(ws.parked)
	if n == 0 {
		return nil
	}
	w := ws.parked[n-1]
	ws.parked = ws.parked[:n-1]
	return w
}

// park reports whether the worker's goroutine is to wait; otherwise it is to end.
func (ws *workers) park(w *worker) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.closed || len(ws.parked) >= ws.limit {
		ws.free = append(ws.free, w)
		return false
	}
	ws.parked = append(ws.parked, w)
	return true
}

// get returns a worker for a new goroutine.
func (ws *workers) get() *worker {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if n := len(ws.free); n > 0 {
		w := ws.free[n-1]
		ws.free = ws.free[:n-1]
		return w
	}
	w := &worker{wake: make(chan *cell, 1)}
	w.slot.Store(shut)
	ws.all = append(ws.all, w)
	return w
}

// close ends the goroutines that wait, and has no more of them wait.
func (ws *workers) close() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.closed = true
	for _, w := range ws.parked {
		w.wake <- nil
	}
	ws.parked = nil
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
				n.monitor.watch(n)
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

// release gives who is in the worker's slot a goroutine of its own.
func (n *node) release(w *worker) {
	if c := w.slot.Load(); c != nil && c != shut && w.slot.CompareAndSwap(c, nil) {
		n.dispatch(c)
	}
}

// dispatch runs c's turn on a goroutine of its own.
func (n *node) dispatch(c *cell) {
	if w := n.workers.unpark(); w != nil {
		w.wake <- c // has room, since the worker waits
		return
	}
	n.goroutines.begin()
	go n.serve(nil, c)
}

// serve runs c's turn, then the turns of who is in the slot, and waits for more. The worker is nil, but when the goroutine takes over from one
// that an actor ended.
func (n *node) serve(w *worker, c *cell) {
	if w == nil {
		w = n.workers.get()
	}
	returned := false
	defer func() {
		if !returned {
			go n.serve(w, c)
		}
	}()
	for c != nil {
		w.slot.CompareAndSwap(shut, nil)
		for c != nil {
			c.turn(w)
			c = n.following(w)
		}
		if n.workers.park(w) {
			c = <-w.wake
		}
	}
	returned = true
	n.goroutines.end()
}

// following takes who is in the slot, and shuts it when it is nobody.
func (n *node) following(w *worker) *cell {
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

// monitor looks after slots while there is something in them.
type monitor struct {
	on atomic.Bool
}

// A turn is long when the monitor finds the same actor in its slot at two looks. It stops after a few looks at empty slots.
const (
	monitorPeriod   = 50 * time.Microsecond
	monitorPatience = 8
)

// watch makes sure that the monitor is at work.
func (m *monitor) watch(n *node) {
	if !m.on.Load() && m.on.CompareAndSwap(false, true) {
		n.goroutines.begin()
		go m.run(n)
	}
}

func (m *monitor) run(n *node) {
	defer n.goroutines.end()
	seen := make(map[*worker]*cell)
	for quiet := 0; ; {
		time.Sleep(monitorPeriod)
		if m.look(n, seen) {
			quiet = 0
			continue
		}
		if quiet++; quiet < monitorPatience {
			continue
		}
		m.on.Store(false)
		// Who filled a slot before the store may have relied on this goroutine.
		if !m.look(n, seen) || !m.on.CompareAndSwap(false, true) {
			return
		}
		quiet = 0
	}
}

// look dispatches who is in a slot for the second time. It reports whether anybody was in any slot.
func (m *monitor) look(n *node, seen map[*worker]*cell) (any bool) {
	n.workers.mu.Lock()
	all := n.workers.all
	n.workers.mu.Unlock()
	for _, w := range all {
		c := w.slot.Load()
		if c == nil || c == shut {
			delete(seen, w)
			continue
		}
		any = true
		if seen[w] != c {
			seen[w] = c
			continue
		}
		delete(seen, w)
		if w.slot.CompareAndSwap(c, nil) {
			n.dispatch(c)
		}
	}
	return any
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
