package firewall

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// Open lets everything in.
func (h *Host) Open(t testing.TB) {
	t.Helper()
	h.filter(t, "accept", nil)
}

// Allow lets new connections in at these TCP ports only. As with any firewall that knows connections, what is part of one that was let in, or that the host has made itself, comes through. All else is
// dropped without an answer. The host's processes reach each other.
func (h *Host) Allow(t testing.TB, ports ...int) {
	t.Helper()
	h.filter(t, "drop", ports)
}

// OutboundOnly lets nothing in but what belongs to connections that the host has made, or that were there before.
func (h *Host) OutboundOnly(t testing.TB) {
	t.Helper()
	h.filter(t, "drop", nil)
}

// filter replaces what the host lets in.
func (h *Host) filter(t testing.TB, policy string, ports []int) {
	t.Helper()
	h.policy, h.allowed = policy, ports
	h.apply(t)
}

// apply replaces the host's rules, in one step.
func (h *Host) apply(t testing.TB) {
	t.Helper()
	var allowed strings.Builder
	for _, port := range h.allowed {
		fmt.Fprintf(&allowed, "\t\ttcp dport %d accept\n", port)
	}
	// Without the discovery of neighbours there is no version 6, as version 4 would not be without ARP, which no rule of these sees.
	rules := `flush ruleset
table inet firewall {
	chain in {
		type filter hook input priority filter; policy ` + h.policy + `;
		iif lo accept
		ct state established,related accept
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
` + allowed.String() + `	}
}
` + h.translation()
	cmd := exec.Command("ip", "netns", "exec", h.space, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	out, err := cmd.CombinedOutput()
	assert.NilError(t, err, "the firewall of %s: %s%s", h.name, rules, out)
}
