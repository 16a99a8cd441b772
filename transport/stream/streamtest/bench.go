package streamtest

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
	"thespian.dev/transport/stream"
)

// A Bench measures a base against bare sockets. What is measured runs between two processes: that of the benchmark and a second one of the same test binary, at whose endpoint there are a
// transport and, for comparison, a bare socket. What arrives there is counted, or sent back if its first byte says so.
type Bench struct {
	Base transport.Base
	// Network and Address are where the bare socket listens, as in net.Listen. The address is for one benchmark at a time.
	Network, Address string
}

const childVariable = "TRANSPORT_BENCHMARK_CHILD"

const (
	count = 'c' // only count
	echo  = 'e' // send back
	tell  = 't' // tell when so many bytes have come
)

// Main runs the tests of a binary with benchmarks, for its TestMain.
func (w Bench) Main(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		w.child()
		return
	}
	os.Exit(m.Run())
}

var (
	here  = transport.Node{System: 1, Process: 1}
	there = transport.Node{System: 1, Process: 2}
)

// counter is a Handler that hands on what it gets.
type counter struct{ deliver func(data []byte) }

func (c *counter) Deliver(_ transport.Node, messages [][]byte) {
	for _, data := range messages {
		c.deliver(data)
	}
}
func (c *counter) Undelivered(transport.Node, []byte, bool, error)     {}
func (c *counter) Admit(_ context.Context, _ transport.Node) (_ error) { return nil }

func (w Bench) open(node transport.Node, h transport.Handler) (transport.Transport, error) {
	return w.Base.Open(context.Background(), transport.Config{Self: node, Handler: h, Key: []byte("benchmark")})
}

// child is the other process.
func (w Bench) child() {
	var back transport.Peer
	var bytes uint64
	h := &counter{}
	h.deliver = func(data []byte) {
		switch data[0] {
		case echo:
			_ = back.Send(context.Background(), 0, data)
			return
		case tell:
			_ = back.Send(context.Background(), 0, binary.BigEndian.AppendUint64(nil, bytes+uint64(len(data))))
			bytes = 0
			return
		}
		bytes += uint64(len(data))
	}
	t, err := w.open(there, h)
	if err == nil {
		back = t.Peer(here, "")
		var raw net.Listener
		if raw, err = net.Listen(w.Network, w.Address); err == nil {
			go rawChild(raw)
			fmt.Println(t.Endpoint(), raw.Addr())
			_, _ = io.Copy(io.Discard, os.Stdin)
			t.Close()
			return
		}
	}
	fmt.Println(err)
}

// rawChild does the same over a bare socket, whose messages have a length of 4 bytes in front.
func rawChild(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			r := bufio.NewReaderSize(c, 128<<10)
			var bytes uint64
			_ = rawRead(r, func(data []byte) {
				switch data[0] {
				case echo:
					_, _ = c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data...))
				case tell:
					_, _ = c.Write(binary.BigEndian.AppendUint64([]byte{0, 0, 0, 8}, bytes+uint64(len(data))))
					bytes = 0
				default:
					bytes += uint64(len(data))
				}
			})
		}()
	}
}

func rawRead(r *bufio.Reader, deliver func([]byte)) error {
	var buf []byte
	for {
		head, err := r.Peek(4)
		if err != nil {
			return err
		}
		n := int(binary.BigEndian.Uint32(head))
		_, _ = r.Discard(4)
		if n <= r.Size() {
			if head, err = r.Peek(n); err != nil {
				return err
			}
			deliver(head)
			_, _ = r.Discard(n)
			continue
		}
		if cap(buf) < n {
			buf = make([]byte, n)
		}
		if _, err := io.ReadFull(r, buf[:n]); err != nil {
			return err
		}
		deliver(buf[:n])
	}
}

// start starts the other process and returns where its transport and its bare socket are.
func start(b *testing.B) (endpoint, raw string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"=benchmark")
	stdin, err := cmd.StdinPipe()
	assert.NilError(b, err)
	stdout, err := cmd.StdoutPipe()
	assert.NilError(b, err)
	assert.NilError(b, cmd.Start())
	b.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	assert.NilError(b, err)
	words := strings.Fields(line)
	assert.Equal(b, len(words), 2, line)
	return words[0], words[1]
}

// A link sends to the other process and gets what comes back.
type link struct {
	send  func(data []byte)
	flush func()
	back  func(func([]byte))
}

func (w Bench) links(b *testing.B) map[string]link {
	endpoint, rawEndpoint := start(b)

	var receive atomic.Pointer[func([]byte)]
	t, err := w.open(here, &counter{deliver: func(data []byte) { (*receive.Load())(data) }})
	assert.NilError(b, err)
	b.Cleanup(func() { t.Close() })
	peer := t.Peer(there, endpoint)

	conn, err := net.Dial(w.Network, rawEndpoint)
	assert.NilError(b, err)
	b.Cleanup(func() { conn.Close() })
	out := bufio.NewWriterSize(conn, 64<<10)
	var rawReceive atomic.Pointer[func([]byte)]
	go func() {
		_ = rawRead(bufio.NewReaderSize(conn, 128<<10), func(data []byte) { (*rawReceive.Load())(data) })
	}()
	var mu sync.Mutex

	return map[string]link{
		"transport": {
			send: func(data []byte) {
				if err := peer.Send(context.Background(), 0, data); err != nil {
					panic(err)
				}
			},
			flush: func() {},
			back:  func(f func([]byte)) { receive.Store(&f) },
		},
		"raw": {
			send: func(data []byte) {
				var head [4]byte
				binary.BigEndian.PutUint32(head[:], uint32(len(data)))
				mu.Lock()
				_, _ = out.Write(head[:])
				_, _ = out.Write(data)
				mu.Unlock()
			},
			flush: func() {
				mu.Lock()
				_ = out.Flush()
				mu.Unlock()
			},
			back: func(f func([]byte)) { rawReceive.Store(&f) },
		},
	}
}

// Tell sends messages of one size in one direction, from one goroutine.
func (w Bench) Tell(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 16 << 10, 1 << 20} {
		for name, l := range w.links(b) {
			b.Run(fmt.Sprintf("%d/%s", size, name), func(b *testing.B) {
				data := make([]byte, size)
				data[0] = count
				done := make(chan uint64, 1)
				l.back(func(got []byte) { done <- binary.BigEndian.Uint64(got) })
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					l.send(data)
				}
				data[0] = tell
				l.send(data)
				l.flush()
				assert.Equal(b, <-done, uint64(size)*uint64(b.N+1))
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
			})
		}
	}
}

// TellManySenders does the same from several goroutines.
func (w Bench) TellManySenders(b *testing.B) {
	for name, l := range w.links(b) {
		if name == "raw" {
			continue
		}
		b.Run(name, func(b *testing.B) {
			done := make(chan uint64, 1)
			l.back(func(got []byte) { done <- binary.BigEndian.Uint64(got) })
			var senders sync.WaitGroup
			const goroutines = 8
			for range goroutines {
				senders.Go(func() {
					data := make([]byte, 64)
					data[0] = count
					for range b.N / goroutines {
						l.send(data)
					}
				})
			}
			senders.Wait()
			l.send([]byte{tell})
			<-done
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
		})
	}
}

// PingPong sends messages of 64 bytes there and back, one after the other in each of several callers.
func (w Bench) PingPong(b *testing.B) {
	for _, callers := range []int{1, 64} {
		for name, l := range w.links(b) {
			b.Run(fmt.Sprintf("%d/%s", callers, name), func(b *testing.B) {
				answers := make([]chan struct{}, callers)
				for i := range answers {
					answers[i] = make(chan struct{}, 1)
				}
				l.back(func(data []byte) { answers[data[1]] <- struct{}{} })
				var all sync.WaitGroup
				b.ReportAllocs()
				for i := range callers {
					all.Go(func() {
						data := make([]byte, 64)
						data[0], data[1] = echo, byte(i)
						for range b.N / callers {
							l.send(data)
							l.flush()
							<-answers[i]
						}
					})
				}
				all.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e3, "k/s")
			})
		}
	}
}

// Reset breaks the connection of two nodes in mid-stream, again and again, and measures how long it takes until a message arrives that was sent after that. It fails unless all messages arrive, each once and in order.
func (w Bench) Reset(b *testing.B) {
	var next atomic.Uint64 // the number of the message that is to arrive
	arrived := make(chan struct{}, 1)
	receiver, err := w.open(there, &counter{deliver: func(data []byte) {
		if n := binary.BigEndian.Uint64(data); n != next.Load() {
			b.Errorf("number %d arrived, wanted number %d", n, next.Load())
		}
		next.Add(1)
		select {
		case arrived <- struct{}{}:
		default:
		}
	}})
	assert.NilError(b, err)
	defer receiver.Close()
	sender, err := w.open(here, &counter{})
	assert.NilError(b, err)
	defer sender.Close()
	peer := sender.Peer(there, receiver.Endpoint())
	var sent atomic.Uint64
	ctx, stop := context.WithCancel(context.Background())
	var sending sync.WaitGroup
	sending.Go(func() {
		for data := make([]byte, 64); ; sent.Add(1) {
			binary.BigEndian.PutUint64(data, sent.Load())
			if peer.Send(ctx, 0, data) != nil {
				return
			}
		}
	})
	for <-arrived; b.Loop(); {
		stream.Reset(sender, receiver)
		for mark := sent.Load() + 1; next.Load() <= mark; {
			<-arrived
		}
	}
	stop()
	sending.Wait()
}
