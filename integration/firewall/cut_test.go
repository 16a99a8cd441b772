//go:build linux

package firewall_test

import (
	"net/netip"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/integration/firewall"
)

func TestConnectionThatLivesThroughACut(t *testing.T) {
	for name, address := range map[string]func(*firewall.Host) netip.Addr{"version 4": (*firewall.Host).Address, "version 6": (*firewall.Host).Address6} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := firewall.New(t)
			a, b := n.Host(t, "a"), n.Host(t, "b")
			to := address(a)
			if !to.IsValid() {
				t.Skip("this machine has no such addresses")
			}
			serve(t, a, 1900)
			p := connect(t, connected, b, to, 1900)
			p.say(t, "before")
			assert.Equal(t, p.line(enough), "before")
			a.Cut(t)
			p.say(t, "meanwhile")
			assert.Equal(t, p.line(2*time.Second), "silence")
			connect(t, noAnswer, b, to, 1900)
			a.Heal(t)
			assert.Equal(t, p.line(enough), "meanwhile")
			connect(t, connected, b, to, 1900)
		})
	}
}

// A cut leaves the rules as they are, and others in peace.
func TestCutIsOfOneHost(t *testing.T) {
	n := firewall.New(t)
	a, b, c := n.Host(t, "a"), n.Host(t, "b"), n.Host(t, "c")
	a.Allow(t, 1900)
	serve(t, a, 1900, 1901)
	serve(t, b, 1900)
	a.Cut(t)
	connect(t, connected, c, b.Address(), 1900)
	a.Heal(t)
	connect(t, connected, c, a.Address(), 1900)
	connect(t, noAnswer, c, a.Address(), 1901)
}
