package transporttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
)

var connectChecks = []check{
	{name: "OpenNeedsAFreeEndpoint", run: openNeedsAFreeEndpoint},
	{name: "PeerIsTheSame", run: peerIsTheSame},
	{name: "PeerWithoutEndpoint", reliable: true, run: peerWithoutEndpoint},
	{name: "PeerWithoutEndpointAfterReset", reliable: true, run: peerWithoutEndpointAfterReset},
	{name: "EndpointChanges", reliable: true, run: endpointChanges},
	{name: "NewNodeAtOldEndpoint", run: newNodeAtOldEndpoint},
	{name: "WrongKey", run: wrongKey},
	{name: "AdmitRefuses", run: admitRefuses},
	{name: "AdmitTakesItsTime", run: admitTakesItsTime},
}

// soon gives messages for a peer up after a short time.
func soon(c *transport.Config) { c.Unreachable = 200 * time.Millisecond }

// An endpoint belongs to one transport; the error says which one was asked for.
func openNeedsAFreeEndpoint(e *env) {
	a, b := e.open(), e.open()
	assert.Assert(e, a.tr.Endpoint() != b.tr.Endpoint())
	_, err := e.tryOpen(func(c *transport.Config) { c.Listen = a.tr.Endpoint() })
	assert.ErrorContains(e, err, a.tr.Endpoint())
}

func peerIsTheSame(e *env) {
	a, b := e.open(), e.open()
	assert.Assert(e, a.tr.Peer(b.id, "") == a.peer(b))
	assert.Assert(e, a.peer(b) == a.peer(b))
}

// A peer whose endpoint is not known gets its messages once it has connected.
func peerWithoutEndpoint(e *env) {
	a, b := e.open(), e.open()
	const count = 20
	for i := range count {
		assert.NilError(e, a.tr.Peer(b.id, "").Send(e.ctx(), 0, []byte(text(0, i, 30))))
	}
	b.send(a, 0, text(0, 0, 16))
	a.waitFrom(b, 1)
	b.waitFrom(a, count)
	e.checkDelivered(b.from(a))
}

// A peer that has connected by itself is still reached after the connection broke, even if it has nothing to send.
func peerWithoutEndpointAfterReset(e *env) {
	if e.net.Reset == nil {
		return
	}
	a, b := e.open(), e.open()
	b.send(a, 0, text(0, 0, 16))
	a.waitFrom(b, 1)
	for i := range 10 {
		e.net.Reset(a.tr, b.tr)
		assert.NilError(e, a.tr.Peer(b.id, "").Send(e.ctx(), 0, []byte(text(0, i, 30))))
		b.waitFrom(a, i+1)
	}
	e.checkDelivered(b.from(a))
}

// A peer is looked for where it was last said to be.
func endpointChanges(e *env) {
	a, b, nobody := e.open(), e.open(), e.open()
	nobody.close()
	peer := a.tr.Peer(b.id, nobody.endpoint())
	assert.NilError(e, peer.Send(e.ctx(), 0, []byte(text(0, 0, 16))))
	assert.Assert(e, a.peer(b) == peer)
	b.waitFrom(a, 1)
}

// A new process at the endpoint of an old one gets nothing of what was meant for the old one, and is reached under its own name.
func newNodeAtOldEndpoint(e *env) {
	a, old := e.open(soon), e.open()
	a.sendUntilThere(old, "for the old one")
	endpoint := old.tr.Endpoint()
	old.close()
	heir := e.open(func(c *transport.Config) { c.Listen = endpoint })
	assert.Equal(e, heir.tr.Endpoint(), endpoint)
	const count = 10
	taken := []string{"for the old one"} // whose confirmation may be lost
	for i := range count {
		data := text(0, i, 30)
		assert.NilError(e, a.tr.Peer(old.id, heir.endpoint()).Send(e.ctx(), 0, []byte(data)))
		taken = append(taken, data)
	}
	a.sendUntilThere(heir, "for the new one")
	if e.features.Reliable {
		a.wait("the last message to be reported", func() bool {
			return slices.ContainsFunc(a.lost[old.id], func(l loss) bool { return l.data == taken[count] })
		})
		e.account(taken, old.from(a), a.losses(old))
	}
	for _, data := range heir.from(a) {
		assert.Equal(e, data, "for the new one")
	}
}

// Nodes that do not have the same key do not connect, whoever begins. What was meant for them is reported in the end.
func wrongKey(e *env) {
	key := func(key string) func(*transport.Config) {
		return func(c *transport.Config) { c.Key = []byte(key) }
	}
	a, b, c := e.open(soon, key("one key")), e.open(soon, key("another key")), e.open(soon, key(""))
	for _, n := range []*node{a, b, c} {
		n.onAdmit = func(context.Context, transport.Node) error {
			e.Errorf("Admit was called for a node that had not proven the key")
			return nil
		}
	}
	e.strangersTo(a, b, c)
	a.onAdmit = nil
	d := e.open(key("one key"))
	d.sendUntilThere(a, "who knows the key gets through")
	e.nothingBetween(a, b, c)
}

// strangersTo lets each node send to each other, of which nothing may arrive.
func (e *env) strangersTo(nodes ...*node) {
	e.Helper()
	const count = 5
	for _, from := range nodes {
		for _, to := range nodes {
			for i := range count {
				if from != to {
					from.send(to, 0, text(0, i, 30))
				}
			}
		}
	}
	for _, from := range nodes {
		for _, to := range nodes {
			if from == to {
				continue
			}
			if e.features.Reliable {
				from.waitLost(to, count)
				assert.Equal(e, len(from.losses(to)), count)
			}
		}
	}
	e.settle()
	e.nothingBetween(nodes...)
}

// nothingBetween checks that nothing was delivered between nodes.
func (e *env) nothingBetween(nodes ...*node) {
	e.Helper()
	for _, from := range nodes {
		for _, to := range nodes {
			assert.Equal(e, len(to.from(from)), 0, "a message of a stranger was delivered")
		}
	}
}

// A node that Admit refuses cannot send; others can. Admit is told who it is.
func admitRefuses(e *env) {
	a, b, c := e.open(soon), e.open(soon), e.open()
	refuse := func(whom *node) func(context.Context, transport.Node) error {
		return func(_ context.Context, from transport.Node) error {
			if from == whom.id {
				return errors.New("the suite's secret reason")
			}
			if from != c.id {
				e.Errorf("Admit was asked about %v, which is nobody", from)
			}
			return nil
		}
	}
	a.onAdmit, b.onAdmit = refuse(b), refuse(a)
	e.strangersTo(a, b)
	for _, l := range a.losses(b) {
		assert.Assert(e, !strings.Contains(fmt.Sprint(l.why), "secret reason"), "a stranger must not learn why it was refused")
	}
	c.sendUntilThere(a, "admitted")
	c.sendUntilThere(b, "admitted")
	e.nothingBetween(a, b)
}

// Admit may take its time: others connect meanwhile. Its context ends with the transport.
func admitTakesItsTime(e *env) {
	a, b, c := e.open(), e.open(), e.open()
	asked := make(chan struct{})
	ask := sync.OnceFunc(func() { close(asked) })
	a.onAdmit = func(ctx context.Context, from transport.Node) error {
		if from == b.id {
			ask()
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	b.send(a, 0, "never")
	e.await("Admit to be called", asked)
	c.sendUntilThere(a, "meanwhile")
	assert.Equal(e, len(a.from(b)), 0)
	a.close()
	assert.Equal(e, len(a.from(b)), 0)
}
