//go:build linux

package firewall_test

import (
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/integration/firewall"
)

func TestRules(t *testing.T) {
	for _, c := range []struct {
		name       string
		set        func(t *testing.T, h *firewall.Host)
		one, other string // what comes of a connection to a port, and to another one
	}{
		{"at first", func(*testing.T, *firewall.Host) {}, connected, connected},
		{"one port", func(t *testing.T, h *firewall.Host) { h.Allow(t, 1900) }, connected, noAnswer},
		{"two ports", func(t *testing.T, h *firewall.Host) { h.Allow(t, 1900, 1901) }, connected, connected},
		{"outbound only", func(t *testing.T, h *firewall.Host) { h.OutboundOnly(t) }, noAnswer, noAnswer},
		{"open again", func(t *testing.T, h *firewall.Host) { h.OutboundOnly(t); h.Open(t) }, connected, connected},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := firewall.New(t)
			walled, other := n.Host(t, "walled"), n.Host(t, "other")
			c.set(t, walled)
			serve(t, walled, 1900, 1901)
			serve(t, other, 1900)
			for i, a := range addresses(walled) {
				for port, want := range map[uint16]string{1900: c.one, 1901: c.other} {
					connect(t, want, other, a, port)
				}
				p := connect(t, connected, walled, addresses(other)[i], 1900)
				p.say(t, "hello")
				assert.Equal(t, p.line(enough), "hello", "answers come in")
				connect(t, connected, walled, a, 1901) // within the host
			}
		})
	}
}

func TestConnectionsOutliveAChangeOfRules(t *testing.T) {
	n := firewall.New(t)
	walled, other := n.Host(t, "walled"), n.Host(t, "other")
	serve(t, walled, 1900)
	p := connect(t, connected, other, walled.Address(), 1900)
	walled.OutboundOnly(t)
	p.say(t, "still there?")
	assert.Equal(t, p.line(enough), "still there?")
	connect(t, noAnswer, other, walled.Address(), 1900)
}

// Hosts of different networks never meet, though they have the same addresses.
func TestNetworksAreApart(t *testing.T) {
	one, two := firewall.New(t), firewall.New(t)
	h := one.Host(t, "server")
	serve(t, h, 1900)
	two.Host(t, "first").OutboundOnly(t) // which has the same address
	second := two.Host(t, "second")
	connect(t, noAnswer, second, h.Address(), 1900)
	connect(t, connected, one.Host(t, "neighbour"), h.Address(), 1900)
}
