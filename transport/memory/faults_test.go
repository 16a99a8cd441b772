package memory_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
	"thespian.dev/transport/memory"
)

var (
	reliable  = transport.Features{Ordered: true, Reliable: true}
	datagrams = transport.Features{}
)

// node is a transport that tells what happens to it in text, with the time since it was opened.
type node struct {
	transport.Transport
	id     transport.Node
	opened time.Time
	events chan string
}

func (n *node) event(format string, args ...any) {
	n.events <- fmt.Sprintf("%v ", time.Since(n.opened)) + fmt.Sprintf(format, args...)
}

func (n *node) Deliver(_ transport.Node, messages [][]byte) {
	for _, data := range messages {
		n.event("got %s", data)
	}
}

func (n *node) Undelivered(_ transport.Node, data []byte, perhaps bool, why error) {
	n.event("lost %s (perhaps: %v): %v", data, perhaps, why)
}

func (n *node) Admit(context.Context, transport.Node) error { return nil }

// all returns what has happened, when nothing more does without time passing.
func (n *node) all() []string {
	synctest.Wait()
	var all []string
	for {
		select {
		case e := <-n.events:
			all = append(all, e)
		default:
			return all
		}
	}
}

func open(t *testing.T, network *memory.Network, features transport.Features, change ...func(*transport.Config)) *node {
	t.Helper()
	n, err := tryOpen(t, network, features, change...)
	assert.NilError(t, err)
	return n
}

var nodes uint64

func tryOpen(t *testing.T, network *memory.Network, features transport.Features, change ...func(*transport.Config)) (*node, error) {
	nodes++
	n := &node{id: transport.Node{System: 1, Process: nodes}, opened: time.Now(), events: make(chan string, 10_000)}
	config := transport.Config{Self: n.id, Handler: n}
	for _, c := range change {
		c(&config)
	}
	tr, err := network.Base(features).Open(t.Context(), config)
	if err != nil {
		return nil, err
	}
	n.Transport = tr
	t.Cleanup(func() { assert.NilError(t, tr.Close()) })
	return n, nil
}

func (n *node) send(t *testing.T, to *node, text string) {
	t.Helper()
	assert.NilError(t, n.Peer(to.id, to.Endpoint()).Send(t.Context(), 0, []byte(text)))
}

// All that a test sees on two nodes, in virtual time.
func script(t *testing.T, features transport.Features, f func(t *testing.T, network *memory.Network, a, b *node)) {
	synctest.Test(t, func(t *testing.T) {
		network := memory.NewNetwork(1)
		f(t, network, open(t, network, features), open(t, network, features))
	})
}

func TestDelay(t *testing.T) {
	script(t, reliable, func(t *testing.T, network *memory.Network, a, b *node) {
		network.SetLink(a.Endpoint(), b.Endpoint(), memory.Link{Delay: 3 * time.Millisecond})
		network.SetLink(b.Endpoint(), a.Endpoint(), memory.Link{Delay: 4 * time.Millisecond})
		a.send(t, b, "one")
		time.Sleep(time.Second)
		a.send(t, b, "two")
		b.send(t, a, "three")
		time.Sleep(time.Second)
		assert.DeepEqual(t, b.all(), []string{"10ms got one", "1.003s got two"}) // the first one connects: there and back
		assert.DeepEqual(t, a.all(), []string{"1.004s got three"})
	})
}

func TestPartition(t *testing.T) {
	script(t, reliable, func(t *testing.T, network *memory.Network, a, b *node) {
		a.send(t, b, "one")
		assert.DeepEqual(t, b.all(), []string{"0s got one"})
		network.Partition(a.Endpoint(), b.Endpoint())
		a.send(t, b, "two")
		b.send(t, a, "three")
		time.Sleep(time.Minute)
		assert.Equal(t, len(a.all())+len(b.all()), 0)
		network.Heal(b.Endpoint(), a.Endpoint())
		assert.DeepEqual(t, b.all(), []string{"1m0s got two"})
		assert.DeepEqual(t, a.all(), []string{"1m0s got three"})
		assert.Equal(t, network.Link(a.Endpoint(), b.Endpoint()), memory.Link{})
	})
}

// What waits behind a partition is given up after Config.Unreachable: each message when it has waited so long.
func TestPartitionThatLasts(t *testing.T) {
	script(t, reliable, func(t *testing.T, network *memory.Network, a, b *node) {
		a.send(t, b, "one")
		assert.Equal(t, len(b.all()), 1)
		network.Partition(a.Endpoint(), b.Endpoint())
		a.send(t, b, "two")
		time.Sleep(time.Minute)
		a.send(t, b, "three")
		time.Sleep(transport.DefaultUnreachable + time.Hour)
		got := a.all()
		assert.Equal(t, len(got), 2)
		for i, want := range []string{"5m0s lost two (perhaps: true)", "6m0s lost three (perhaps: true)"} {
			assert.Equal(t, got[i][:len(want)], want)
		}
		network.Heal(a.Endpoint(), b.Endpoint())
		a.send(t, b, "four")
		time.Sleep(time.Minute)
		assert.Assert(t, slices.ContainsFunc(b.all(), func(e string) bool { return e[len(e)-4:] == "four" }))
	})
}

// Each direction may be cut by itself.
func TestOneDirectionCut(t *testing.T) {
	script(t, reliable, func(t *testing.T, network *memory.Network, a, b *node) {
		a.send(t, b, "one")
		assert.Equal(t, len(b.all()), 1)
		network.SetLink(a.Endpoint(), b.Endpoint(), memory.Link{Cut: true})
		a.send(t, b, "two")
		b.send(t, a, "three")
		time.Sleep(time.Second)
		assert.Equal(t, len(b.all()), 0)
		assert.DeepEqual(t, a.all(), []string{"0s got three"})
	})
}

// A datagram that is sent into a partition is gone.
func TestPartitionLosesDatagrams(t *testing.T) {
	script(t, datagrams, func(t *testing.T, network *memory.Network, a, b *node) {
		a.send(t, b, "one")
		assert.DeepEqual(t, b.all(), []string{"0s got one"})
		network.Partition(a.Endpoint(), b.Endpoint())
		a.send(t, b, "two")
		time.Sleep(time.Minute)
		network.Heal(a.Endpoint(), b.Endpoint())
		a.send(t, b, "three")
		time.Sleep(time.Minute)
		assert.DeepEqual(t, b.all(), []string{"1m0s got three"})
		assert.Equal(t, len(a.all()), 0)
	})
}

// numbers sends numbered messages over a link and returns those that arrive.
func numbers(t *testing.T, seed uint64, features transport.Features, l memory.Link) []string {
	var got []string
	synctest.Test(t, func(t *testing.T) {
		network := memory.NewNetwork(seed)
		network.SetDefault(memory.Link{})
		a, b := open(t, network, features), open(t, network, features)
		a.send(t, b, "first")
		assert.Equal(t, len(b.all()), 1)
		network.SetDefault(l)
		for i := range 500 {
			a.send(t, b, strconv.Itoa(i))
		}
		time.Sleep(time.Hour)
		got = b.all()
	})
	return got
}

// What a datagram may suffer is seen by the receiver; on a reliable base it is not. The same seed makes the same network.
func TestFaults(t *testing.T) {
	for name, l := range map[string]memory.Link{
		"loss":      {Loss: 0.3},
		"duplicate": {Delay: time.Millisecond, Duplicate: 0.3},
		"reorder":   {Reorder: 0.3},
		"jitter":    {Jitter: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			got := numbers(t, 1, datagrams, l)
			assert.DeepEqual(t, got, numbers(t, 1, datagrams, l))
			assert.Assert(t, !slices.Equal(got, numbers(t, 2, datagrams, l)))
			texts := map[string]int{}
			sorted, last := true, -1
			for _, e := range got {
				var at string
				var number int
				_, err := fmt.Sscanf(e, "%s got %d", &at, &number)
				assert.NilError(t, err)
				texts[strconv.Itoa(number)]++
				sorted = sorted && number >= last
				last = number
			}
			assert.Equal(t, len(texts) < 500, l.Loss > 0)
			assert.Equal(t, len(got) > len(texts), l.Duplicate > 0)
			assert.Equal(t, !sorted, l.Reorder > 0 || l.Jitter > 0 || l.Duplicate > 0)

			assert.Equal(t, len(numbers(t, 1, reliable, l)), 500)
		})
	}
}

// What a process had sent arrives after its death; what was sent to it is in doubt until it is forgotten.
func TestKill(t *testing.T) {
	script(t, reliable, func(t *testing.T, network *memory.Network, a, b *node) {
		network.SetDefault(memory.Link{Delay: time.Second})
		a.send(t, b, "one")
		time.Sleep(10 * time.Second)
		assert.Equal(t, len(b.all()), 1)
		a.send(t, b, "two")
		b.send(t, a, "three")
		network.Kill(a.Endpoint())
		assert.ErrorIs(t, a.Peer(b.id, b.Endpoint()).Send(t.Context(), 0, nil), transport.ErrClosed)
		b.Peer(a.id, "").Forget(t.Context())
		got := b.all()
		assert.Equal(t, len(got), 2)
		assert.Equal(t, got[0], "11s got two")
		assert.Equal(t, got[1], "11s lost three (perhaps: true): "+transport.ErrForgotten.Error())
		assert.Equal(t, len(a.all()), 0)
	})
}

// After a goodbye it is certain what did not arrive any more.
func TestGoodbye(t *testing.T) {
	script(t, reliable, func(t *testing.T, network *memory.Network, a, b *node) {
		network.SetDefault(memory.Link{Delay: time.Second})
		a.send(t, b, "one")
		time.Sleep(10 * time.Second)
		assert.Equal(t, len(b.all()), 1)
		a.send(t, b, "two")
		time.Sleep(500 * time.Millisecond)
		assert.NilError(t, b.Shutdown(t.Context()))
		a.Peer(b.id, "").Forget(t.Context())
		assert.DeepEqual(t, a.all(), []string{"11.5s lost two (perhaps: false): " + transport.ErrForgotten.Error()})
		assert.Equal(t, len(b.all()), 0)
	})
}

func TestListen(t *testing.T) {
	network := memory.NewNetwork(1)
	for _, c := range []struct {
		listen          string
		lowest, highest int
		want, fails     string
	}{
		{want: "memory:1"},
		{want: "memory:2"},
		{listen: "memory:2", fails: "memory:2 is in use"},
		{listen: "north:2", want: "north:2"},
		{listen: "north", want: "north:1"},
		{listen: "north:0", want: "north:3"},
		{listen: "[::1]:7", want: "[::1]:7"},
		{listen: "north:", fails: `the port of "north:" is no number`},
		{listen: "north:65536", fails: `the port of "north:65536" is no number`},
		{lowest: 100, highest: 101, want: "memory:100"},
		{lowest: 100, highest: 101, want: "memory:101"},
		{lowest: 100, highest: 101, fails: "no port from 100 to 101 of memory is free"},
	} {
		n, err := tryOpen(t, network, reliable, func(config *transport.Config) {
			config.Listen, config.LowestPort, config.HighestPort = c.listen, c.lowest, c.highest
		})
		if c.fails != "" {
			assert.ErrorContains(t, err, c.fails)
			continue
		}
		assert.NilError(t, err)
		assert.Equal(t, n.Endpoint(), c.want)
	}
}

func TestOpenNeedsSelfAndHandler(t *testing.T) {
	base := memory.NewNetwork(1).Base(reliable)
	_, err := base.Open(t.Context(), transport.Config{Self: transport.Node{System: 1}})
	assert.ErrorContains(t, err, "Handler")
	_, err = base.Open(t.Context(), transport.Config{Handler: &node{}})
	assert.ErrorContains(t, err, "Self")
}
