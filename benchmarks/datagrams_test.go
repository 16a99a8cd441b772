//go:build linux

package benchmarks

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"gotest.tools/v3/assert"

	"thespian.dev/convention/authority"
	"thespian.dev/transport"
	udp "thespian.dev/transport-udp"
)

// What is measured here is what DTLS would cost in the place of the seals of the base udp: for each datagram, for each pair of nodes and for each stranger. All runs in one process, over the loopback.

// BenchmarkDatagram sends datagrams one way, as fast as they are taken: this is what every message pays. "sealed" is the bare socket with the seal of the transport, but without its window against repetition.
// All have AES-256-GCM, and call the kernel for each datagram; only the transport puts several into one call.
func BenchmarkDatagram(b *testing.B) {
	for _, size := range []int{64, 1 << 10} {
		for _, way := range []struct {
			name string
			open func(b *testing.B, arrived func()) (send func([]byte) error)
		}{{"bare", openBare}, {"sealed", openSealed}, {"transport", openTransport}, {"DTLS", openDTLS}} {
			b.Run(fmt.Sprintf("%d B/%s", size, way.name), func(b *testing.B) {
				p, data := pace{moved: make(chan struct{}, 1)}, make([]byte, size)
				send := way.open(b, p.arrived)
				next := func() {
					assert.NilError(b, send(data))
					if p.sent++; p.sent%(underWay/2) == 0 {
						p.wait(underWay / 2)
					}
				}
				next() // a transport is asked whether it admits the other
				p.wait(0)
				b.ReportAllocs()
				b.ResetTimer()
				busy := processorTime()
				for range b.N {
					next()
				}
				p.wait(0)
				b.StopTimer()
				came := float64(int64(b.N) - p.lost)
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/came, "ns/op") // of those that came
				b.ReportMetric(float64(processorTime()-busy)/came, "cpu-ns/op")  // of all processors: other work on the machine disturbs it less
				b.ReportMetric(100*float64(p.lost)/float64(b.N), "%lost")
			})
		}
	}
}

// underWay is how many datagrams may be under way: the smallest buffers of sockets hold them, so that hardly one gets lost.
const underWay = 64

// A pace holds back who sends until enough has arrived.
type pace struct {
	sent, lost   int64
	came, wanted atomic.Int64
	moved        chan struct{}
}

func (p *pace) arrived() {
	if p.came.Add(1) == p.wanted.Load() {
		select {
		case p.moved <- struct{}{}:
		default:
		}
	}
}

// wait waits until no more than most are under way. What has not come after a second is lost.
func (p *pace) wait(most int64) {
	for p.wanted.Store(p.sent - p.lost - most); p.came.Load() < p.wanted.Load(); p.wanted.Store(p.sent - p.lost - most) {
		select {
		case <-p.moved:
		case <-time.After(time.Second):
			p.lost = p.sent - p.came.Load()
		}
	}
}

// processorTime is how long the processors have worked for this process, in nanoseconds.
func processorTime() int64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}

// socket returns one at an address that follows from the number: DTLS tells peers apart by address, and must not meet one again.
func socket(b *testing.B, number int) *net.UDPConn {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, byte(number>>16), byte(number>>8), byte(number))})
	assert.NilError(b, err)
	return c
}

// take calls took for each datagram, on a goroutine, until the benchmark ends.
func take(b *testing.B, c *net.UDPConn, took func(data []byte, from net.Addr)) {
	b.Cleanup(func() { c.Close() })
	go func() {
		for buffer := make([]byte, 1<<16); ; {
			n, from, err := c.ReadFrom(buffer)
			if err != nil {
				return
			}
			took(buffer[:n], from)
		}
	}()
}

func openBare(b *testing.B, arrived func()) func([]byte) error {
	from, to := socket(b, 1), socket(b, 1)
	b.Cleanup(func() { from.Close() })
	take(b, to, func([]byte, net.Addr) { arrived() })
	return func(data []byte) error { _, err := from.WriteTo(data, to.LocalAddr()); return err }
}

func openSealed(b *testing.B, arrived func()) func([]byte) error {
	block, err := aes.NewCipher(make([]byte, 32))
	assert.NilError(b, err)
	aead, err := cipher.NewGCM(block)
	assert.NilError(b, err)
	const nonce, header = 20, 32 // magic and two numbers of the node, then a prefix and a number; behind it a kind and another number
	from, to, sealed, number := socket(b, 1), socket(b, 1), make([]byte, header+1+8, 1<<11), uint64(0)
	b.Cleanup(func() { from.Close() })
	take(b, to, func(data []byte, _ net.Addr) {
		if _, err := aead.Open(data[header:header], data[nonce:header], data[header:], data[:header]); err == nil {
			arrived()
		}
	})
	return func(data []byte) error {
		number++
		binary.BigEndian.PutUint64(sealed[nonce+4:], number)
		plain := append(sealed, data...)
		_, err := from.WriteTo(aead.Seal(plain[:header], plain[nonce:header], plain[header:], plain[:header]), to.LocalAddr())
		return err
	}
}

// A taker is a transport's Handler.
type taker func(from transport.Node)

func (t taker) Deliver(from transport.Node, messages [][]byte) {
	for range messages {
		t(from)
	}
}
func (taker) Undelivered(transport.Node, []byte, bool, error) {}
func (taker) Admit(context.Context, transport.Node) error     { return nil }

func node(b *testing.B, process int, take taker) transport.Transport {
	t, err := udp.Base().Open(b.Context(), transport.Config{Self: transport.Node{System: 1, Process: uint64(process)}, Handler: take, Key: []byte("benchmark")})
	assert.NilError(b, err)
	return t
}

var first = transport.Node{System: 1, Process: 1}

func openTransport(b *testing.B, arrived func()) func([]byte) error {
	to, from := node(b, 1, func(transport.Node) { arrived() }), node(b, 2, nil)
	b.Cleanup(func() { from.Close(); to.Close() })
	peer := from.Peer(first, to.Endpoint())
	return func(data []byte) error { return peer.Send(b.Context(), 0, data) }
}

// certified are the options of both sides with the certificates that conventions have.
func certified(b *testing.B) []dtls.Option {
	a, err := authority.Derive(authority.NewSecret())
	assert.NilError(b, err)
	config := a.Server()
	own, err := config.GetCertificate(&tls.ClientHelloInfo{})
	assert.NilError(b, err)
	return []dtls.Option{
		dtls.WithCipherSuites(dtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384), dtls.WithCertificates(*own),
		dtls.WithInsecureSkipVerify(true), // names mean nothing; what follows looks at the certificate
		dtls.WithVerifyPeerCertificate(func(raw [][]byte, _ [][]*x509.Certificate) error {
			c, err := x509.ParseCertificate(raw[0])
			if err != nil {
				return err
			}
			return config.VerifyConnection(tls.ConnectionState{PeerCertificates: []*x509.Certificate{c}})
		}),
	}
}

// as returns options for one side.
func as[Side any](both []dtls.Option) (side []Side) {
	for _, o := range both {
		side = append(side, o.(Side))
	}
	return side
}

func connect(b *testing.B, c net.PacketConn, server net.Addr, both []dtls.Option) *dtls.Conn {
	d, err := dtls.ClientWithOptions(c, server, as[dtls.ClientOption](both)...)
	assert.NilError(b, err)
	return d
}

// listen has a goroutine for each that connects, which calls took for each of its messages.
func listen(b *testing.B, both []dtls.Option, took func(net.Conn)) net.Addr {
	l, err := dtls.ListenWithOptions("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, append(as[dtls.ServerOption](both), dtls.WithClientAuth(dtls.RequireAnyClientCert))...)
	assert.NilError(b, err)
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			go func() {
				for buffer := make([]byte, 1<<11); ; took(c) {
					if _, err := c.Read(buffer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr()
}

func openDTLS(b *testing.B, arrived func()) func([]byte) error {
	options := certified(b)
	d := connect(b, socket(b, 1), listen(b, options, func(net.Conn) { arrived() }), options)
	b.Cleanup(func() { d.Close() })
	return func(data []byte) error { _, err := d.Write(data); return err }
}
