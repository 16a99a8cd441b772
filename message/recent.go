package message

import (
	"weak"

	"thespian.dev/address/record"
)

// recentActors finds the records of actors that were met lately in half of the time that [record.Intern] takes: most of what comes over a busy link
// is for few actors. It keeps no record alive. It is for one goroutine; nil works, too, and is Intern.
type recentActors [64]struct {
	id     record.ID
	record weak.Pointer[record.Record] // nothing until the actor comes a second time
}

// intern returns what record.Intern does. own says that the actor was created by the process that asks.
func (a *recentActors) intern(id record.ID, own bool) *record.Record {
	if a == nil {
		return record.Intern(id)
	}
	slot := &a[(id.Counter^id.Process)%uint64(len(a))]
	if slot.id != id {
		slot.id, slot.record = id, weak.Pointer[record.Record]{}
		return record.Intern(id)
	}
	if r := slot.record.Value(); r != nil && (!own || r.Binding() != nil) {
		return r
	}
	r := record.Intern(id)
	if !own || r.Binding() != nil { // else it may be a guess at an actor, whose own record will take its place
		slot.record = weak.Make(r)
	}
	return r
}
