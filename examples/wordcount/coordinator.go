package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
)

const (
	batchFiles   = 64                     // in a batch at most
	batchBytes   = 512 << 10              // after which a batch is full
	maxAhead     = 1 << 10                // batches that the search is ahead of the workers
	maxInFlight  = 3                      // batches that a worker has and has not counted
	maxDeaths    = 100                    // of workers in a row, without a delivery between them
	progressTime = 100 * time.Millisecond // between two reports
)

// A coordinator counts the words below a folder: it finds the files, hands them to its workers and adds up what they deliver. When a
// worker dies, what it had not delivered is handed to others.
type coordinator struct {
	asker   address.Address
	top     int
	total   tally         // what was delivered
	waiting []*batch      // to be handed out
	batches int           // so far
	ahead   chan struct{} // has one element for each batch that was found and not handed out
	workers []*share
	deaths  int // since the last delivery
	trouble string
	ended   bool

	progress Progress // of what was found; Done counts what was delivered
}

// A batch is a Batch, as the coordinator sees it.
type batch struct {
	Batch
	bytes int64
	read  int64 // bytes of it that were read
	again bool  // it was handed out before
}

// A share is what one worker has to do.
type share struct {
	worker   address.Address
	batches  map[int]*batch // that it got and did not deliver
	inFlight int            // of these, it has not counted
	parts    [][]WordCount  // of a delivery whose end has not come
	asked    bool           // to deliver, after the last batch
}

func newCoordinator() actor.Actor { return &coordinator{} }

func (c *coordinator) Receive(ctx *actor.Context, msg any) error {
	if c.ended { // workers are ending, too
		return nil
	}
	switch m := msg.(type) {
	case Count:
		return c.begin(ctx, m)
	case Found:
		c.found(ctx, m)
	case searched:
		c.searched(ctx, m)
	case Counted:
		c.counted(ctx, m)
	case Words:
		c.delivered(ctx, m)
	case message.ChildActorExited:
		c.lost(ctx, m)
	case message.PoisonMessage:
		c.failed(ctx, m)
	case message.WakeupMessage:
		c.report(ctx)
	case message.ActorExitRequest:
		c.ended = true
	}
	return nil
}

func (c *coordinator) begin(ctx *actor.Context, m Count) error {
	if !c.asker.IsZero() {
		return actor.Permanent(errors.New("this coordinator has a count already"))
	}
	c.asker = ctx.Sender()
	c.top = m.Top
	c.ahead = make(chan struct{}, maxAhead)
	for range max(m.Workers, 1) {
		c.hire(ctx)
	}
	c.search(ctx, string(m.Root))
	c.report(ctx)
	return nil
}

func (c *coordinator) hire(ctx *actor.Context) {
	c.workers = append(c.workers, &share{worker: ctx.Create("worker"), batches: make(map[int]*batch)})
}

// share returns the share of a worker, nil if it is not one, and its place in the list.
func (c *coordinator) share(worker address.Address) (*share, int) {
	i := slices.IndexFunc(c.workers, func(s *share) bool { return s.worker == worker })
	if i < 0 {
		return nil, i
	}
	return c.workers[i], i
}

func (c *coordinator) found(ctx *actor.Context, m Found) {
	c.progress.Found += m.Bytes
	c.batches++
	c.waiting = append(c.waiting, &batch{Batch: Batch{ID: c.batches, Files: m.Files}, bytes: m.Bytes})
	c.goOn(ctx)
}

func (c *coordinator) searched(ctx *actor.Context, m searched) {
	if m.err != nil {
		c.end(ctx, Result{Failure: m.err.Error()})
		return
	}
	c.total.stats.add(m.stats)
	c.progress.All = true
	c.goOn(ctx)
}

// goOn hands out what is waiting. When nothing is left to be handed out it asks for what was counted, and when all of that has come it is done.
func (c *coordinator) goOn(ctx *actor.Context) {
	outstanding := 0
	for _, s := range c.workers {
		for s.inFlight < maxInFlight && len(c.waiting) > 0 {
			c.handOut(ctx, s)
		}
		outstanding += len(s.batches)
	}
	if !c.progress.All || len(c.waiting) > 0 {
		return
	}
	if outstanding == 0 {
		c.end(ctx, c.total.result(c.top))
		return
	}
	for _, s := range c.workers {
		if len(s.batches) > 0 && !s.asked {
			ctx.Send(s.worker, Deliver{})
			s.asked = true
		}
	}
}

func (c *coordinator) handOut(ctx *actor.Context, s *share) {
	b := c.waiting[0]
	c.waiting[0] = nil
	c.waiting = c.waiting[1:]
	if !b.again {
		<-c.ahead
	}
	s.batches[b.ID] = b
	s.inFlight++
	s.asked = false
	ctx.Send(s.worker, b.Batch)
}

func (c *coordinator) counted(ctx *actor.Context, m Counted) {
	s, _ := c.share(ctx.Sender())
	if s == nil || s.batches[m.Batch] == nil {
		return
	}
	b := s.batches[m.Batch]
	b.read = min(b.read+m.Bytes, b.bytes) // a file may have grown meanwhile
	if m.Done {
		b.read = b.bytes
		s.inFlight--
		c.goOn(ctx)
	}
}

func (c *coordinator) delivered(ctx *actor.Context, m Words) {
	s, _ := c.share(ctx.Sender())
	if s == nil {
		return
	}
	s.parts = append(s.parts, m.Words)
	if m.More {
		return
	}
	for _, part := range s.parts {
		for _, w := range part {
			c.total.table.add(w)
		}
	}
	s.parts = nil
	c.total.stats.add(m.Stats)
	for _, id := range m.Batches {
		c.progress.Done += s.batches[id].bytes
		delete(s.batches, id)
	}
	c.deaths = 0
	c.goOn(ctx)
}

// lost has others do what a worker did not, and a new one take its place.
func (c *coordinator) lost(ctx *actor.Context, m message.ChildActorExited) {
	s, i := c.share(m.Child)
	if s == nil {
		return
	}
	c.workers = slices.Delete(c.workers, i, i+1)
	for _, id := range slices.Sorted(maps.Keys(s.batches)) {
		b := s.batches[id]
		b.read, b.again = 0, true
		c.waiting = append(c.waiting, b)
	}
	if c.deaths++; c.deaths > maxDeaths {
		c.end(ctx, Result{Failure: fmt.Sprintf("%d workers ended one after the other, the last one because: %s%s", c.deaths, m.Reason, c.trouble)})
		return
	}
	c.hire(ctx)
	c.goOn(ctx)
}

// failed ends a worker that could not handle a message, which leads to lost.
func (c *coordinator) failed(ctx *actor.Context, m message.PoisonMessage) {
	if s, _ := c.share(ctx.Sender()); s != nil {
		c.trouble = "; " + m.Error()
		ctx.Send(s.worker, message.ActorExitRequest{})
		return
	}
	if ctx.Sender() == ctx.Self() { // the search panicked
		c.end(ctx, Result{Failure: m.Error()})
	}
}

// report tells the program of the progress, and does so again after a while.
func (c *coordinator) report(ctx *actor.Context) {
	p := c.progress
	for _, s := range c.workers {
		for _, b := range s.batches {
			p.Done += b.read
		}
	}
	ctx.Send(c.asker, p)
	ctx.WakeupAfter(progressTime, nil)
}

// end gives the result to the program, and ends the workers with the coordinator.
func (c *coordinator) end(ctx *actor.Context, r Result) {
	for len(r.Top) > partWords {
		ctx.Send(c.asker, Result{Top: r.Top[:partWords:partWords], More: true})
		r.Top = r.Top[partWords:]
	}
	ctx.Send(c.asker, r)
	c.ended = true
	ctx.Exit()
}
