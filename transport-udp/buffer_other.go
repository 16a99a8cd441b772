//go:build !linux

package udp

import "net"

// enlarge makes the buffers of a socket as large as the system allows, up to size, and returns how many bytes it then holds that were not read.
func enlarge(conn *net.UDPConn, size int) (room int) {
	for room = size; room > 64<<10; room /= 2 {
		if conn.SetReadBuffer(room) == nil {
			break
		}
	}
	_ = conn.SetWriteBuffer(room)
	return room
}
