package udp_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
	"gotest.tools/v3/assert"

	"thespian.dev/transport"
	udp "thespian.dev/transport-udp"
)

// What is measured runs between two processes: this one and a second one of the same test binary, where there are a transport and bare sockets. Both count what comes, and say how many there were.

const childVariable = "TRANSPORT_UDP_BENCHMARK_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		child()
		return
	}
	os.Exit(m.Run())
}

var (
	here  = transport.Node{System: 1, Process: 1}
	there = transport.Node{System: 1, Process: 2}
)

// sink is a Handler that hands on what it gets.
type sink struct{ deliver func(data []byte) }

func (s *sink) Deliver(_ transport.Node, messages [][]byte) {
	for _, data := range messages {
		s.deliver(data)
	}
}
func (s *sink) Undelivered(transport.Node, []byte, bool, error) {}
func (s *sink) Admit(context.Context, transport.Node) error     { return nil }

func open(self transport.Node, deliver func([]byte)) (transport.Transport, error) {
	return udp.Base().Open(context.Background(), transport.Config{Self: self, Handler: &sink{deliver}, Key: []byte("benchmark")})
}

const (
	count = 'c' // only count
	echo  = 'e' // send back
	tell  = 't' // tell how many have come, and begin anew
)

// child is the other process.
func child() {
	var back transport.Peer
	var came uint64
	t, err := open(there, func(data []byte) {
		switch data[0] {
		case echo:
			_ = back.Send(context.Background(), 0, data)
		case tell:
			_ = back.Assure(context.Background(), 0, binary.BigEndian.AppendUint64(nil, came))
			came = 0
		default:
			came++
		}
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	back = t.Peer(here, "")
	raw, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		fmt.Println(err)
		return
	}
	udp.Enlarge(raw)
	go rawChild(raw)
	fmt.Println(t.Endpoint(), raw.LocalAddr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	t.Close()
}

func rawChild(c *net.UDPConn) {
	p := ipv4.NewPacketConn(c)
	messages := make([]ipv4.Message, 32)
	for i := range messages {
		messages[i].Buffers = [][]byte{make([]byte, 1<<16)}
	}
	var came uint64
	for {
		n, err := p.ReadBatch(messages, 0)
		if err != nil {
			return
		}
		for _, m := range messages[:n] {
			switch data := m.Buffers[0][:m.N]; data[0] {
			case echo:
				_, _ = c.WriteTo(data, m.Addr)
			case tell:
				_, _ = c.WriteTo(binary.BigEndian.AppendUint64(nil, came), m.Addr)
				came = 0
			default:
				came++
			}
		}
	}
}

// start starts the other process.
func start(b *testing.B) (endpoint, raw string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"=1")
	stdin, err := cmd.StdinPipe()
	assert.NilError(b, err)
	stdout, err := cmd.StdoutPipe()
	assert.NilError(b, err)
	assert.NilError(b, cmd.Start())
	b.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait()
	})
	_, err = fmt.Fscan(stdout, &endpoint, &raw)
	assert.NilError(b, err)
	return endpoint, raw
}

// Messages of 64 bytes in one direction. Raw datagrams have as many bytes as those of the transport, one or 32 in a call; nobody waits for anybody there.
func BenchmarkTell(b *testing.B) {
	endpoint, rawEndpoint := start(b)
	came := make(chan uint64, 1)
	t, err := open(here, func(data []byte) { came <- binary.BigEndian.Uint64(data) })
	assert.NilError(b, err)
	defer t.Close()
	peer := t.Peer(there, endpoint)
	b.Run("transport", func(b *testing.B) {
		data := make([]byte, 64)
		data[0] = count
		b.ReportAllocs()
		for b.Loop() {
			if err := peer.Send(context.Background(), 0, data); err != nil {
				b.Fatal(err)
			}
		}
		assert.NilError(b, peer.Assure(context.Background(), 0, []byte{tell}))
		report(b, <-came)
	})
	for _, together := range []int{1, 32} {
		b.Run(fmt.Sprintf("raw/%d", together), func(b *testing.B) {
			conn, err := net.Dial("udp", rawEndpoint)
			assert.NilError(b, err)
			defer conn.Close()
			p := ipv4.NewPacketConn(conn.(*net.UDPConn))
			messages := make([]ipv4.Message, together)
			for i := range messages {
				messages[i].Buffers = [][]byte{make([]byte, 64+udp.Overhead)}
				messages[i].Buffers[0][0] = count
			}
			for i := 0; b.Loop(); i++ {
				if together == 1 {
					_, _ = conn.Write(messages[0].Buffers[0])
				} else if i%together == together-1 {
					_, _ = p.WriteBatch(messages, 0)
				}
			}
			answer := make([]byte, 100)
			for {
				_, _ = conn.Write([]byte{tell})
				_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
				if _, err := conn.Read(answer); err == nil {
					break
				}
			}
			report(b, binary.BigEndian.Uint64(answer))
		})
	}
}

// report reports how many of b.N messages got lost, and how many came in a time.
func report(b *testing.B, came uint64) {
	b.ReportMetric(100*(1-float64(min(came, uint64(b.N)))/float64(b.N)), "%lost")
	b.ReportMetric(float64(came)/b.Elapsed().Seconds()/1e6, "M/s")
}

// A message of 64 bytes every 10 microseconds for as long as the benchmark takes: how many get lost, and whether all of these are counted, is what it is about.
func BenchmarkHundredThousandPerSecond(b *testing.B) {
	endpoint, _ := start(b)
	came := make(chan uint64, 1)
	t, err := open(here, func(data []byte) { came <- binary.BigEndian.Uint64(data) })
	assert.NilError(b, err)
	defer t.Close()
	peer := t.Peer(there, endpoint)
	data := make([]byte, 64)
	data[0] = count
	began := time.Now()
	i := 0
	for b.Loop() {
		if i++; i%100 == 0 {
			time.Sleep(time.Until(began.Add(time.Duration(i) * 10 * time.Microsecond)))
		}
		if err := peer.Send(context.Background(), 0, data); err != nil {
			b.Fatal(err)
		}
	}
	assert.NilError(b, peer.Assure(context.Background(), 0, []byte{tell}))
	report(b, <-came)
}

func BenchmarkPingPong(b *testing.B) {
	endpoint, rawEndpoint := start(b)
	b.Run("transport", func(b *testing.B) {
		var back atomic.Pointer[chan struct{}]
		t, err := open(here, func([]byte) { *back.Load() <- struct{}{} })
		assert.NilError(b, err)
		defer t.Close()
		peer := t.Peer(there, endpoint)
		answer := make(chan struct{}, 1)
		back.Store(&answer)
		data := make([]byte, 64)
		data[0] = echo
		for b.Loop() {
			_ = peer.Send(context.Background(), 0, data)
			<-answer
		}
	})
	b.Run("raw", func(b *testing.B) {
		conn, err := net.Dial("udp", rawEndpoint)
		assert.NilError(b, err)
		defer conn.Close()
		data := make([]byte, 64+udp.Overhead)
		data[0] = echo
		answer := make([]byte, 200)
		for b.Loop() {
			_, _ = conn.Write(data)
			_, _ = conn.Read(answer)
		}
	})
}
