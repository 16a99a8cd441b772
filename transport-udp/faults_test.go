package udp

import (
	"net"
	"thespian.dev/transport"
	"time"
)

// Kill ends a transport as the death of its process does.
func Kill(t transport.Transport) {
	n := t.(*node)
	n.silent.Store(true)
	n.end()
}

// Settle waits until sockets have nothing to write.
func Settle(all []transport.Transport) {
	for quiet := 0; quiet < 5; time.Sleep(2 * time.Millisecond) {
		quiet++
		for _, t := range all {
			if !t.(*node).socket.idle() {
				quiet = 0
			}
		}
	}
}

// Overhead is how much longer than its message a datagram is.
const Overhead = overhead

// Enlarge makes the buffers of a bare socket as large as those of a transport.
func Enlarge(conn *net.UDPConn) { enlarge(conn, wantedBuffer) }
