//go:build linux

package conventions

import (
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
)

// The ways in which a system can be reached, with the firewall that makes it necessary.
var ways = []struct {
	name         string
	capabilities actor.Capabilities
	wall         func(*site)
}{
	{"plain", nil, func(*site) {}},
	{"admin routing", actor.Capabilities{"Admin Routing": true}, func(s *site) { s.firewall(remotePort) }},
	{"outbound only", actor.Capabilities{"Outbound Only": true}, func(s *site) { s.firewall() }},
}

func with(c actor.Capabilities, name string) actor.Capabilities {
	all := actor.Capabilities{name: true}
	for name, value := range c {
		all[name] = value
	}
	return all
}

// Each cell of the table of routes, with the firewalls that such systems have.
func TestRoutesThroughFirewalls(t *testing.T) {
	for i, a := range ways {
		for _, b := range ways[i:] {
			t.Run(a.name+" and "+b.name, func(t *testing.T) {
				n := newNetwork(t)
				lead, one, two := n.site(), n.site(), n.site()
				lead.firewall(remotePort)
				a.wall(one)
				b.wall(two)
				leader := lead.start("leader", nil, actor.Capabilities{"Admin Routing": true})
				x := one.start("one", lead, with(a.capabilities, "GPU"))
				y := two.start("two", lead, with(b.capabilities, "Disk"))

				gpu, disk := x.do("create", "gpu"), y.do("create", "disk")
				assert.Equal(t, x.do("where", gpu), "one")
				assert.Equal(t, y.do("where", disk), "two")
				assert.Equal(t, x.do("pass", gpu, disk), "two", "an actor of one asks one of the other")
				assert.Equal(t, y.do("pass", disk, gpu), "one")
				assert.Equal(t, y.do("where", gpu), "one", "a program does")
				assert.Equal(t, leader.do("pass", gpu, disk), "two", "somebody else has it done")

				far := x.do("create", "disk")
				assert.Equal(t, x.do("where", far), "two", "placed by way of the leader")
				child := y.do("make", disk, "gpu")
				assert.Equal(t, y.do("pass", disk, child), "one")

				assert.Equal(t, x.do("flood", gpu, disk), "sent")
				assert.Equal(t, x.do("pass", gpu, disk), "two")
				assert.Equal(t, y.do("count", disk), "20000", "in order, and all")
			})
		}
	}
}

// A leader that only connects to others invites those that can be connected to.
func TestLeaderBehindAFirewall(t *testing.T) {
	for _, way := range ways[:2] {
		t.Run(way.name, func(t *testing.T) {
			n := newNetwork(t)
			lead, one := n.site(), n.site()
			lead.firewall()
			way.wall(one)
			leader := lead.start("leader", nil, actor.Capabilities{"Outbound Only": true})
			x := one.start("one", nil, with(way.capabilities, "GPU"))
			servant := leader.do("create", "servant")
			assert.Equal(t, leader.do("preregister", one.ip+":1900"), "done")
			assert.Equal(t, leader.do("updates", servant), "one joined")
			gpu := leader.do("create", "gpu")
			assert.Equal(t, leader.do("where", gpu), "one")
			assert.Equal(t, x.do("pass", gpu, servant), "leader")
		})
	}
}

// What is cut off for a moment goes on; what is cut off for long is lost, and comes back.
func TestNetworkThatIsCut(t *testing.T) {
	n := newNetwork(t)
	lead, one := n.site(), n.site()
	leader := lead.start("leader", nil, nil)
	one.start("one", lead, actor.Capabilities{"GPU": true})
	servant := leader.do("create", "servant")
	assert.Equal(t, leader.do("updates", servant), "one joined")
	child := leader.do("make", servant, "gpu")
	assert.Equal(t, leader.do("where", child), "one")
	one.cut(true)
	assert.Equal(t, leader.do("updates", servant), "one left")
	end := leader.do("ends", servant)
	assert.Assert(t, strings.HasPrefix(end, "child: "), end)
	one.cut(false)
	assert.Equal(t, leader.do("updates", servant), "one joined")
	gpu := leader.do("create", "gpu")
	assert.Equal(t, leader.do("where", gpu), "one")
	assert.Assert(t, strings.HasPrefix(leader.do("where", child), "error: "))
}
