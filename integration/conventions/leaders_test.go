//go:build linux

package conventions

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/system"
)

// startAt is start for a system at a given port, which is told where all leaders are.
func startAt(t *testing.T, port int, name, leaders string, more actor.Capabilities) *member {
	t.Helper()
	c := actor.Capabilities{"Admin Port": port, "Convention Address.IPv4": leaders}
	for name, value := range more {
		c[name] = value
	}
	return start(t, name, nil, c)
}

// follows waits until a system has a leader.
func (m *member) follows(t *testing.T, leader *member) {
	t.Helper()
	for ctx := within(t); m.status(t).ConventionLeader != leader.Admin(); runtime.Gosched() {
		assert.NilError(t, ctx.Err(), "%s does not lead %s", leader.name, m.name)
	}
}

// Of several leaders the first that is there leads. One that takes over knows the members, and gives way when the first is back.
func TestLeadersInTheirOrder(t *testing.T) {
	ports := [2]int{freePort(t), freePort(t)}
	both := fmt.Sprintf("127.0.0.1:%d, 127.0.0.1:%d", ports[0], ports[1])
	first := startAt(t, ports[0], "first", both, nil)
	second := startAt(t, ports[1], "second", both, nil)
	joined := startAt(t, freePort(t), "member", both, actor.Capabilities{"GPU": true})
	other := startAt(t, freePort(t), "other", both, nil)

	watcher := second.create(t, "servant")
	worker := other.create(t, "gpu")
	assert.Equal(t, other.ask(t, worker, Where{}), "member")
	for _, m := range []*member{first, second, joined, other} {
		m.follows(t, first)
	}

	assert.NilError(t, syscall.Kill(adminPID(t, first), syscall.SIGKILL))
	for _, m := range []*member{second, joined, other} {
		m.follows(t, second)
	}
	assert.Equal(t, second.ask(t, second.create(t, "gpu"), Where{}), "member", "it knows the members at once")
	assert.Equal(t, other.ask(t, worker, Where{}), "member", "what two members have to do with each other goes on")
	for told := ""; !strings.Contains(told, "member joined"); {
		told = second.ask(t, watcher, Updates{}).(string)
	}
	only := actor.CreateOptions{Requirements: "first"}
	_, err := other.Create(within(t), "picky", only)
	assert.ErrorIs(t, err, system.ErrNoCompatibleSystem, "who suited it is gone")

	again := startAt(t, ports[0], "first", both, nil)
	for _, m := range []*member{again, second, joined, other} {
		m.follows(t, again)
	}
	assert.Equal(t, again.ask(t, again.create(t, "gpu"), Where{}), "member")
	assert.Equal(t, other.ask(t, other.create(t, "gpu"), Where{}), "member")
	back, err := other.Create(within(t), "picky", only)
	assert.NilError(t, err)
	assert.Equal(t, other.ask(t, back, Where{}), "first")
}

// The leader may be given by a name.
func TestLeaderByName(t *testing.T) {
	leader := start(t, "leader", nil, nil)
	startAt(t, freePort(t), "member", fmt.Sprintf("localhost:%d", leader.port), actor.Capabilities{"GPU": true})
	assert.Equal(t, leader.ask(t, leader.create(t, "gpu"), Where{}), "member")
}

// Variables of the environment set the times of a convention, and where a system listens.
func TestVariablesOfAConvention(t *testing.T) {
	for variable, value := range map[string]string{
		"CONVENTION_HEARTBEAT": "0.25", "CONVENTION_REGISTRATION_MISS_MAX": "4", "CONVENTION_GRACE": "1", "CONVENTION_REREGISTRATION_PERIOD": "0:02", "CONVENTION_RESTART_PERIOD": "0.5",
	} {
		t.Setenv(variable, "soon")
		_, err := app.Start(within(t), &system.Options{ConventionSecret: secret, Capabilities: actor.Capabilities{"Admin Port": 0}})
		assert.ErrorContains(t, err, variable)
		t.Setenv(variable, value)
	}
	t.Setenv("THESPIAN_BASE_IPADDR", "127.0.0.2")
	leader := start(t, "leader", nil, nil)
	at := fmt.Sprintf("127.0.0.2:%d", leader.port)
	assert.Equal(t, leader.status(t).Processes[0].Endpoint, at)
	member := startAt(t, freePort(t), "member", at, actor.Capabilities{"GPU": true, "Convention Grace": 2.5, "Convention Restart Period": 1})
	watcher, parent := leader.create(t, "servant"), leader.create(t, "servant")
	assert.Equal(t, leader.ask(t, watcher, Updates{}), "member joined")
	leader.ask(t, parent, Make{Kind: "gpu"})
	pid := adminPID(t, member)
	assert.NilError(t, syscall.Kill(pid, syscall.SIGSTOP))
	end := leader.ask(t, parent, Ends{}).(string)
	assert.NilError(t, syscall.Kill(pid, syscall.SIGCONT))
	assert.Assert(t, strings.Contains(end, "nothing was heard of it for 1s"), end)
}

// Attempts to connect to a leader come at once, then ever more rarely.
func TestAttemptsToReachTheLeader(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NilError(t, err)
	defer l.Close()
	attempts := make(chan time.Time)
	go func() {
		for range 4 {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
			attempts <- time.Now()
		}
		_ = l.Close()
	}()
	began := time.Now()
	started := make(chan *system.System, 1)
	go func() {
		sys, err := app.Start(within(t), &system.Options{ConventionSecret: secret, Capabilities: actor.Capabilities{"Admin Port": 0, "Convention Address.IPv4": l.Addr().String()}})
		assert.Check(t, err)
		started <- sys
	}()
	for _, least := range []time.Duration{0, 250, 250 + 300, 250 + 300 + 360} { // from the first on, which comes after the beginning: a late look at it does no harm
		after := (<-attempts).Sub(began)
		assert.Assert(t, after >= least*time.Millisecond, "%v", after)
	}
	assert.NilError(t, (<-started).Shutdown(within(t)))
}

// Of the systems that suit, the one with the fewest actors gets the next.
func TestActorsAreSpread(t *testing.T) {
	leader := start(t, "leader", nil, nil)
	for i := range 3 {
		start(t, fmt.Sprint("member ", i), leader, actor.Capabilities{"GPU": true})
	}
	runs := make(map[any]int)
	var all []actorAddress
	for range 6 {
		a := leader.create(t, "gpu")
		all = append(all, a)
		runs[leader.ask(t, a, Where{})]++
	}
	assert.DeepEqual(t, runs, map[any]int{"member 0": 2, "member 1": 2, "member 2": 2})
	lost := leader.ask(t, all[4], Where{})
	assert.NilError(t, leader.Kill(within(t), all[4]))
	_, err := leader.Ask(within(t), all[4], Where{})
	assert.Assert(t, err != nil)
	assert.Equal(t, leader.ask(t, leader.create(t, "gpu"), Where{}), lost, "it has the fewest now")
}

// Actors can invite other systems, and take that back.
func TestActorsPreRegister(t *testing.T) {
	leader, other := start(t, "leader", nil, nil), start(t, "other", nil, actor.Capabilities{"GPU": true})
	watcher, host := leader.create(t, "servant"), leader.create(t, "servant")
	leader.create(t, "servant")
	for range 2 {
		assert.Equal(t, leader.ask(t, host, Invite{At: fmt.Sprintf("127.0.0.1:%d", other.port)}), "done")
		assert.Equal(t, leader.ask(t, watcher, Updates{}), "other joined")
		other.follows(t, leader)
		assert.Equal(t, leader.ask(t, leader.create(t, "gpu"), Where{}), "other")
		assert.Equal(t, leader.ask(t, host, Invite{At: fmt.Sprintf("127.0.0.1:%d", other.port), Off: true}), "done")
		assert.Equal(t, leader.ask(t, watcher, Updates{}), "other left")
	}
	assert.Assert(t, leader.ask(t, host, Invite{At: "nowhere"}) != "done")
}

// Members that were not even asked are named, too.
func TestErrorNamesMembersWithoutTheCapability(t *testing.T) {
	leader := start(t, "leader", nil, nil)
	member := start(t, "member", leader, actor.Capabilities{"Disk": true})
	assert.Equal(t, leader.ask(t, leader.create(t, "disk"), Where{}), "member") // it has joined
	_, err := leader.Create(within(t), "gpu")
	assert.Assert(t, strings.Contains(err.Error(), fmt.Sprintf(":%d: ", member.port)), err.Error())
}
