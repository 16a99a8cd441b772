//go:build linux

package queue_test

import (
	"context"
	"net"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
	queue "thespian.dev/transport-queue"
	"thespian.dev/transport/stream/streamtest"
)

func TestSuite(t *testing.T) {
	streamtest.Run(t, queue.Base(), func(endpoint string) (net.Conn, error) { return net.Dial("unix", endpoint) }, nil)
}

// sink is a Handler that hands on what it gets.
type sink struct{ deliver func(data []byte) }

func (s *sink) Deliver(_ transport.Node, messages [][]byte) {
	for _, data := range messages {
		s.deliver(data)
	}
}
func (s *sink) Undelivered(transport.Node, []byte, bool, error) {}
func (s *sink) Admit(context.Context, transport.Node) error     { return nil }

// One process at a time has the name of a port; others get names of their own.
func TestNames(t *testing.T) {
	open := func(node uint64, listen string) (transport.Transport, error) {
		return queue.Base().Open(t.Context(), transport.Config{Self: transport.Node{System: 7, Process: node}, Handler: &sink{}, Listen: listen})
	}
	a, err := open(1, "127.0.0.1:1899077")
	assert.NilError(t, err)
	_, err = open(2, "127.0.0.1:1899077")
	assert.ErrorContains(t, err, "belongs to another process")
	assert.NilError(t, a.Close())
	b, err := open(3, "127.0.0.1:1899077")
	assert.NilError(t, err)
	defer b.Close()
	c, err := open(4, "127.0.0.1:0")
	assert.NilError(t, err)
	defer c.Close()
	d, err := open(5, "")
	assert.NilError(t, err)
	defer d.Close()
	assert.Assert(t, c.Endpoint() != d.Endpoint())
}

// What is not an endpoint of the base is not connected to.
func TestForeignEndpoint(t *testing.T) {
	lost := make(chan error, 1)
	tr, err := queue.Base().Open(t.Context(), transport.Config{Self: transport.Node{System: 7, Process: 1}, Handler: &reports{lost: lost}, Unreachable: 1})
	assert.NilError(t, err)
	defer tr.Close()
	assert.NilError(t, tr.Peer(transport.Node{System: 7, Process: 2}, "127.0.0.1:1").Send(t.Context(), 0, []byte("hello")))
	assert.ErrorContains(t, <-lost, "no endpoint of the base queue")
}

type reports struct {
	sink
	lost chan error
}

func (r *reports) Undelivered(_ transport.Node, _ []byte, _ bool, why error) { r.lost <- why }
