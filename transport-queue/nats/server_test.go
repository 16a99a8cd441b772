package nats_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"gotest.tools/v3/assert"
)

// startServer starts a NATS server on the loopback, at a port, or at one that is free. It is shut down at the end of the test.
func startServer(t testing.TB, port int, change ...func(*server.Options)) *server.Server {
	t.Helper()
	if port == 0 {
		port = server.RANDOM_PORT
	}
	options := &server.Options{Host: "127.0.0.1", Port: port, NoLog: true, NoSigs: true}
	for _, f := range change {
		f(options)
	}
	s, err := server.NewServer(options)
	assert.NilError(t, err)
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	assert.Assert(t, s.ReadyForConnections(10*time.Second))
	return s
}
