package nats_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"gotest.tools/v3/assert"

	"thespian.dev/transport"
	"thespian.dev/transport-queue/nats"
)

// What is measured runs between two processes and a third one, the server: this one and others of the same test binary. At the far end there are a transport and, for comparison, a bare NATS
// client. What arrives there is counted, or sent back if its first byte says so.

const childVariable = "TRANSPORT_NATS_TEST_CHILD"

const (
	urlVariable      = "TRANSPORT_NATS_TEST_URL"
	endpointVariable = "TRANSPORT_NATS_TEST_ENDPOINT"
)

const (
	count = 'c' // only count
	echo  = 'e' // send back
	tell  = 't' // tell when so many bytes have come
)

func TestMain(m *testing.M) {
	switch os.Getenv(childVariable) {
	case "benchmark":
		benchmarkChild(os.Getenv(urlVariable))
	case "server":
		serverChild()
	case "sender":
		senderChild(os.Getenv(urlVariable), os.Getenv(endpointVariable))
	default:
		os.Exit(m.Run())
	}
}

var (
	here  = transport.Node{System: 1, Process: 1}
	there = transport.Node{System: 1, Process: 2}
)

// bench is a Handler that hands on what it gets.
type bench struct{ deliver func(data []byte) }

func (b *bench) Deliver(_ transport.Node, messages [][]byte) {
	for _, data := range messages {
		b.deliver(data)
	}
}
func (b *bench) Undelivered(transport.Node, []byte, bool, error)     {}
func (b *bench) Admit(_ context.Context, _ transport.Node) (_ error) { return nil }

func openBench(url string, node transport.Node, h transport.Handler) (transport.Transport, error) {
	return nats.Base(url).Open(context.Background(), transport.Config{Self: node, Handler: h, Key: []byte("benchmark")})
}

// serverChild is a server in a process of its own.
func serverChild() {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	s.Start()
	if s.ReadyForConnections(10 * time.Second) {
		fmt.Println(s.ClientURL())
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	s.Shutdown()
}

// benchmarkChild is the other process.
func benchmarkChild(url string) {
	var back transport.Peer
	h := &bench{}
	h.deliver = answer(func(data []byte) { _ = back.Send(context.Background(), 0, data) })
	t, err := openBench(url, there, h)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer t.Close()
	back = t.Peer(here, "")
	raw, err := natsgo.Connect(url)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer raw.Close()
	reply := answer(func(data []byte) { _ = raw.Publish("raw.here", data) })
	sub, err := raw.Subscribe("raw.there", func(m *natsgo.Msg) { reply(m.Data) })
	if err == nil {
		err = sub.SetPendingLimits(-1, -1)
	}
	if err == nil {
		err = raw.Flush()
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.Endpoint())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// answer returns what takes messages at the far end.
func answer(send func([]byte)) func([]byte) {
	var bytes uint64
	return func(data []byte) {
		switch data[0] {
		case echo:
			send(data)
		case tell:
			send(binary.BigEndian.AppendUint64(nil, bytes+uint64(len(data))))
			bytes = 0
		default:
			bytes += uint64(len(data))
		}
	}
}

// child starts another process, and returns it and its first line. It ends when the test does.
func child(b testing.TB, what, url, endpoint string) (*exec.Cmd, string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+what, urlVariable+"="+url, endpointVariable+"="+endpoint)
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
	return cmd, strings.TrimSpace(line)
}

// A link sends to the other process and gets what comes back.
type link struct {
	send func(data []byte)
	back func(func([]byte))
}

func links(b *testing.B) map[string]link {
	_, url := child(b, "server", "", "")
	_, endpoint := child(b, "benchmark", url, "")

	var receive atomic.Pointer[func([]byte)]
	t, err := openBench(url, here, &bench{deliver: func(data []byte) { (*receive.Load())(data) }})
	assert.NilError(b, err)
	b.Cleanup(func() { t.Close() })
	peer := t.Peer(there, endpoint)

	raw, err := natsgo.Connect(url)
	assert.NilError(b, err)
	b.Cleanup(raw.Close)
	var rawReceive atomic.Pointer[func([]byte)]
	_, err = raw.Subscribe("raw.here", func(m *natsgo.Msg) { (*rawReceive.Load())(m.Data) })
	assert.NilError(b, err)
	assert.NilError(b, raw.Flush())

	return map[string]link{
		"transport": {
			send: func(data []byte) {
				if err := peer.Send(context.Background(), 0, data); err != nil {
					panic(err)
				}
			},
			back: func(f func([]byte)) { receive.Store(&f) },
		},
		"raw": {
			send: func(data []byte) {
				if err := raw.Publish("raw.there", data); err != nil {
					panic(err)
				}
			},
			back: func(f func([]byte)) { rawReceive.Store(&f) },
		},
	}
}

// Messages of one size in one direction, from one goroutine.
func BenchmarkTell(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 16 << 10} {
		for name, l := range links(b) {
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
				assert.Equal(b, <-done, uint64(size)*uint64(b.N+1))
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
			})
		}
	}
}

// The same from several goroutines.
func BenchmarkTellManySenders(b *testing.B) {
	for name, l := range links(b) {
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

// Messages of 64 bytes there and back, one after the other in each of several callers.
func BenchmarkPingPong(b *testing.B) {
	for _, callers := range []int{1, 64} {
		for name, l := range links(b) {
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
