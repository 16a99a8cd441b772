package firewall

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// The addresses behind a router, of which others know nothing: behind each router they are the same.
var (
	routerInside = netip.AddrFrom4([4]byte{192, 168, 77, 1})
	hostInside   = netip.AddrFrom4([4]byte{192, 168, 77, 2})
)

// Behind adds a host behind this one, which is a router from then on: what the new host sends to others comes from the router's address, and nothing of others gets to it but what belongs to
// connections that it has made, or goes to ports that are forwarded. One host can be behind another, which is not behind a third. It has version 4 only. It is not there to be cut off.
func (h *Host) Behind(t testing.TB, name string) *Host {
	t.Helper()
	assert.Assert(t, !h.routes && !h.inside, "one host can be behind another")
	inner := h.network.add(t, name)
	inner.inside = true
	must(t, "ip", "-n", h.space, "link", "add", "inside", "type", "veth", "peer", "name", "net", "netns", inner.space)
	must(t, "ip", "-n", h.space, "address", "add", routerInside.String()+"/24", "dev", "inside")
	must(t, "ip", "-n", h.space, "link", "set", "inside", "up")
	inner.connect(t)
	must(t, "ip", "-n", inner.space, "route", "add", "default", "via", routerInside.String())
	must(t, "ip", "netns", "exec", h.space, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
	h.routes = true
	h.apply(t)
	return inner
}

// Forward has new connections to a TCP port of the router go to the same port of the host behind it.
func (h *Host) Forward(t testing.TB, port int) {
	t.Helper()
	assert.Assert(t, h.routes, "no host is behind %s", h.name)
	h.forwarded = append(h.forwarded, port)
	h.apply(t)
}

// translation returns the rules of a router, and none of another host.
func (h *Host) translation() string {
	if !h.routes {
		return ""
	}
	var forwarded strings.Builder
	for _, port := range h.forwarded {
		fmt.Fprintf(&forwarded, "\t\tiifname net tcp dport %d dnat to %s\n", port, hostInside)
	}
	return `table ip translation {
	chain in {
		type nat hook prerouting priority dstnat;
` + forwarded.String() + `	}
	chain out {
		type nat hook postrouting priority srcnat;
		oifname net masquerade
	}
	chain through {
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		ct status dnat accept
		iifname inside accept
	}
}
`
}
