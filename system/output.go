package system

import (
	"io"
	"sync"
	"time"

	"thespian.dev/admin"
)

// An output writes what hosts have printed, beside the goroutine that reads the lifeline: who reads it may be slow, or stopped. What waits to be written is bounded by the Admin, which is told how much was.
type output struct {
	written func(bytes int)
	done    chan struct{} // closed when write has returned

	mu       sync.Mutex
	change   *sync.Cond // there is more to be written, or the end
	pending  []admin.Print
	ended    bool
	progress chan struct{} // closed and replaced when something was written
}

func newOutput() *output {
	o := &output{done: make(chan struct{}), progress: make(chan struct{})}
	o.change = sync.NewCond(&o.mu)
	return o
}

func (o *output) add(p admin.Print) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pending = append(o.pending, p)
	o.change.Signal()
}

// end ends write once all was written.
func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	o.change.Signal()
}

// write writes until the end.
func (o *output) write(stdout, stderr io.Writer) {
	defer close(o.done)
	for {
		o.mu.Lock()
		for len(o.pending) == 0 && !o.ended {
			o.change.Wait()
		}
		texts := o.pending
		o.pending = nil
		o.mu.Unlock()
		if len(texts) == 0 {
			return
		}
		for _, p := range texts {
			to := stdout
			if p.Error {
				to = stderr
			}
			_, _ = to.Write(p.Text)
			o.written(len(p.Text))
			o.mu.Lock()
			close(o.progress)
			o.progress = make(chan struct{})
			o.mu.Unlock()
		}
	}
}

// await waits for an event before which there may be much to write: for as long as something is written.
func (o *output) await(event <-chan struct{}) {
	for {
		o.mu.Lock()
		progress := o.progress
		o.mu.Unlock()
		timer := time.NewTimer(patience)
		select {
		case <-progress:
			timer.Stop()
		case <-event:
			timer.Stop()
			return
		case <-timer.C:
			return
		}
	}
}
