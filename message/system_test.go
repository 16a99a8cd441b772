package message_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"

	"thespian.dev/address"
	"thespian.dev/message"
)

func TestSystemMessagesAndWhatProgramsSee(t *testing.T) {
	for _, c := range []struct {
		msg                any
		system, forProgram bool
	}{
		{message.ActorExitRequest{}, true, false}, {message.ChildActorExited{}, true, false}, {message.ActorExited{}, true, false},
		{message.DeadEnvelope{}, true, false}, {message.WakeupMessage{}, true, false}, {message.WatchMessage{}, true, false},
		{message.ConventionUpdate{}, true, false}, {message.ValidateSource{}, true, false}, {message.ValidatedSource{}, true, false},
		{message.LoadedSource{}, true, false}, {message.UnloadedSource{}, true, false}, {message.StatusRequest{}, true, false},
		{message.ActorStatus{}, true, true}, {message.SystemStatus{}, true, true},
		{message.PoisonMessage{Message: Greet{}}, true, true}, {message.PoisonMessage{Message: message.ActorExitRequest{}}, true, false},
		{message.PoisonMessage{}, true, true},
		{Greet{}, false, true}, {"text", false, true}, {message.Opaque{}, false, true}, {&message.ActorExitRequest{}, false, true},
	} {
		assert.Equal(t, message.IsSystem(c.msg), c.system, "%T", c.msg)
		assert.Equal(t, message.ForProgram(c.msg), c.forProgram, "%T", c.msg)
	}
}

func TestPoisonMessageIsAnErrorThatKeepsTheContentToItself(t *testing.T) {
	var err error = message.PoisonMessage{Message: Greet{"a secret"}, Details: "index out of range\nstack\nmore stack"}
	assert.ErrorContains(t, err, "message_test.Greet")
	assert.ErrorContains(t, err, "index out of range")
	assert.Assert(t, !strings.Contains(err.Error(), "secret") && !strings.Contains(err.Error(), "stack"))
	var poison message.PoisonMessage
	assert.Assert(t, errors.As(err, &poison))
	assert.Equal(t, message.PoisonMessage{Details: "why"}.Error(), "why")
}

func TestStatusReports(t *testing.T) {
	root, child, other := actorAt(1), actorAt(2), actorAt(3)
	actor := message.ActorStatus{
		Actor: root, Parent: actorAt(9), Admin: actorAt(9), Kind: "shop", GlobalName: "the shop", Exiting: true, Pending: 4, Received: 7, Sent: 5, Failed: 2, Poisoned: 1,
		Children: []address.Address{child}, Wakeups: []message.PendingWakeup{{In: 1500 * time.Millisecond}}, Uptime: time.Minute, Counters: map[string]uint64{"b": 2, "a": 1},
	}
	system := message.SystemStatus{
		Admin: actorAt(9), Base: "simple", Capabilities: caps{"GPU": true, "Admin Port": 1900}, InShutdown: true, GlobalNames: map[string]address.Address{"the shop": root},
		DeadLetterHandlers: []address.Address{other}, DeadLetters: 3, ConventionLeader: actorAt(8), SourceAuthority: other,
		LoadedSources: []message.LoadedSource{{Hash: "abc", Info: "shop.zip"}},
		Actors:        []message.ActorStatus{actor, {Actor: child, Parent: root, Kind: "till"}, {Actor: other, Parent: actorAt(9), Kind: "log"}},
		Uptime:        time.Hour, Counters: map[string]uint64{"goroutines": 2},
	}
	var b strings.Builder
	assert.NilError(t, actor.Format(&b))
	golden.Assert(t, b.String(), "actorstatus.txt")
	b.Reset()
	assert.NilError(t, system.Format(&b))
	golden.Assert(t, b.String(), "systemstatus.txt")
	assert.NilError(t, message.ActorStatus{}.Format(&b))
	assert.NilError(t, message.SystemStatus{}.Format(&b))
}

func TestConventionReport(t *testing.T) {
	system := message.SystemStatus{
		Admin: actorAt(9), ConventionLeader: actorAt(9),
		ConventionContacts: []message.ConventionContact{
			{Address: "10.0.0.1:1900", Leader: true, PreRegistered: true, Reached: true}, {Address: "10.0.0.2:1900", Leader: true, Failure: "connection refused"},
			{Address: "10.0.0.3:1900", PreRegistered: true}, {Address: "10.0.0.4:1900"},
		},
		ConventionRefusals: []message.ConventionRefusal{{From: "10.0.0.5", Reason: "the secrets differ", Times: 3, Last: 2 * time.Second}},
		ConventionMembers: []message.ConventionMember{
			{Admin: actorAt(1), Address: "10.0.0.1:1900", Leads: true, Route: "direct", Heard: time.Second, Sent: 2, Received: 3, Actors: 4},
			{Admin: actorAt(2), Route: "outbound only", Heard: 1500 * time.Microsecond},
		},
	}
	var b strings.Builder
	assert.NilError(t, system.FormatConvention(&b))
	golden.Assert(t, b.String(), "convention.txt")
	b.Reset()
	assert.NilError(t, system.Format(&b))
	for _, part := range []string{"CONTACT", "REFUSED", "MEMBER"} {
		assert.Assert(t, strings.Contains(b.String(), part), b.String())
	}
	b.Reset()
	assert.NilError(t, message.SystemStatus{}.FormatConvention(&b))
	assert.Assert(t, strings.Contains(b.String(), "none"), b.String())
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestStatusReportsPassOnTheWritersError(t *testing.T) {
	assert.ErrorContains(t, message.ActorStatus{}.Format(full{}), "disk full")
	assert.ErrorContains(t, message.SystemStatus{}.Format(full{}), "disk full")
	assert.ErrorContains(t, message.SystemStatus{}.FormatConvention(full{}), "disk full")
	assert.ErrorContains(t, message.SystemStatus{Actors: []message.ActorStatus{{}}}.Format(full{}), "disk full")
}
