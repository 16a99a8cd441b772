package udp_test

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"

	"thespian.dev/transport"
	udp "thespian.dev/transport-udp"
	"thespian.dev/transport/transporttest"
)

// opened are the transports of a test.
type opened struct {
	mu  sync.Mutex
	all []transport.Transport
}

func (o *opened) base() transport.Base {
	b := udp.Base()
	open := b.Open
	b.Open = func(ctx context.Context, c transport.Config) (transport.Transport, error) {
		t, err := open(ctx, c)
		if err == nil {
			o.mu.Lock()
			o.all = append(o.all, t)
			o.mu.Unlock()
		}
		return t, err
	}
	return b
}

func (o *opened) transports() []transport.Transport {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.all)
}

func suite(t *testing.T, config func(*transport.Config)) {
	transporttest.Run(t, transporttest.Setup{New: func(*testing.T) transporttest.Network {
		var o opened
		return transporttest.Network{
			Base:   o.base(),
			Config: config,
			Kill:   udp.Kill,
			Settle: func() { udp.Settle(o.transports()) },
		}
	}})
}

func TestSuite(t *testing.T) { suite(t, nil) }

func TestSuiteIPv6(t *testing.T) {
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip("this host has no IPv6")
	} else {
		l.Close()
	}
	suite(t, func(c *transport.Config) {
		if c.Listen == "" {
			c.Listen = "::1"
		}
	})
}
