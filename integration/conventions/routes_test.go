//go:build linux

package conventions

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/poll"

	"thespian.dev/actor"
	"thespian.dev/message"
	"thespian.dev/system"
)

func TestChildrenInAnotherSystem(t *testing.T) {
	leader := start(t, "leader", nil, nil)
	start(t, "member", leader, actor.Capabilities{"GPU": true})
	parent := leader.create(t, "servant")
	child := leader.ask(t, parent, Make{Kind: "gpu"}).(actorAddress)
	assert.Equal(t, leader.ask(t, child, Where{}), "member")
	assert.Equal(t, leader.ask(t, parent, Pass{child}), "member", "the parent reaches it, too")

	leader.ask(t, child, Watch{parent})
	assert.NilError(t, leader.Tell(within(t), child, message.ActorExitRequest{}))
	assert.Equal(t, leader.ask(t, parent, Ends{}), "child: asked to exit")
}

func TestChildThatIsKilledInAnotherSystem(t *testing.T) {
	leader := start(t, "leader", nil, nil)
	start(t, "member", leader, actor.Capabilities{"GPU": true})
	parent, watcher := leader.create(t, "servant"), leader.create(t, "servant")
	child := leader.ask(t, parent, Make{Kind: "gpu"}).(actorAddress)
	leader.ask(t, watcher, Watch{child})
	assert.Equal(t, leader.ask(t, watcher, Pass{child}), "member", "what was asked for before, has arrived")
	assert.NilError(t, leader.Kill(within(t), child))
	assert.Equal(t, leader.ask(t, parent, Ends{}), "child: signal: killed")
	assert.Equal(t, leader.ask(t, watcher, Ends{}), "watched: signal: killed")
}

// Its address is known to the program before the Admins know of the actor.
func TestChildThatIsKilledAtOnceInAnotherSystem(t *testing.T) {
	leader := start(t, "leader", nil, nil)
	start(t, "member", leader, actor.Capabilities{"GPU": true})
	parent := leader.create(t, "servant")
	for range 5 {
		child := leader.ask(t, parent, Make{Kind: "gpu"}).(actorAddress)
		assert.NilError(t, leader.Kill(within(t), child))
		assert.Equal(t, leader.ask(t, parent, Ends{}), "child: signal: killed")
	}
}

func TestAddressesPassThroughSystems(t *testing.T) {
	leader := start(t, "leader", nil, nil)
	one := start(t, "one", leader, actor.Capabilities{"GPU": true})
	two := start(t, "two", leader, actor.Capabilities{"Disk": true})
	gpu, disk := leader.create(t, "gpu"), leader.create(t, "disk")
	assert.Equal(t, leader.ask(t, gpu, Pass{disk}), "two", "two members that know only the leader")
	assert.Equal(t, leader.ask(t, disk, Pass{gpu}), "one")
	// A program of one member asks by way of an address that it got elsewhere.
	assert.Equal(t, one.ask(t, gpu, Pass{disk}), "two")
	mine := two.create(t, "servant")
	assert.Equal(t, two.ask(t, mine, Pass{gpu}), "one")
	assert.Equal(t, leader.ask(t, gpu, Pass{mine}), "two")
}

func TestMembersPlaceActorsThroughTheirLeader(t *testing.T) {
	leader := start(t, "leader", nil, nil)
	one := start(t, "one", leader, actor.Capabilities{"GPU": true})
	start(t, "two", leader, actor.Capabilities{"Disk": true})
	disk := one.create(t, "disk")
	assert.Equal(t, one.ask(t, disk, Where{}), "two")

	_, err := one.Create(within(t), "picky", actor.CreateOptions{Requirements: "two"})
	assert.NilError(t, err)
	on, err := one.Create(within(t), "picky", actor.CreateOptions{Requirements: "leader"})
	assert.NilError(t, err)
	assert.Equal(t, one.ask(t, on, Where{}), "leader")
}

func TestErrorNamesAllSystemsThatWereTried(t *testing.T) {
	leader := start(t, "leader", nil, nil)
	one := start(t, "one", leader, nil)
	start(t, "two", leader, actor.Capabilities{"Disk": true})
	_, err := one.Create(within(t), "picky", actor.CreateOptions{Requirements: "nobody"})
	assert.ErrorIs(t, err, system.ErrNoCompatibleSystem)
	for _, name := range []string{"one", "two", "leader"} {
		assert.Equal(t, strings.Count(err.Error(), "the name is "+name+", not nobody"), 1, "%v", err)
	}
	_, err = one.Create(within(t), "gpu")
	assert.ErrorIs(t, err, system.ErrNoCompatibleSystem)
	_, err = one.Create(within(t), "nonsense")
	assert.ErrorIs(t, err, system.ErrUnknownKind)
}

func TestMessagesBetweenSystemsKeepTheirOrder(t *testing.T) {
	leader := start(t, "leader", nil, nil)
	start(t, "member", leader, actor.Capabilities{"GPU": true})
	const n = 50_000
	gpu, here := leader.create(t, "gpu"), leader.create(t, "servant")
	leader.ask(t, here, Flood{gpu, n})
	leader.ask(t, here, Pass{gpu})
	assert.Equal(t, leader.ask(t, gpu, Count{}), fmt.Sprint(n))
	leader.ask(t, gpu, Flood{here, n})
	leader.ask(t, gpu, Pass{here})
	assert.Equal(t, leader.ask(t, here, Count{}), fmt.Sprint(n))
}

func TestSystemsThatLeave(t *testing.T) {
	leader := start(t, "leader", nil, nil)
	member := start(t, "member", leader, actor.Capabilities{"GPU": true})
	watcher, parent := leader.create(t, "servant"), leader.create(t, "servant")
	assert.Equal(t, leader.ask(t, watcher, Updates{}), "member joined")
	child := leader.ask(t, parent, Make{Kind: "gpu"}).(actorAddress)
	assert.Equal(t, leader.ask(t, child, Where{}), "member")
	assert.NilError(t, member.Shutdown(within(t)))
	assert.Equal(t, leader.ask(t, watcher, Updates{}), "member left")
	end := leader.ask(t, parent, Ends{}).(string)
	assert.Assert(t, strings.HasPrefix(end, "child: "), end)
	_, err := leader.Create(within(t), "gpu")
	assert.ErrorIs(t, err, system.ErrNoCompatibleSystem)
}

func TestMemberWhoseAdminIsKilled(t *testing.T) {
	leader := start(t, "leader", nil, nil)
	member := start(t, "member", leader, actor.Capabilities{"GPU": true})
	watcher, parent := leader.create(t, "servant"), leader.create(t, "servant")
	leader.ask(t, watcher, Updates{})
	child := leader.ask(t, parent, Make{Kind: "gpu"}).(actorAddress)
	leader.ask(t, child, Where{})
	began := time.Now()
	assert.NilError(t, syscall.Kill(adminPID(t, member), syscall.SIGKILL))
	assert.Equal(t, leader.ask(t, watcher, Updates{}), "member left")
	t.Logf("noticed after %v", time.Since(began))
	end := leader.ask(t, parent, Ends{}).(string)
	assert.Assert(t, strings.HasPrefix(end, "child: "), end)
}

// A machine that stands still is declared lost, and let in again. What it ran for others has ended.
func TestMemberThatIsPaused(t *testing.T) {
	leader := start(t, "leader", nil, actor.Capabilities{"Convention Heartbeat": "200ms"})
	member := start(t, "member", leader, actor.Capabilities{"GPU": true, "Convention Heartbeat": "200ms"})
	watcher, parent := leader.create(t, "servant"), leader.create(t, "servant")
	leader.ask(t, watcher, Updates{})
	child := leader.ask(t, parent, Make{Kind: "gpu"}).(actorAddress)
	leader.ask(t, child, Where{})
	old := member.create(t, "servant")
	assert.Equal(t, leader.ask(t, old, Pass{parent}), "leader")
	assert.Equal(t, leader.ask(t, parent, Pass{old}), "member")
	pid := adminPID(t, member)
	assert.NilError(t, syscall.Kill(pid, syscall.SIGSTOP))
	assert.Equal(t, leader.ask(t, watcher, Updates{}), "member left")
	end := leader.ask(t, parent, Ends{}).(string)
	assert.Assert(t, strings.Contains(end, "nothing was heard of it"), end)
	assert.NilError(t, syscall.Kill(pid, syscall.SIGCONT))
	assert.Equal(t, leader.ask(t, watcher, Updates{}), "member joined")
	again := leader.create(t, "gpu")
	assert.Equal(t, leader.ask(t, again, Where{}), "member", "it is reached again")
	_, err := leader.Ask(within(t), child, Where{})
	var undelivered *system.UndeliverableError
	assert.Assert(t, errors.As(err, &undelivered), "nobody answers in the place of the child that was lost: %v", err)
	for _, a := range actorsOf(t, member) {
		assert.Assert(t, a != child, "the child has ended")
	}
	mine := member.create(t, "servant")
	assert.Equal(t, leader.ask(t, again, Pass{mine}), "member")
	assert.Equal(t, leader.ask(t, parent, Pass{old}), "member", "those that knew each other before meet again")
	assert.Equal(t, member.ask(t, old, Pass{parent}), "leader")
}

func TestWrongSecret(t *testing.T) {
	leader := start(t, "leader", nil, nil)
	port := freePort(t)
	sys, err := app.Start(within(t), &system.Options{ConventionSecret: strings.Repeat("another", 5), Capabilities: actor.Capabilities{
		"Admin Port": port, "Convention Address.IPv4": fmt.Sprintf("127.0.0.1:%d", leader.port)}})
	assert.NilError(t, err, "it goes on trying")
	log, err := os.ReadFile(logOf(port))
	assert.NilError(t, err)
	assert.NilError(t, sys.Shutdown(within(t)))
	assert.Assert(t, strings.Contains(string(log), "another convention secret"), "%s", log)
	theirs, err := os.ReadFile(logOf(leader.port))
	assert.NilError(t, err)
	assert.Assert(t, strings.Contains(string(theirs), "refused this system's certificate"), "%s", theirs)
}

func TestConventionWithoutSecretIsRefused(t *testing.T) {
	for _, c := range []struct {
		options system.Options
		want    string
	}{
		{system.Options{}, "set Options.ConventionSecret"},
		{system.Options{ConventionSecret: "short"}, "too short"},
		{system.Options{ConventionSecretFile: "/nonexistent"}, "no such file"},
		{system.Options{ConventionSecret: secret, Insecure: true}, "one can be given"},
		{system.Options{TLS: &system.TLSFiles{Certificate: "/nonexistent"}}, "no Key"},
		{system.Options{TLS: &system.TLSFiles{Certificate: "/nonexistent", Key: "/nonexistent", Authorities: "/nonexistent"}}, "certificate"},
	} {
		o := c.options
		o.Capabilities = actor.Capabilities{"Admin Port": 0, "Convention Address.IPv4": "127.0.0.1:1"}
		_, err := app.Start(within(t), &o)
		assert.ErrorContains(t, err, c.want)
	}
	_, err := app.Start(within(t), &system.Options{ConventionSecret: secret, Capabilities: actor.Capabilities{"Admin Port": 0, "Convention Address.IPv4": "host" + ":" + "nonsense"}})
	assert.ErrorContains(t, err, `no "host:port"`)
}

func TestPreRegistration(t *testing.T) {
	leader := start(t, "leader", nil, nil)
	member := start(t, "member", nil, actor.Capabilities{"GPU": true})
	watcher := leader.create(t, "servant")
	assert.NilError(t, leader.Tell(within(t), watcher, Updates{}))
	at := fmt.Sprintf("127.0.0.1:%d", member.port)
	assert.NilError(t, leader.PreRegister(within(t), at, nil))
	assert.Equal(t, leader.ask(t, watcher, Updates{}), "member joined")
	gpu := leader.create(t, "gpu")
	assert.Equal(t, leader.ask(t, gpu, Where{}), "member")
	assert.NilError(t, leader.DeRegister(within(t), at))
	assert.Equal(t, leader.ask(t, watcher, Updates{}), "member left")
	assert.ErrorContains(t, leader.DeRegister(within(t), at), "not pre-registered")
	assert.NilError(t, leader.PreRegister(within(t), at, nil))
	assert.Equal(t, leader.ask(t, watcher, Updates{}), "member joined")
	assert.Equal(t, leader.ask(t, leader.create(t, "gpu"), Where{}), "member")
	text, err := member.Admin().MarshalText()
	assert.NilError(t, err)
	assert.NilError(t, leader.DeRegister(within(t), string(text)))
	assert.Equal(t, leader.ask(t, watcher, Updates{}), "member left")
}

func TestCapabilitiesThatChangeMoveWork(t *testing.T) {
	leader := start(t, "leader", nil, nil)
	member := start(t, "member", leader, nil)
	_, err := leader.Create(within(t), "gpu")
	assert.ErrorIs(t, err, system.ErrNoCompatibleSystem)
	assert.NilError(t, member.UpdateCapability(within(t), "GPU", true))
	parent := leader.create(t, "servant")
	var child actorAddress
	for child.IsZero() { // until the leader has heard of it
		if _, err := leader.Create(within(t), "gpu"); err == nil {
			child = leader.ask(t, parent, Make{Kind: "gpu"}).(actorAddress)
		}
	}
	assert.Equal(t, leader.ask(t, child, Where{}), "member")
	assert.NilError(t, member.UpdateCapability(within(t), "GPU", nil))
	end := leader.ask(t, parent, Ends{}).(string)
	assert.Assert(t, strings.HasPrefix(end, "child: the system offers something else now: ") && strings.Contains(end, "GPU"), end)
}

// Two members that know each other only by way of their leader, which has placed an actor of the one in the other.
func TestMembersThatEndWithActorsOfOthers(t *testing.T) {
	family := func(t *testing.T) (one, two *member) {
		t.Parallel()
		leader := start(t, "leader", nil, nil)
		return start(t, "one", leader, nil), start(t, "two", leader, actor.Capabilities{"Disk": true})
	}
	kill := func(t *testing.T, m *member) { assert.NilError(t, syscall.Kill(adminPID(t, m), syscall.SIGKILL)) }
	empty := func(t *testing.T, m *member) {
		t.Helper()
		poll.WaitOn(t, func(poll.LogT) poll.Result {
			if actors := actorsOf(t, m); len(actors) > 0 {
				return poll.Continue("%v lives on", actors)
			}
			return poll.Success()
		}, poll.WithTimeout(20*time.Second))
	}
	t.Run("the parent's", func(t *testing.T) {
		one, two := family(t)
		one.ask(t, one.ask(t, one.create(t, "servant"), Make{Kind: "disk"}).(actorAddress), Where{})
		kill(t, one)
		empty(t, two)
	})
	t.Run("the system's, whose Admin is the parent", func(t *testing.T) {
		one, two := family(t)
		one.ask(t, one.create(t, "disk"), Where{})
		kill(t, one)
		empty(t, two)
	})
	t.Run("the child's", func(t *testing.T) {
		one, two := family(t)
		parent := one.create(t, "servant")
		one.ask(t, one.ask(t, parent, Make{Kind: "disk"}).(actorAddress), Where{})
		kill(t, two)
		end := one.ask(t, parent, Ends{}).(string)
		assert.Assert(t, strings.HasPrefix(end, "child: "), end)
	})
}
