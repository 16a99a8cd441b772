package stream_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
	"thespian.dev/transport/stream"
)

// endless is a connection that does not see that the other end has gone, until it is told so, as with a broker in between.
type endless struct {
	net.Conn
	told   chan struct{}
	closed chan struct{}
	once   sync.Once
	twice  sync.Once
}

func (e *endless) OtherEnded() { e.once.Do(func() { close(e.told) }) }

func (e *endless) Read(b []byte) (int, error) {
	n, err := e.Conn.Read(b)
	if err == io.EOF {
		select {
		case <-e.told:
		case <-e.closed:
		}
	}
	return n, err
}

func (e *endless) Close() error {
	e.twice.Do(func() { close(e.closed) })
	return e.Conn.Close()
}

type endlessListener struct{ net.Listener }

func (l endlessListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &endless{Conn: c, told: make(chan struct{}), closed: make(chan struct{})}, nil
}

// Forget tells a connection that cannot see it that the process at the other end has died, and reads what that had sent to its end.
func TestForgetTellsTheConnection(t *testing.T) {
	network := overTCP(false)
	listen := network.Listen
	network.Listen = func(ctx context.Context, c transport.Config) (net.Listener, string, error) {
		l, endpoint, err := listen(ctx, c)
		return endlessListener{l}, endpoint, err
	}
	a := newNodeWith(t, func(ctx context.Context, c transport.Config) (transport.Transport, error) {
		return stream.Open(ctx, c, network)
	}, nil)
	b := newNode(t, nil)
	const count = 100
	for range count {
		b.send(a, a.tr.Endpoint(), 0, "last words")
	}
	stream.Settle(func() []transport.Transport { return []transport.Transport{b.tr} })
	stream.Kill(b.tr)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	a.tr.Peer(b.id, "").Forget(ctx)
	assert.NilError(t, ctx.Err())
	assert.Equal(t, len(a.from(b)), count)
}
