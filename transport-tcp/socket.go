package tcp

import (
	"net"
	"time"
)

// keepAlive finds out in about half a minute that a host does not answer any more.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 4}

// userTimeout is how long what was written may stay unanswered by the other host.
const userTimeout = 60 * time.Second

// setOptions prepares a connection that was accepted. TCP_NODELAY is Go's default.
func setOptions(c net.Conn) {
	t, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	_ = t.SetKeepAliveConfig(keepAlive)
	if raw, err := t.SyscallConn(); err == nil {
		_ = control("", "", raw)
	}
}
