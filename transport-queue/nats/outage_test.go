package nats_test

import (
	"net"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"gotest.tools/v3/assert"

	"thespian.dev/transport"
	"thespian.dev/transport-queue/nats"
	"thespian.dev/transport/stream"
)

// The server ends in mid-stream and comes back at the same port, twice: all messages of both directions arrive, once and in order.
func TestServerRestarts(t *testing.T) {
	s := startServer(t, 0)
	port := s.Addr().(*net.TCPAddr).Port
	base := nats.Base(s.ClientURL(), natsgo.ReconnectWait(10*time.Millisecond))
	small := func(_ *node, c *transport.Config) { c.Window = 64 << 10 }
	a, b := open(t, base, 1, small), open(t, base, 2, small)
	const count, size = 6000, 300
	for _, way := range [][2]*node{{a, b}, {b, a}} {
		go func() {
			for i := range uint64(count) {
				if err := way[0].peer(way[1]).Send(t.Context(), 0, numbered(i, size)); err != nil {
					t.Errorf("Send: %v", err)
					return
				}
			}
		}()
	}
	for i := range 2 {
		a.wait(500+2000*i, 0)
		b.wait(500+2000*i, 0)
		s.Shutdown()
		s.WaitForShutdown()
		s = startServer(t, port)
	}
	a.checkAll(count, size)
	b.checkAll(count, size)
	assert.Equal(t, len(a.lost)+len(b.lost), 0)
}

// The server ends the connections of its clients again and again.
func TestClientsAreThrownOut(t *testing.T) {
	s := startServer(t, 0)
	base := nats.Base(s.ClientURL(), natsgo.ReconnectWait(time.Millisecond))
	a, b := open(t, base, 1), open(t, base, 2)
	const count, size, rounds = 5000, 200, 8
	go func() {
		for i := range uint64(count) {
			_ = a.peer(b).Send(t.Context(), 0, numbered(i, size))
		}
	}()
	for i := range rounds {
		b.wait(count/2/rounds*(i+1), 0)
		clients, err := s.Connz(nil)
		assert.NilError(t, err)
		for _, c := range clients.Conns {
			_ = s.DisconnectClientByID(c.Cid)
		}
	}
	b.checkAll(count, size)
}

// The server is away for longer than Config.Unreachable: what waits is reported as not delivered; what is sent when it is back arrives.
func TestServerIsAway(t *testing.T) {
	s := startServer(t, 0)
	port := s.Addr().(*net.TCPAddr).Port
	base := nats.Base(s.ClientURL(), natsgo.ReconnectWait(10*time.Millisecond))
	a := open(t, base, 1, func(_ *node, c *transport.Config) { c.Unreachable = 300 * time.Millisecond })
	b := open(t, base, 2)
	a.send(b, numbered(0, 50))
	b.wait(1, 0)
	await(t, func() bool { return stream.Unconfirmed(a.tr) == 0 })
	s.Shutdown()
	s.WaitForShutdown()
	const count = 20
	for i := range uint64(count) {
		a.send(b, numbered(1000+i, 50))
	}
	a.wait(0, count)
	for i, l := range a.lost {
		assert.Equal(t, l.data, string(numbered(1000+uint64(i), 50)))
		assert.ErrorContains(t, l.why, "not reached")
	}
	s = startServer(t, port)
	await(t, func() bool { return s.NumClients() == 2 })
	for i := range uint64(count) {
		a.send(b, numbered(1+i, 50))
	}
	b.checkAll(1+count, 50)
	assert.Equal(t, len(a.lost), count)
}

// What was never on its way when the server went is certainly not delivered; the reason says that the server is not there.
func TestNeverReached(t *testing.T) {
	s := startServer(t, 0)
	base := nats.Base(s.ClientURL())
	a := open(t, base, 1, func(_ *node, c *transport.Config) { c.Unreachable = 200 * time.Millisecond })
	b := open(t, base, 2)
	s.Shutdown()
	s.WaitForShutdown()
	a.send(b, numbered(0, 50))
	a.wait(0, 1)
	assert.Assert(t, !a.lost[0].perhaps)
}

// await waits for what nobody tells.
func await(t *testing.T, cond func() bool) {
	t.Helper()
	for late := time.Now().Add(patience); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatal("waited in vain")
		}
	}
}

// A receiver that is slow gets all, while the sender may keep much more than a connection takes at once.
func TestSlowReceiver(t *testing.T) {
	s := startServer(t, 0)
	base := nats.Base(s.ClientURL())
	wide := func(_ *node, c *transport.Config) { c.Window = 32 << 20 }
	gate := make(chan struct{})
	a := open(t, base, 1, wide)
	b := open(t, base, 2, wide, func(n *node, _ *transport.Config) {
		n.deliver = func([]byte) { <-gate }
	})
	const count, size = 4000, 6000 // 24 MB, and a connection takes 1 MB that was not read
	for i := range uint64(count) {
		a.send(b, numbered(i, size))
	}
	close(gate)
	b.checkAll(count, size)
	subs, err := s.Varz(nil)
	assert.NilError(t, err)
	assert.Equal(t, subs.SlowConsumers, int64(0))
}
