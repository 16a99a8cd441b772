package stream_test

import (
	"context"
	"net"

	"thespian.dev/transport"
	"thespian.dev/transport/stream"
)

// overTCP returns a network of bare TCP connections within this host, which are taken for such that leave it or not.
func overTCP(leaves bool) stream.Network {
	return stream.Network{
		Name:     "test",
		Features: transport.Features{Ordered: true, Reliable: true, Remote: true},
		Network: transport.Network{Listen: func(_ context.Context, c transport.Config) (net.Listener, string, error) {
			at := c.Listen
			if at == "" {
				at = "127.0.0.1:0"
			}
			l, err := net.Listen("tcp", at)
			if err != nil {
				return nil, "", err
			}
			return l, l.Addr().String(), nil
		},
			Dial: func(ctx context.Context, endpoint string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", endpoint)
			},
			Leaves: func(net.Conn) bool { return leaves },
		}}
}

func openTCP(ctx context.Context, c transport.Config) (transport.Transport, error) {
	return stream.Open(ctx, c, overTCP(false))
}

// openLeaving opens a transport whose connections leave the host.
func openLeaving(ctx context.Context, c transport.Config) (transport.Transport, error) {
	return stream.Open(ctx, c, overTCP(true))
}
