package nats

import (
	"sync"
	"time"
)

// A deadline is that of reading or of writing.
type deadline struct {
	mu     sync.Mutex
	timer  *time.Timer
	passed chan struct{} // closed when it has passed
}

func newDeadline() deadline { return deadline{passed: make(chan struct{})} }

// set changes it. The zero time is never.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && !d.timer.Stop() {
		<-d.passed // the timer's function has run, or is about to
	}
	d.timer = nil
	closed := d.has()
	switch left := time.Until(t); {
	case t.IsZero() || left > 0:
		if closed {
			d.passed = make(chan struct{})
		}
		if !t.IsZero() {
			passed := d.passed
			d.timer = time.AfterFunc(left, func() { close(passed) })
		}
	case !closed:
		close(d.passed)
	}
}

// has says whether it has passed. The lock is held.
func (d *deadline) has() bool {
	select {
	case <-d.passed:
		return true
	default:
		return false
	}
}

// wait returns what is closed when it has passed.
func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.passed
}
