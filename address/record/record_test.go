package record_test

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/address/record"
)

// settled collects garbage until the table holds want records, and returns how many it holds then.
func settled(want int) int {
	deadline := time.Now().Add(20 * time.Second)
	for record.Len() > want && time.Now().Before(deadline) {
		runtime.GC()
		runtime.Gosched()
	}
	return record.Len()
}

func TestMillionRecordsThatNobodyHoldsLeaveNothingBehind(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 10_000
	}
	before := settled(0)
	kept := record.Intern(record.ID{System: 1, Process: 1, Counter: 1})
	for i := range n {
		record.Intern(record.ID{System: 2, Process: 3, Counter: uint64(i + 1)})
	}
	assert.Equal(t, settled(before+1), before+1)
	assert.Assert(t, record.Intern(record.ID{System: 1, Process: 1, Counter: 1}) == kept, "what somebody holds stays")
	runtime.KeepAlive(kept)
}

func TestOwnRecordIsFoundOnceItWasPublished(t *testing.T) {
	id := record.ID{System: 4, Process: 5, Counter: 6}
	own := record.New(id)
	guess := record.Intern(id) // somebody made the identity up
	assert.Assert(t, guess != own)
	own.Publish()
	own.Publish()
	assert.Assert(t, record.Intern(id) == own, "the actor's own record takes the place of a guess")
	runtime.KeepAlive(guess)
}

func TestBinding(t *testing.T) {
	r := record.New(record.ID{Counter: 1})
	assert.Assert(t, r.Binding() == nil)
	b := &record.Binding{Mailbox: "here"}
	r.Bind(b)
	assert.Assert(t, r.Binding() == b)
	r.Unbind()
	assert.Assert(t, r.Binding() == nil)
}

func TestConcurrentUseOfOneIdentity(t *testing.T) {
	for i := range 200 {
		id := record.ID{System: 9, Process: 9, Counter: uint64(i + 1)}
		own := record.New(id)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(own.Publish)
			wg.Go(func() { own.Suggest("somewhere") })
		}
		wg.Wait()
		assert.Assert(t, record.Intern(id) == own)
		assert.Equal(t, own.Hint(), "somewhere")
	}
}

var sink *record.Record

func BenchmarkIntern(b *testing.B) {
	b.Run("known", func(b *testing.B) {
		id := record.ID{System: 1, Process: 2, Counter: 3}
		kept := record.Intern(id)
		for b.Loop() {
			sink = record.Intern(id)
		}
		runtime.KeepAlive(kept)
	})
	b.Run("new", func(b *testing.B) {
		n := uint64(0)
		for b.Loop() {
			n++
			sink = record.Intern(record.ID{System: 1, Process: 3, Counter: n})
		}
	})
}
