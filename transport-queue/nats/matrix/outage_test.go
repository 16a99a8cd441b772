package matrix_test

import (
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"gotest.tools/v3/assert"

	"thespian.dev/integration/matrix"
)

// startServer starts a server at a port, 0 for any, which ends with the test at the latest.
func startServer(t *testing.T, port int) *server.Server {
	t.Helper()
	if port == 0 {
		port = server.RANDOM_PORT
	}
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, NoLog: true, NoSigs: true})
	assert.NilError(t, err)
	s.Start()
	t.Cleanup(func() { stopServer(s) })
	assert.Assert(t, s.ReadyForConnections(10*time.Second))
	return s
}

func stopServer(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

func TestActorsWhileTheServerIsAway(t *testing.T) {
	s := startServer(t, 0)
	t.Setenv(serverURL, s.ClientURL())
	base := bases()
	port := s.Addr().(*net.TCPAddr).Port
	matrix.Outage(t, matrix.App(base...), base[0].Name, func() { stopServer(s) }, func() { startServer(t, port) })
}
