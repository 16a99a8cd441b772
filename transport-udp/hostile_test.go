package udp

import (
	"context"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
)

// listener is a Handler that remembers what it is told.
type listener struct {
	got chan string

	over chan struct{} // closed when the test has ended

	mu    sync.Mutex
	asked []transport.Node
}

func (l *listener) Deliver(_ transport.Node, messages [][]byte) {
	for _, m := range messages {
		select {
		case l.got <- string(m):
		case <-l.over: // more came than the test wants to see
		}
	}
}
func (l *listener) Undelivered(transport.Node, []byte, bool, error) {}
func (l *listener) Admit(_ context.Context, from transport.Node) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, from)
	return nil
}

var (
	nodeA = transport.Node{System: 7, Process: 1}
	nodeB = transport.Node{System: 7, Process: 2}
)

func listen(t *testing.T, self transport.Node, at string) (*node, *listener) {
	t.Helper()
	l := &listener{got: make(chan string, 100), over: make(chan struct{})}
	tr, err := Base().Open(t.Context(), transport.Config{Self: self, Handler: l, Key: []byte("key"), Listen: at})
	assert.NilError(t, err)
	t.Cleanup(func() {
		close(l.over)
		tr.Close()
	})
	return tr.(*node), l
}

// sealed returns a datagram as a node makes it.
func sealed(key string, from, to transport.Node, prefix uint32, number uint64, kind byte, body ...byte) []byte {
	b := begin(make([]byte, 0, maxDatagram), from, prefix, number)
	return seal(keyOf([]byte(key), from, to), append(append(b, kind), body...))
}

func message(n byte, text string) []byte { return append([]byte{0, 0, 0, 0, 0, 0, 0, n}, text...) }

// A datagram is taken once, from who has the key, by whom it is for.
func TestForgedAndReplayedDatagrams(t *testing.T) {
	b, heard := listen(t, nodeB, "")
	c, err := net.Dial("udp", b.Endpoint())
	assert.NilError(t, err)
	defer c.Close()
	say := func(data []byte) {
		_, err := c.Write(data)
		assert.NilError(t, err)
	}
	first := sealed("key", nodeA, nodeB, 1, 0, kindData, message(0, "first")...)
	say(first)
	assert.Equal(t, <-heard.got, "first")
	harmed := append([]byte(nil), first...)
	harmed[len(harmed)-1] ^= 1
	elsewhere := append([]byte(nil), first...)
	elsewhere[fromAt+15] = 9 // from somebody else
	for _, bad := range [][]byte{
		first, // again
		harmed,
		elsewhere,
		sealed("another key", nodeA, nodeB, 1, 1, kindData, message(1, "wrong key")...),
		sealed("key", nodeA, transport.Node{System: 7, Process: 3}, 1, 2, kindData, message(1, "for somebody else")...), // who listened here before
		sealed("key", nodeA, nodeB, 2, 3, kindData, message(1, "another beginning")...),
		sealed("key", nodeA, nodeB, 1, 4, kindData),
		sealed("key", nodeA, nodeB, 1, 5, 99, message(1, "nobody knows what")...),
		sealed("key", nodeA, nodeB, 1, 6, kindReport, message(9, "confirms what was not sent..")...),
		sealed("key", nodeB, nodeB, 1, 7, kindMarker, message(9, "")...),
		{}, []byte("TDG"), []byte(magic), make([]byte, 1000),
	} {
		say(bad)
	}
	say(sealed("key", nodeA, nodeB, 1, 3, kindData, message(2, "late")...))
	say(sealed("key", nodeA, nodeB, 1, 8, kindData, message(3, "last")...))
	assert.Equal(t, <-heard.got, "late")
	assert.Equal(t, <-heard.got, "last")
	assert.Equal(t, b.Lost(), uint64(1), "number 1 never came")
}

// Strangers leave nothing behind.
func TestStrangersTakeNoMemory(t *testing.T) {
	b, heard := listen(t, nodeB, "")
	c, err := net.Dial("udp", b.Endpoint())
	assert.NilError(t, err)
	defer c.Close()
	for i := range 3000 {
		_, err := c.Write(sealed("another key", transport.Node{System: 7, Process: uint64(100 + i)}, nodeB, 1, 0, kindData, message(0, "x")...))
		assert.NilError(t, err)
	}
	for i := byte(0); len(heard.got) == 0; i++ { // one may be lost behind so many
		_, err = c.Write(sealed("key", nodeA, nodeB, 1, uint64(i), kindData, message(i, "behind them")...))
		assert.NilError(t, err)
		runtime.Gosched()
	}
	assert.Equal(t, len(b.all()), 1)
	heard.mu.Lock()
	defer heard.mu.Unlock()
	assert.DeepEqual(t, heard.asked, []transport.Node{nodeA})
}

// A new node at the port of an old one gets nothing that was meant for that.
func TestPortThatComesBack(t *testing.T) {
	a, _ := listen(t, nodeA, "")
	old, heard := listen(t, nodeB, "")
	at := old.Endpoint()
	p := a.Peer(nodeB, at)
	assert.NilError(t, p.Assure(t.Context(), 0, []byte("for the old one")))
	assert.Equal(t, <-heard.got, "for the old one")
	assert.NilError(t, old.Close())
	newNode := transport.Node{System: 7, Process: 3}
	_, heard = listen(t, newNode, at)
	assert.NilError(t, p.Assure(t.Context(), 0, []byte("still for the old one")))
	assert.NilError(t, p.Send(t.Context(), 0, []byte("this as well")))
	assert.NilError(t, a.Peer(newNode, at).Assure(t.Context(), 0, []byte("for the new one")))
	assert.Equal(t, <-heard.got, "for the new one")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	p.Forget(ctx)
	assert.Equal(t, len(heard.got), 0)
}

func TestReplay(t *testing.T) {
	var r replay
	for _, c := range []struct {
		n    uint64
		want bool
	}{
		{0, true}, {0, false}, {5, true}, {3, true}, {3, false}, {5, false}, {4, true}, {4096, true}, {1, true}, {0, false}, {4097, true}, {2, true}, {1, false},
		{100_000, true}, {95_905, true}, {95_904, false}, {99_999, true}, {99_999, false}, {100_000, false}, {1 << 63, true}, {100_001, false},
	} {
		assert.Equal(t, r.take(c.n), c.want, "%d", c.n)
	}
}

// Whatever comes from who has the key, nothing breaks.
func FuzzDatagrams(f *testing.F) {
	f.Add(byte(kindData), message(0, "x"), byte(kindAssured), message(0, "y"))
	f.Add(byte(kindReport), make([]byte, 20), byte(kindCount), message(200, ""))
	f.Add(byte(kindAssured), message(3, "early"), byte(kindGoodbye), message(1, ""))
	f.Fuzz(func(t *testing.T, kind1 byte, body1 []byte, kind2 byte, body2 []byte) {
		n := &node{config: transport.Config{Self: nodeB, Handler: &listener{got: make(chan string, 100)}, MaxMessage: 1000, Window: 1000}, socket: &socket{room: 1 << 20, wake: make(chan struct{}, 1)}}
		n.ctx, n.cancel = context.WithCancel(context.Background())
		n.ended = true // starts nothing
		n.peers = make(map[transport.Node]*peer)
		p := n.peer(nodeA, false)
		p.in.admission = admitted
		for i, d := range []datagram{{nodeA, 1, 0, kind1, body1}, {nodeA, 1, 1, kind2, body2}} {
			if p.take(d, n.self) != nil {
				p.wake()
			}
			assert.Assert(t, p.in.size <= 5000 && len(p.in.early) <= maxEarly && p.floor <= p.sent, "after %d", i)
		}
	})
}
