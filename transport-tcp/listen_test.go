package tcp_test

import (
	"context"
	"net"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
	tcp "thespian.dev/transport-tcp"
)

// sink is a Handler that hands on what it gets.
type sink struct{ deliver func(data []byte) }

func (s *sink) Deliver(_ transport.Node, messages [][]byte) {
	for _, data := range messages {
		s.deliver(data)
	}
}
func (s *sink) Undelivered(transport.Node, []byte, bool, error) {}
func (s *sink) Admit(context.Context, transport.Node) error     { return nil }

// listening opens a transport that hands on what it gets.
func listening(t *testing.T, node uint64, change func(*transport.Config)) (transport.Transport, <-chan string) {
	t.Helper()
	got := make(chan string, 1)
	c := transport.Config{Self: transport.Node{System: 7, Process: node}, Handler: &sink{func(data []byte) { got <- string(data) }}, Key: []byte("key")}
	if change != nil {
		change(&c)
	}
	tr, err := tcp.Base().Open(context.Background(), c)
	assert.NilError(t, err)
	t.Cleanup(func() { tr.Close() })
	return tr, got
}

// A listener at all addresses of the host is reached by the host itself, without TLS.
func TestListenAtAllAddresses(t *testing.T) {
	a, got := listening(t, 1, func(c *transport.Config) { c.Listen = "0.0.0.0" })
	host, _, err := net.SplitHostPort(a.Endpoint())
	assert.NilError(t, err)
	assert.Assert(t, host != "0.0.0.0")
	b, _ := listening(t, 2, nil)
	assert.NilError(t, b.Peer(transport.Node{System: 7, Process: 1}, a.Endpoint()).Send(t.Context(), 0, []byte("hello")))
	assert.Equal(t, <-got, "hello")
}

func TestListen(t *testing.T) {
	a, _ := listening(t, 1, nil)
	host, port, err := net.SplitHostPort(a.Endpoint())
	assert.NilError(t, err)
	assert.Equal(t, host, "127.0.0.1")
	for _, c := range []struct {
		name   string
		change func(*transport.Config)
		text   string
	}{
		{"in use", func(c *transport.Config) { c.Listen = a.Endpoint() }, port},
		{"no number", func(c *transport.Config) { c.Listen = "localhost:http" }, "localhost:http"},
		{"no address of this host", func(c *transport.Config) { c.Listen = "203.0.113.77:0" }, "203.0.113.77"},
		{"no port", func(c *transport.Config) { c.LowestPort, c.HighestPort = 5000, 4000 }, "5000 to 4000"},
		{"no handler", func(c *transport.Config) { c.Handler = nil }, "Handler"},
	} {
		config := transport.Config{Self: transport.Node{System: 7, Process: 3}, Handler: &sink{}}
		c.change(&config)
		tr, err := tcp.Base().Open(context.Background(), config)
		if err == nil {
			tr.Close()
		}
		assert.ErrorContains(t, err, c.text, c.name)
	}
}

// A free port is looked for in the range that is allowed; when all are taken, the error says which.
func TestPortRange(t *testing.T) {
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NilError(t, err)
	port := probe.Addr().(*net.TCPAddr).Port
	probe.Close()
	config := transport.Config{Self: transport.Node{System: 7, Process: 3}, Handler: &sink{}, LowestPort: port, HighestPort: port}
	a, err := tcp.Base().Open(context.Background(), config)
	assert.NilError(t, err)
	defer a.Close()
	assert.Equal(t, a.Endpoint(), (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}).String())
	_, err = tcp.Base().Open(context.Background(), config)
	assert.ErrorContains(t, err, "no port from")
}
