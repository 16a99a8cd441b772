package system

import "golang.org/x/sys/unix"

// writeSocket writes as much as a socket has room for, and returns how much that was.
func writeSocket(fd uintptr, b []byte) int {
	n, err := unix.SendmsgN(int(fd), b, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	if err != nil {
		return 0
	}
	return n
}
