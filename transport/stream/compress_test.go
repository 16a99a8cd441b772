package stream_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
	"thespian.dev/transport/stream"
)

// counted counts the bytes of a connection.
type counted struct {
	net.Conn
	in, out *atomic.Int64
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.in.Add(int64(n))
	return n, err
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.out.Add(int64(n))
	return n, err
}

// A frame is compressed when both ends have said that they take such frames: whoever connects, and whichever way it goes. With one end alone all arrives as it is.
func TestOneEndAloneCompressesNothing(t *testing.T) {
	for name, c := range map[string]struct{ dialer, acceptor bool }{
		"both":                {true, true},
		"neither":             {false, false},
		"the one that dials":  {true, false},
		"the one that is met": {false, true},
	} {
		t.Run(name, func(t *testing.T) {
			var in, out atomic.Int64
			a := newNodeWith(t, func(ctx context.Context, config transport.Config) (transport.Transport, error) {
				network := overTCP(c.dialer)
				dial := network.Dial
				network.Dial = func(ctx context.Context, endpoint string) (net.Conn, error) {
					conn, err := dial(ctx, endpoint)
					return counted{conn, &in, &out}, err
				}
				return stream.Open(ctx, config, network)
			}, nil)
			b := newNodeWith(t, func(ctx context.Context, config transport.Config) (transport.Transport, error) {
				return stream.Open(ctx, config, overTCP(c.acceptor))
			}, nil)
			lengths := []int{64 << 10, transport.LongMessage + 1<<20, 100} // a frame of its own, pieces, and what is too short
			total := int64(0)
			for i, length := range lengths {
				total += int64(length)
				a.send(b, b.tr.Endpoint(), 0, numbered(i, length))
			}
			b.waitFrom(a, len(lengths))
			for i, length := range lengths {
				b.send(a, "", 0, numbered(i, length))
			}
			a.waitFrom(b, len(lengths))
			length := func(i int) int { return lengths[i] }
			checkNumbered(t, b.from(a), len(lengths), length)
			checkNumbered(t, a.from(b), len(lengths), length)
			for way, bytes := range map[string]int64{"from the one that dials": out.Load(), "to it": in.Load()} {
				if c.dialer && c.acceptor {
					assert.Assert(t, bytes < total/2, "%s: %d bytes for %d", way, bytes, total)
				} else {
					assert.Assert(t, bytes >= total, "%s: %d bytes for %d", way, bytes, total)
				}
			}
		})
	}
}
