package soak

import (
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// A scene is a stream of ten parcels from one worker to another, and what the two and the undertaker have of it.
type scene struct {
	ledger               *ledger
	from, to, undertaker *party
	stream               uint64
	sender, receiver     books
	letters              books
	totals               Totals
}

func newScene() *scene {
	s := &scene{totals: Totals{Reasons: make(map[string]uint64)}}
	l := newLedger(0, func(change func(*Totals)) { change(&s.totals) })
	s.ledger, s.undertaker, s.from = l, l.join("undertaker", nil), l.join(spawned, nil)
	s.to = l.join(pooled, s.from)
	for i, p := range []*party{s.undertaker, s.from, s.to} {
		l.locate(p, p.who, 101+i)
		[]*books{&s.letters, &s.sender, &s.receiver}[i].id = p.id
	}
	s.stream = l.open(s.from, s.to, Send{Count: 10}).Stream
	sent := s.sender.sending(s.stream)
	sent.Count, sent.Done = 10, true
	return s
}

func (s *scene) parcel(n uint32) Parcel { return Parcel{Stream: s.stream, Number: n} }

// receives has the receiver get some numbers, in this order.
func (s *scene) receives(ns ...uint32) {
	for _, n := range ns {
		s.receiver.receive(s.parcel(n))
	}
}

// receivesAllBut has the receiver get all numbers but some.
func (s *scene) receivesAllBut(ns ...uint32) {
	for n := uint32(1); n <= 10; n++ {
		if !slices.Contains(ns, n) {
			s.receives(n)
		}
	}
}

func (s *scene) buries(what int, ns ...uint32) {
	for _, n := range ns {
		s.letters.note(what, s.parcel(n))
	}
}

// exits has the receiver exit in order, and its parent hear of it.
func (s *scene) exits() {
	s.ledger.leaves(s.to, reasonAsked)
	s.sender.notices = append(s.sender.notices, Notice{s.to.id, true, reasonAsked})
}

// isKilled has the receiver's process killed, which tells nothing any more.
func (s *scene) isKilled() {
	s.ledger.kills(s.to)
	s.sender.notices = append(s.sender.notices, Notice{s.to.id, true, reasonKilled})
}

// verdict returns what the ledger finds wrong.
func (s *scene) verdict() string {
	for b, final := range map[*books]bool{&s.sender: s.from.state == leaving, &s.receiver: s.to.state == leaving, &s.letters: false} {
		a := b.account()
		p := s.ledger.parties[a.ID]
		if p == nil {
			continue // it is forgotten
		}
		a.PID, a.Final = p.pid, final
		s.ledger.enter(a)
	}
	open, _ := s.ledger.pending()
	return strings.Join(append(open, s.ledger.problems()...), "\n")
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		name string
		play func(s *scene)
		want string // "": all is in order
	}{
		{"all delivered", func(s *scene) { s.receivesAllBut() }, ""},
		{"a hole", func(s *scene) { s.receivesAllBut(4, 5) }, "[{4 5}] are lost"},
		{"the last is missing", func(s *scene) { s.receivesAllBut(10) }, "[{10 10}] are lost"},
		{"nothing came", func(s *scene) {}, "[{1 10}] are lost"},
		{"out of order", func(s *scene) { s.receivesAllBut(4); s.receives(4) }, "number 4 came after 10"},
		{"twice", func(s *scene) { s.receivesAllBut(); s.receives(10) }, "number 10 came twice"},
		{"damaged", func(s *scene) {
			s.receivesAllBut(10)
			s.receiver.receive(Parcel{Stream: s.stream, Number: 10, Body: []byte{byte(s.stream), 0, byte(s.stream)}})
		}, "number 10 is damaged at byte 1 of 3"},
		{"more than was sent", func(s *scene) { s.receivesAllBut(); s.receives(11) }, "[{11 11}] were never sent"},
		{"a dead letter between the living", func(s *scene) { s.receivesAllBut(7); s.buries(dead, 7) }, "[{7 7}] are dead letters, and the receiver lives"},
		{"delivered and dead", func(s *scene) { s.receivesAllBut(); s.buries(dead, 7); s.exits() }, "[{7 7}] were delivered and are dead letters"},
		{"not all sent", func(s *scene) { s.receives(1, 2); *s.sender.sending(s.stream) = Sent{Stream: s.stream, Count: 2} }, "2 of 10 were sent"},
		{"failed and given back", func(s *scene) {
			p := Parcel{Stream: s.stream, Number: 1, Fail: true}
			s.receiver.receive(p)
			s.receiver.receive(p)
			s.receives(2, 3, 4, 5, 6, 7, 8, 9, 10)
			s.sender.note(back, p)
		}, ""},
		{"failed, tried once", func(s *scene) {
			p := Parcel{Stream: s.stream, Number: 1, Fail: true}
			s.receiver.receive(p)
			s.receives(2, 3, 4, 5, 6, 7, 8, 9, 10)
			s.sender.note(back, p)
		}, "1 attempts at 1 parcels"},
		{"failed, not given back", func(s *scene) {
			p := Parcel{Stream: s.stream, Number: 1, Fail: true}
			s.receiver.receive(p)
			s.receiver.receive(p)
			s.receives(2, 3, 4, 5, 6, 7, 8, 9, 10)
		}, "[{1 1}] were not given back"},

		{"the receiver exits", func(s *scene) {
			s.receives(1, 2, 3)
			s.buries(dead, 4, 5, 6, 7, 8, 9)
			s.buries(perhaps, 10)
			s.exits()
		}, ""},
		{"the receiver exits, a hole", func(s *scene) { s.receives(1, 2, 3); s.buries(dead, 4, 6, 7, 8, 9, 10); s.exits() }, "[{5 5}] are lost"},
		{"the receiver exits, nobody is told", func(s *scene) { s.receivesAllBut(); s.exits(); s.sender.notices = nil }, "was not told of the end"},
		{"the receiver exits, told twice", func(s *scene) {
			s.receivesAllBut()
			s.exits()
			s.sender.notices = append(s.sender.notices, s.sender.notices...)
		}, "was told more than once"},
		{"a notice of who lives", func(s *scene) {
			s.receivesAllBut()
			s.sender.notices = []Notice{{s.to.id, true, reasonAsked}}
		}, "was told of its end"},

		{"the receiver is killed, nothing is known", func(s *scene) { s.isKilled() }, ""},
		{"the receiver is killed in the middle", func(s *scene) { s.isKilled(); s.buries(perhaps, 5, 6); s.buries(dead, 7, 8, 9, 10) }, ""},
		{"the receiver is killed, a hole behind a dead letter", func(s *scene) { s.isKilled(); s.buries(dead, 5, 6, 8, 9, 10) }, "[{1 4} {7 7}] are lost: 5 is a dead letter already"},
		{"the receiver is killed, another reason", func(s *scene) { s.isKilled(); s.sender.notices[0].Reason = "exit status 3" }, `ended with "exit status 3", wanted one of ["signal: killed"]`},
		{"sent to who had been killed", func(s *scene) {
			s.receivesAllBut()
			s.isKilled()
			s.ledger.reap()
			second := s.ledger.open(s.from, s.to, Send{Count: 3}).Stream
			sent := s.sender.sending(second)
			sent.Count, sent.Done = 3, true
			for n := uint32(1); n < 3; n++ {
				s.letters.note(dead, Parcel{Stream: second, Number: n})
			}
		}, "[{3 3}] are lost: they were sent when the receiver had been killed"},

		{"the sender is killed", func(s *scene) { s.receives(1, 2, 3); s.ledger.kills(s.from) }, ""},
		{"the sender is killed, a hole", func(s *scene) { s.receives(1, 3); s.ledger.kills(s.from) }, "of what the killed sender had sent only [{1 1} {3 3}] are there"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene()
			c.play(s)
			got := s.verdict()
			if c.want == "" {
				assert.Equal(t, got, "")
				return
			}
			assert.Assert(t, strings.Contains(got, c.want), "%q", got)
		})
	}
}

func TestLateArrival(t *testing.T) {
	s := newScene()
	s.receivesAllBut()
	assert.Equal(t, s.verdict(), "")
	s.ledger.settle()
	s.receiver.forget(s.ledger.recent)
	assert.Equal(t, s.verdict(), "")
	s.receives(10)
	assert.Assert(t, strings.Contains(s.verdict(), "after it was settled"))
}

// What a killed sender had sent may come late, also when the receiver has forgotten the stream; more than it was to send may not.
func TestLateArrivalFromAKilledSender(t *testing.T) {
	s := newScene()
	s.to.parent = nil // it lives on
	s.receives(1, 2, 3)
	s.ledger.kills(s.from)
	assert.Equal(t, s.verdict(), "")
	s.ledger.settle()
	s.ledger.settle()
	assert.Equal(t, s.totals.Unknown, uint64(7))
	s.receiver.forget(s.ledger.recent)
	s.receives(4, 5) // these alone are in its books
	assert.Equal(t, s.verdict(), "")
	assert.Equal(t, s.totals.Delivered, uint64(5))
	s.receives(6, 7, 8, 9, 10)
	assert.Equal(t, s.verdict(), "")
	assert.Equal(t, s.totals.Delivered, uint64(10))
	assert.Equal(t, s.totals.Unknown, uint64(0))
	s.receives(11)
	assert.Assert(t, strings.Contains(s.verdict(), "after it was settled"))
}

// What was given back to a killed sender becomes dead letters, perhaps late.
func TestLateReturnsToAKilledSender(t *testing.T) {
	s := newScene()
	s.to.parent = nil
	for n := uint32(1); n <= 3; n++ {
		for range 2 { // attempts
			s.receiver.receive(Parcel{Stream: s.stream, Number: n, Fail: true})
		}
	}
	s.ledger.kills(s.from)
	assert.Equal(t, s.verdict(), "")
	s.ledger.settle()
	s.ledger.settle()
	s.buries(back, 2, 3)
	assert.Equal(t, s.verdict(), "")
}

// What nobody knew, as the receiver was killed, may be told later.
func TestLateDeadLetters(t *testing.T) {
	s := newScene()
	s.receives(1)
	s.isKilled()
	s.buries(dead, 9, 10)
	assert.Equal(t, s.verdict(), "")
	s.ledger.settle()
	s.ledger.settle()
	assert.Equal(t, s.totals.Unknown, uint64(7))
	s.letters.forget(s.ledger.recent)
	s.buries(dead, 7)
	s.buries(dead, 8)
	assert.Equal(t, s.verdict(), "")
	assert.Equal(t, s.totals.Unknown, uint64(5))
	assert.Equal(t, s.totals.Dead, uint64(4))
	s.buries(dead, 2, 3, 4, 5, 6, 1, 11)
	assert.Assert(t, strings.Contains(s.verdict(), "after it was settled"))
	assert.Equal(t, s.verdict(), "", "it is told once")
}

func TestGrows(t *testing.T) {
	for _, c := range []struct {
		values []int
		want   bool
	}{
		{nil, false},
		{[]int{1, 1, 1, 50, 50, 50, 99, 99}, false}, // too few to tell
		{[]int{10, 10, 10, 10, 10, 10, 10, 10, 10}, false},
		{[]int{10, 30, 10, 30, 10, 30, 10, 30, 10}, false},
		{[]int{10, 40, 40, 40, 40, 40, 40, 40, 40}, false}, // it warms up
		{[]int{10, 15, 20, 25, 30, 35, 40, 45, 50}, true},
		{[]int{10, 11, 12, 13, 14, 15, 16, 17, 18}, false}, // within the slack
	} {
		assert.Equal(t, grows(c.values, 8), c.want, "%v", c.values)
	}
}

func TestNumbers(t *testing.T) {
	var s numbers
	for _, n := range []uint32{5, 1, 3, 2, 4, 9} {
		assert.Assert(t, s.add(n))
	}
	assert.Assert(t, !s.add(3))
	assert.DeepEqual(t, s, numbers{{1, 5}, {9, 9}})
	assert.DeepEqual(t, union(s, numbers{{6, 7}}, numbers{{2, 3}}), numbers{{1, 7}, {9, 9}})
	assert.DeepEqual(t, s.without(numbers{{2, 2}, {4, 10}}), numbers{{1, 1}, {3, 3}})
	assert.DeepEqual(t, s.common(numbers{{4, 20}}), numbers{{4, 5}, {9, 9}})
	assert.Equal(t, s.count(), uint64(6))
	assert.Assert(t, s.has(5) && !s.has(6))
}
