package stream_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/message"
	"thespian.dev/transport"
	"thespian.dev/transport/stream"
)

const (
	batch   = 16
	chunk   = 17
	confirm = 18
	goodbye = 19
)

func numbers(n ...uint64) (b []byte) {
	for _, n := range n {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return b
}

// bare is a peer that the test plays by hand.
type bare struct {
	t  *testing.T
	id transport.Node
	net.Conn
}

func newBare(t *testing.T, to *node) bare {
	id := transport.Node{System: 7, Process: 4}
	c, err := stream.Connect(to.tr.Endpoint(), id, to.id, []byte("key"))
	assert.NilError(t, err)
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return bare{t, id, c}
}

func (b bare) say(kind byte, payload []byte) {
	b.t.Helper()
	_, err := b.Write(stream.Frame(kind, 0, payload))
	assert.NilError(b.t, err)
}

func (b bare) hear(kind byte) []byte {
	b.t.Helper()
	f, err := message.ReadFrame(b, 0)
	if err != nil && kind == chunk { // whose checksum is that of a part of it
		assert.ErrorIs(b.t, err, message.ErrChecksum)
		return nil
	}
	assert.NilError(b.t, err)
	assert.Equal(b.t, f.Kind, kind)
	return f.Payload
}

// batchOf is a batch of messages of one byte each, with the numbers from first on.
func batchOf(first uint64, messages string) []byte {
	b := binary.BigEndian.AppendUint32(numbers(0, first), uint32(len(messages)))
	for i := range len(messages) {
		b = append(b, 1, messages[i])
	}
	return b
}

// What comes again is not delivered again, whole frames and parts of them; and what was given up leaves a gap.
func TestNumbersAreTakenOnce(t *testing.T) {
	a := newNode(t, nil)
	b := newBare(t, a)
	b.say(batch, batchOf(0, "abc"))
	b.say(batch, batchOf(0, "abc"))
	b.say(batch, batchOf(1, "bcd"))
	b.say(chunk, append(numbers(0, 4, 2, 0), "e"...))
	b.say(chunk, append(numbers(0, 4, 2, 0), "e"...))
	b.say(chunk, append(numbers(0, 5, 2, 1), "f"...))
	b.say(batch, batchOf(9, "g"))
	a.wait("the last message", func() bool { return strings.Contains(strings.Join(a.got[b.id], ""), "g") })
	assert.DeepEqual(t, a.from(&node{id: b.id}), []string{"a", "b", "c", "d", "ef", "g"})
	for confirmed := uint64(0); confirmed < 10; {
		confirmed = binary.BigEndian.Uint64(b.hear(confirm))
	}
}

// What a node knows of the messages that it sent to one that has died: those that were confirmed are delivered, those that were only written perhaps, and those of which
// the other one has said by its goodbye that it has not taken them certainly not.
func TestFatesOfMessages(t *testing.T) {
	long := strings.Repeat("long", 100_000)
	for _, c := range []struct {
		name string
		end  func(b bare)
		want string // the fates of one, two, three and long
	}{
		{"nothing confirmed", func(b bare) {}, "????"},
		{"one confirmed", func(b bare) { b.say(confirm, numbers(1)) }, " ???"},
		{"short ones confirmed", func(b bare) { b.say(confirm, numbers(3)) }, "   ?"},
		{"all confirmed", func(b bare) { b.say(confirm, numbers(4)) }, "    "},
		{"goodbye after one", func(b bare) { b.say(goodbye, numbers(1)) }, " ---"},
		{"goodbye after all", func(b bare) { b.say(goodbye, numbers(4)) }, "    "},
		{"one confirmed and goodbye after two", func(b bare) { b.say(confirm, numbers(1)); b.say(goodbye, numbers(2)) }, "  --"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newNode(t, nil)
			peer := a.tr.Peer(transport.Node{System: 7, Process: 4}, "")
			messages := []string{"one", "two", "three", long}
			for _, m := range messages {
				assert.NilError(t, peer.Send(context.Background(), 0, []byte(m)))
			}
			b := newBare(t, a)
			for heard := uint32(0); heard < 3; {
				heard += binary.BigEndian.Uint32(b.hear(batch)[16:])
			}
			b.hear(chunk)
			c.end(b)
			_ = b.Conn.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, b)
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			peer.Forget(ctx)
			got := ""
			for _, m := range messages {
				fate := " "
				for _, l := range a.lost {
					if l.data == m {
						fate = map[bool]string{true: "?", false: "-"}[l.perhaps]
						assert.ErrorIs(t, l.why, transport.ErrForgotten)
					}
				}
				got += fate
			}
			assert.Equal(t, got, c.want)
		})
	}
}

// A long message of which the last part was not written did certainly not arrive.
func TestFateOfHalfALongMessage(t *testing.T) {
	a := newNode(t, nil)
	peer := a.tr.Peer(transport.Node{System: 7, Process: 4}, "")
	long := strings.Repeat("long", 10<<20) // more than the sockets hold
	assert.NilError(t, peer.Send(context.Background(), 0, []byte(long)))
	b := newBare(t, a)
	_ = b.Conn.(*net.TCPConn).SetReadBuffer(1 << 16)
	b.hear(chunk)
	reset(b.Conn)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	peer.Forget(ctx)
	assert.Equal(t, len(a.lost), 1)
	assert.Assert(t, a.lost[0].data == long && !a.lost[0].perhaps)
}

// A confirmation that was lost with its connection is made up for, though nothing else is sent.
func TestLostConfirmation(t *testing.T) {
	a, b := newNode(t, nil), newNode(t, nil)
	for i := range 20 {
		a.send(b, b.tr.Endpoint(), 0, fmt.Sprint(i))
		b.waitFrom(a, i+1)
		stream.Reset(a.tr, b.tr)
		eventually(t, "all to be confirmed", func() bool { return stream.Unconfirmed(a.tr) == 0 })
	}
	assert.Equal(t, len(b.from(a)), 20)
}
