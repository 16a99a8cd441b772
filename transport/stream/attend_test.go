package stream_test

import (
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
)

// Who attends is interrupted by a deadline, which must not be the connection's end: neither of a bare one nor of one under TLS, where a record may have come in part.
func TestInterruptionsKeepTheConnection(t *testing.T) {
	certificates := newAuthority(t).config(t)
	for name, c := range map[string]struct {
		open   opener
		change func(*transport.Config)
	}{
		"bare": {openTCP, nil},
		"TLS":  {openLeaving, func(c *transport.Config) { c.TLS = certificates }},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := newNodeWith(t, c.open, c.change), newNodeWith(t, c.open, c.change)
			way := newProxy(t, b.tr.Endpoint())
			peer := a.tr.Peer(b.id, way.endpoint()).(transport.Attendable)
			const count = 300
			attended, interruptions := 0, 0
			for i := range count {
				a.send(b, way.endpoint(), 0, "question")
				b.waitFrom(a, i+1)
				length := 40 + i*40
				looks := 0
				if peer.Attend(func() bool {
					if looks++; looks == 1 { // nothing has come: the interruption comes before it
						go func() {
							peer.Interrupt()
							b.send(a, "", 0, numbered(i, length))
							peer.Interrupt()
						}()
					}
					return len(a.from(b)) > i
				}) {
					attended++
					interruptions += looks
				}
				if looks == 0 {
					b.send(a, "", 0, numbered(i, length))
				}
				a.waitFrom(b, i+1)
			}
			checkNumbered(t, a.from(b), count, func(i int) int { return 40 + i*40 })
			assert.Assert(t, attended > count/2 && interruptions > attended, "attended %d times, looked %d times", attended, interruptions)
			way.set(func() { assert.Equal(t, len(way.conns), 2, "it is one connection all the time") })
		})
	}
}
