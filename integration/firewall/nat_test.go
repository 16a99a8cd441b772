//go:build linux

package firewall_test

import (
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/integration/firewall"
)

func TestAddressesAreTranslated(t *testing.T) {
	n := firewall.New(t)
	router, other := n.Host(t, "router"), n.Host(t, "other")
	router.OutboundOnly(t)
	inside := router.Behind(t, "inside")
	serve(t, other, 1900)
	serve(t, inside, 1900, 1901)

	p := connect(t, connected, inside, other.Address(), 1900)
	p.say(t, "hello")
	assert.Equal(t, p.line(enough), "hello")
	connect(t, noAnswer, other, router.Address(), 1900)
	router.Forward(t, 1900)
	p = connect(t, connected, other, router.Address(), 1900)
	p.say(t, "hello")
	assert.Equal(t, p.line(enough), "hello")
	connect(t, noAnswer, other, router.Address(), 1901)
	inside.OutboundOnly(t)
	connect(t, noAnswer, other, router.Address(), 1900)
}
