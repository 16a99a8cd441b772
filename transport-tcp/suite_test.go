package tcp_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"slices"
	"sync"
	"testing"

	"thespian.dev/message"
	"thespian.dev/transport"
	tcp "thespian.dev/transport-tcp"
	"thespian.dev/transport/hello"
	"thespian.dev/transport/transporttest"
)

// opened are the transports of a test.
type opened struct {
	mu  sync.Mutex
	all []transport.Transport
}

func (o *opened) base(open func(context.Context, transport.Config) (transport.Transport, error)) transport.Base {
	b := tcp.Base()
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

func suite(t *testing.T, open func(context.Context, transport.Config) (transport.Transport, error), config func(*transport.Config)) {
	transporttest.Run(t, transporttest.Setup{New: func(*testing.T) transporttest.Network {
		var o opened
		return transporttest.Network{
			Base:   o.base(open),
			Config: config,
			Reset:  tcp.Reset,
			Kill:   tcp.Kill,
			Settle: func() { tcp.Settle(o.transports) },
			Dial:   func(endpoint string) (net.Conn, error) { return net.Dial("tcp", endpoint) },
			Hello:  greeting(),
		}
	}})
}

// greeting is what a node sends first.
func greeting() []byte {
	var said bytes.Buffer
	_, _ = hello.Initiate(struct {
		io.Reader
		io.Writer
	}{bytes.NewReader(nil), &said}, hello.Self{Node: transport.Node{System: 1, Process: 1}, Versions: message.Versions{Lowest: 1, Highest: 1}},
		transport.Node{System: 1, Process: 2}, nil)
	return said.Bytes()
}

func TestSuite(t *testing.T) { suite(t, tcp.Base().Open, nil) }

func TestSuiteIPv6(t *testing.T) {
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip("this host has no IPv6")
	} else {
		l.Close()
	}
	suite(t, tcp.Base().Open, func(c *transport.Config) {
		if c.Listen == "" {
			c.Listen = "::1"
		}
	})
}

// Connections that leave the host, but without certificates: what is large enough is compressed.
func TestSuiteCompressed(t *testing.T) {
	suite(t, func(ctx context.Context, c transport.Config) (transport.Transport, error) {
		return tcp.OpenLeaving(ctx, c, true)
	}, nil)
}
