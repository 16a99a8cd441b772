package benchmarks

import (
	"fmt"
	"sync"
	"testing"

	"gotest.tools/v3/assert"
)

// TestMailbox fills the mailbox beyond its mark from several goroutines: nothing is lost, and what one of them put comes in order.
func TestMailbox(t *testing.T) {
	const senders, each = 8, 2 * mailboxMark
	for _, yield := range []bool{true, false} {
		t.Run(fmt.Sprint("yield ", yield), func(t *testing.T) {
			box := newMailbox(yield)
			var all sync.WaitGroup
			for sender := range senders {
				all.Go(func() {
					for i := range each {
						box.put(Pair{sender, i})
					}
				})
			}
			var next [senders]int
			var batch []any
			for got := 0; got < senders*each; got += len(batch) {
				batch = box.take(batch)
				assert.Assert(t, len(batch) > 0 && len(batch) <= mailboxMark)
				for _, msg := range batch {
					p := msg.(Pair)
					assert.Equal(t, p.Right, next[p.Left])
					next[p.Left]++
				}
			}
			all.Wait()
		})
	}
}
