package udp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"thespian.dev/transport"
	"thespian.dev/transport/ports"
)

// Base returns the base whose nodes talk over UDP.
func Base() transport.Base {
	return transport.Base{
		Name:      "multiprocUDPBase",
		Short:     "udp",
		AdminPort: 1029,
		Features:  features,
		Open: func(ctx context.Context, config transport.Config) (transport.Transport, error) {
			n, err := open(ctx, config)
			if err != nil {
				return nil, fmt.Errorf("udp: %w", err)
			}
			return n, nil
		},
	}
}

// maxDatagram is the length of the longest datagram that UDP over IPv4 carries.
const maxDatagram = 65507

var features = transport.Features{Remote: true, MaxMessage: maxDatagram - overhead}

func open(ctx context.Context, config transport.Config) (*node, error) {
	switch {
	case config.Handler == nil || config.Self == (transport.Node{}):
		return nil, errors.New("Config.Self and Config.Handler are needed")
	case config.TLS != nil:
		return nil, fmt.Errorf("certificates cannot be used for datagrams: %w", errors.ErrUnsupported)
	}
	var lc net.ListenConfig
	conn, err := ports.Listen(config, func(address string) (net.PacketConn, error) { return lc.ListenPacket(ctx, "udp", address) })
	if err != nil {
		return nil, err
	}
	socket := newSocket(conn.(*net.UDPConn))
	at := conn.LocalAddr().(*net.UDPAddr)
	endpoint := ports.Endpoint(at.IP, at.Port)
	self, err := netip.ParseAddrPort(endpoint)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return newNode(config.WithDefaults(features), socket, endpoint, self), nil
}
