package tcp

import (
	"context"
	"net"

	"thespian.dev/transport"
	"thespian.dev/transport/ports"
	"thespian.dev/transport/stream"
)

// Base returns the base whose nodes talk over TCP.
func Base() transport.Base {
	return transport.Base{
		Name:      "multiprocTCPBase",
		Short:     "tcp",
		AdminPort: 1900,
		Features:  network.Features,
		Network:   network.Network,
		Open: func(ctx context.Context, config transport.Config) (transport.Transport, error) {
			return stream.Open(ctx, config, network)
		},
	}
}

var network = stream.Network{
	Name:     "tcp",
	Features: transport.Features{Ordered: true, Reliable: true, Remote: true},
	Network:  transport.Network{Listen: listen, Dial: dial, Leaves: leavesHost},
}

// leavesHost says whether a connection leads to another host. Both its ends find the same.
func leavesHost(c net.Conn) bool {
	local, ok1 := c.LocalAddr().(*net.TCPAddr)
	remote, ok2 := c.RemoteAddr().(*net.TCPAddr)
	return !ok1 || !ok2 || !remote.IP.IsLoopback() && !remote.IP.Equal(local.IP)
}

func listen(ctx context.Context, c transport.Config) (net.Listener, string, error) {
	config := net.ListenConfig{KeepAliveConfig: keepAlive, Control: control}
	l, err := ports.Listen(c, func(address string) (net.Listener, error) { return config.Listen(ctx, "tcp", address) })
	if err != nil {
		return nil, "", err
	}
	at := l.Addr().(*net.TCPAddr)
	return l, ports.Endpoint(at.IP, at.Port), nil
}

func dial(ctx context.Context, endpoint string) (net.Conn, error) {
	dialer := net.Dialer{KeepAliveConfig: keepAlive, Control: control}
	return dialer.DialContext(ctx, "tcp", endpoint)
}
