package main

import "thespian.dev/message"

// What the actors and the program send each other. It is data alone, so that it can go to other processes. Paths are bytes, since
// names of files need not be valid UTF-8, as strings in messages have to be.

// From the program to the coordinator, and back.
type (
	// Count asks for a count. A coordinator takes one; it answers with Progress now and then, then with one Result, and exits.
	Count struct {
		Root    []byte // an absolute path
		Workers int
		Top     int // words to be named in the result
	}

	// Progress says how far a count is.
	Progress struct {
		Done  int64 // bytes in files that were read
		Found int64 // bytes in files that were found
		All   bool  // there are no more to be found
	}

	// Result is the end of a count. It may have several parts, since a message cannot be of any size.
	Result struct {
		Stats    Stats
		Distinct int
		Top      []WordCount
		More     bool   // this is not the last part, and has words alone
		Failure  string // why there is no result; empty: there is one
	}
)

// Found is from the coordinator's search for files to the coordinator.
type Found struct {
	Files [][]byte
	Bytes int64 // in all of them
}

// From the coordinator to a worker, and back.
type (
	// Batch is to be counted.
	Batch struct {
		ID    int
		Files [][]byte
	}

	// Counted says that a part of a batch was read.
	Counted struct {
		Batch int
		Bytes int64 // since the last such message
		Done  bool  // it was the last part
	}

	// Deliver asks for what was counted and not delivered.
	Deliver struct{}

	// Words are what was counted since the last delivery, and make its batches final. A delivery may have several parts;
	// it counts when all have come.
	Words struct {
		Words   []WordCount
		More    bool  // this is not the last part, and has nothing of what follows
		Batches []int // that are in the delivery
		Stats   Stats // of these
	}
)

var messages = message.Types(Count{}, Progress{}, Result{}, Found{}, Batch{}, Counted{}, Deliver{}, Words{})

// result is the tally as the result of a count.
func (t *tally) result(top int) Result {
	return Result{Stats: t.stats, Distinct: len(t.table.entries), Top: t.table.top(top)}
}
