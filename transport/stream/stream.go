// Package stream makes a transport of connections: those of TCP, those between processes of one machine, or what somebody makes look like them.
//
// Two nodes share one connection, which is made when there is something to send, carries both directions and is closed, with a goodbye, when it was idle for long or
// descriptors run short. What is said on it is described in docs/wire.md.
//
// Messages are numbered. Each is kept until the other node confirms that its Handler returned from it; after a connection broke, the next one goes on at the number that the
// receiver names. So each message is delivered once, or its fate is told: never written to a connection, or written and not confirmed.
//
// A message longer than transport.LongMessage travels in pieces, one at a time; between them go messages of other flows.
//
// Connections that leave the host use TLS 1.3 with certificates on both sides if Config.TLS is set, and large frames on them are compressed. What connects has to prove
// Config.Key within seconds; until then it costs a descriptor, a goroutine and a few kilobytes, and there is a limit to how many do.
package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	"thespian.dev/transport"
)

// A Network makes the connections of a transport. All its fields are needed.
//
// The process at the other end of a connection may die. If the connection does not end then by itself, as with a broker in between, it has a method OtherEnded(), which is called when it is known, for Forget
// waits for its end: from then on Read returns what is left of what the process had sent, then an error, as soon as that can be found out. OtherEnded waits for nothing.
type Network struct {
	// Name is that of the transport, in errors and logs.
	Name string
	// Features are those of the transport: it is ordered and reliable whatever the network, as long as what a connection delivers is what was written to it, in order and without gaps.
	Features transport.Features
	// Network makes the connections.
	transport.Network
}

// Open opens a transport over a network.
func Open(ctx context.Context, config transport.Config, network Network) (transport.Transport, error) {
	if config.Handler == nil || config.Self == (transport.Node{}) {
		return nil, errors.New(network.Name + ": Config.Self and Config.Handler are needed")
	}
	l, endpoint, err := network.Listen(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", network.Name, err)
	}
	n := &node{
		config:   config.WithDefaults(network.Features),
		network:  network,
		listener: l,
		endpoint: endpoint,
		peers:    make(map[transport.Node]*peer),
		drained:  make(chan struct{}, 1),
		down:     make(chan struct{}),
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.serverTLS, n.clientTLS = tlsConfigs(config.TLS)
	n.spawn(n.accept)
	return n, nil
}

// tlsConfigs returns what both ends of a connection use: certificates on both sides, and no version before 1.3.
func tlsConfigs(c *tls.Config) (server, client *tls.Config) {
	if c == nil {
		return nil, nil
	}
	server, client = c.Clone(), c.Clone()
	server.MinVersion, client.MinVersion = tls.VersionTLS13, tls.VersionTLS13
	server.ClientAuth = tls.RequireAndVerifyClientCert
	if server.ClientCAs == nil {
		server.ClientCAs = c.RootCAs
	}
	return server, client
}
