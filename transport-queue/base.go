package queue

import (
	"context"
	"net"

	"thespian.dev/transport"
	"thespian.dev/transport/stream"
)

// Base returns the base whose nodes talk over Unix sockets.
//
// Its Admin Port opens nothing: it is the number by which programs find the system.
func Base() transport.Base {
	return transport.Base{
		Name:      "multiprocQueueBase",
		Short:     "queue",
		AdminPort: 1899,
		Features:  network.Features,
		Open: func(ctx context.Context, config transport.Config) (transport.Transport, error) {
			return stream.Open(ctx, config, network)
		},
	}
}

var network = stream.Network{
	Name:     "queue",
	Features: transport.Features{Ordered: true, Reliable: true},
	Network:  transport.Network{Listen: listen, Dial: dial, Leaves: func(net.Conn) bool { return false }},
}
