// Peers measures questions of 64 callers to another process against gRPC and NATS, and all works between processes on the base over a NATS server against NATS alone, in one run, and prints a table.
//
//	go run ./benchmarks/cmd/peers
//	go run ./benchmarks/cmd/peers -only 'over NATS'
//
// Each work on that base has a server of its own, in a process of its own. What the transport alone does, without a system, is measured by go test -bench . ./transport-queue/nats.
//
// Its flags are those of benchmarks/cmd/compare.
package main

import (
	"thespian.dev/benchmarks"
	"thespian.dev/benchmarks/internal/command"
	"thespian.dev/benchmarks/peers"
)

func main() { compare().Main() }

func compare() command.Command {
	return command.Command{Name: "peers", Works: peers.Works(), App: benchmarks.App(peers.Bases()...), Roles: peers.Roles()}
}
