package stream

import (
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
)

func TestNodesThatWereForgottenLastAreKnown(t *testing.T) {
	var f forgotten
	node := func(i int) transport.Node { return transport.Node{System: 1, Process: uint64(i + 1)} }
	for i := range 3 * maxForgotten {
		f.add(node(i))
		f.add(node(i))
		assert.Assert(t, f.has(node(i)))
		assert.Assert(t, f.has(node(max(0, i-maxForgotten+1))))
	}
	assert.Assert(t, !f.has(node(2*maxForgotten-1)))
	assert.Equal(t, len(f.nodes), maxForgotten)
	assert.Equal(t, len(f.order), maxForgotten)
}
