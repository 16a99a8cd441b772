package tcp_test

import (
	"net"
	"testing"

	"thespian.dev/transport"
	tcp "thespian.dev/transport-tcp"
	"thespian.dev/transport/stream/streamtest"
)

func dial(endpoint string) (net.Conn, error) { return net.Dial("tcp", endpoint) }

func TestSuite(t *testing.T) { streamtest.Run(t, tcp.Base(), dial, nil) }

func TestSuiteIPv6(t *testing.T) {
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip("this host has no IPv6")
	} else {
		l.Close()
	}
	streamtest.Run(t, tcp.Base(), dial, func(c *transport.Config) {
		if c.Listen == "" {
			c.Listen = "::1"
		}
	})
}
