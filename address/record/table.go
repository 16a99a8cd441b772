package record

import (
	"runtime"
	"sync"
	"sync/atomic"
	"weak"
)

// The table of records is one for each process, as the identity of a pointer is. It is cut into shards, so that
// goroutines that decode addresses seldom meet at one lock.
//
// Records that were collected leave their entries behind until the shard is swept, which is after the next collection for those shards that have
// changed much, and after one of the next eight for all. (A cleanup for each record would take as long as all the rest of entering it.)
var shards [64]shard

type shard struct {
	mu      sync.Mutex
	records map[ID]weak.Pointer[Record]
	entered int      // since the last sweep
	age     int      // in collections, since the last sweep
	_       [24]byte // keeps two locks off one cache line
}

// sweeping says that a sweep follows the next collection.
var sweeping atomic.Bool

func shardOf(id ID) *shard {
	h := (id.Counter ^ id.Process ^ id.System) * 0x9e3779b97f4a7c15
	return &shards[h>>58]
}

// Intern returns this process's record of the actor with the given identity, and makes one if there is none.
func Intern(id ID) *Record {
	s := shardOf(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.records[id].Value(); r != nil {
		return r
	}
	r := New(id)
	r.published.Store(true)
	s.enter(r)
	return r
}

// Publish enters an actor's own record into the table, so that its address is recognised when it comes back from
// elsewhere. A record that somebody's guess at the identity may have made before loses its place.
func (r *Record) Publish() {
	if r.published.Load() {
		return
	}
	s := shardOf(r.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.published.CompareAndSwap(false, true) {
		s.enter(r)
	}
}

// enter puts r into the table until it is collected. The lock is held.
func (s *shard) enter(r *Record) {
	if s.records == nil {
		s.records = make(map[ID]weak.Pointer[Record])
	}
	s.records[r.id] = weak.Make(r)
	s.entered++
	sweepLater()
}

// sweepLater has the table swept after the next collection, which finds an object that nobody holds.
func sweepLater() {
	if !sweeping.Load() && sweeping.CompareAndSwap(false, true) {
		runtime.AddCleanup(new(*int), sweep, struct{}{})
	}
}

// sweep removes the entries of records that were collected, and goes on while there are records.
func sweep(struct{}) {
	sweeping.Store(false)
	left := false
	for i := range shards {
		left = shards[i].sweep() || left
	}
	if left {
		sweepLater()
	}
}

// sweptAtAge is how many collections a shard is left alone at most.
const sweptAtAge = 8

// sweep reports whether there are entries left.
func (s *shard) sweep() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.age++; s.age < sweptAtAge && s.entered <= len(s.records)/8 {
		return len(s.records) > 0
	}
	s.age, s.entered = 0, 0
	for id, r := range s.records {
		if r.Value() == nil {
			delete(s.records, id)
		}
	}
	if len(s.records) == 0 {
		s.records = nil // a map never gives memory back by itself
	}
	return s.records != nil
}

// Len returns how many records the table holds, with those that were collected since it was swept.
func Len() int {
	n := 0
	for i := range shards {
		s := &shards[i]
		s.mu.Lock()
		n += len(s.records)
		s.mu.Unlock()
	}
	return n
}
