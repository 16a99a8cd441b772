//go:build linux

package conventions

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/integration/firewall"
)

// The ways in which a system can be reached, with the firewall that makes it necessary.
var ways = []struct {
	name         string
	capabilities actor.Capabilities
	wall         func(*testing.T, *firewall.Host)
}{
	{"plain", nil, func(*testing.T, *firewall.Host) {}},
	{"admin routing", actor.Capabilities{"Admin Routing": true}, func(t *testing.T, h *firewall.Host) { h.Allow(t, remotePort) }},
	{"outbound only", actor.Capabilities{"Outbound Only": true}, func(t *testing.T, h *firewall.Host) { h.OutboundOnly(t) }},
}

func with(c actor.Capabilities, name string) actor.Capabilities {
	all := actor.Capabilities{name: true}
	for name, value := range c {
		all[name] = value
	}
	return all
}

// together tests what two systems do with each other: one has GPU, the other Disk.
func together(t *testing.T, one, two *remote) {
	t.Helper()
	gpu, disk := one.do("create", "gpu"), two.do("create", "disk")
	assert.Equal(t, one.do("where", gpu), one.name)
	assert.Equal(t, two.do("where", disk), two.name)
	assert.Equal(t, one.do("pass", gpu, disk), two.name, "an actor of one asks one of the other")
	assert.Equal(t, two.do("pass", disk, gpu), one.name)
	assert.Equal(t, two.do("where", gpu), one.name, "a program does")
	assert.Equal(t, one.do("where", disk), two.name)

	far := one.do("create", "disk")
	assert.Equal(t, one.do("where", far), two.name, "created from here")
	child := two.do("make", disk, "gpu")
	assert.Equal(t, two.do("pass", disk, child), one.name)

	assert.Equal(t, one.do("flood", gpu, disk), "sent")
	assert.Equal(t, one.do("pass", gpu, disk), two.name)
	assert.Equal(t, two.do("count", disk), "20000", "in order, and all")
	assert.Equal(t, two.do("flood", disk, gpu), "sent")
	assert.Equal(t, two.do("pass", disk, gpu), one.name)
	assert.Equal(t, one.do("count", gpu), "20000", "in order, and all")
}

// Each cell of the table of routes, with the firewalls that such systems have: two members of a convention, whose leader has one open port.
func TestRoutesThroughFirewalls(t *testing.T) {
	for _, a := range ways {
		for _, b := range ways {
			t.Run(a.name+" to "+b.name, func(t *testing.T) {
				n := firewall.New(t)
				lead, one, two := n.Host(t, "leader"), n.Host(t, "one"), n.Host(t, "two")
				lead.Allow(t, remotePort)
				a.wall(t, one)
				b.wall(t, two)
				leader := startOn(t, lead, "leader", "", actor.Capabilities{"Admin Routing": true})
				x := startOn(t, one, "one", at(lead.Address()), with(a.capabilities, "GPU"))
				y := startOn(t, two, "two", at(lead.Address()), with(b.capabilities, "Disk"))

				// Actors that know of each other only from somebody else, before anything else has passed between their systems.
				gpu, disk := leader.do("create", "gpu"), leader.do("create", "disk")
				assert.Equal(t, leader.do("pass", gpu, disk), "two")
				assert.Equal(t, leader.do("pass", disk, gpu), "one")
				together(t, x, y)
			})
		}
	}
}

// docs/parity.md names the test of each cell, and of none that there is not.
func TestParityOfRoutes(t *testing.T) {
	page, err := os.ReadFile("../../docs/parity.md")
	assert.NilError(t, err)
	named := make(map[string]int)
	for _, m := range regexp.MustCompile("`integration/conventions\\.(TestRoutes\\w+/[^`]*)`").FindAllStringSubmatch(string(page), -1) {
		named[m[1]]++
	}
	want := make(map[string]int)
	for i, a := range ways {
		for j, b := range ways {
			cell := strings.ReplaceAll(a.name+" to "+b.name, " ", "_")
			want["TestRoutesThroughFirewalls/"+cell] = 1
			if j < 2 { // that is the leader's: nobody could connect to another one
				want["TestRoutesToTheLeader/"+cell] = 1
				if i == 2 {
					want["TestRoutesToTheLeader/"+cell]++ // for the way back, too
				}
			}
		}
	}
	assert.DeepEqual(t, named, want)
}

// The same table between a member and its leader, without a third. A leader that nobody can connect to has a test of its own.
func TestRoutesToTheLeader(t *testing.T) {
	for _, a := range ways[:2] {
		for _, b := range ways {
			t.Run(b.name+" to "+a.name, func(t *testing.T) {
				n := firewall.New(t)
				lead, one := n.Host(t, "leader"), n.Host(t, "one")
				a.wall(t, lead)
				b.wall(t, one)
				leader := startOn(t, lead, "leader", "", with(a.capabilities, "Disk"))
				x := startOn(t, one, "one", at(lead.Address()), with(b.capabilities, "GPU"))
				together(t, x, leader)
			})
		}
	}
}

// A leader that only connects to others invites those that can be connected to.
func TestLeaderBehindAFirewall(t *testing.T) {
	for _, way := range ways[:2] {
		t.Run(way.name, func(t *testing.T) {
			n := firewall.New(t)
			lead, one := n.Host(t, "leader"), n.Host(t, "one")
			lead.OutboundOnly(t)
			way.wall(t, one)
			leader := startOn(t, lead, "leader", "", actor.Capabilities{"Outbound Only": true, "Disk": true})
			x := startOn(t, one, "one", "", with(way.capabilities, "GPU"))
			servant := leader.do("create", "servant")
			assert.Equal(t, leader.do("preregister", at(one.Address())), "done")
			assert.Equal(t, leader.do("updates", servant), "one joined")
			together(t, x, leader)
		})
	}
}

// Systems behind routers that translate addresses: their own addresses, which are the same here, mean nothing to the others. One can only connect to others, to the Admin of the other its router forwards a port.
func TestSystemsWhoseAddressesAreTranslated(t *testing.T) {
	n := firewall.New(t)
	lead, first, second := n.Host(t, "leader"), n.Host(t, "first router"), n.Host(t, "second router")
	lead.Allow(t, remotePort)
	first.OutboundOnly(t)
	second.OutboundOnly(t)
	one, two := first.Behind(t, "one"), second.Behind(t, "two")
	second.Forward(t, remotePort)
	leader := startOn(t, lead, "leader", "", actor.Capabilities{"Admin Routing": true})
	x := startOn(t, one, "one", at(lead.Address()), actor.Capabilities{"Outbound Only": true, "GPU": true})
	y := startOn(t, two, "two", at(lead.Address()), actor.Capabilities{"Admin Routing": true, "Advertise Address": second.Address(), "Disk": true})
	gpu, disk := leader.do("create", "gpu"), leader.do("create", "disk")
	assert.Equal(t, leader.do("pass", gpu, disk), "two")
	assert.Equal(t, leader.do("pass", disk, gpu), "one")
	together(t, x, y)
}

// Routes do not depend on the version of addresses.
func TestRoutesOverVersion6(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			n := firewall.New(t)
			lead, one, two := n.Host(t, "leader"), n.Host(t, "one"), n.Host(t, "two")
			if !lead.Address6().IsValid() {
				t.Skip("this machine has no IPv6")
			}
			here := func(h *firewall.Host, c actor.Capabilities, name string) actor.Capabilities {
				c = with(c, name)
				c["Bind Address"] = h.Address6()
				return c
			}
			way.wall(t, one)
			startOn(t, lead, "leader", "", here(lead, nil, "Leads"))
			x := startOn(t, one, "one", at(lead.Address6()), here(one, way.capabilities, "GPU"))
			y := startOn(t, two, "two", at(lead.Address6()), here(two, nil, "Disk"))
			together(t, x, y)
		})
	}
}

// What is cut off for a moment goes on where it was: nobody is lost, and no message.
func TestShortCut(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			n := firewall.New(t)
			lead, one := n.Host(t, "leader"), n.Host(t, "one")
			way.wall(t, one)
			// Before Linux 6.15 TCP tries again after 3 s, and then after 6 only: with the usual heartbeats that is near to where systems are lost.
			const heartbeat = "5s"
			c := with(way.capabilities, "GPU")
			c["Convention Heartbeat"] = heartbeat
			leader := startOn(t, lead, "leader", "", actor.Capabilities{"Disk": true, "Convention Heartbeat": heartbeat})
			x := startOn(t, one, "one", at(lead.Address()), c)
			servant, gpu, disk := leader.do("create", "servant"), x.do("create", "gpu"), leader.do("create", "disk")
			assert.Equal(t, leader.do("updates", servant), "one joined")
			assert.Equal(t, x.do("pass", gpu, disk), "leader")
			one.Cut(t)
			x.say("flood", gpu, disk)
			time.Sleep(2 * time.Second) // the cut
			one.Heal(t)
			assert.Equal(t, x.read(), "sent")
			assert.Equal(t, x.do("pass", gpu, disk), "leader")
			assert.Equal(t, leader.do("count", disk), "20000", "in order, and all")
			startOn(t, n.Host(t, "two"), "two", at(lead.Address()), nil)
			assert.Equal(t, leader.do("updates", servant), "two joined", "and nothing happened before")
		})
	}
}

// What is cut off for long is lost, and comes back.
func TestNetworkThatIsCut(t *testing.T) {
	n := firewall.New(t)
	lead, one := n.Host(t, "leader"), n.Host(t, "one")
	leader := startOn(t, lead, "leader", "", nil)
	startOn(t, one, "one", at(lead.Address()), actor.Capabilities{"GPU": true})
	servant := leader.do("create", "servant")
	assert.Equal(t, leader.do("updates", servant), "one joined")
	child := leader.do("make", servant, "gpu")
	assert.Equal(t, leader.do("where", child), "one")
	one.Cut(t)
	assert.Equal(t, leader.do("updates", servant), "one left")
	end := leader.do("ends", servant)
	assert.Assert(t, strings.HasPrefix(end, "child: "), end)
	one.Heal(t)
	assert.Equal(t, leader.do("updates", servant), "one joined")
	gpu := leader.do("create", "gpu")
	assert.Equal(t, leader.do("where", gpu), "one")
	assert.Assert(t, strings.HasPrefix(leader.do("where", child), "error: "))
}
