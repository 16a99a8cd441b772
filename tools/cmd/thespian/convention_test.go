//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/message"
)

// secretFile returns a file with a secret that the command has made.
func secretFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	newSite(t).does("convention", "secret", "--file", file)
	return file
}

func (s site) address() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// named is its address with a name for the host.
func (s site) named() string { return fmt.Sprintf("localhost:%d", s.port) }

func (s site) convention() (v struct {
	Contacts []message.ConventionContact
	Refused  []message.ConventionRefusal
	Members  []struct {
		Address, Route string
		Leads          bool
		Capabilities   map[string]any
	}
}) {
	s.t.Helper()
	assert.NilError(s.t, json.Unmarshal([]byte(s.does("convention", "ls", "--json")), &v))
	return v
}

func TestSecret(t *testing.T) {
	s := newSite(t)
	one, two := s.does("convention", "secret"), s.does("convention", "secret")
	assert.Assert(t, one != two && len(one) > 40, "%q, %q", one, two)
	file := filepath.Join(t.TempDir(), "secret")
	assert.Equal(t, s.does("convention", "secret", "--file", file), "", "it is in the file alone")
	info, err := os.Stat(file)
	assert.NilError(t, err)
	assert.Equal(t, info.Mode().Perm(), os.FileMode(0o600))
	before, err := os.ReadFile(file)
	assert.NilError(t, err)
	said := s.fails(1, "convention", "secret", "--file", file)
	assert.Assert(t, strings.Contains(said, "exists"), said)
	after, err := os.ReadFile(file)
	assert.NilError(t, err)
	assert.Equal(t, string(after), string(before))
}

func TestConventionOfTwo(t *testing.T) {
	secret := secretFile(t)
	leader := startSite(t, "--secret-file", secret)
	assert.Equal(t, len(leader.convention().Members), 0)
	member := startSite(t, "--secret-file", secret, "--convention", leader.address(), "--admin-routing", "--capability", "GPU=true")

	seen, back := leader.convention(), member.convention()
	assert.Equal(t, len(seen.Members)+len(back.Members), 2)
	assert.Equal(t, seen.Members[0].Address, member.address())
	assert.Equal(t, seen.Members[0].Capabilities["GPU"], true)
	assert.Assert(t, back.Members[0].Leads && !seen.Members[0].Leads)
	assert.DeepEqual(t, back.Contacts, []message.ConventionContact{{Address: leader.address(), Leader: true, Reached: true}})
	for _, args := range [][]string{{"convention", "ls"}, {"status"}} {
		text := leader.does(args...)
		assert.Assert(t, strings.Contains(text, member.address()), text)
	}

	member.does("convention", "leave")
	assert.Equal(t, len(member.convention().Members), 0)
	assert.Assert(t, strings.Contains(member.fails(1, "convention", "leave"), "was not told of a leader"))
	member.does("convention", "join", leader.address())
	assert.Equal(t, member.convention().Members[0].Address, leader.address())
	said := member.fails(1, "convention", "join", "nonsense:port")
	assert.Assert(t, strings.Contains(said, `no "host:port"`), said)
	said = member.fails(1, "convention", "join", newSite(t).address())
	assert.Assert(t, strings.Contains(said, "not joined yet") && strings.Contains(said, "connection refused"), said)
}

// Whoever joins a leader by its name is not told that he has joined the one that he had, while the name is looked up.
func TestJoinByName(t *testing.T) {
	secret := secretFile(t)
	leader, other := startSite(t, "--secret-file", secret), startSite(t, "--secret-file", secret)
	member := startSite(t, "--secret-file", secret, "--convention", leader.address())
	said := member.fails(1, "convention", "join", newSite(t).named())
	assert.Assert(t, strings.Contains(said, "not joined"), said)
	o := member.run("convention", "join", newSite(t).address()+","+other.named())
	joined := func(as string) bool { return strings.Contains(o.err, "has joined "+as) }
	assert.Assert(t, o.status == 0 && (joined(other.named()) || joined(other.address())), o.err) // where the name has several addresses, each is a leader
	assert.Equal(t, member.convention().Members[0].Address, other.address())
}

func TestPreRegister(t *testing.T) {
	secret := secretFile(t)
	leader, other := startSite(t, "--secret-file", secret), startSite(t, "--secret-file", secret)
	watch := leader.command("convention", "ls", "--watch", "--json")
	out, err := watch.StdoutPipe()
	assert.NilError(t, err)
	assert.NilError(t, watch.Start())
	lines := bufio.NewScanner(out)
	next := func() (v struct{ Members []struct{ Address string } }) {
		t.Helper()
		assert.Assert(t, lines.Scan(), "%v", lines.Err())
		assert.NilError(t, json.Unmarshal(lines.Bytes(), &v))
		return v
	}
	assert.Equal(t, len(next().Members), 0)
	leader.does("convention", "preregister", other.address())
	for v := next(); len(v.Members) == 0; v = next() {
	}
	leader.does("convention", "deregister", other.address())
	for v := next(); len(v.Members) > 0; v = next() {
	}
	leader.does("stop")
	assert.Assert(t, !lines.Scan(), "the watch ends with the system")
	assert.Assert(t, watch.Wait() != nil)
}

func TestWrongSecretIsSeenAtBothEnds(t *testing.T) {
	leader := startSite(t, "--secret-file", secretFile(t))
	member := newSite(t)
	t.Cleanup(func() { member.run("stop", "--grace", "0s") })
	o := member.run("start", "--detach", "--secret-file", secretFile(t), "--convention", leader.address())
	assert.Equal(t, o.status, 0)
	assert.Assert(t, strings.Contains(o.err, "convention ls"), "it says where to look: %s", o.err)
	contact := member.convention().Contacts[0]
	assert.Assert(t, !contact.Reached && strings.Contains(contact.Failure, "secret"), contact.Failure)
	seen := leader.convention()
	for len(seen.Refused) == 0 { // the member may know first
		seen = leader.convention()
	}
	assert.Equal(t, len(seen.Members), 0)
	assert.Equal(t, len(seen.Refused), 1)
	assert.Equal(t, seen.Refused[0].From, "127.0.0.1")
	assert.Assert(t, strings.Contains(seen.Refused[0].Reason, "secrets"), seen.Refused[0].Reason)
	text := leader.does("convention", "ls")
	assert.Assert(t, strings.Contains(text, "REFUSED") && strings.Contains(text, seen.Refused[0].Reason), text)
}

func TestStartWithoutSecret(t *testing.T) {
	s := newSite(t)
	said := s.fails(1, "start", "--convention", "127.0.0.1:1")
	assert.Assert(t, strings.Contains(said, "thespian convention secret"), said)
	said = s.fails(2, "start", "--insecure", "--secret-file", "x")
	assert.Assert(t, strings.Contains(said, "secret-file"), said)
	alone := startSite(t)
	said = alone.fails(1, "convention", "ls")
	assert.Assert(t, strings.Contains(said, "--secret-file"), said)
}
