// Peers measures questions of 64 callers to another process against gRPC and NATS, in one run, and prints a table.
//
//	go run ./benchmarks/cmd/peers
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
	return command.Command{Name: "peers", Works: peers.Works(), App: benchmarks.App(), Roles: peers.Roles()}
}
