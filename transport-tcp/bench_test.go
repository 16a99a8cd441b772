package tcp_test

import (
	"testing"

	tcp "thespian.dev/transport-tcp"
	"thespian.dev/transport/stream/streamtest"
)

var bench = streamtest.Bench{Base: tcp.Base(), Network: "tcp", Address: "127.0.0.1:0"}

func TestMain(m *testing.M) { bench.Main(m) }

func BenchmarkTell(b *testing.B)            { bench.Tell(b) }
func BenchmarkTellManySenders(b *testing.B) { bench.TellManySenders(b) }
func BenchmarkPingPong(b *testing.B)        { bench.PingPong(b) }
func BenchmarkReset(b *testing.B)           { bench.Reset(b) }
