//go:build linux

package queue_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
	queue "thespian.dev/transport-queue"
	"thespian.dev/transport/stream/streamtest"
)

// A log is what a transport has said.
type log struct {
	mu   sync.Mutex
	said bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.Write(b)
}

// Two nodes that dial at once keep one connection, and give the other one up at any moment: nobody needs to read of that.
func TestConnectionsThatAreGivenUpAreNotLogged(t *testing.T) {
	var l log
	tr, err := queue.Base().Open(t.Context(), transport.Config{Self: transport.Node{System: 1, Process: 2}, Handler: &sink{}, Key: []byte("key"), Logger: slog.New(slog.NewTextHandler(&l, nil))})
	assert.NilError(t, err)
	for range 50 { // fewer than may be there of whom nothing is known
		c, err := net.Dial("unix", tr.Endpoint())
		assert.NilError(t, err)
		_, err = c.Write(streamtest.Greeting())
		assert.NilError(t, err)
		assert.NilError(t, c.Close())
	}
	assert.NilError(t, tr.Shutdown(context.Background()))
	assert.Equal(t, l.said.String(), "")
}
