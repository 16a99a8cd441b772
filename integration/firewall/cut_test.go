//go:build linux

package firewall_test

import (
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/integration/firewall"
)

func TestConnectionThatLivesThroughACut(t *testing.T) {
	n := firewall.New(t)
	a, b := n.Host(t, "a"), n.Host(t, "b")
	serve(t, a, 1900)
	for _, to := range addresses(a) {
		p, got := connect(t, b, to, 1900)
		assert.Equal(t, got, connected)
		p.say(t, "before")
		assert.Equal(t, p.line(enough), "before")
		a.Cut(t)
		p.say(t, "meanwhile")
		assert.Equal(t, p.line(2*time.Second), "silence")
		_, got = connect(t, b, to, 1900)
		assert.Equal(t, got, noAnswer, "new connections")
		a.Heal(t)
		assert.Equal(t, p.line(enough), "meanwhile")
		_, got = connect(t, b, to, 1900)
		assert.Equal(t, got, connected)
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
	_, got := connect(t, c, b.Address(), 1900)
	assert.Equal(t, got, connected)
	a.Heal(t)
	_, got = connect(t, c, a.Address(), 1900)
	assert.Equal(t, got, connected)
	_, got = connect(t, c, a.Address(), 1901)
	assert.Equal(t, got, noAnswer)
}
