package stream_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
)

// patience is when a test gives up that waits for an event.
const patience = 30 * time.Second

// node is a transport with a Handler that remembers what it is told.
type node struct {
	t  testing.TB
	id transport.Node
	tr transport.Transport

	mu      sync.Mutex
	changed chan struct{}
	got     map[transport.Node][]string
	lost    []lost
}

type lost struct {
	data    string
	perhaps bool
	why     error
}

type opener func(context.Context, transport.Config) (transport.Transport, error)

func newNode(t testing.TB, change func(*transport.Config)) *node {
	return newNodeWith(t, openTCP, change)
}

func newNodeWith(t testing.TB, open opener, change func(*transport.Config)) *node {
	t.Helper()
	n := &node{t: t, changed: make(chan struct{}), got: map[transport.Node][]string{}}
	n.id = transport.Node{System: 7, Process: rand.Uint64()}
	c := transport.Config{Self: n.id, Handler: n, Key: []byte("key")}
	if change != nil {
		change(&c)
	}
	n.id = c.Self
	var err error
	n.tr, err = open(context.Background(), c)
	assert.NilError(t, err)
	t.Cleanup(func() { n.tr.Close() })
	return n
}

func (n *node) Deliver(from transport.Node, messages [][]byte) {
	n.update(func() {
		for _, data := range messages {
			n.got[from] = append(n.got[from], string(data))
		}
	})
}

func (n *node) Undelivered(_ transport.Node, data []byte, perhaps bool, why error) {
	n.update(func() { n.lost = append(n.lost, lost{string(data), perhaps, why}) })
}

func (n *node) Admit(context.Context, transport.Node) error { return nil }

func (n *node) update(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
	close(n.changed)
	n.changed = make(chan struct{})
}

// wait waits until cond holds of what the Handler was told.
func (n *node) wait(what string, cond func() bool) {
	n.t.Helper()
	late := time.After(patience)
	for {
		n.mu.Lock()
		ok, changed := cond(), n.changed
		n.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-late:
			n.t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (n *node) send(to *node, endpoint string, flow uint64, data string) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := n.tr.Peer(to.id, endpoint).Send(ctx, flow, []byte(data)); err != nil {
		n.t.Errorf("Send: %v", err)
	}
}

func (n *node) waitFrom(o *node, count int) {
	n.t.Helper()
	n.wait(fmt.Sprintf("%d messages", count), func() bool { return len(n.got[o.id]) >= count })
}

func (n *node) from(o *node) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.got[o.id]...)
}

// eventually waits for what nobody tells of.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for late := time.Now().Add(patience); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// numbered is message i, of some length.
func numbered(i, length int) string {
	b := make([]byte, max(length, 8))
	binary.BigEndian.PutUint64(b, uint64(i))
	for j := 8; j < len(b); j++ {
		b[j] = byte(i + j)
	}
	return string(b)
}

// checkNumbered checks that all messages are there, once, in order and unharmed.
func checkNumbered(t testing.TB, got []string, count int, length func(i int) int) {
	t.Helper()
	assert.Equal(t, len(got), count)
	for i, data := range got {
		if data != numbered(i, length(i)) {
			t.Fatalf("message %d is not what was sent", i)
		}
	}
}

// descriptors returns how many this process has open, 0 if that cannot be told.
func descriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// checkDescriptors fails the test if it leaves descriptors open.
func checkDescriptors(t *testing.T) {
	before := descriptors()
	t.Cleanup(func() {
		eventually(t, fmt.Sprintf("the descriptors of the test to be closed: %d were open before", before), func() bool { return descriptors() <= before })
	})
}

func TestGuestsShareThePort(t *testing.T) {
	got := make(chan string, 1)
	a := newNode(t, func(c *transport.Config) {
		c.Guest = func(conn net.Conn) {
			defer conn.Close()
			b, _ := io.ReadAll(conn)
			got <- string(b)
		}
	})
	guest, err := net.Dial("tcp", a.tr.Endpoint())
	assert.NilError(t, err)
	_, err = guest.Write([]byte("something else"))
	assert.NilError(t, err)
	assert.NilError(t, guest.Close())
	assert.Equal(t, <-got, "something else", "what was read of it is not lost")
	b := newNode(t, nil)
	b.send(a, a.tr.Endpoint(), 0, "a message")
	a.wait("nodes to meet as before", func() bool { return len(a.got[b.id]) == 1 })
}
