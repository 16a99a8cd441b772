package system

import (
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/address"
	"thespian.dev/address/record"
	"thespian.dev/admin"
	"thespian.dev/message"
	"thespian.dev/transport"
)

// What nodes of other systems say is not what it should be: the process lives on, and answers as before.
func TestNodesThatLie(t *testing.T) {
	inWorld(t, admin.Options{}, func(t *testing.T, w *world, sys *System) {
		actor := made(t, sys, "child")
		ps := sys.node.peers
		liar := sys.node.newPeer(transport.Node{System: 5, Process: 50})
		ps.outside.strangers = map[transport.Node]*peer{liar.at: liar}
		foreign := func(n uint64) address.Address {
			return address.Of(record.Intern(record.ID{System: 5, Process: 50, Counter: n}))
		}
		hinted := foreign(7)
		hinted.Record().SetHint("nowhere")
		for _, who := range []address.Address{{}, actor, foreign(1), sys.node.admin.self, hinted, sys.node.newAddress()} {
			for _, msg := range []any{
				stop{who}, proceed{who}, watching{who, true}, watching{who, false}, exited{who, "", true}, exited{who, "because", false}, whereis{who},
				whereabouts{Actor: who}, whereabouts{Actor: who, At: message.Node{System: 5, Process: 51}}, whereabouts{Actor: who, At: message.Node(sys.node.here())},
				notDelivered{who, who, ""}, notDelivered{Sender: who}, notDelivered{Target: who},
				admin.Shutdown{}, admin.Seek{}, connectBack{},
			} {
				data, err := ps.control.Append([]byte{linkControl}, msg)
				assert.NilError(t, err)
				outsideHandler{&ps.outside}.Deliver(liar.at, [][]byte{data, data})
				ps.relayed(admin.Relayed{Data: data})
			}
			for _, e := range []message.Envelope{
				{Target: who, Sender: who, Message: ping{}}, {Target: who, Message: ping{}}, {Sender: who, Message: ping{}}, {Target: who, Sender: who, Message: message.StatusRequest{}},
				{Target: who, Message: message.ChildActorExited{}}, {Target: who, Message: message.ActorExited{}}, {Target: who, Message: message.DeadEnvelope{}}, {Target: who, Message: message.PoisonMessage{}},
			} {
				data, err := sys.node.messages.AppendEnvelope([]byte{linkEnvelope}, e)
				assert.NilError(t, err)
				outsideHandler{&ps.outside}.Deliver(liar.at, [][]byte{data})
				ps.relayed(admin.Relayed{Data: data})
			}
		}
		for _, data := range [][]byte{nil, {}, {linkControl}, {linkEnvelope}, {linkEncoded}, []byte("what"), []byte(strings.Repeat("L", 1000)), []byte(strings.Repeat("E", 1000)), []byte(strings.Repeat("C", 1000))} {
			outsideHandler{&ps.outside}.Deliver(liar.at, [][]byte{data})
			ps.relayed(admin.Relayed{Data: data})
		}
		ps.gone(liar.at, "it lied", false)
		reply, err := sys.Ask(t.Context(), actor, ping{1})
		assert.NilError(t, err)
		assert.Equal(t, reply, pong{0})
	})
}

// What a node says of others' mailboxes is kept within bounds.
func TestNodesThatSayStop(t *testing.T) {
	inWorld(t, admin.Options{}, func(t *testing.T, w *world, sys *System) {
		liar := sys.node.newPeer(transport.Node{System: 5, Process: 50})
		for i := range uint64(maxStopped + 10) {
			sys.node.peers.said(liar, stop{address.Of(record.Intern(record.ID{System: 5, Process: 50, Counter: i}))})
		}
		assert.Equal(t, len(liar.stopped), maxStopped)
		assert.Equal(t, liar.stops.Load(), int32(maxStopped))
		sys.node.peers.said(liar, proceed{address.Of(record.Intern(record.ID{System: 5, Process: 50, Counter: maxStopped + 1}))})
		assert.Equal(t, liar.stops.Load(), int32(maxStopped), "of one that was left out")
	})
}
