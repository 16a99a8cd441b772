package admin_test

import (
	"fmt"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/admin"
)

// The end of a program does not become dearer with the number of actors that it had nothing to do with.
func TestCostOfAnEnd(t *testing.T) {
	cost := func(actors int) float64 {
		h := newHarness(t, admin.Options{})
		h.attach()
		program := h.last
		h.core.Received(h.now, program, admin.Announce{Request: 1, Endpoint: "e", Build: "b", Kinds: []admin.Kind{{Name: "light", Startup: "goroutine"}}})
		for i := range actors {
			h.core.Received(h.now, program, admin.Create{Request: uint64(i + 2), Child: address1(program, uint64(i+1)), Kind: "light"})
		}
		return testing.AllocsPerRun(10, func() {
			number, _ := h.core.Attached()
			h.core.Received(h.now, number, admin.Announce{Request: 1, Endpoint: "e", Build: "b"})
			h.core.Gone(h.now, number, "the program has ended")
		})
	}
	few, many := cost(10), cost(10000)
	assert.Assert(t, many < few+5, fmt.Sprintf("%v allocations with 10 actors, %v with 10000", few, many))
}
