package system

import (
	"slices"
	"sync"

	"thespian.dev/address"
)

// asked says which endpoint of this process asked a question. The address of a question comes back long after the question was answered or given up, when nobody
// here holds it any more; what is sent to it then is for the Listen of who asked. Within one process whoever has the address holds the question.
type asked struct {
	mu     sync.Mutex
	blocks []block // in the order of their numbers
}

// A block is a range of counters of addresses that belong to the questions of one endpoint.
type block struct {
	first, last uint64
	by          *Endpoint
}

// blockLength is short for what an address takes on the wire, and long for what a question takes in memory.
const blockLength = 256

// number returns the counter of the address of the endpoint's next question.
func (a *asked) number(e *Endpoint) uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e.numbers == 0 {
		e.numbers, e.nextNumber = blockLength, e.node.counter.Add(blockLength)-blockLength+1
		last := e.nextNumber + blockLength - 1
		if i := len(a.blocks) - 1; i >= 0 && a.blocks[i].by == e && a.blocks[i].last+1 == e.nextNumber {
			a.blocks[i].last = last
		} else {
			a.blocks = append(a.blocks, block{e.nextNumber, last, e})
		}
	}
	e.numbers--
	e.nextNumber++
	return e.nextNumber - 1
}

// by returns the endpoint that asked a question of this address, nil if none did.
func (a *asked) by(question address.Address) *Endpoint {
	number := question.Record().ID().Counter
	a.mu.Lock()
	defer a.mu.Unlock()
	i, _ := slices.BinarySearchFunc(a.blocks, number, func(b block, number uint64) int {
		if b.last < number {
			return -1
		}
		return 1
	})
	if i < len(a.blocks) && a.blocks[i].first <= number {
		return a.blocks[i].by
	}
	return nil
}

// forget forgets an endpoint that was closed.
func (a *asked) forget(e *Endpoint) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.blocks = slices.DeleteFunc(a.blocks, func(b block) bool { return b.by == e })
}
