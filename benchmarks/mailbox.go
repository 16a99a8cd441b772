package benchmarks

import (
	"runtime"
	"sync"
)

// A mailbox is the machine's limit for handing messages from many goroutines to one: a slice under a mutex. The reader swaps
// it for an empty one, and so takes a lock once for many messages. It is bounded, as a mailbox must be: when there are
// mailboxMark messages in it, whoever puts another waits until the reader takes them.
type mailbox struct {
	mu      sync.Mutex
	yield   bool // let others run before going to sleep for the mutex
	queue   []any
	waiting bool          // the reader waits for wake
	wake    chan struct{} // of room for one
	room    sync.Cond
}

// mailboxMark is what mailboxes of the system have, too.
const mailboxMark = 4096

func newMailbox(yield bool) *mailbox {
	m := &mailbox{yield: yield, wake: make(chan struct{}, 1)}
	m.room.L = &m.mu
	return m
}

// lock is faster than a plain Lock where more goroutines than there are processors want the mutex all the time: it is held for
// nanoseconds, but who has gone to sleep for it takes a hundred times as long to wake up.
func (m *mailbox) lock() {
	if m.yield {
		if m.mu.TryLock() {
			return
		}
		runtime.Gosched()
	}
	m.mu.Lock()
}

func (m *mailbox) put(msg any) {
	m.lock()
	for len(m.queue) >= mailboxMark {
		m.room.Wait()
	}
	m.queue = append(m.queue, msg)
	wake := m.waiting
	m.waiting = false
	m.mu.Unlock()
	if wake {
		m.wake <- struct{}{}
	}
}

// take waits for messages and returns all that there are. The batch is what the last call returned; it is used again.
func (m *mailbox) take(batch []any) []any {
	clear(batch) // what was read is not to be kept alive
	m.lock()
	for len(m.queue) == 0 {
		m.waiting = true
		m.mu.Unlock()
		<-m.wake
		m.mu.Lock()
	}
	full := len(m.queue) >= mailboxMark
	batch, m.queue = m.queue, batch[:0]
	m.mu.Unlock()
	if full {
		m.room.Broadcast()
	}
	return batch
}
