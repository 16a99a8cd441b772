package soak

import (
	"fmt"
	"maps"
	"os"
	"slices"

	"thespian.dev/message"
)

// books are kept by everybody who sends or receives. They are used by one goroutine at a time.
type books struct {
	id      uint64
	serial  uint64
	tallies [4]map[uint64]*tally // by what happened to the parcels
	sent    map[uint64]*Sent
	unbegun []uint64
	notices []Notice
	reasons map[string]int
	odd     []string
}

// What may happen to a parcel, as far as the keeper of the books knows.
const (
	got = iota
	back
	dead
	perhaps
)

type tally struct {
	numbers, failed numbers
	last            uint32
	attempts        int
	excess          int
	wrong           []string
}

// mistakes is how many are told of one stream, so that the report stays readable.
const mistakes = 5

func (b *books) tally(what int, stream uint64) *tally {
	if b.tallies[what] == nil {
		b.tallies[what] = make(map[uint64]*tally)
	}
	t := b.tallies[what][stream]
	if t == nil {
		t = &tally{}
		b.tallies[what][stream] = t
	}
	return t
}

func (t *tally) mistake(format string, args ...any) {
	if len(t.wrong) < mistakes {
		t.wrong = append(t.wrong, fmt.Sprintf(format, args...))
	}
}

// receive notes a parcel that has arrived, and reports whether the receiver is to fail on it.
func (b *books) receive(p Parcel) (fail bool) {
	t := b.tally(got, p.Stream)
	if p.Fail {
		t.attempts++
		if p.Number == t.last && t.failed.has(p.Number) {
			return true // the second attempt
		}
		t.failed.add(p.Number)
	}
	if p.Number <= t.last {
		t.mistake("number %d came after %d", p.Number, t.last)
	}
	if !t.numbers.add(p.Number) {
		t.mistake("number %d came twice", p.Number)
	}
	t.last = max(t.last, p.Number)
	for _, at := range []int{0, len(p.Body) / 2, len(p.Body) - 1} {
		if len(p.Body) > 0 && p.Body[at] != byte(p.Stream) {
			t.mistake("number %d is damaged at byte %d of %d", p.Number, at, len(p.Body))
			break
		}
	}
	return p.Fail
}

// note notes what else happened to a parcel.
func (b *books) note(what int, p Parcel) {
	if t := b.tally(what, p.Stream); !t.numbers.add(p.Number) {
		t.mistake("number %d came twice", p.Number)
	}
}

// returned notes a message that came back.
func (b *books) returned(m message.PoisonMessage) {
	if p, ok := m.Message.(Parcel); ok {
		b.note(back, p)
		return
	}
	b.strange("a %T came back: %s", m.Message, m.Error())
}

func (b *books) strange(format string, args ...any) {
	if len(b.odd) < mistakes {
		b.odd = append(b.odd, fmt.Sprintf(format, args...))
	}
}

// sending returns the entry of a stream that is sent from here.
func (b *books) sending(stream uint64) *Sent {
	if b.sent == nil {
		b.sent = make(map[uint64]*Sent)
	}
	s := b.sent[stream]
	if s == nil {
		s = &Sent{Stream: stream}
		b.sent[stream] = s
	}
	return s
}

// forget forgets the streams that were settled, so that the books stay short.
func (b *books) forget(settled []uint64) {
	for _, stream := range settled {
		for _, all := range b.tallies {
			delete(all, stream)
		}
		delete(b.sent, stream)
	}
}

// account returns what is in the books.
func (b *books) account() Account {
	b.serial++
	a := Account{ID: b.id, Serial: b.serial, PID: os.Getpid(), Unbegun: slices.Clone(b.unbegun), Notices: slices.Clone(b.notices), Reasons: maps.Clone(b.reasons), Odd: slices.Clone(b.odd)}
	for i, to := range []*[]Tally{&a.Got, &a.Back, &a.Dead, &a.Perhaps} {
		for stream, t := range b.tallies[i] {
			*to = append(*to, Tally{Stream: stream, Numbers: slices.Clone(t.numbers), Failed: slices.Clone(t.failed), Attempts: t.attempts, Excess: t.excess, Wrong: slices.Clone(t.wrong)})
		}
	}
	for _, s := range b.sent {
		entry := *s
		entry.Wrong = slices.Clone(s.Wrong)
		a.Sent = append(a.Sent, entry)
	}
	return a
}
