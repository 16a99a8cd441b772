package nats_test

import (
	"net"
	"testing"

	"thespian.dev/transport-queue/nats"
	"thespian.dev/transport/stream/streamtest"
)

func TestSuite(t *testing.T) {
	s := startServer(t, 0)
	streamtest.Run(t, nats.Base(s.ClientURL()), func(endpoint string) (net.Conn, error) {
		return nats.DialStranger(s.ClientURL(), endpoint)
	}, nil)
}
