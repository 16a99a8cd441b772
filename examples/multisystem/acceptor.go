package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
)

// encodings are those that each text gets.
var encodings = []string{"base64", "rot13"}

// retry is how long the acceptor waits when no system runs an encoder.
const retry = 100 * time.Millisecond

// An acceptor has texts encoded. It keeps each until the analyzer has had it in all encodings, so that another encoder can take the place of one that ends.
type acceptor struct {
	analyzer, news address.Address
	encoders       map[string]*line
	askers         map[int]address.Address // who waits for a text
	open           map[int]int             // in how many encodings it is not done
}

// A line is what is under way in one encoding.
type line struct {
	encoder address.Address
	system  string // where it was last seen to work; "": nowhere
	jobs    map[int]Text
}

func newAcceptor() actor.Actor {
	return &acceptor{encoders: make(map[string]*line), askers: make(map[int]address.Address), open: make(map[int]int)}
}

func (a *acceptor) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case Begin:
		a.analyzer, a.news = m.Analyzer, ctx.Sender()
		for _, encoding := range encodings {
			a.encoders[encoding] = &line{jobs: make(map[int]Text)}
			a.hire(ctx, encoding)
		}
	case Text:
		a.askers[m.Number], a.open[m.Number] = ctx.Sender(), len(encodings)
		for _, l := range a.encoders {
			l.jobs[m.Number] = m
			ctx.Send(l.encoder, Job{m, a.analyzer})
		}
	case Done:
		a.done(ctx, m)
	case message.ChildActorExited:
		for encoding, l := range a.encoders {
			if l.encoder == m.Child {
				a.replace(ctx, encoding, m.Reason)
			}
		}
	case message.WakeupMessage:
		a.hire(ctx, m.Payload.(string))
	}
	return nil
}

// hire creates an encoder, and has it do what is to be done.
func (a *acceptor) hire(ctx *actor.Context, encoding string) {
	l := a.encoders[encoding]
	l.encoder, l.system = ctx.Create(encoding+" encoder"), ""
	for _, number := range slices.Sorted(maps.Keys(l.jobs)) {
		ctx.Send(l.encoder, Job{l.jobs[number], a.analyzer})
	}
}

// replace finds another encoder. If the last did nothing there is probably no system that would run it, for the moment.
func (a *acceptor) replace(ctx *actor.Context, encoding, reason string) {
	l := a.encoders[encoding]
	if l.system == "" {
		ctx.WakeupAfter(retry, encoding)
		return
	}
	ctx.Send(a.news, News{fmt.Sprintf("the %s encoder in the %s has ended: %s", encoding, l.system, reason)})
	a.hire(ctx, encoding)
}

// done notes a result. There may be two of one kind, when an encoder ended just after its work.
func (a *acceptor) done(ctx *actor.Context, m Done) {
	l := a.encoders[m.Encoding]
	if _, open := l.jobs[m.Number]; !open {
		return
	}
	if l.system != m.System {
		l.system = m.System
		ctx.Send(a.news, News{fmt.Sprintf("%s is encoded in the %s", m.Encoding, m.System)})
	}
	delete(l.jobs, m.Number)
	if a.open[m.Number]--; a.open[m.Number] == 0 {
		ctx.Send(a.askers[m.Number], Accepted{m.Number})
		delete(a.open, m.Number)
		delete(a.askers, m.Number)
	}
}
