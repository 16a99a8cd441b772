//go:build linux

package conventions

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/message"
	"thespian.dev/system"
)

func (m *member) status(t *testing.T) message.SystemStatus {
	t.Helper()
	status, err := m.Status(within(t))
	assert.NilError(t, err)
	return status
}

// The status of each system shows the other, and how the two reach each other.
func TestStatusOfAConvention(t *testing.T) {
	for _, c := range []struct {
		name           string
		member         actor.Capabilities
		atLeader, back string
	}{
		{"plain", actor.Capabilities{}, "direct", "direct"},
		{"routed", actor.Capabilities{"Admin Routing": true}, "admin routing", "direct"},
		{"outbound", actor.Capabilities{"Outbound Only": true}, "outbound only", "direct"},
		{"within the host", actor.Capabilities{"Direct Within Host": true}, "same host", "same host"},
	} {
		t.Run(c.name, func(t *testing.T) {
			within := c.member["Direct Within Host"] == true
			leader := start(t, "leader", nil, actor.Capabilities{"Direct Within Host": within})
			c.member["GPU"] = true
			if !within {
				c.member["Direct Within Host"] = false
			}
			member := start(t, "member", leader, c.member)
			a := leader.create(t, "gpu")
			leader.ask(t, a, Where{})

			one, two := leader.status(t), member.status(t)
			assert.Equal(t, one.ConventionLeader, leader.Admin())
			assert.Equal(t, two.ConventionLeader, leader.Admin())
			assert.Equal(t, len(one.ConventionMembers)+len(two.ConventionMembers), 2)
			seen, back := one.ConventionMembers[0], two.ConventionMembers[0]
			assert.Equal(t, seen.Admin, member.Admin())
			assert.Equal(t, back.Admin, leader.Admin())
			assert.Equal(t, seen.Route, c.atLeader)
			assert.Equal(t, back.Route, c.back)
			assert.Equal(t, seen.Capabilities["Name"], "member")
			assert.Equal(t, back.Capabilities["Name"], "leader")
			assert.Assert(t, back.Leads && !seen.Leads)
			assert.Equal(t, seen.Actors, 1)
			assert.Equal(t, back.Actors, 0)
			assert.Assert(t, seen.Sent > 0 && seen.Received > 0 && back.Sent > 0 && back.Received > 0)
			assert.Equal(t, len(one.ConventionContacts), 0)
			assert.DeepEqual(t, two.ConventionContacts, []message.ConventionContact{{Address: fmt.Sprintf("127.0.0.1:%d", leader.port), Leader: true, Reached: true}})
			var text bytes.Buffer
			assert.NilError(t, two.FormatConvention(&text))
			assert.Assert(t, strings.Contains(text.String(), "reached") && strings.Contains(text.String(), "(leader)"), text.String())
		})
	}
}

// A system that runs can be told where its leader is, and that it has another one, or none.
func TestLeaderThatIsToldLater(t *testing.T) {
	first, second := start(t, "first", nil, nil), start(t, "second", nil, nil)
	joiner := start(t, "member", nil, actor.Capabilities{"GPU": true})
	watchers := []actorAddress{first.create(t, "servant"), second.create(t, "servant")}
	for i, m := range []*member{first, second} {
		assert.NilError(t, joiner.UpdateCapability(within(t), "Convention Address.IPv4", fmt.Sprintf("127.0.0.1:%d", m.port)))
		assert.Equal(t, m.ask(t, watchers[i], Updates{}), "member joined")
		assert.Equal(t, m.ask(t, m.create(t, "gpu"), Where{}), "member")
	}
	assert.Equal(t, first.ask(t, watchers[0], Updates{}), "member left")
	assert.NilError(t, joiner.UpdateCapability(within(t), "Convention Address.IPv4", nil))
	assert.Equal(t, second.ask(t, watchers[1], Updates{}), "member left")
	assert.ErrorContains(t, joiner.UpdateCapability(within(t), "Convention Address.IPv4", "host:port"), `no "host:port"`)

	alone, err := app.Start(within(t), &system.Options{Capabilities: actor.Capabilities{"Admin Port": 0}})
	assert.NilError(t, err)
	defer alone.Shutdown(within(t))
	assert.ErrorContains(t, alone.UpdateCapability(within(t), "Convention Address.IPv4", "127.0.0.1:1900"), "ConventionSecret")
}
