package main

import (
	"time"

	"thespian.dev/actor"
	"thespian.dev/address"
)

const (
	deliverWords = 1 << 14                // distinct ones after which a worker delivers
	deliverTime  = 500 * time.Millisecond // likewise: no more than that is lost with a worker, and what was being counted
	partWords    = 1 << 13                // in one message at most
)

// A worker counts batches of files in a table of its own, and delivers that now and then: to have the coordinator merge what is in each batch
// would cost as much as to count it. A batch is delivered whole or not at all; a worker that cannot keep to that ends.
type worker struct {
	tally
	batches []int     // what is in the tally
	since   time.Time // when the first of these was begun
}

func newWorker() actor.Actor { return &worker{} }

func (w *worker) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case Batch:
		return w.count(ctx, m)
	case Deliver:
		w.deliver(ctx, ctx.Sender())
	}
	return nil
}

func (w *worker) count(ctx *actor.Context, m Batch) error {
	whole := false
	defer func() {
		if !whole { // the tally holds a part of the batch
			ctx.Exit()
		}
	}()
	coordinator := ctx.Sender()
	if len(w.batches) == 0 {
		w.since = time.Now()
	}
	for _, path := range m.Files {
		err := w.file(ctx, string(path), func(bytes int64) {
			ctx.Send(coordinator, Counted{Batch: m.ID, Bytes: bytes})
		})
		if err != nil {
			return nil // the actor was ended meanwhile
		}
	}
	w.batches = append(w.batches, m.ID)
	whole = true
	ctx.Send(coordinator, Counted{Batch: m.ID, Done: true})
	if len(w.table.entries) >= deliverWords || time.Since(w.since) >= deliverTime {
		w.deliver(ctx, coordinator)
	}
	return nil
}

func (w *worker) deliver(ctx *actor.Context, to address.Address) {
	words := w.table.take()
	for len(words) > partWords {
		ctx.Send(to, Words{Words: words[:partWords:partWords], More: true})
		words = words[partWords:]
	}
	ctx.Send(to, Words{Words: words, Batches: w.batches, Stats: w.stats})
	w.batches, w.stats = nil, Stats{}
}
