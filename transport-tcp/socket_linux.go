package tcp

import "syscall"

// Options of TCP that package syscall does not have.
const (
	tcpUserTimeout = 18 // TCP_USER_TIMEOUT
	tcpRTOMax      = 44 // TCP_RTO_MAX_MS, since Linux 6.15
)

// rtoMax is the longest wait before something is sent again, in milliseconds, and the least that the kernel takes. By itself it doubles up to two minutes: after a cut of some seconds nothing would pass for
// as long again, and systems of a convention would be taken for lost.
const rtoMax = 1000

func control(_, _ string, c syscall.RawConn) error {
	_ = c.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(userTimeout.Milliseconds()))
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpRTOMax, rtoMax) // older kernels do without
	})
	return nil
}
