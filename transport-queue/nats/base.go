package nats

import (
	"context"
	"net"
	"strings"

	natsgo "github.com/nats-io/nats.go"

	"thespian.dev/transport"
	"thespian.dev/transport/stream"
)

// Base returns the base whose nodes talk over the NATS servers at a URL, or at several with commas between them, as nats.Connect takes it, of version 2.2 or later. The options are those of nats.go, such as for TLS to the
// server, credentials and reconnects. Unless they say otherwise, a node tries to reconnect for ever, twice a second, and finds out within half a minute that the server does not answer.
// Functions among the options that nats.go calls back must return soon: it calls one after the other, and a node learns in the same way that messages may have been lost.
//
// The name of the base has the URL in it, without the credentials, so one app can have bases of several servers; those that differ in options or credentials alone have the same name. All processes of
// a system must call Base with the same URL.
//
// An endpoint is a host and a port, like those of TCP, but only a name: no socket has it. An address of this host alone, such as 127.0.0.1, stands for the number of the host, so that equal ports of hosts that
// share a server are not confused; every host that reaches the server reaches it.
//
// Connections leave the host, as Config.TLS has it, unless both nodes are on one host, at servers on its loopback; with Config.TLS set they always do: where a server sends its messages is not known.
func Base(url string, options ...natsgo.Option) transport.Base {
	return transport.Base{
		Name:      "multiprocQueueBase over NATS at " + shown(url),
		Short:     "nats",
		AdminPort: 1902,
		Features:  features,
		Open: func(ctx context.Context, config transport.Config) (transport.Transport, error) {
			var c *client
			return stream.Open(ctx, config, stream.Network{
				Name:     "nats",
				Features: features,
				Network: transport.Network{
					Listen: func(ctx context.Context, config transport.Config) (l net.Listener, endpoint string, err error) {
						c, l, endpoint, err = open(ctx, url, options, config)
						return l, endpoint, err
					},
					Dial:   func(ctx context.Context, endpoint string) (net.Conn, error) { return c.dial(ctx, endpoint) },
					Leaves: leavesHost,
				},
			})
		},
		Network: transport.Network{
			Listen: func(ctx context.Context, config transport.Config) (net.Listener, string, error) {
				_, l, endpoint, err := open(ctx, url, options, config)
				return l, endpoint, err
			},
			Dial: func(ctx context.Context, endpoint string) (net.Conn, error) {
				return dialAlone(ctx, url, options, endpoint)
			},
			Leaves: leavesHost,
		},
	}
}

func leavesHost(conn net.Conn) bool {
	if a, ok := conn.(*alone); ok {
		conn = a.connection
	}
	return conn.(*connection).leavesHost()
}

var features = transport.Features{Ordered: true, Reliable: true, Remote: true}

// shown is what a URL looks like in names: without credentials.
func shown(url string) string {
	var servers []string
	for server := range strings.SplitSeq(url, ",") {
		scheme, rest, ok := strings.Cut(strings.TrimSpace(server), "://")
		if !ok {
			scheme, rest = "nats", scheme
		}
		if at := strings.LastIndexByte(rest, '@'); at >= 0 {
			rest = rest[at+1:]
		}
		rest = strings.TrimSuffix(rest, "/")
		if scheme != "nats" {
			rest = scheme + "://" + rest
		}
		servers = append(servers, rest)
	}
	return strings.Join(servers, ",")
}
