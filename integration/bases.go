// Package integration has every base of the project in one list.
package integration

import (
	"thespian.dev/transport"
	queue "thespian.dev/transport-queue"
	tcp "thespian.dev/transport-tcp"
)

// Bases returns the bases that are made of this project's transports, for [system.App]. The base simple is always there beside them.
func Bases() []transport.Base { return []transport.Base{tcp.Base(), queue.Base()} }
