package admin_test

import (
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/address"
	"thespian.dev/admin"
	"thespian.dev/message"
)

// A victim is a core to which other systems lie: system 1 with a program, number 2, that has all kinds. Systems 5 and 6 are members, 5 leads.
type victim struct {
	*admin.Core
	t    *testing.T
	now  time.Time
	last uint64
}

func newVictim(t *testing.T) *victim {
	v := &victim{t: t, now: time.Unix(0, 0), last: own}
	v.Core = admin.New(v.now, admin.Options{
		System: 1, Process: own, Admin: address1(own, 1), Endpoint: "e1", Meets: true, Number: func() uint64 { v.last++; return v.last },
		Here: admin.Place{System: 1, Incarnation: 1, Admin: "a1"},
	})
	v.Attached()
	v.Received(v.now, 2, admin.Announce{Endpoint: "e2", Build: "b", Kinds: kinds})
	v.Received(v.now, 2, admin.Met{Endpoint: "o2"})
	v.Joined(5, address.Address{}, "five", message.Capabilities{"GPU": true})
	v.Joined(6, address.Address{}, "six", message.Capabilities{"GPU": true})
	v.Led(5)
	return v
}

func (v *victim) from(system uint64, msg any) []admin.Output {
	v.t.Helper()
	out := v.FromSystem(v.now, system, msg)
	assert.NilError(v.t, v.Consistent())
	return out
}

// posted returns the only message of a type that is posted.
func posted[T any](t *testing.T, out []admin.Output) (m T, to uint64) {
	t.Helper()
	n := 0
	for _, o := range out {
		if p, ok := o.(admin.Post); ok {
			if is, ok := p.Message.(T); ok {
				m, to, n = is, p.To, n+1
			}
		}
	}
	assert.Equal(t, n, 1, "%T in %+v", m, out)
	return m, to
}

// told returns what a process is told of a type.
func told[T any](process uint64, out []admin.Output) (all []T) {
	for _, o := range out {
		if p, ok := o.(admin.Tell); ok && p.To == process {
			if m, ok := p.Message.(T); ok {
				all = append(all, m)
			}
		}
	}
	return all
}

func TestPlacesThatAreNone(t *testing.T) {
	v := newVictim(t)
	s, _ := posted[admin.Sought](t, v.from(5, admin.Seek{Request: 1, Process: 2, From: admin.Place{Process: 50}}))
	assert.Equal(t, s.Failure, admin.Failure{})
	s, _ = posted[admin.Sought](t, v.from(6, admin.Seek{Request: 2, Process: 2, From: admin.Place{System: 5, Process: 50}}))
	assert.Assert(t, strings.Contains(s.Failure.Text, "the same number"), s.Failure.Text)
	s, _ = posted[admin.Sought](t, v.from(6, admin.Seek{Request: 3, Process: 2}))
	assert.Assert(t, strings.Contains(s.Failure.Text, "is none"), s.Failure.Text)

	// Answers about other processes than those that were asked for.
	seek, _ := posted[admin.Seek](t, v.Received(v.now, 2, admin.Locate{System: 5, Process: 51}))
	gone := told[admin.Gone](2, v.from(5, admin.Sought{Request: seek.Request, Place: admin.Place{System: 5, Process: 52}}))
	assert.Equal(t, len(gone), 1)
	assert.Equal(t, gone[0].Process, uint64(51))

	// An actor that is said to run in this system, or in a third.
	actor := addressIn(5, 50, 9)
	for i, claimed := range []uint64{0, 1, 6} {
		find, _ := posted[admin.FindActor](t, v.Received(v.now, 2, admin.Find{Request: uint64(10 + i), Actor: actor}))
		out := v.from(5, admin.Sought{Request: find.Request, Place: admin.Place{System: claimed, Process: 53}})
		assert.Equal(t, told[admin.Created](2, out)[0].System, uint64(5))
	}
	place, to := posted[admin.PlaceActor](t, v.Received(v.now, 2, admin.Create{Request: 20, Child: addressIn(1, 2, 1), Kind: "picky"}))
	out := v.from(to, admin.Placed{Request: place.Request, Place: admin.Place{System: 1, Process: 2, Endpoint: "evil"}})
	assert.Equal(t, len(told[admin.Located](2, out)), 0)
	assert.Equal(t, told[admin.Created](2, out)[0].Failure.Code, admin.CodeFailed)
}

func TestActorsForOthersThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		name   string
		origin uint64
		child  address.Address
		from   admin.Place
		why    string
	}{
		{"for this system", 1, addressIn(1, 2, 7), admin.Place{System: 1, Process: 2}, "for an actor of this one"},
		{"for no system", 0, addressIn(5, 50, 7), admin.Place{Process: 50}, "for an actor of this one"},
		{"with an address of this one", 5, addressIn(1, 2, 7), admin.Place{Process: 50}, "one of its creator's system"},
		{"with an address of a third", 5, addressIn(6, 50, 7), admin.Place{Process: 50}, "one of its creator's system"},
		{"without an address", 5, address.Address{}, admin.Place{Process: 50}, "must be new"},
		{"for nobody", 5, addressIn(5, 50, 7), admin.Place{}, "is none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newVictim(t)
			out := v.from(5, admin.PlaceActor{Request: 1, Origin: c.origin, From: c.from, Create: admin.Create{Child: c.child, Kind: "light"}})
			if host := v.last; host > 2 {
				v.Received(v.now, host, admin.Announce{Endpoint: "e"})
				out = v.Received(v.now, host, admin.Met{Endpoint: "o"})
				assert.Equal(t, len(told[admin.Run](host, out)), 0)
				assert.Equal(t, len(told[admin.Exit](host, out)), 0, "the host has actors of others")
				assert.Equal(t, len(v.ActorsOf(host)), 0)
			}
			placed, _ := posted[admin.Placed](t, out)
			assert.Assert(t, strings.Contains(placed.Failure.Text, c.why), placed.Failure.Text)
			assert.Equal(t, v.Abroad()[4], 0)
		})
	}
}

// Who wants an actor is of the system for which it is.
func TestActorForAnother(t *testing.T) {
	v := newVictim(t)
	v.from(5, admin.PlaceActor{Request: 1, Origin: 6, From: admin.Place{System: 1, Process: 2}, Create: admin.Create{Child: addressIn(6, 50, 1), Kind: "plain"}})
	host := v.last
	v.Received(v.now, host, admin.Announce{Endpoint: "e"})
	out := v.Received(v.now, host, admin.Met{Endpoint: "o"})
	assert.Equal(t, len(told[admin.Run](host, out)), 1)
	assert.Equal(t, told[admin.Located](host, out)[0].System, uint64(6))

	// It is told, by way of who has asked, so that each hears of the end of the other: or of its end now, if there is no such system.
	child := addressIn(6, 50, 1)
	v.Received(v.now, host, admin.Running{Child: child})
	hosted, to := posted[admin.Hosted](t, v.Received(v.now, host, admin.Started{Child: child}))
	assert.Equal(t, hosted.Actor, child)
	assert.Equal(t, to, uint64(6))
	out = v.Left(v.now, 6, "the convention does not know it")
	assert.Equal(t, len(told[admin.Orphaned](host, out)), 1)
}

// The system that wants an actor is lost before its host can be reached: the actor is not run, as nobody would end it.
func TestActorForASystemThatIsLostMeanwhile(t *testing.T) {
	v := newVictim(t)
	v.from(5, admin.PlaceActor{Request: 1, Origin: 5, From: admin.Place{Process: 50}, Create: admin.Create{Child: addressIn(5, 50, 1), Kind: "plain"}})
	host := v.last
	v.Received(v.now, host, admin.Announce{Endpoint: "e"})
	v.Left(v.now, 5, "it was killed")
	out := v.Received(v.now, host, admin.Met{Endpoint: "o"})
	assert.Equal(t, len(told[admin.Run](host, out)), 0)
	assert.Equal(t, len(told[admin.Exit](host, out)), 1)
	assert.NilError(t, v.Consistent())
}

// A process ends before it could be reached: whoever looks for it is told.
func TestProcessThatEndsBeforeItCanBeReached(t *testing.T) {
	v := newVictim(t)
	v.Attached()
	v.Received(v.now, 3, admin.Announce{Endpoint: "e3", Build: "b"})
	v.from(5, admin.Seek{Request: 1, Process: 3, From: admin.Place{Process: 50}})
	s, _ := posted[admin.Sought](t, v.Gone(v.now, 3, "it was killed"))
	assert.Equal(t, s.Failure.Text, "it was killed")

	// And whoever it has asked for answers nobody.
	v.Attached()
	v.Received(v.now, 4, admin.Announce{Endpoint: "e4", Build: "b"})
	v.Received(v.now, 4, admin.Locate{System: 5, Process: 51})
	v.Received(v.now, 4, admin.Find{Request: 1, Actor: addressIn(5, 50, 9)})
	v.Received(v.now, 4, admin.Create{Request: 2, Child: addressIn(1, 4, 1), Kind: "picky"})
	out := v.Gone(v.now, 4, "it was killed")
	assert.Equal(t, len(told[any](4, out)), 0, "%+v", out)
	assert.Equal(t, v.Abroad(), [5]int{})
}

// However a system refuses, it is asked once.
func TestSystemThatSaysItWasNotAsked(t *testing.T) {
	many := make([]admin.Refusal, 2*admin.MaxTried)
	for i := range many {
		many[i] = admin.Refusal{System: uint64(1000 + i), Name: strings.Repeat("n", 5000), Why: strings.Repeat("w", 5000)}
	}
	for _, c := range []struct {
		name  string
		tried []admin.Refusal
		asked []uint64
	}{
		{"with all", []admin.Refusal{{System: 1}, {System: 6}}, []uint64{6, 5}},
		{"with none", nil, []uint64{6, 5}},
		{"with others", []admin.Refusal{{System: 0}, {System: 77}, {System: 77}}, []uint64{6, 5}},
		{"with very many", many, []uint64{6}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newVictim(t)
			var asked []uint64
			out := v.Received(v.now, 2, admin.Create{Request: 20, Child: addressIn(1, 2, 1), Kind: "picky"})
			for len(told[admin.Created](2, out)) == 0 {
				place, to := posted[admin.PlaceActor](t, out)
				asked = append(asked, to)
				assert.Assert(t, len(asked) < 5, "asked %v", asked)
				out = v.from(to, admin.Placed{Request: place.Request, Tried: c.tried, Failure: admin.Failure{Code: admin.CodeNoSystem, Text: "no"}})
			}
			assert.DeepEqual(t, asked, c.asked)
			why := told[admin.Created](2, out)[0].Failure.Text
			assert.Assert(t, len(why) < 3000*admin.MaxTried && strings.Contains(why, "no compatible system"))
		})
	}
}

// What others can have the core keep is bounded.
func TestTooManyProcessesOfOthers(t *testing.T) {
	v := newVictim(t)
	for i := range uint64(admin.MaxStrangers + 10) {
		out := v.FromSystem(v.now, 5, admin.Seek{Request: i, Process: 2, From: admin.Place{Process: 1000 + i}})
		s, _ := posted[admin.Sought](t, out)
		assert.Equal(t, s.Failure == (admin.Failure{}), i < admin.MaxStrangers)
	}
	assert.NilError(t, v.Consistent())
	v.Left(v.now, 5, "it lied")
	assert.Equal(t, v.Abroad(), [5]int{})

	// For a process that does not say where it is reached.
	v = newVictim(t)
	v.Attached()
	v.Received(v.now, 3, admin.Announce{Endpoint: "e3", Build: "b"})
	for i := range uint64(admin.MaxStrangers + 10) {
		v.FromSystem(v.now, 5, admin.Seek{Request: i, Process: 3, From: admin.Place{Process: 50}})
	}
	assert.NilError(t, v.Consistent())
}
