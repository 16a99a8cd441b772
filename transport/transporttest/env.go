package transporttest

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
)

// env is what one test works with.
type env struct {
	*testing.T
	setup    Setup
	net      Network
	features transport.Features
}

func newEnv(t *testing.T, setup Setup) *env {
	e := &env{T: t, setup: setup, net: setup.New(t)}
	e.features = e.net.Base.Features
	return e
}

// ctx returns a context that ends when what is waited for is missing.
func (e *env) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	e.Cleanup(cancel)
	return ctx
}

// settle waits until what was sent has left, and says whether that is so.
func (e *env) settle() bool {
	switch {
	case e.setup.Virtual:
		time.Sleep(5 * time.Second)
		synctest.Wait()
	case e.net.Settle != nil:
		e.net.Settle()
	default:
		return false
	}
	return true
}

// await fails the test if what does not come.
func (e *env) await(what string, done <-chan struct{}) {
	e.Helper()
	select {
	case <-done:
	case <-time.After(deadline):
		e.Fatalf("waited in vain for %s", what)
	}
}

// beside runs f in a goroutine of its own and returns what is closed when it has returned.
func beside(f func()) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	return done
}

// node is a transport and the Handler that it tells what happens.
type node struct {
	e  *env
	id transport.Node
	tr transport.Transport

	// Called by the Handler if not nil, after the call was recorded; set before there is something to deliver.
	onDeliver     func(from transport.Node, data []byte)
	onUndelivered func(to transport.Node)
	onAdmit       func(ctx context.Context, from transport.Node) error

	mu        sync.Mutex
	changed   chan struct{} // closed and replaced at each change of what follows
	delivered map[transport.Node][]string
	kept      []kept
	lost      map[transport.Node][]loss
	busy      map[transport.Node]bool
	mute      map[transport.Node]bool // those of whom nothing may be delivered any more
	lent      map[*byte]bool          // long messages that the transport has, by their first byte
	released  int                     // how many it has given back
	closed    bool
}

// kept is a message that is the Handler's, as it came.
type kept struct {
	data []byte
	sum  uint32
}

// loss is a message that was reported.
type loss struct {
	data    string
	perhaps bool
	why     error
}

// open opens a transport that is closed at the end of the test.
func (e *env) open(change ...func(*transport.Config)) *node {
	e.Helper()
	n, err := e.tryOpen(change...)
	assert.NilError(e, err)
	return n
}

func (e *env) tryOpen(change ...func(*transport.Config)) (*node, error) {
	n := &node{
		e:         e,
		id:        transport.Node{System: rand.Uint64() | 1, Process: rand.Uint64()},
		changed:   make(chan struct{}),
		delivered: map[transport.Node][]string{},
		lost:      map[transport.Node][]loss{},
		busy:      map[transport.Node]bool{},
		mute:      map[transport.Node]bool{},
		lent:      map[*byte]bool{},
	}
	config := transport.Config{Self: n.id, Handler: n, Released: n.takeBack, Key: []byte("the key of the suite's system")}
	if e.net.Config != nil {
		e.net.Config(&config)
	}
	for _, c := range change {
		c(&config)
	}
	tr, err := e.net.Base.Open(e.ctx(), config)
	if err != nil {
		return nil, err
	}
	n.tr = tr
	e.Cleanup(n.close)
	return n, nil
}

// close closes the transport. From then on each call of the Handler is an error.
func (n *node) close() {
	n.e.await("Close to return", beside(func() {
		if err := n.tr.Close(); err != nil {
			n.e.Errorf("Close: %v", err)
		}
	}))
	n.update(func() {
		n.closed = true
		for _, k := range n.kept {
			if crc32.ChecksumIEEE(k.data) != k.sum {
				n.e.Errorf("a long message of %d bytes changed after it was delivered", len(k.data))
			}
		}
	})
}

// endpoint is where others reach the node.
func (n *node) endpoint() string {
	if n.e.net.Endpoint != nil {
		return n.e.net.Endpoint(n.tr)
	}
	return n.tr.Endpoint()
}

// peer returns what sends to another node of the test.
func (n *node) peer(to *node) transport.Peer {
	for _, o := range []*node{n, to} { // what the test gave the nodes to do is seen by their Handlers: through a network nothing happens before anything
		o.update(func() {})
	}
	return n.tr.Peer(to.id, to.endpoint())
}

func (n *node) Deliver(from transport.Node, messages [][]byte) {
	n.enter("Deliver", from)
	defer n.leave(from)
	if len(messages) == 0 {
		n.e.Errorf("Deliver was called without a message")
	}
	for _, data := range messages {
		if len(data) > transport.LongMessage && len(messages) > 1 {
			n.e.Errorf("a message of %d bytes was delivered beside others", len(data))
		}
		n.take(from, data)
	}
}

func (n *node) take(from transport.Node, data []byte) {
	n.update(func() {
		if n.mute[from] {
			n.e.Errorf("Deliver was called with a message of %v after Forget had returned", from)
		}
		n.delivered[from] = append(n.delivered[from], string(data))
		if len(data) > transport.LongMessage {
			n.kept = append(n.kept, kept{data, crc32.ChecksumIEEE(data)})
		}
	})
	if n.onDeliver != nil {
		n.onDeliver(from, data)
	}
}

func (n *node) Undelivered(to transport.Node, data []byte, perhaps bool, why error) {
	n.enter("Undelivered", to)
	defer n.leave(to)
	if why == nil {
		n.e.Errorf("Undelivered was called without a reason")
	}
	n.update(func() { n.lost[to] = append(n.lost[to], loss{string(data), perhaps, why}) })
	if n.onUndelivered != nil {
		n.onUndelivered(to)
	}
}

func (n *node) Admit(ctx context.Context, from transport.Node) error {
	n.mu.Lock()
	closed := n.closed
	n.mu.Unlock()
	if closed {
		n.e.Errorf("Admit was called after Close had returned")
	}
	if n.onAdmit != nil {
		return n.onAdmit(ctx, from)
	}
	return nil
}

func (n *node) enter(method string, peer transport.Node) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		n.e.Errorf("%s was called after Close had returned", method)
	}
	if n.busy[peer] {
		n.e.Errorf("%s was called while another call for the same peer was running", method)
	}
	n.busy[peer] = true
}

func (n *node) leave(peer transport.Node) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.busy[peer] = false
}

func (n *node) update(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
	close(n.changed)
	n.changed = make(chan struct{})
}

// wait waits until cond holds, which looks at what the Handler was told.
func (n *node) wait(what string, cond func() bool) {
	n.e.Helper()
	late := time.After(deadline)
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
			n.mu.Lock()
			defer n.mu.Unlock()
			n.e.Fatalf("waited in vain for %s; messages delivered: %v, reported: %v", what, counts(n.delivered), counts(n.lost))
		}
	}
}

// change returns what is closed when the node hears of something.
func (n *node) change() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.changed
}

func counts[T any](m map[transport.Node][]T) map[transport.Node]int {
	c := map[transport.Node]int{}
	for k, v := range m {
		c[k] = len(v)
	}
	return c
}

// from returns what was delivered from a node.
func (n *node) from(o *node) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.delivered[o.id])
}

// losses returns what was reported of messages to a node.
func (n *node) losses(o *node) []loss {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.lost[o.id])
}

// waitFrom waits until so many messages were delivered from a node.
func (n *node) waitFrom(o *node, count int) {
	n.e.Helper()
	n.wait(fmt.Sprintf("%d messages", count), func() bool { return len(n.delivered[o.id]) >= count })
}

// waitLost waits until so many messages to a node were reported.
func (n *node) waitLost(o *node, count int) {
	n.e.Helper()
	n.wait(fmt.Sprintf("%d messages to be reported", count), func() bool { return len(n.lost[o.id]) >= count })
}

// send sends a message that must be taken.
func (n *node) send(to *node, flow uint64, text string) {
	n.e.Helper()
	if err := n.sendIn(n.e.ctx(), to, flow, text); err != nil {
		n.e.Errorf("Send: %v", err)
	}
}

// sendIn sends a message, and notes if it is the transport's from then on.
func (n *node) sendIn(ctx context.Context, to *node, flow uint64, text string) error {
	data := []byte(text)
	if len(data) > transport.LongMessage {
		n.mu.Lock()
		n.lent[&data[0]] = true
		n.mu.Unlock()
	}
	return n.peer(to).Send(ctx, flow, data)
}

// takeBack takes back a long message that the transport needs no more, and writes over it.
func (n *node) takeBack(data []byte) {
	for i := range data {
		data[i] = '!'
	}
	n.update(func() {
		if len(data) <= transport.LongMessage || !n.lent[&data[0]] {
			n.e.Errorf("a message of %d bytes was released that was not the transport's", len(data))
			return
		}
		delete(n.lent, &data[0])
		n.released++
	})
}

// sendUntilThere sends a message and waits until it arrived; again and again if the transport may lose it.
func (n *node) sendUntilThere(to *node, data string) {
	n.e.Helper()
	there := func() bool { return slices.Contains(to.delivered[n.id], data) }
	if n.e.features.Reliable {
		n.send(to, 0, data)
		to.wait("a message", there)
		return
	}
	stop := make(chan struct{})
	again := beside(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			n.send(to, 0, data)
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	})
	defer func() {
		close(stop)
		n.e.await("Send", again)
	}()
	to.wait("one of several copies of a message", there)
}

// text is a message that no other is equal to: flow and number, then a pattern up to the size, which is 16 at least.
func text(flow uint64, number, size int) string {
	b := make([]byte, max(size, 16))
	binary.BigEndian.PutUint64(b, flow)
	binary.BigEndian.PutUint64(b[8:], uint64(number))
	for i := 16; i < len(b); i++ {
		b[i] = byte(number*7 + i + i>>8)
	}
	return string(b)
}

// parse is the reverse of text. ok: data is unharmed.
func parse(data string) (flow uint64, number int, ok bool) {
	if len(data) < 16 {
		return 0, 0, false
	}
	flow = binary.BigEndian.Uint64([]byte(data))
	number = int(binary.BigEndian.Uint64([]byte(data[8:])))
	return flow, number, text(flow, number, len(data)) == data
}

// checkDelivered checks what one node got from another against the promises: unharmed, of a reliable transport none twice, of an ordered one each flow in order
// and of one that is both without gaps from the start.
func (e *env) checkDelivered(delivered []string) {
	e.Helper()
	next := map[uint64]int{}
	seen := map[string]bool{}
	for i, data := range delivered {
		flow, number, ok := parse(data)
		if !ok {
			e.Errorf("message %d, %d bytes, arrived harmed", i, len(data))
			continue
		}
		if seen[data] && (e.features.Reliable || e.features.Ordered) {
			e.Errorf("message %d of flow %d was delivered twice", number, flow)
		}
		seen[data] = true
		switch {
		case e.features.Ordered && number < next[flow]:
			e.Errorf("message %d of flow %d was delivered after message %d", number, flow, next[flow]-1)
		case e.features.Ordered && e.features.Reliable && number != next[flow]:
			e.Errorf("message %d of flow %d was delivered before message %d", number, flow, next[flow])
		}
		next[flow] = number + 1
	}
}

// account checks that each message that was taken has one fate.
func (e *env) account(taken, delivered []string, lost []loss) {
	e.Helper()
	there := map[string]int{}
	for _, data := range delivered {
		there[data]++
	}
	reported := map[string]int{}
	perhaps := 0
	for _, l := range lost {
		reported[l.data]++
		if l.perhaps {
			perhaps++
		} else if there[l.data] > 0 {
			e.Errorf("%s was delivered and is reported as certainly not delivered: %v", name(l.data), l.why)
		}
	}
	known := map[string]bool{}
	for _, data := range taken {
		known[data] = true
		switch {
		case there[data] > 1:
			e.Errorf("%s was delivered %d times", name(data), there[data])
		case reported[data] > 1:
			e.Errorf("%s was reported %d times", name(data), reported[data])
		case there[data]+reported[data] == 0:
			e.Errorf("%s was taken, and neither delivered nor reported", name(data))
		}
	}
	for data := range there {
		if !known[data] {
			e.Errorf("%s was delivered, although Send did not take it", name(data))
		}
	}
	for data := range reported {
		if !known[data] {
			e.Errorf("%s was reported, although Send did not take it", name(data))
		}
	}
	e.Logf("%d taken, %d delivered, %d reported, of these %d perhaps delivered", len(taken), len(delivered), len(lost), perhaps)
}

func name(data string) string {
	flow, number, ok := parse(data)
	if !ok {
		return fmt.Sprintf("an unknown message of %d bytes", len(data))
	}
	return fmt.Sprintf("message %d of flow %d, %d bytes,", number, flow, len(data))
}

// stream is a lot of messages from one node to another, from several goroutines that each have a flow.
type stream struct {
	stop  context.CancelFunc
	ended <-chan struct{}
	mu    sync.Mutex
	taken []string
}

// stream starts to send until it is stopped or Send fails, at most so many messages in each flow.
func (n *node) stream(to *node, most int) *stream {
	ctx, stop := context.WithTimeout(context.Background(), deadline)
	n.e.Cleanup(stop)
	s := &stream{stop: stop}
	peer := n.peer(to)
	var flows sync.WaitGroup
	for flow := range uint64(3) {
		flows.Go(func() {
			for i := range most {
				if ctx.Err() != nil {
					return
				}
				data := text(flow, i, 16+i*37%500)
				if n.e.features.MaxMessage == 0 && i%50 == 49 {
					data = text(flow, i, 20_000)
				}
				if peer.Send(ctx, flow, []byte(data)) != nil {
					return
				}
				s.mu.Lock()
				s.taken = append(s.taken, data)
				s.mu.Unlock()
			}
		})
	}
	s.ended = beside(flows.Wait)
	return s
}

// end stops the stream and returns what was taken.
func (s *stream) end(e *env) []string {
	s.stop()
	return s.all(e)
}

// all waits until the stream has ended and returns what was taken.
func (s *stream) all(e *env) []string {
	e.await("Send to return", s.ended)
	return s.taken
}
