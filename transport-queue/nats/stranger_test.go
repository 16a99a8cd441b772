package nats_test

import (
	"bytes"
	"context"
	"maps"
	"sync"
	"testing"

	natsgo "github.com/nats-io/nats.go"
	"gotest.tools/v3/assert"

	"thespian.dev/transport-queue/nats"
)

// A stranger who hears all that is said sends garbage, and messages that look right, to nodes and to their connections. Everything arrives once and in order nevertheless.
func TestStrangerOnTheServer(t *testing.T) {
	s := startServer(t, 0)
	base := nats.Base(s.ClientURL())
	a, b := open(t, base, 1), open(t, base, 2)
	stranger, err := natsgo.Connect(s.ClientURL())
	assert.NilError(t, err)
	defer stranger.Close()

	var mu sync.Mutex
	subjects := map[string]string{} // and who sends there
	_, err = stranger.Subscribe("thespian.>", func(m *natsgo.Msg) {
		mu.Lock()
		defer mu.Unlock()
		subjects[m.Subject] = m.Reply
		if _, known := subjects[m.Reply]; !known {
			subjects[m.Reply] = ""
		}
	})
	assert.NilError(t, err)
	assert.NilError(t, stranger.Flush())

	const rounds, count, size = 10, 200, 100
	for round := range rounds {
		for i := range uint64(count) {
			a.send(b, numbered(uint64(round*count)+i, size))
		}
		b.wait(round*count+1, 0)
		mu.Lock()
		known := maps.Clone(subjects)
		mu.Unlock()
		delete(known, "")
		for to, from := range known {
			for _, garbage := range [][]byte{
				nil, {0}, bytes.Repeat([]byte{0xff}, 5000), []byte("GET / HTTP/1.1\r\n\r\n"), []byte("TN\x01\x01"),
				nats.Reset(), nats.Bytes(1<<40, 0, "from the future"), nats.Bytes(0, 1<<63, "from the past"),
			} {
				assert.NilError(t, stranger.Publish(to, garbage))
				for _, reply := range []string{"elsewhere", to, from} { // the last one is who may send there
					if reply != "" {
						assert.NilError(t, stranger.PublishRequest(to, reply, garbage))
					}
				}
			}
		}
		assert.NilError(t, stranger.Flush())
	}
	b.checkAll(rounds*count, size)
}

// Nobody can make a node send to a subject that is none of a connection.
func TestNothingGoesElsewhere(t *testing.T) {
	s := startServer(t, 0)
	base := nats.Base(s.ClientURL())
	a := open(t, base, 1)
	stranger, err := natsgo.Connect(s.ClientURL())
	assert.NilError(t, err)
	defer stranger.Close()
	elsewhere, err := stranger.SubscribeSync("elsewhere.>")
	assert.NilError(t, err)
	seen, err := stranger.SubscribeSync("thespian.>")
	assert.NilError(t, err)
	c, err := nats.DialStranger(s.ClientURL(), a.tr.Endpoint())
	assert.NilError(t, err)
	defer c.Close()
	request, err := seen.NextMsgWithContext(within(t))
	assert.NilError(t, err)
	for _, reply := range []string{"elsewhere.a", "elsewhere.thespian.conn.A.B"} {
		for _, to := range []string{request.Subject, request.Reply, "thespian.conn.A.B"} {
			assert.NilError(t, stranger.PublishRequest(to, reply, request.Data))
		}
	}
	b := open(t, base, 2)
	b.send(a, numbered(0, 8)) // by when this has arrived, what was published before has, too
	a.wait(1, 0)
	assert.NilError(t, stranger.Flush())
	n, _, err := elsewhere.Pending()
	assert.NilError(t, err)
	assert.Equal(t, n, 0)
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}
