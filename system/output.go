package system

import (
	"io"
	"sync"

	"thespian.dev/admin"
)

// An output writes what hosts have printed, beside the goroutine that reads the lifeline: who reads it may be slow, or stopped. It keeps so much, and drops what is
// more.
type output struct {
	mu      sync.Mutex
	change  *sync.Cond
	pending []admin.Print
	size    int
	ended   bool
}

// maxOutput is how many bytes wait to be written at most.
const maxOutput = 1 << 20

func newOutput() *output {
	o := &output{}
	o.change = sync.NewCond(&o.mu)
	return o
}

func (o *output) add(p admin.Print) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.size+len(p.Text) > maxOutput || o.ended {
		return
	}
	o.pending = append(o.pending, p)
	o.size += len(p.Text)
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
	for {
		o.mu.Lock()
		for len(o.pending) == 0 && !o.ended {
			o.change.Wait()
		}
		texts := o.pending
		o.pending, o.size = nil, 0
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
		}
	}
}
