// Package integration has every base of the project in one list.
package integration

import (
	"slices"

	"thespian.dev/transport"
	queue "thespian.dev/transport-queue"
	tcp "thespian.dev/transport-tcp"
	udp "thespian.dev/transport-udp"
)

// Reliable returns those of the bases on which no message between living actors gets lost.
func Reliable() []transport.Base {
	return slices.DeleteFunc(Bases(), func(b transport.Base) bool { return !b.Features.Reliable })
}

// Bases returns the bases that are made of this project's transports, for [system.App]. The base simple is always there beside them.
func Bases() []transport.Base { return []transport.Base{tcp.Base(), queue.Base(), udp.Base()} }
