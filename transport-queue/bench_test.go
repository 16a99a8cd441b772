//go:build linux

package queue_test

import (
	"fmt"
	"os"
	"testing"

	queue "thespian.dev/transport-queue"
	"thespian.dev/transport/stream/streamtest"
)

var bench = streamtest.Bench{Base: queue.Base(), Network: "unix", Address: fmt.Sprintf("@thespian/benchmark/%d", os.Getpid())}

func TestMain(m *testing.M) {
	if os.Getenv(ringChild) != "" {
		ringMain()
		return
	}
	bench.Main(m)
}

func BenchmarkTell(b *testing.B)            { bench.Tell(b) }
func BenchmarkTellManySenders(b *testing.B) { bench.TellManySenders(b) }
func BenchmarkPingPong(b *testing.B)        { bench.PingPong(b) }
func BenchmarkReset(b *testing.B)           { bench.Reset(b) }
