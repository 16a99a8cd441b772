//go:build linux

package benchmarks

import (
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"gotest.tools/v3/assert"

	"thespian.dev/transport"
)

// An asking is what one new peer does: it asks the server, and is silent for ever once it has the answer. The time begins when it has its socket.
type asking func(number int, server net.Addr) (took time.Duration)

// BenchmarkDatagramPeer has one new peer after the other ask a server: this is what passes between two nodes before they can talk, and what the server keeps of each. Question and answer count as datagrams.
// The server has a goroutine for each peer of DTLS, which reads into 2 KiB.
func BenchmarkDatagramPeer(b *testing.B) {
	for _, way := range []struct {
		name  string
		serve func(*testing.B) (server net.Addr, ask asking)
	}{
		{"transport", serveTransport},
		{"DTLS", func(b *testing.B) (net.Addr, asking) { return serveDTLS(b, certified(b)) }},
		{"DTLS shared key", func(b *testing.B) (net.Addr, asking) { return serveDTLS(b, shared()) }},
	} {
		b.Run(way.name, func(b *testing.B) {
			server, ask := way.serve(b)
			relayed, passed := relay(b, server)
			ask(2, relayed)
			datagrams := passed.Load()
			var took time.Duration
			keeps(b, "peer", func(number int) { took += ask(number, server) })
			b.ReportMetric(float64(took.Nanoseconds())/float64(b.N), "ns/op")
			b.ReportMetric(float64(datagrams), "datagrams/op")
		})
	}
}

// BenchmarkDatagramStranger begins handshakes from one address after the other and says no more: this is what a server keeps, as long as a handshake may take, of those who know nothing, and for whom any address will do.
// That the transport keeps nothing is a test of its own.
func BenchmarkDatagramStranger(b *testing.B) {
	options, sink, hello := certified(b), socket(b, 1), make([]byte, 1<<11)
	defer sink.Close()
	d := connect(b, socket(b, 1), sink.LocalAddr(), options)
	go d.HandshakeContext(b.Context())
	length, _, err := sink.ReadFrom(hello)
	assert.NilError(b, err)
	d.Close()
	server := listen(b, options, func(net.Conn) {})
	keeps(b, "stranger", func(number int) {
		c := socket(b, number)
		defer c.Close()
		_, err := c.WriteTo(hello[:length], server)
		assert.NilError(b, err)
		_, _, err = c.ReadFrom(make([]byte, 1<<11))
		assert.NilError(b, err)
	})
}

// keeps reports what is there after each of b.N others did something, and was not before.
func keeps(b *testing.B, each string, do func(number int)) {
	goroutines, bytes := quietGoroutines(), inUse()
	b.ResetTimer()
	for n := range b.N {
		do(1<<16 + n)
	}
	b.StopTimer()
	b.ReportMetric(float64(quietGoroutines()-goroutines)/float64(b.N), "goroutines/"+each)
	b.ReportMetric((float64(inUse())-float64(bytes))/float64(b.N), "B/"+each)
}

// relay stands between a peer and the server, and counts what passes.
func relay(b *testing.B, server net.Addr) (at net.Addr, passed *atomic.Int64) {
	var peer atomic.Pointer[net.Addr]
	passed = new(atomic.Int64)
	front, back := socket(b, 1), socket(b, 1)
	pass := func(from *net.UDPConn, data []byte, to net.Addr) {
		passed.Add(1)
		_, _ = from.WriteTo(data, to)
	}
	take(b, front, func(data []byte, from net.Addr) { peer.Store(&from); pass(back, data, server) })
	take(b, back, func(data []byte, _ net.Addr) { pass(front, data, *peer.Load()) })
	return front.LocalAddr(), passed
}

func serveTransport(b *testing.B) (net.Addr, asking) {
	var server atomic.Value
	t := node(b, 1, func(from transport.Node) {
		_ = server.Load().(transport.Transport).Peer(from, "").Send(b.Context(), 0, []byte("answer"))
	})
	server.Store(t)
	b.Cleanup(func() { t.Close() })
	address, err := net.ResolveUDPAddr("udp", t.Endpoint())
	assert.NilError(b, err)
	return address, func(number int, server net.Addr) time.Duration {
		answered := make(chan struct{}, 1)
		t := node(b, number, func(transport.Node) { answered <- struct{}{} })
		defer t.Close() // says nothing to the server
		runtime.GC()    // the last node has left 2 MiB that it read into
		began := time.Now()
		assert.NilError(b, t.Peer(first, server.String()).Send(b.Context(), 0, []byte("question")))
		<-answered
		return time.Since(began)
	}
}

// shared are those with a key that both sides know: DTLS at its cheapest, and like the transport open to who records it and learns the key later.
func shared() []dtls.Option {
	return []dtls.Option{
		dtls.WithCipherSuites(dtls.TLS_PSK_WITH_AES_128_GCM_SHA256), dtls.WithPSKIdentityHint([]byte("system")),
		dtls.WithPSK(func([]byte) ([]byte, error) { return make([]byte, 32), nil }),
	}
}

func serveDTLS(b *testing.B, options []dtls.Option) (net.Addr, asking) {
	return listen(b, options, func(c net.Conn) { _, _ = c.Write([]byte("answer")) }), func(number int, server net.Addr) time.Duration {
		c := socket(b, number)
		began := time.Now()
		d := connect(b, c, server, options)
		defer d.Close()
		defer c.Close() // before d could say goodbye to the server
		_, err := d.Write([]byte("question"))
		assert.NilError(b, err)
		_, err = d.Read(make([]byte, 1<<11))
		assert.NilError(b, err)
		return time.Since(began)
	}
}
