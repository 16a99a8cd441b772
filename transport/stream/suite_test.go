package stream_test

import (
	"net"
	"testing"

	"thespian.dev/transport"
	"thespian.dev/transport/stream/streamtest"
)

func suite(t *testing.T, open opener, config func(*transport.Config)) {
	base := transport.Base{Name: "test", Features: overTCP(false).Features, Open: open}
	streamtest.Run(t, base, func(endpoint string) (net.Conn, error) { return net.Dial("tcp", endpoint) }, config)
}

func TestSuite(t *testing.T) { suite(t, openTCP, nil) }

// Connections that leave the host, but without certificates: what is large enough is compressed.
func TestSuiteCompressed(t *testing.T) { suite(t, openLeaving, nil) }

// The suite over TLS, on connections that are taken for such that leave the host.
func TestSuiteTLS(t *testing.T) {
	config := newAuthority(t).config(t)
	suite(t, openLeaving, func(c *transport.Config) { c.TLS = config })
}
