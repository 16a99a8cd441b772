package udp

import (
	"net"

	"golang.org/x/sys/unix"
)

// enlarge makes the buffers of a socket as large as the system allows, up to size, and returns how many bytes it then holds that were not read.
func enlarge(conn *net.UDPConn, size int) (room int) {
	room = 64 << 10
	raw, err := conn.SyscallConn()
	if err != nil {
		return room
	}
	_ = raw.Control(func(fd uintptr) {
		for _, b := range []struct{ force, ask int }{{unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}, {unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}} {
			if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, b.force, size) != nil { // for who may
				_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, b.ask, size)
			}
		}
		if n, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF); err == nil {
			room = n
		}
	})
	return room
}
