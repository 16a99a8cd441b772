package convention_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/convention"
	"thespian.dev/message"
)

// A victim is a core to which others lie. It is system 1; messages that are text take as many bytes as the text has, a Departed takes 1 MiB.
type victim struct {
	t     *testing.T
	core  *convention.Core
	now   time.Time
	links uint64
	sent  map[uint64]uint64 // numbers of posts, by connection
}

func newVictim(t *testing.T, leaders ...string) *victim {
	v := &victim{t: t, now: epoch, sent: make(map[uint64]uint64)}
	v.core, _ = convention.New(v.now, convention.Options{Self: convention.System{Number: 1, Address: "self"}, Leaders: leaders, Number: func() uint64 { return 99 }, Size: func(msg any) (int, error) { return sizeOf(msg), nil }})
	return v
}

func sizeOf(msg any) int {
	switch m := msg.(type) {
	case convention.Post:
		return sizeOf(m.Message)
	case convention.Hello:
		return len(m.System.Address)
	case convention.Register:
		return sizeOf(m.Capabilities["text"])
	case string:
		return len(m)
	case convention.Departed:
		return 1 << 20
	}
	return 0
}

// Who is refused whenever it has registered waits ever longer before it tries again.
func TestLeaderThatRefusesToBeRegisteredWith(t *testing.T) {
	v := newVictim(t, "leader")
	var tries []time.Duration
	out := []convention.Output{convention.Dial{Address: "leader"}} // as the core was made
	for len(tries) < 100 && v.now.Sub(epoch) < 10*time.Minute {
		if len(found[convention.Dial](out)) == 0 {
			at, any := v.core.Next()
			assert.Assert(t, any)
			v.now = at
			out = v.core.Tick(v.now)
			continue
		}
		tries = append(tries, v.now.Sub(epoch))
		v.links++
		v.core.Opened(v.now, v.links, "leader")
		sent := found[convention.Send](v.says(v.links, convention.Hello{System: systemOf(2)}))
		assert.DeepEqual(t, sent[len(sent)-1].Message, convention.Register{})
		out = v.core.Closed(v.now, v.links, "EOF")
	}
	assert.Assert(t, len(tries) > 10 && len(tries) < 60, "%v", tries)
	last := tries[len(tries)-1] - tries[len(tries)-2]
	assert.Assert(t, last >= 45*time.Second, "%v", last)
}

func systemOf(number uint64) convention.System {
	return convention.System{Number: number, Incarnation: number}
}

// join lets a system join, over a connection of its own.
func (v *victim) join(number uint64) (link uint64) {
	v.t.Helper()
	v.links++
	v.core.Opened(v.now, v.links, "")
	v.says(v.links, convention.Hello{System: systemOf(number)})
	out := v.says(v.links, convention.Register{})
	assert.Equal(v.t, len(found[convention.Joined](out)), 1)
	return v.links
}

func (v *victim) says(link uint64, msg any) []convention.Output {
	v.t.Helper()
	out := v.core.Received(v.now, link, msg)
	assert.NilError(v.t, v.core.Consistent())
	return out
}

func (v *victim) posts(link uint64, p convention.Post) []convention.Output {
	v.t.Helper()
	v.sent[link]++
	return v.says(link, convention.Numbered{Number: v.sent[link], Post: p})
}

// dropped checks that a connection is ended, and why.
func dropped(t *testing.T, out []convention.Output, why string) {
	t.Helper()
	drops := found[convention.Drop](out)
	assert.Equal(t, len(drops), 1, "%+v", out)
	assert.Assert(t, strings.Contains(drops[0].Why, why), drops[0].Why)
}

func found[T any](out []convention.Output) (all []T) {
	for _, o := range out {
		if is, ok := o.(T); ok {
			all = append(all, is)
		}
	}
	return all
}

func TestWhatNobodySaysWhoKeepsToTheProtocol(t *testing.T) {
	huge := strings.Repeat("x", convention.MaxCapabilities+1)
	for _, c := range []struct {
		name  string
		joins bool // before
		msg   any
		why   string
	}{
		{"a stranger registers", false, convention.Register{}, "did not say who it is"},
		{"a stranger has something renewed", false, convention.Renew{}, "did not say who it is"},
		{"a stranger invites", false, convention.Invite{}, "did not say who it is"},
		{"a stranger says that it leaves", false, convention.DeRegister{}, "did not say who it is"},
		{"a stranger posts", false, convention.Numbered{Number: 1}, "did not say who it is"},
		{"no number", false, convention.Hello{System: convention.System{Incarnation: 2}}, "no number"},
		{"no incarnation", false, convention.Hello{System: convention.System{Number: 2}}, "no number"},
		{"this system's number", false, convention.Hello{System: systemOf(1)}, "this system itself"},
		{"it is long", false, convention.Hello{System: convention.System{Number: 2, Incarnation: 2, Address: huge}}, "bytes, the limit is"},
		{"another hello", true, convention.Hello{System: systemOf(2)}, "twice"},
		{"another name", true, convention.Hello{System: systemOf(3)}, "twice"},
		{"what it offers is long", true, convention.Register{Capabilities: message.Capabilities{"text": huge}}, "bytes, the limit is"},
		{"what it offers is none", true, convention.Register{Capabilities: message.Capabilities{"GPU": convention.Ping{}}}, "cannot be"},
		{"so in the answer", true, convention.Registered{Capabilities: message.Capabilities{"GPU": nil}}, "cannot be"},
		{"a message of an hour ahead", true, convention.Numbered{Number: 7}, "missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newVictim(t)
			link := uint64(1)
			if c.joins {
				link = v.join(2)
			} else {
				v.core.Opened(v.now, link, "")
			}
			out := v.says(link, c.msg)
			dropped(t, out, c.why)
			assert.Equal(t, len(found[convention.Joined](out)), 0)
			assert.Equal(t, len(v.core.Members()), 0)
		})
	}
}

// Whoever has not registered is not known to the Admin, which would not be told of its end.
func TestPostsOfWhoHasNotRegistered(t *testing.T) {
	v := newVictim(t)
	v.core.Opened(v.now, 1, "")
	v.says(1, convention.Hello{System: systemOf(2)})
	out := v.posts(1, convention.Post{From: 2, To: 1, Message: "text"})
	assert.Equal(t, len(found[convention.Deliver](out)), 0)
	dropped(t, out, "not registered")
}

// A member speaks for itself; its leader speaks for others.
func TestMembersThatSpeakForOthers(t *testing.T) {
	v := newVictim(t)
	one, two := v.join(2), v.join(3)
	for _, from := range []uint64{0, 1, 3, 4} {
		out := v.posts(one, convention.Post{From: from, To: 1, Message: "text"})
		assert.Equal(t, len(found[convention.Deliver](out)), 0, "from %d", from)
		out = v.posts(one, convention.Post{From: from, To: 3, Message: "text"})
		for _, s := range found[convention.Send](out) {
			assert.Equal(t, s.Link, one, "it is told that it goes no further")
		}
	}
	out := v.posts(one, convention.Post{From: 2, To: 3, Message: "text"})
	assert.Equal(t, found[convention.Send](out)[0].Link, two)
	out = v.posts(one, convention.Post{From: 2, To: 1, Message: "text"})
	assert.DeepEqual(t, found[convention.Deliver](out), []convention.Deliver{{From: 2, Message: "text"}})

	v.says(two, convention.Invite{}) // it leads from now on
	out = v.posts(two, convention.Post{From: 7, To: 1, Message: "text"})
	assert.DeepEqual(t, found[convention.Deliver](out), []convention.Deliver{{From: 7, Message: "text"}})
}

func TestLeaderSpeaksForTooMany(t *testing.T) {
	v := newVictim(t)
	leader := v.join(2)
	v.says(leader, convention.Invite{})
	heard := 0
	for i := range uint64(convention.MaxDistant + 10) {
		out := v.core.Received(v.now, leader, convention.Numbered{Number: i + 1, Taken: math.MaxUint64, Post: convention.Post{From: 1000 + i, To: 1, Message: "text"}})
		heard += len(found[convention.Deliver](out))
	}
	assert.NilError(t, v.core.Consistent())
	assert.Equal(t, heard, convention.MaxDistant)
}

func TestMemberTalksToTooMany(t *testing.T) {
	v := newVictim(t)
	link := v.join(2)
	out := v.posts(link, convention.Post{From: 2, To: 1, Message: convention.Interest{Systems: make([]uint64, convention.MaxDistant+1)}})
	dropped(t, out, "it talks to")

	v = newVictim(t)
	out = v.posts(v.join(2), convention.Post{From: 2, To: 1, Message: convention.Interest{Systems: make([]uint64, 2*convention.MaxKept>>20)}})
	dropped(t, out, "wait to be confirmed") // the answers are much
}

// What cannot be sent has no number: the other side would wait for it, and the two part.
func TestPostsThatAreTooLong(t *testing.T) {
	v := newVictim(t)
	link := v.join(2)
	long := strings.Repeat("x", message.MaxFrame)
	out := v.core.Post(v.now, 2, long)
	assert.Equal(t, len(out), 1)
	refused := out[0].(convention.Refused)
	assert.Equal(t, refused.To, uint64(2))
	assert.Equal(t, refused.Message, long)
	assert.Assert(t, strings.Contains(refused.Why, "it takes 67108864 bytes, the limit is 67107840"), refused.Why)
	out = v.core.Post(v.now, 2, "text")
	assert.DeepEqual(t, out, []convention.Output{convention.Send{Link: link, Message: convention.Numbered{Number: 1, Post: convention.Post{From: 1, To: 2, Hops: 1, Message: "text"}}}})

	v.join(3)
	v.says(link, convention.Invite{}) // it speaks for others
	out = v.posts(link, convention.Post{From: 4, To: 3, Message: long})
	for _, s := range found[convention.Send](out) {
		assert.Equal(t, s.Message, any(convention.Ping{Taken: 1}))
	}
	assert.Equal(t, len(found[convention.Note](out)), 1)
}

// What goes in circles ends, whatever it says of its way.
func TestPostsInCircles(t *testing.T) {
	for _, hops := range []int{math.MinInt, -1, 4, math.MaxInt} {
		v := newVictim(t)
		one, two := v.join(2), v.join(3)
		v.says(one, convention.Invite{})
		v.says(two, convention.Invite{}) // the leader is 2: what 3 brings is to go there
		out := v.posts(two, convention.Post{From: 3, To: 4, Hops: hops, Message: "text"})
		for _, s := range found[convention.Send](out) {
			assert.Equal(t, s.Link, two, "%d hops: %+v", hops, s.Message)
		}
	}
}

// What is kept for those who confirm nothing is bounded, and whoever has most of it goes.
func TestMembersThatConfirmNothing(t *testing.T) {
	v := newVictim(t)
	source, quiet, deaf := v.join(2), v.join(3), v.join(4)
	text := strings.Repeat("x", 1<<20)
	v.posts(source, convention.Post{From: 2, To: 3, Message: text})
	for sent := 0; ; sent++ {
		assert.Assert(t, sent <= convention.MaxKept>>20, "all is kept")
		out := v.posts(source, convention.Post{From: 2, To: 4, Message: text})
		if drops := found[convention.Drop](out); len(drops) > 0 {
			assert.Equal(t, drops[0].Link, deaf)
			break
		}
	}
	v.says(quiet, convention.Ping{Taken: 1})
	assert.Equal(t, len(v.core.Members()), 2)
}

// Whoever gets much confirms it soon, so that it is not taken for one who confirms nothing.
func TestMuchIsConfirmed(t *testing.T) {
	v := newVictim(t)
	link := v.join(2)
	out := v.posts(link, convention.Post{From: 2, To: 1, Message: strings.Repeat("x", 2<<20)})
	for _, s := range found[convention.Send](out) {
		assert.DeepEqual(t, s.Message, convention.Ping{Taken: 1})
	}
	assert.Equal(t, len(found[convention.Send](out)), 1)
	assert.Equal(t, len(found[convention.Send](v.posts(link, convention.Post{From: 2, To: 1, Message: "x"}))), 0)
}

// What a member offers may change while its connection is broken.
func TestCapabilitiesThatChangeWithoutConnection(t *testing.T) {
	v := newVictim(t)
	link := v.join(2)
	v.core.Closed(v.now, link, "it broke")
	v.core.Opened(v.now, 2, "")
	s := systemOf(2)
	s.Capabilities = message.Capabilities{"GPU": true}
	v.says(2, convention.Hello{System: s})
	out := v.says(2, convention.Register{Capabilities: s.Capabilities})
	joined := found[convention.Joined](out)
	assert.Equal(t, len(joined), 1)
	assert.Assert(t, joined[0].Again && joined[0].System.Capabilities.Equal(s.Capabilities))
}

// Whoever says where it is and does not answer there leaves nothing behind.
func TestMembersThatAreNotWhereTheySay(t *testing.T) {
	v := newVictim(t)
	v.core.Opened(v.now, 1, "")
	s := systemOf(2)
	s.Address = "elsewhere"
	v.says(1, convention.Hello{System: s})
	v.says(1, convention.Register{})
	out := v.core.Closed(v.now, 1, "it broke")
	assert.DeepEqual(t, found[convention.Dial](out), []convention.Dial{{Address: "elsewhere"}})
	v.core.Opened(v.now, 2, "elsewhere") // where nobody says who he is
	assert.Equal(t, len(v.core.Contacts()), 1)
	v.core.Closed(v.now, 2, "it broke")
	assert.Equal(t, len(v.core.Contacts()), 0)
}
