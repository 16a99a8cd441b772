package system

import (
	"container/heap"
	"sync"
	"time"

	"thespian.dev/actor"
	"thespian.dev/message"
)

// timers holds what is to happen later, in the order of time; what is due at the same time happens in the order in which it was added.
// One time.AfterFunc stands for all of them, so that no goroutine waits.
type timers struct {
	node *node

	mu      sync.Mutex
	pending timerHeap
	seq     uint64
	alarm   *time.Timer
	stopped bool
}

// A timer is one thing that is to happen later. It belongs to an actor and ends with it.
type timer struct {
	timers *timers
	of     *cell
	at     time.Time
	seq    uint64
	index  int // in the heap; -1 when it is not there any more
	fire   func()
}

// add has fire called after a delay. fire is called with the timers locked: it must not block, nor use them.
func (ts *timers) add(of *cell, delay time.Duration, fire func()) *timer {
	t := &timer{timers: ts, of: of, at: time.Now().Add(max(delay, 0)), index: -1, fire: fire}
	ts.mu.Lock() // until it is in the heap: who drops the actor's timers at its end finds it there
	defer ts.mu.Unlock()
	if ts.stopped || !of.keep(t) {
		return t
	}
	ts.seq++
	t.seq = ts.seq
	heap.Push(&ts.pending, t)
	if t.index == 0 {
		ts.arm()
		ts.node.changed() // programs that wait have an alarm of their own
	}
	return t
}

// keep notes that the timer is the actor's. It reports whether the actor lives.
func (c *cell) keep(t *timer) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	m := c.extra()
	if m.timers == nil {
		m.timers = make(map[*timer]struct{})
	}
	m.timers[t] = struct{}{}
	return true
}

// Cancel is a method of actor.Wakeup.
func (t *timer) Cancel() bool {
	t.timers.mu.Lock()
	cancelled := t.index >= 0
	if cancelled {
		heap.Remove(&t.timers.pending, t.index)
	}
	t.timers.mu.Unlock()
	if cancelled {
		t.forget()
	}
	return cancelled
}

func (t *timer) forget() {
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	delete(t.of.more.timers, t)
}

// arm sets the alarm to the first timer. The lock is held.
func (ts *timers) arm() {
	if ts.node.synchronous != nil || len(ts.pending) == 0 {
		return
	}
	delay := time.Until(ts.pending[0].at)
	if ts.alarm == nil {
		ts.alarm = time.AfterFunc(delay, ts.ring)
		return
	}
	ts.alarm.Reset(delay)
}

func (ts *timers) ring() {
	ts.node.goroutines.begin()
	defer ts.node.goroutines.end()
	ts.fireDue()
}

// fireDue fires all timers that are due, and sets the alarm for the next.
func (ts *timers) fireDue() {
	var fired []*timer
	ts.mu.Lock()
	for now := time.Now(); len(ts.pending) > 0 && !ts.pending[0].at.After(now) && !ts.stopped; {
		t := heap.Pop(&ts.pending).(*timer)
		t.fire()
		fired = append(fired, t)
	}
	if !ts.stopped {
		ts.arm()
	}
	ts.mu.Unlock()
	for _, t := range fired {
		t.forget()
	}
}

// earliest returns when the first timer is due.
func (ts *timers) earliest() (at time.Time, ok bool) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if len(ts.pending) == 0 {
		return time.Time{}, false
	}
	return ts.pending[0].at, true
}

// dropAll drops the timers of an actor that has ended.
func (ts *timers) dropAll(of *cell) {
	of.mu.Lock()
	dropped := of.more.timers
	of.more.timers = nil
	of.mu.Unlock()
	if len(dropped) == 0 {
		return
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for t := range dropped {
		if t.index >= 0 {
			heap.Remove(&ts.pending, t.index)
		}
	}
}

// stop drops all timers. None fires after it has returned.
func (ts *timers) stop() {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.stopped = true
	ts.pending = nil
	if ts.alarm != nil {
		ts.alarm.Stop()
	}
}

// due returns in how long the timers of an actor are due.
func (ts *timers) due(of *cell) []time.Duration {
	of.mu.Lock()
	var all []*timer
	if of.more != nil {
		for t := range of.more.timers {
			all = append(all, t)
		}
	}
	of.mu.Unlock()
	delays := make([]time.Duration, 0, len(all))
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for _, t := range all {
		if t.index >= 0 { // else it has fired, which its actor may have told already
			delays = append(delays, time.Until(t.at))
		}
	}
	return delays
}

// WakeupAfter is a method of actor.Runtime.
func (c *cell) WakeupAfter(delay time.Duration, payload any) actor.Wakeup {
	return c.node.timers.add(c, delay, func() {
		c.tell(envelope{message.WakeupMessage{Delay: delay, Payload: payload}, c.self})
	})
}

// timerHeap is a heap.Interface.
type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }

func (h timerHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].seq < h[j].seq
	}
	return h[i].at.Before(h[j].at)
}

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.index = len(*h)
	*h = append(*h, t)
}

func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.index = -1
	return t
}
