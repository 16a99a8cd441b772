package tcp

import (
	"net"
	"time"
)

// keepAlive finds out in about half a minute that a host does not answer any more. TCP_NODELAY is Go's default.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 4}

// userTimeout is how long what was written may stay unanswered by the other host. A connection has that of its listener.
const userTimeout = 60 * time.Second
