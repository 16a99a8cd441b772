package nats_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"gotest.tools/v3/assert"

	"thespian.dev/transport"
	"thespian.dev/transport-queue/nats"
)

// The name of a base says which servers, and never how to get in.
func TestName(t *testing.T) {
	const over = "multiprocQueueBase over NATS at "
	for url, want := range map[string]string{
		"nats://localhost:4222":               over + "localhost:4222",
		"localhost:4222":                      over + "localhost:4222",
		"nats://user:secret@localhost:4222/":  over + "localhost:4222",
		"nats://token@localhost:4222":         over + "localhost:4222",
		"nats://u:p@ss@a:1, tls://u:p@b:2":    over + "a:1,tls://b:2",
		"ws://somewhere.example:80":           over + "ws://somewhere.example:80",
		"nats://[::1]:4222,nats://[::1]:4223": over + "[::1]:4222,[::1]:4223",
	} {
		base := nats.Base(url)
		assert.Equal(t, base.Name, want)
		assert.Equal(t, base.Short, "nats")
	}
}

func tryOpen(base transport.Base, listen string) (transport.Transport, error) {
	return base.Open(context.Background(), transport.Config{Self: transport.Node{System: 9, Process: 77}, Handler: &bench{func([]byte) {}}, Listen: listen})
}

func TestListen(t *testing.T) {
	s := startServer(t, 0)
	base := nats.Base(s.ClientURL())
	listen := func(at string) func(*node, *transport.Config) {
		return func(_ *node, c *transport.Config) { c.Listen = at }
	}
	// An address of this host alone is that of this host, however it is spelt, and wherever it is said.
	a := open(t, base, 1, listen("127.0.0.1:1902"))
	_, port, err := net.SplitHostPort(a.tr.Endpoint())
	assert.NilError(t, err)
	assert.Equal(t, port, "1902")
	for _, same := range []string{"localhost:1902", "[::1]:1902", a.tr.Endpoint()} {
		_, err := tryOpen(base, same)
		assert.ErrorContains(t, err, "1902 is in use", same)
	}
	b := open(t, base, 2)
	assert.NilError(t, b.tr.Peer(a.id, "127.0.0.1:1902").Send(within(t), 0, []byte("hello")))
	a.wait(1, 0)

	// A name, or an address of another host, is only a name.
	c := open(t, base, 3, listen("Leader.example:1902"))
	assert.Equal(t, c.tr.Endpoint(), "Leader.example:1902")
	assert.NilError(t, b.tr.Peer(c.id, "leader.example:1902").Send(within(t), 0, []byte("hello")))
	c.wait(1, 0)

	for listen, text := range map[string]string{
		"leader.*:1902":       "no endpoint",
		"lead er:1902":        "no endpoint",
		"leader..x:1902":      "no endpoint",
		"leader.example:http": "leader.example:http",
	} {
		_, err := tryOpen(base, listen)
		assert.ErrorContains(t, err, text)
	}
}

// An endpoint is free again when its node has ended.
func TestEndpointIsFreeAgain(t *testing.T) {
	s := startServer(t, 0)
	base := nats.Base(s.ClientURL())
	for range 5 {
		tr, err := tryOpen(base, "leader.example:1902")
		assert.NilError(t, err)
		assert.NilError(t, tr.Close())
	}
}

// What is wrong with the server is said when the transport is opened, without the credentials.
func TestOpenFails(t *testing.T) {
	s := startServer(t, 0)
	url := s.ClientURL()
	s.Shutdown()
	s.WaitForShutdown()
	_, err := tryOpen(nats.Base("nats://user:secret@"+url[len("nats://"):]), "")
	assert.ErrorContains(t, err, url[len("nats://"):])
	assert.Assert(t, !strings.Contains(err.Error(), "secret"), "%v", err)

	_, err = tryOpen(nats.Base(url, natsgo.RootCAs("/does/not/exist")), "")
	assert.ErrorContains(t, err, "/does/not/exist")
}

// A server that takes only short messages will do; one that takes nothing of use, or lets the user hear nothing, is refused with the reason.
func TestServersLimits(t *testing.T) {
	payload := func(limit int32) func(*server.Options) {
		return func(o *server.Options) { o.MaxPayload = limit }
	}
	s := startServer(t, 0, payload(10_000))
	base := nats.Base(s.ClientURL())
	a, b := open(t, base, 1), open(t, base, 2)
	const size = 3 << 20
	a.send(b, numbered(0, size))
	b.checkAll(1, size)

	s = startServer(t, 0, payload(1000))
	_, err := tryOpen(nats.Base(s.ClientURL()), "")
	assert.ErrorContains(t, err, "max_payload")

	s = startServer(t, 0, func(o *server.Options) {
		o.Users = []*server.User{{Username: "u", Password: "secret", Permissions: &server.Permissions{Subscribe: &server.SubjectPermission{Deny: []string{"thespian.>"}}}}}
	})
	_, err = tryOpen(nats.Base(s.ClientURL(), natsgo.UserInfo("u", "secret")), "")
	assert.ErrorContains(t, err, "ermission")
	_, err = tryOpen(nats.Base(s.ClientURL(), natsgo.UserInfo("u", "wrong")), "")
	assert.ErrorContains(t, err, "uthorization")
}
