package firewall

import "testing"

// Cut has nothing come through, either way, until [Host.Heal]: what is sent gets lost, and nobody is told. It takes the host's cable out of the switch, while the host's own end has a link as before.
func (h *Host) Cut(t testing.TB) {
	t.Helper()
	must(t, "ip", "-n", h.network.space, "link", "set", h.port, "nomaster")
}

// Heal ends a cut. Connections that are alive at both ends go on.
func (h *Host) Heal(t testing.TB) {
	t.Helper()
	must(t, "ip", "-n", h.network.space, "link", "set", h.port, "master", "switch")
}
