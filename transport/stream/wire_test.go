package stream

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/message"
	"thespian.dev/transport"
	"thespian.dev/transport/hello"
)

// Frame returns a frame with a right checksum.
func Frame(kind byte, flags uint16, payload []byte) []byte {
	b, err := message.AppendFrame(nil, message.Frame{Kind: kind, Flags: flags, Payload: payload})
	if err != nil {
		panic(err)
	}
	return b
}

// Connect makes the handshake of a node that has the key.
func Connect(endpoint string, self, to transport.Node, key []byte) (net.Conn, error) {
	c, err := net.Dial("tcp", endpoint)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	_, err = hello.Initiate(c, hello.Self{Node: self, Key: key, Versions: message.Versions{Lowest: 1, Highest: 1}}, to,
		session{maxMessage: 64 << 20, window: 1 << 20, compressed: true}.append(nil))
	return c, err
}

// The frames that are written here are those of package message.
func TestFramesAreThoseOfMessage(t *testing.T) {
	for _, rest := range [][]byte{nil, []byte("rest")} {
		b := make([]byte, message.FrameHeader+8)
		copy(b[message.FrameHeader:], "12345678")
		sealHeader(b, kindBatch, flagCompressed, rest)
		f, err := message.ReadFrame(bytes.NewReader(append(b, rest...)), 0)
		assert.NilError(t, err)
		assert.Equal(t, f.Kind, byte(kindBatch))
		assert.Equal(t, f.Flags, uint16(flagCompressed))
		assert.Equal(t, string(f.Payload), "12345678"+string(rest))
	}
}

func TestSession(t *testing.T) {
	want := session{taken: 1 << 60, count: 3, maxMessage: 64 << 20, window: 4 << 20, compressed: true}
	b := want.append(nil)
	got, err := decodeSession(append(b, "of a later version"...))
	assert.NilError(t, err)
	assert.Equal(t, got, want)
	for n := range b {
		_, err := decodeSession(b[:n])
		assert.ErrorIs(t, err, errProtocol)
	}
}

// stub is a connection that ends after what is to be read.
type stub struct{ io.Reader }

func (stub) Write(b []byte) (int, error)      { return len(b), nil }
func (stub) Close() error                     { return nil }
func (stub) LocalAddr() net.Addr              { return nil }
func (stub) RemoteAddr() net.Addr             { return nil }
func (stub) SetDeadline(time.Time) error      { return nil }
func (stub) SetReadDeadline(time.Time) error  { return nil }
func (stub) SetWriteDeadline(time.Time) error { return nil }

type discard struct{ limit int }

func (d discard) Deliver(_ transport.Node, messages [][]byte) {
	for _, data := range messages {
		if len(data) > d.limit {
			panic("a message above the limit was delivered")
		}
	}
}
func (discard) Undelivered(transport.Node, []byte, bool, error) {}
func (discard) Admit(context.Context, transport.Node) error     { return nil }

// Whatever comes on a connection, nothing above the limits is delivered or taken memory for.
func FuzzFrames(f *testing.F) {
	var q queue
	q.blocks, q.frameCap, q.chunk = &blocks{}, blockSize, 100
	q.add([]byte("one"))
	q.add(bytes.Repeat([]byte("two"), 100))
	batch, _ := q.take()
	f.Add(append(bytes.Clone(batch.bytes), Frame(kindConfirm, 0, make([]byte, 8))...))
	chunk := func(flags uint16, number, total, at byte, data string) []byte {
		fixed := make([]byte, chunkFixed)
		fixed[15], fixed[23], fixed[31] = number, total, at
		return Frame(kindChunk, flags, append(fixed, data...))
	}
	f.Add(append(chunk(0, 0, 6, 0, "abc"), chunk(0, 1, 6, 3, "def")...))
	f.Add(append(chunk(0, 0, 6, 0, "abc"), chunk(0, 0, 6, 3, "def")...))
	f.Add(chunk(flagCompressed, 0, 6, 0, "\x06\x14abcdef"))
	f.Add(chunk(flagUnsummed, 0, 6, 0, "abcdef"))
	f.Add(Frame(kindBatch, 0, append(make([]byte, 19), 1, 3, 'a', 'b', 'c')))
	f.Add(Frame(kindGoodbye, 0, make([]byte, 8)))
	f.Fuzz(func(t *testing.T, data []byte) {
		// The checksums of what the fuzzer makes up are mended, so that it gets past them.
		mended := bytes.Clone(data)
		for rest := mended; len(rest) >= message.FrameHeader; {
			h, err := parseHeader(rest)
			if err != nil || len(rest) < message.FrameHeader+h.length {
				break
			}
			frame := rest[:message.FrameHeader+h.length]
			sealHeader(frame, h.kind, h.flags, nil)
			rest = rest[len(frame):]
		}
		const limit = 1000
		n := &node{config: transport.Config{Self: transport.Node{System: 1}, Handler: discard{limit}, MaxMessage: limit}.WithDefaults(transport.Features{})}
		n.ended = true
		p := newPeer(n, transport.Node{System: 1, Process: 1})
		for range 3 {
			p.queue.add([]byte("x"))
		}
		_, _ = p.queue.take()
		c := p.newConn(stub{}, stub{}, session{}, true, false)
		r := &reader{from: bytes.NewReader(mended), buf: make([]byte, readSize), step: readSize}
		for c.readFrame(r) == nil {
		}
		if cap(p.partial) > 1<<20 || cap(r.buf) > maxPayload+readSize || cap(r.unpacked) > localChunk {
			t.Errorf("%d, %d and %d bytes were taken", cap(p.partial), cap(r.buf), cap(r.unpacked))
		}
	})
}
