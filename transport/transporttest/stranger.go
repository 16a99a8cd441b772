package transporttest

import (
	"bytes"
	"net"

	"gotest.tools/v3/assert"
)

var strangerChecks = []check{
	{name: "Strangers", run: strangers},
}

// Bytes of strangers have no effect: garbage, lengths beyond all measure, half a handshake, silence. They do not keep others out, nor the transport from closing.
func strangers(e *env) {
	if e.net.Dial == nil {
		return
	}
	a, b := e.open(), e.open()
	garbage := [][]byte{
		nil, // silence
		{0},
		bytes.Repeat([]byte{0}, 1<<16),
		bytes.Repeat([]byte{0xff}, 1<<16),
		[]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
		bytes.Repeat([]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 50), // as TLS begins
	}
	if hello := e.net.Hello; len(hello) > 1 {
		harmed := bytes.Clone(hello)
		harmed[len(harmed)-1] ^= 1
		huge := append(bytes.Clone(hello[:len(hello)/2]), bytes.Repeat([]byte{0xff}, 1000)...)
		garbage = append(garbage, hello[:1], hello[:len(hello)/2], hello[:len(hello)-1], hello, harmed, huge,
			bytes.Repeat(hello, 20))
	}
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	for range 5 {
		for _, bytes := range garbage {
			c, err := e.net.Dial(a.tr.Endpoint())
			assert.NilError(e, err)
			open = append(open, c)
			sent := beside(func() { _, _ = c.Write(bytes) }) // it may be closed meanwhile
			e.await("a stranger's bytes to be taken or refused", sent)
		}
		b.sendUntilThere(a, "meanwhile")
		a.sendUntilThere(b, "meanwhile")
	}
	a.mu.Lock()
	for from := range a.delivered {
		assert.Equal(e, from, b.id, "something of a stranger was delivered")
	}
	a.mu.Unlock()
	a.close() // with the strangers still there
}
