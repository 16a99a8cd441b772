// Package soak runs an actor system for a long time under everything that may happen to it, and accounts for every message.
//
// Workers in processes of their own, the program, and visitors (programs that attach for a while) send each other streams of numbered messages. Meanwhile processes are
// killed, workers exit, programs come and go, and now and then the whole system ends and starts again. All sides keep books. After each round of this the accounts are compared:
// each message was delivered, or given back as PoisonMessage, or is a dead letter, once, and in order. Only where the one who could have said was killed it need not be known, and there also as little as
// possible: what was sent before somebody died is delivered without holes, and what is sent after it is a dead letter.
package soak

import (
	"log/slog"

	"thespian.dev/actor"
	"thespian.dev/integration"
	"thespian.dev/system"
)

// The kinds of workers are named by how they start.
const (
	spawned = "spawned"
	pooled  = "pooled"
	thread  = "thread"
)

// App returns what the program of a soak brings along. Its Main, or TestMain, must run before Run and Visit.
func App() system.App {
	return system.App{
		Bases: integration.Reliable(),
		Kinds: []actor.Kind{
			{Name: spawned, New: newWorker, Startup: actor.Spawn},
			{Name: pooled, New: newWorker, Startup: actor.Forkserver},
			{Name: thread, New: newWorker, Startup: actor.Goroutine},
			{Name: "undertaker", New: newUndertaker, Startup: actor.Spawn},
		},
		Messages: messages(),
	}
}

// quiet is the logger of programs: what they would log is what the soak does to them.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
