// Package streamtest runs the suite of transports with those that are made of package stream.
package streamtest

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
	"thespian.dev/transport/hello"
	"thespian.dev/transport/stream"
	"thespian.dev/transport/transporttest"
)

// Run runs the suite on a base whose transports are of package stream. dial connects to an endpoint as a stranger does; config, unless nil, changes the configuration of each node.
func Run(t *testing.T, base transport.Base, dial func(endpoint string) (net.Conn, error), config func(*transport.Config)) {
	transporttest.Run(t, transporttest.Setup{New: func(*testing.T) transporttest.Network {
		var o opened
		return transporttest.Network{
			Base:   o.watch(base),
			Config: config,
			Reset:  stream.Reset,
			Kill:   stream.Kill,
			Settle: func() { stream.Settle(o.transports) },
			Dial:   dial,
			Hello:  Greeting(),
		}
	}})
}

// opened are the transports of a test.
type opened struct {
	mu  sync.Mutex
	all []transport.Transport
}

func (o *opened) watch(b transport.Base) transport.Base {
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

// Greeting is what a node sends first.
func Greeting() []byte {
	var said bytes.Buffer
	_, _ = hello.Initiate(struct {
		io.Reader
		io.Writer
	}{bytes.NewReader(nil), &said}, hello.Self{Node: transport.Node{System: 1, Process: 1}, Versions: message.Versions{Lowest: 1, Highest: 1}},
		transport.Node{System: 1, Process: 2}, nil)
	return said.Bytes()
}
