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
// transport and, for comparison, a bare socket. What arrives there goes to [Answer].
type Bench struct {
	Base transport.Base
	// Network and Address are where the bare socket listens, as in net.Listen. The address is for one benchmark at a time.
	Network, Address string
}

const childVariable = "TRANSPORT_BENCHMARK_CHILD"

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
	h := &counter{deliver: Answer(func(data []byte) { _ = back.Send(context.Background(), 0, data) })}
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
			_ = rawRead(r, Answer(func(data []byte) {
				_, _ = c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data...))
			}))
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

func (w Bench) links(b *testing.B) map[string]Link {
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

	return map[string]Link{
		"transport": {
			Send: func(data []byte) {
				if err := peer.Send(context.Background(), 0, data); err != nil {
					panic(err)
				}
			},
			Back: func(f func([]byte)) { receive.Store(&f) },
		},
		"raw": {
			Send: func(data []byte) {
				var head [4]byte
				binary.BigEndian.PutUint32(head[:], uint32(len(data)))
				mu.Lock()
				_, _ = out.Write(head[:])
				_, _ = out.Write(data)
				mu.Unlock()
			},
			Flush: func() {
				mu.Lock()
				_ = out.Flush()
				mu.Unlock()
			},
			Back: func(f func([]byte)) { rawReceive.Store(&f) },
		},
	}
}

// Tell is [Tell] between the two processes.
func (w Bench) Tell(b *testing.B) { Tell(b, []int{64, 1 << 10, 16 << 10, 1 << 20}, w.links) }

// TellManySenders is [TellManySenders] between the two processes.
func (w Bench) TellManySenders(b *testing.B) { TellManySenders(b, w.links) }

// PingPong is [PingPong] between the two processes.
func (w Bench) PingPong(b *testing.B) { PingPong(b, w.links) }

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
