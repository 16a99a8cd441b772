package record

import (
	"runtime"
	"sync"
	"weak"
)

// The table of records is one for each process, as the identity of a pointer is. It is cut into shards, so that
// goroutines that decode addresses seldom meet at one lock.
var shards [64]shard

type shard struct {
	mu      sync.Mutex
	records map[ID]weak.Pointer[Record]
	_       [40]byte // keeps two locks off one cache line
}

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
	runtime.AddCleanup(r, forget, r.id)
}

// forget removes the entry of a record that was collected, unless another record took its place since.
func forget(id ID) {
	s := shardOf(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.records[id]; ok && p.Value() == nil {
		delete(s.records, id)
		if len(s.records) == 0 {
			s.records = nil // a map never gives memory back by itself
		}
	}
}

// Len returns how many records the table holds.
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
