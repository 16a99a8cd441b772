package system

import (
	"bytes"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"gotest.tools/v3/assert"

	"thespian.dev/admin"
)

// socketsOf returns the two ends of a lifeline over a socket that has room for little, so that hardly anything can be written at once.
func socketsOf(t *testing.T) (a, b net.Conn) {
	t.Helper()
	a, file, err := socketPair()
	assert.NilError(t, err)
	defer file.Close()
	b, err = net.FileConn(file)
	assert.NilError(t, err)
	raw, err := a.(*net.UnixConn).SyscallConn()
	assert.NilError(t, err)
	assert.NilError(t, raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF, 4608) }))
	assert.NilError(t, err)
	return a, b
}

// What several goroutines say arrives whole, and in the order of each, whether they write it themselves or have it written.
func TestLifelineKeepsTheOrder(t *testing.T) {
	a, b := socketsOf(t)
	line, other := newLifeline(a, controlMessages()), newLifeline(b, controlMessages())
	const senders, each = 6, 600
	var work sync.WaitGroup
	for sender := range senders {
		work.Go(func() {
			for i := range each {
				size := 10
				if i%7 == 0 {
					size = 20_000
				}
				send := line.send
				if i%3 == 0 {
					send = line.bring
				}
				assert.Check(t, send(admin.Print{Text: append(fmt.Appendf(nil, "%d %d ", sender, i), bytes.Repeat([]byte("x"), size)...)}))
				if i%11 == 0 {
					line.ease(time.Second)
				}
			}
		})
	}
	go func() {
		work.Wait()
		line.shut()
	}()
	var next [senders]int
	for {
		msg, err := other.receive()
		if err != nil {
			break
		}
		var sender, i int
		_, err = fmt.Sscanf(string(msg.(admin.Print).Text), "%d %d", &sender, &i)
		assert.NilError(t, err)
		assert.Equal(t, i, next[sender])
		next[sender]++
	}
	for _, n := range next {
		assert.Equal(t, n, each)
	}
	other.close()
}

// Whoever sends when the other end has gone does not wait, and neither does who closes.
func TestLifelineWhoseOtherEndGoes(t *testing.T) {
	for range 50 {
		a, b := socketsOf(t)
		line := newLifeline(a, controlMessages())
		var work sync.WaitGroup
		for range 4 {
			work.Go(func() {
				for range 50 {
					_ = line.send(admin.Print{Text: make([]byte, 3000)})
					_ = line.bring(admin.Print{Text: make([]byte, 3000)})
				}
			})
		}
		_, _ = b.Read(make([]byte, 1))
		assert.NilError(t, b.Close())
		work.Wait()
		line.close()
	}
}
