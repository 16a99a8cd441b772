package system

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"testing"

	"gotest.tools/v3/assert"
)

// zone is a name server that knows some names at a time.
type zone struct {
	hosts    map[string][]string
	services map[string][]*net.SRV
}

var errServerFailed = errors.New("server misbehaving")

func (z *zone) LookupHost(_ context.Context, host string) ([]string, error) {
	if hosts, known := z.hosts[host]; known {
		return hosts, nil
	}
	return nil, errServerFailed
}

func (z *zone) LookupSRV(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	if services, known := z.services["_"+service+"._"+proto+"."+name]; known {
		return name, services, nil
	}
	return "", nil, errServerFailed
}

// What is looked up decides who leads: that must not change because a name server fails for once.
func TestNamesThatCannotBeLookedUpForOnce(t *testing.T) {
	knows := zone{
		hosts: map[string][]string{"many": {"10.0.0.2", "10.0.0.1"}, "one": {"10.0.0.3"}},
		services: map[string][]*net.SRV{"_thespian._tcp.service": {
			{Target: "b.", Port: 2, Priority: 1}, {Target: "a.", Port: 1, Priority: 2},
		}},
	}
	texts := []string{"many:1", "one:1", "service", "10.0.0.2:1"}
	found := []string{"10.0.0.1:1", "10.0.0.2:1", "one:1", "b:2", "a:1"}

	now := &zone{}
	r := newResolver(now)
	assert.DeepEqual(t, r.resolve(t.Context(), texts), texts) // nothing was ever found
	*now = knows
	assert.DeepEqual(t, r.resolve(t.Context(), texts), found)
	*now = zone{}
	assert.DeepEqual(t, r.resolve(t.Context(), texts), found)
	*now = zone{hosts: map[string][]string{"many": {"10.0.0.2"}}} // who is left has the address that it had
	assert.DeepEqual(t, r.resolve(t.Context(), texts), []string{"10.0.0.2:1", "one:1", "b:2", "a:1"})
}

// All systems find the same order, however a name server gives the addresses, and it is that of the numbers.
func TestAddressesOfANameHaveAnOrder(t *testing.T) {
	hosts := []string{"9.0.0.1", "10.0.0.9", "10.0.0.10", "10.0.0.100", "192.168.0.1", "2001:db8::9", "2001:db8::10", "fe80::1%eth0", "fe80::1%eth1"}
	var want []string
	for _, host := range hosts {
		want = append(want, net.JoinHostPort(host, "1"))
	}
	for range 20 {
		given := slices.Clone(hosts)
		rand.Shuffle(len(given), func(i, j int) { given[i], given[j] = given[j], given[i] })
		r := newResolver(&zone{hosts: map[string][]string{"many": given}})
		assert.DeepEqual(t, r.resolve(t.Context(), []string{"many:1"}), want)
	}
}
