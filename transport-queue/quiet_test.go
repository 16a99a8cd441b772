//go:build linux

package queue_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
	queue "thespian.dev/transport-queue"
	"thespian.dev/transport/stream/streamtest"
)

// Two nodes that dial at once keep one connection, and give the other one up at any moment: nobody needs to read of that.
func TestConnectionsThatAreGivenUpAreNotLogged(t *testing.T) {
	var said bytes.Buffer
	tr, err := queue.Base().Open(t.Context(), transport.Config{Self: transport.Node{System: 1, Process: 2}, Handler: &sink{}, Key: []byte("key"), Logger: slog.New(slog.NewTextHandler(&said, nil))})
	assert.NilError(t, err)
	for range 50 { // fewer than may be there of whom nothing is known
		c, err := net.Dial("unix", tr.Endpoint())
		assert.NilError(t, err)
		_, err = c.Write(streamtest.Greeting())
		assert.NilError(t, err)
		assert.NilError(t, c.Close())
	}
	assert.NilError(t, tr.Shutdown(context.Background()))
	assert.Equal(t, said.String(), "")
}
