package soak

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"thespian.dev/address"
)

// A ledger knows what was ordered, and finds out from the accounts of all sides what has become of it. All methods may be called from several goroutines at once.
type ledger struct {
	mu      sync.Mutex
	serial  uint64 // of parties and streams
	parties map[uint64]*party
	streams map[uint64]*stream
	settled map[uint64]*settlement // of streams
	recent  []uint64               // settled since the last audits
	reasons map[string]int
	count   func(change func(*Totals))
	told    []string // problems
}

// Totals add up what has happened.
type Totals struct {
	Eras, Rounds int
	Ends         map[string]int // of eras, by how

	Created                  map[string]int // by kind
	Killed, Left, Stillborn  int
	Notices                  int // of ends
	Lookups                  int
	Visitors, VisitorsKilled int
	Streams, Parcels         uint64 // ordered
	Delivered, Answered      uint64 // of what was delivered, so much was answered
	Poisoned                 uint64
	Dead, Perhaps            uint64            // letters
	Unsent                   uint64            // their sender has left before
	Unknown                  uint64            // who could have said was killed
	Interrupted              uint64            // ordered when the whole system ended
	Reasons                  map[string]uint64 // of dead letters
}

// The states of a party. They only go up.
const (
	living  = iota
	leaving // it was asked to exit, or is about to; its last account tells all
	unborn
	killed
	lost // nobody can know of it
)

var states = [...]string{living: "living", leaving: "exiting", unborn: "unborn", killed: "killed", lost: "lost"}

// A party sends or receives: a worker, or a program.
type party struct {
	id      uint64
	kind    string
	name    string
	who     address.Address
	pid     int // 0: not known yet
	parent  *party
	observe map[*party]bool // who watches it, or as its parent hears of it (true)

	state   int
	reasons []string // that its end may have
	reaped  bool     // its process is known to have ended
	ended   context.Context
	end     context.CancelFunc

	final   bool
	account Account
}

func (p *party) String() string {
	s := fmt.Sprintf("%s %s %d", states[p.state], p.kind, p.id)
	if p.pid != 0 {
		s += fmt.Sprintf(" (process %d)", p.pid)
	}
	return s
}

// A stream is a row of numbered parcels from one party to another.
type stream struct {
	id         uint64
	from, to   *party
	order      Send
	posthumous bool // it was ordered when the receiver's process was known to have ended
	ripe       bool // nothing was open the last time
}

func newLedger(serial uint64, count func(change func(*Totals))) *ledger {
	return &ledger{
		serial: serial, parties: make(map[uint64]*party), streams: make(map[uint64]*stream), settled: make(map[uint64]*settlement), reasons: make(map[string]int), count: count,
	}
}

// join enters a party. Its parent is nil if it hears nothing of it.
func (l *ledger) join(kind string, parent *party) *party {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.serial++
	p := &party{id: l.serial, kind: kind, parent: parent, observe: make(map[*party]bool)}
	p.ended, p.end = context.WithCancel(context.Background())
	if parent != nil {
		p.observe[parent] = true
	}
	l.parties[p.id] = p
	return p
}

// open enters a stream, and returns the order for it, without an address.
func (l *ledger) open(from, to *party, order Send) Send {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.serial++
	order.Stream, order.To = l.serial, to.who
	l.streams[order.Stream] = &stream{id: order.Stream, from: from, to: to, order: order, posthumous: to.reaped}
	l.count(func(t *Totals) {
		t.Streams++
		t.Parcels += uint64(order.Count)
	})
	return order
}

// watch notes that one party watches another, and reports whether that is new: who watches once more when the other has ended is told once more.
func (l *ledger) watch(watcher, watched *party) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, does := watched.observe[watcher]; does {
		return false
	}
	watched.observe[watcher] = false
	return true
}

// locate notes where an actor is.
func (l *ledger) locate(p *party, who address.Address, pid int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !who.IsZero() {
		p.who = who
	}
	if pid != 0 {
		p.pid = pid
	}
}

// with calls f with all parties of a state, the oldest first.
func (l *ledger) with(state int) (all []*party) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.parties {
		if p.state == state {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b *party) int { return int(a.id) - int(b.id) })
	return all
}

// is reports whether the party is in the state.
func (l *ledger) is(p *party, state int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return p.state == state
}

// leaves notes that a party exits, and its children with it. It returns false if it does not live any more.
func (l *ledger) leaves(p *party, reason string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.state != living {
		return false
	}
	l.exit(p, reason)
	return true
}

func (l *ledger) exit(p *party, reason string) {
	p.reasons = append(p.reasons, reason)
	if p.state == living {
		p.state = leaving
		p.end()
	}
	for _, child := range l.parties {
		if child.parent == p && child.state <= leaving {
			l.exit(child, reasonAsked)
		}
	}
}

const (
	reasonAsked  = "asked to exit"
	reasonExit   = "it called Exit"
	reasonKilled = "signal: killed"
)

// kills notes that the process of a party is about to be killed, with all that runs there. Their children elsewhere exit. It returns false if the party does not
// live any more.
func (l *ledger) kills(victim *party) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if victim.state != living || victim.pid == 0 {
		return false
	}
	for _, p := range l.parties {
		if p.pid != victim.pid || p.state > leaving {
			continue
		}
		p.state = killed
		p.reasons = append(p.reasons, reasonKilled)
		p.end()
	}
	for _, p := range l.parties {
		if p.pid == victim.pid {
			l.orphan(p)
		}
	}
	return true
}

func (l *ledger) orphan(p *party) {
	for _, child := range l.parties {
		switch {
		case child.parent != p || child.state > leaving:
		case child.pid == 0: // it was perhaps about to be created
			child.state = lost
			child.end()
			l.orphan(child)
		default:
			l.exit(child, reasonAsked)
		}
	}
}

// reap notes that the processes of all that were killed have ended.
func (l *ledger) reap() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.parties {
		if p.state == killed {
			p.reaped = true
		}
	}
}

// becomes sets the state of a party.
func (l *ledger) becomes(p *party, state int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.state < state {
		p.state = state
		p.end()
	}
}

// problem notes what is wrong.
func (l *ledger) problem(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrong(format, args...)
}

func (l *ledger) wrong(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(l.told, text) {
		l.told = append(l.told, text)
	}
}

// problems returns what is wrong, and forgets it.
func (l *ledger) problems() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	told := l.told
	l.told = nil
	return told
}

// enter takes an account.
func (l *ledger) enter(a Account) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.parties[a.ID]
	if p == nil || a.Serial <= p.account.Serial && p.account.PID == a.PID {
		return
	}
	p.account, p.final = a, p.final || a.Final
	p.pid = a.PID
	if len(a.Reasons) > 0 {
		l.reasons = a.Reasons
	}
	type told struct {
		id    uint64
		child bool
	}
	times := make(map[told]int)
	for _, n := range a.Notices {
		if times[told{n.ID, n.Child}]++; times[told{n.ID, n.Child}] == 2 {
			l.wrong("%v was told more than once of the end of %d", p, n.ID)
		}
	}
	for _, odd := range a.Odd {
		l.wrong("%v got what it should not have: %s", p, odd)
	}
	for what, tallies := range [][]Tally{a.Got, a.Back, a.Dead, a.Perhaps} {
		for _, t := range tallies {
			if done := l.settled[t.Stream]; done != nil {
				l.late(done, t, what, p)
			}
		}
	}
}

// A settlement is which numbers of a stream there were of what, as far as who told of them had not forgotten it, and of how many nobody knew what became of them, as an end of it had been killed. If that was the sender, what it had sent may still come.
type settlement struct {
	seen    [4]numbers
	unknown uint64
	unsure  bool
}

// late is told what a party has of a stream that was settled. Of what was not known it may have learned meanwhile.
func (l *ledger) late(done *settlement, t Tally, what int, p *party) {
	before, now := done.seen[what], numbers(t.Numbers)
	fresh := now.without(before)
	if before.without(now).count() > 0 { // it has forgotten the stream meanwhile
		fresh = now
	}
	more := fresh.count()
	if more == 0 {
		return
	}
	done.seen[what] = slices.Clone(now) // it is told once
	switch {
	case what == back && done.unsure: // given back to the killed sender, and counted with what was received
		l.recent = append(l.recent, t.Stream)
		return
	case more <= done.unknown && (what != got || done.unsure):
		done.unknown -= more
		l.recent = append(l.recent, t.Stream)
		l.count(func(totals *Totals) {
			totals.Unknown -= more
			*[...]*uint64{got: &totals.Delivered, back: &totals.Poisoned, dead: &totals.Dead, perhaps: &totals.Perhaps}[what] += more
		})
		return
	}
	l.wrong("stream %d: %v has %v of what it has %s, after it was settled with %v of them", t.Stream, p, t.Numbers, words[what], before)
}

var words = [...]string{got: "received", back: "got back", dead: "as dead letters", perhaps: "as dead letters that were perhaps delivered"}

// find returns what a party's account says of a stream.
func find(tallies []Tally, stream uint64) Tally {
	for _, t := range tallies {
		if t.Stream == stream {
			return t
		}
	}
	return Tally{}
}

// A fate is what became of a stream, as all sides see it.
type fate struct {
	sent                     numbers // not known: all that there might be
	known                    bool
	got, back, dead, perhaps numbers
	done                     Sent
	excess                   int
}

func (l *ledger) fate(s *stream) (f fate, open []string) {
	say := func(format string, args ...any) { open = append(open, fmt.Sprintf(format, args...)) }
	t := find(s.to.account.Got, s.id)
	f.got = t.Numbers
	for _, wrong := range t.Wrong {
		l.wrong("%s: %s", s.title(), wrong)
	}
	f.back = find(s.from.account.Back, s.id).Numbers
	unbegun := false
	for _, p := range l.parties {
		if p.kind != "undertaker" {
			continue
		}
		a := p.account
		for _, t := range []Tally{find(a.Dead, s.id), find(a.Perhaps, s.id)} {
			f.excess += t.Excess
			for _, wrong := range t.Wrong {
				l.wrong("%s: as a dead letter %s", s.title(), wrong)
			}
		}
		f.dead, f.perhaps = find(a.Dead, s.id).Numbers, find(a.Perhaps, s.id).Numbers
		buried := numbers(find(a.Back, s.id).Numbers)
		if both := buried.common(f.back); both.count() > 0 {
			l.wrong("%s: %v came back twice", s.title(), both)
		}
		f.back = union(f.back, buried)
		unbegun = slices.Contains(a.Unbegun, s.id)
	}
	for _, sent := range s.from.account.Sent {
		if sent.Stream == s.id {
			f.done = sent
		}
	}
	switch s.from.state {
	case killed, lost:
		f.sent = upTo(s.order.Count)
		return f, nil
	case living:
		if unbegun {
			l.wrong("%s: the order became a dead letter, and the sender lives", s.title())
		} else if !f.done.Done {
			say("%s: %d of %d were sent", s.title(), f.done.Count, s.order.Count)
		}
	default:
		if !s.from.final {
			say("%s: the sender has given no last account", s.title())
		}
	}
	f.sent, f.known = upTo(f.done.Count), true
	return f, open
}

func (s *stream) title() string {
	what := "tells"
	if s.order.Ask {
		what = "asks"
	}
	return fmt.Sprintf("stream %d of %d %s of %d bytes from %v to %v", s.id, s.order.Count, what, s.order.Size, s.from, s.to)
}

// review returns what is not in order about a stream, or not yet.
func (l *ledger) review(s *stream) (f fate, open []string) {
	f, open = l.fate(s)
	say := func(format string, args ...any) {
		open = append(open, s.title()+": "+fmt.Sprintf(format, args...))
	}
	all := union(f.got, f.dead, f.perhaps, f.back)
	if strange := all.without(f.sent); strange.count() > 0 && f.known {
		say("%v were never sent", strange)
	}
	if both := numbers(f.got).common(f.dead); both.count() > 0 {
		say("%v were delivered and are dead letters", both)
	}
	missing := f.sent.without(all)
	failed := numbers(find(s.to.account.Got, s.id).Failed)
	switch s.to.state {
	case living, leaving:
		if s.to.state == leaving && !s.to.final {
			say("the receiver has given no last account")
		}
		if both := numbers(f.got).common(f.perhaps); both.count() > 0 {
			say("%v were delivered, and are dead letters that were perhaps delivered", both)
		}
		lettersOf := union(f.dead, f.perhaps)
		if s.to.state == living && lettersOf.count() > uint64(f.excess) {
			say("%v are dead letters, and the receiver lives", lettersOf)
		}
		if f.known && missing.count() > 0 {
			say("%v are lost", missing)
		}
		if !f.known && f.excess == 0 && len(all) > 0 && (len(all) > 1 || all[0].First > 1) {
			say("of what the killed sender had sent only %v are there", all)
		}
		if attempts := find(s.to.account.Got, s.id).Attempts; uint64(attempts) != 2*failed.count() && s.to.state == living {
			say("%d attempts at %d parcels", attempts, failed.count())
		}
		if f.known && s.from.state <= leaving {
			asking := s.order.Ask && s.from.state == leaving // an actor that is about to end is not told the answer
			if none := failed.without(f.back); none.count() > 0 && !asking {
				say("%v were not given back", none)
			}
			if more := f.back.without(failed); more.count() > 0 {
				say("%v were given back, and the receiver did not fail on them", more)
			}
		}
	case killed:
		letters := union(f.dead, f.perhaps)
		switch {
		case !f.known || missing.count() == 0:
		case s.posthumous:
			say("%v are lost: they were sent when the receiver had been killed", missing)
		case len(letters) > 0 && missing[len(missing)-1].Last > letters[0].First:
			say("%v are lost: %d is a dead letter already", missing, letters[0].First)
		}
	case unborn:
		if f.known && missing.count() > 0 {
			say("%v are lost", missing)
		}
	}
	if s.order.Ask && s.from.state == living {
		if f.done.Answered+f.done.Refused != f.done.Count {
			say("%d were answered and %d refused", f.done.Answered, f.done.Refused)
		}
		if s.to.state == living && uint64(f.done.Refused) != failed.count() {
			say("%d were refused, and the receiver failed on %d: %s", f.done.Refused, failed.count(), strings.Join(f.done.Wrong, "; "))
		}
	}
	return f, open
}

// reviewParty returns what is not in order about the end of a party, or not yet.
func (l *ledger) reviewParty(p *party) (open []string) {
	say := func(format string, args ...any) { open = append(open, fmt.Sprintf(format, args...)) }
	if p.state == leaving && !p.final {
		say("%v has given no last account", p)
	}
	for o, child := range p.observe {
		var heard []string
		for _, n := range o.account.Notices {
			if n.ID == p.id && n.Child == child {
				heard = append(heard, n.Reason)
			}
		}
		switch {
		case p.state == lost:
		case p.state == living && len(heard) > 0:
			say("%v lives, and %v was told of its end: %q", p, o, heard)
		case o.state == living && p.state != living && len(heard) == 0:
			say("%v was not told of the end of %v", o, p)
		case child && len(heard) > 0 && !slices.Contains(p.reasons, heard[0]):
			say("%v was told that %v ended with %q, wanted one of %q", o, p, heard[0], p.reasons)
		}
	}
	return open
}

// pending returns what is not in order, or not yet, and a measure of how far things are.
func (l *ledger) pending() (open []string, progress uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.streams {
		f, more := l.review(s)
		open = append(open, more...)
		progress += f.got.count() + f.back.count() + f.dead.count() + f.perhaps.count() + uint64(f.done.Count)
	}
	for _, p := range l.parties {
		open = append(open, l.reviewParty(p)...)
		progress += uint64(len(p.account.Notices))
		if p.final {
			progress++
		}
	}
	slices.Sort(open)
	return open, progress
}

// settle closes the streams, and forgets the parties that have ended. What is still open is a problem. Streams of which one end was killed
// are looked at once more the next time, as what was on its way is not known.
func (l *ledger) settle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.recent = nil
	kept := make(map[*party]bool)
	for id, s := range l.streams {
		f, open := l.review(s)
		for _, problem := range open {
			l.wrong("%s", problem)
		}
		if ends := max(s.from.state, s.to.state); ends >= killed && !s.ripe && len(open) == 0 {
			s.ripe = true
			kept[s.from], kept[s.to] = true, true
			continue
		}
		l.add(s, f)
		l.settled[id] = &settlement{[4]numbers{slices.Clone(f.got), slices.Clone(f.back), slices.Clone(f.dead), slices.Clone(f.perhaps)}, f.unknown(), !f.known}
		l.recent = append(l.recent, id)
		delete(l.streams, id)
	}
	for id, p := range l.parties {
		for _, problem := range l.reviewParty(p) {
			l.wrong("%s", problem)
		}
		if p.state == living || p.state == lost || kept[p] {
			continue
		}
		l.count(func(t *Totals) {
			for o := range p.observe {
				for _, n := range o.account.Notices {
					if n.ID == id {
						t.Notices++
					}
				}
			}
		})
		delete(l.parties, id)
	}
}

// add adds a stream to the totals.
func (l *ledger) add(s *stream, f fate) {
	failed := numbers(find(s.to.account.Got, s.id).Failed)
	back := union(failed, f.back)
	l.count(func(t *Totals) {
		t.Delivered += f.got.without(back).count()
		t.Poisoned += back.count()
		t.Dead += f.dead.count()
		t.Perhaps += f.perhaps.count()
		t.Answered += uint64(f.done.Answered)
		if f.known {
			t.Unsent += uint64(s.order.Count) - f.sent.count()
		}
		t.Unknown += f.unknown()
	})
}

// unknown is of how many numbers nobody knows what became of them.
func (f fate) unknown() uint64 {
	return f.sent.count() - min(f.sent.count(), union(f.got, f.back, f.dead, f.perhaps).count())
}

// close gives up the streams that are open when the system ends.
func (l *ledger) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.streams {
		if s.ripe {
			f, _ := l.review(s)
			l.add(s, f)
			continue
		}
		l.count(func(t *Totals) { t.Interrupted += uint64(s.order.Count) })
	}
	for _, p := range l.parties {
		p.end()
	}
	l.count(func(t *Totals) {
		for reason, n := range l.reasons {
			t.Reasons[reason] += uint64(n)
		}
	})
}
