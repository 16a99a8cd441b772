// Package record holds what a process knows of each actor: the record behind an address. It is for the
// runtime; programs use package address.
//
// A process has at most one record of an actor, so that a pointer to it can stand for the actor. An actor's
// own record is made by its creator with [Record.Init] and enters the table of records by identity no sooner
// than its address leaves the process ([Record.Publish]). Records of foreign actors come out of that table
// ([Intern]), which holds all of its records weakly.
package record

import "sync/atomic"

// An ID is the identity of an actor: the system that created it, the process of that system that created
// it, and a number that this process never used before. System and Process are drawn at random, so that
// an ID is unique without coordination. Numbers start with 1.
type ID struct {
	System, Process, Counter uint64
}

// A Record is what this process knows of one actor. It must not be copied. All methods but Init may be
// called from several goroutines at once.
type Record struct {
	id        ID
	hint      atomic.Pointer[string]
	binding   atomic.Pointer[Binding]
	published atomic.Bool
}

// A Binding ties a record to the mailbox of an actor in this process. It is embedded in the mailbox, which
// knows the node that owns it; other nodes of the process ignore it and take their own route.
type Binding struct {
	Mailbox any
}

// New returns the record of an actor that is being created in this process.
func New(id ID) *Record {
	r := new(Record)
	r.Init(id)
	return r
}

// Init makes r the record of an actor that is being created in this process. It is called once, before
// anything else is done with r.
func (r *Record) Init(id ID) { r.id = id }

// ID returns the identity of the actor.
func (r *Record) ID() ID { return r.id }

// Bind says that the actor lives in this process.
func (r *Record) Bind(b *Binding) { r.binding.Store(b) }

// Unbind says that the actor does not live in this process any more.
func (r *Record) Unbind() { r.binding.Store(nil) }

// Binding returns the actor's binding, nil when it does not live in this process.
func (r *Record) Binding() *Binding { return r.binding.Load() }

// Hint returns where the actor can probably be reached, "" when that is not known.
func (r *Record) Hint() string {
	if h := r.hint.Load(); h != nil {
		return *h
	}
	return ""
}

// SetHint says where the actor can be reached.
func (r *Record) SetHint(hint string) { r.hint.Store(&hint) }

// Suggest sets the hint when there is none yet, so that what somebody says of an actor in passing never
// replaces what is known already.
func (r *Record) Suggest(hint string) { r.hint.CompareAndSwap(nil, &hint) }
