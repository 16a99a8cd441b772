package message

import (
	"weak"

	"thespian.dev/address/record"
)

// recentActors finds the records of actors that were met lately in a fraction of the time that [record.Intern] takes: most of what comes over a busy link
// is for few actors, and much of it between the same two as before. Of records it keeps those two alive. It is for one goroutine; nil works, too, and is Intern.
type recentActors struct {
	last  [2]*record.Record // the last receiver, the last sender
	slots [64]struct {
		id     record.ID
		record weak.Pointer[record.Record] // nothing until the actor comes a second time
	}
}

// The places of addresses in an envelope.
const (
	asTarget = iota
	asSender
)

// intern returns what record.Intern does. own says that the actor was created by the process that asks.
func (a *recentActors) intern(id record.ID, place int, own bool) *record.Record {
	if a == nil {
		return record.Intern(id)
	}
	if r := a.last[place]; r != nil && r.ID() == id && (!own || r.Binding() != nil) {
		return r
	}
	r := a.look(id, own)
	if !own || r.Binding() != nil { // else it may be a guess at an actor, whose own record will take its place
		a.last[place] = r
	}
	return r
}

func (a *recentActors) look(id record.ID, own bool) *record.Record {
	slot := &a.slots[(id.Counter^id.Process)%uint64(len(a.slots))]
	if slot.id != id {
		slot.id, slot.record = id, weak.Pointer[record.Record]{}
		return record.Intern(id)
	}
	if r := slot.record.Value(); r != nil && (!own || r.Binding() != nil) {
		return r
	}
	r := record.Intern(id)
	if !own || r.Binding() != nil {
		slot.record = weak.Make(r)
	}
	return r
}
