package stream

import (
	"testing"

	"gotest.tools/v3/assert"
)

// The other node may have taken more than it said when it began a connection, from the one before: no connection would last if that were an error.
func TestMoreWasTakenThanWasSaid(t *testing.T) {
	written := func(q *queue) {
		for {
			if _, ok := q.take(); !ok {
				return
			}
			q.written()
		}
	}
	q := queue{blocks: &blocks{}, frameCap: blockSize, chunk: localChunk}
	for range 3 {
		q.add([]byte("x"))
		written(&q)
	}
	assert.Assert(t, q.resume(1, true), "it says that it has one")
	assert.Assert(t, q.resume(3, false), "nothing was written again, and it has three")
	assert.Assert(t, q.confirm(3))
	assert.Assert(t, q.empty())

	q.add([]byte("x"))
	written(&q)
	assert.Assert(t, q.resume(3, true))
	assert.Assert(t, q.confirm(4))
	written(&q)
	assert.Assert(t, q.empty())
	q.add([]byte("never written"))
	assert.Assert(t, !q.confirm(5))
	assert.Assert(t, !q.resume(5, false))
}
