package nats_test

import (
	"context"
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
)

// node is a transport, and the Handler that it tells what happens.
type node struct {
	t       *testing.T
	id      transport.Node
	tr      transport.Transport
	deliver func(data []byte) // called with each message, unless nil

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at each change
	got     []string
	lost    []loss
}

type loss struct {
	data    string
	perhaps bool
	why     error
}

const patience = 30 * time.Second

// open opens a transport that is closed at the end of the test.
func open(t *testing.T, base transport.Base, process uint64, change ...func(*node, *transport.Config)) *node {
	t.Helper()
	n := &node{t: t, id: transport.Node{System: 9, Process: process}, changed: make(chan struct{})}
	c := transport.Config{Self: n.id, Handler: n, Key: []byte("the key of the test")}
	for _, f := range change {
		f(n, &c)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var err error
	n.tr, err = base.Open(ctx, c)
	assert.NilError(t, err)
	t.Cleanup(func() { assert.Check(t, n.tr.Close()) })
	return n
}

func (n *node) update(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
	close(n.changed)
	n.changed = make(chan struct{})
}

func (n *node) Deliver(_ transport.Node, messages [][]byte) {
	for _, data := range messages {
		if n.deliver != nil {
			n.deliver(data)
		}
		n.update(func() { n.got = append(n.got, string(data)) })
	}
}

func (n *node) Undelivered(_ transport.Node, data []byte, perhaps bool, why error) {
	n.update(func() { n.lost = append(n.lost, loss{string(data), perhaps, why}) })
}

func (n *node) Admit(context.Context, transport.Node) error { return nil }

// wait waits until so many messages came, and so many were reported.
func (n *node) wait(got, lost int) {
	n.t.Helper()
	late := time.After(patience)
	for {
		n.mu.Lock()
		haveGot, haveLost, changed := len(n.got), len(n.lost), n.changed
		n.mu.Unlock()
		if haveGot >= got && haveLost >= lost {
			return
		}
		select {
		case <-changed:
		case <-late:
			n.t.Fatalf("waited in vain for %d messages and %d reports: there are %d and %d", got, lost, haveGot, haveLost)
		}
	}
}

func (n *node) peer(o *node) transport.Peer { return n.tr.Peer(o.id, o.tr.Endpoint()) }

func (n *node) send(o *node, data []byte) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	assert.NilError(n.t, n.peer(o).Send(ctx, 0, data))
}

// numbered is a message of a size, 8 at least.
func numbered(number uint64, size int) []byte {
	b := make([]byte, size)
	binary.BigEndian.PutUint64(b, number)
	for i := 8; i < size; i++ {
		b[i] = byte(number + uint64(i))
	}
	return b
}

// checkAll checks that messages from 0 to count have come, each once and in order.
func (n *node) checkAll(count, size int) {
	n.t.Helper()
	n.wait(count, 0)
	n.mu.Lock()
	defer n.mu.Unlock()
	assert.Equal(n.t, len(n.got), count)
	for i, data := range n.got {
		assert.Assert(n.t, data == string(numbered(uint64(i), size)), "message %d is another one, or harmed", i)
	}
}
