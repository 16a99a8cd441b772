package nats_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"gotest.tools/v3/assert"

	"thespian.dev/transport"
	"thespian.dev/transport-queue/nats"
	"thespian.dev/transport/stream/streamtest"
)

// What is measured runs between two processes and a third one, the server: this one and others of the same test binary. At the far end there are a transport and, for comparison, a bare NATS
// client. What arrives there goes to [streamtest.Answer].

const childVariable = "TRANSPORT_NATS_TEST_CHILD"

const (
	urlVariable      = "TRANSPORT_NATS_TEST_URL"
	endpointVariable = "TRANSPORT_NATS_TEST_ENDPOINT"
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
	h.deliver = streamtest.Answer(func(data []byte) { _ = back.Send(context.Background(), 0, data) })
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
	reply := streamtest.Answer(func(data []byte) { _ = raw.Publish("raw.here", data) })
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

func links(b *testing.B) map[string]streamtest.Link {
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

	return map[string]streamtest.Link{
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
				if err := raw.Publish("raw.there", data); err != nil {
					panic(err)
				}
			},
			Back: func(f func([]byte)) { rawReceive.Store(&f) },
		},
	}
}

func BenchmarkTell(b *testing.B)            { streamtest.Tell(b, []int{64, 1 << 10, 16 << 10}, links) }
func BenchmarkTellManySenders(b *testing.B) { streamtest.TellManySenders(b, links) }
func BenchmarkPingPong(b *testing.B)        { streamtest.PingPong(b, links) }
