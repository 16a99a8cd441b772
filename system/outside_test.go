package system

import (
	"crypto/tls"
	"net"
	"testing"

	"gotest.tools/v3/assert"
)

// brokered is a connection that does not end with the process at its other end.
type brokered struct {
	net.Conn
	told bool
}

func (b *brokered) OtherEnded() { b.told = true }

// The end of a process has to reach what is beneath TLS: else a connection by way of a broker ends only when nothing was heard of it for long.
func TestEndOfAProcessIsToldThroughTLS(t *testing.T) {
	a, b := net.Pipe()
	defer b.Close()
	under := &brokered{Conn: a}
	var conn net.Conn = secured{tls.Client(under, &tls.Config{ServerName: "p1"})}
	conn.(interface{ OtherEnded() }).OtherEnded()
	assert.Assert(t, under.told)
	assert.NilError(t, conn.Close())
	secured{tls.Client(b, &tls.Config{ServerName: "p2"})}.OtherEnded() // what does not want to know is not told
}
