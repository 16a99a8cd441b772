package nats_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/transport-queue/nats"
)

func pair(t *testing.T) (a, b net.Conn) {
	t.Helper()
	s := startServer(t, 0)
	a, b, end, err := nats.Pair(s.ClientURL())
	assert.NilError(t, err)
	t.Cleanup(end)
	return a, b
}

// What was written before the end is read, then the end; the other direction goes on after a half close.
func TestHalfClose(t *testing.T) {
	a, b := pair(t)
	_, err := a.Write([]byte("question"))
	assert.NilError(t, err)
	assert.NilError(t, a.(interface{ CloseWrite() error }).CloseWrite())
	got, err := io.ReadAll(b)
	assert.NilError(t, err)
	assert.Equal(t, string(got), "question")
	_, err = a.Write([]byte("more"))
	assert.ErrorIs(t, err, net.ErrClosed)
	_, err = b.Write([]byte("answer"))
	assert.NilError(t, err)
	assert.NilError(t, b.Close())
	got, err = io.ReadAll(a)
	assert.NilError(t, err)
	assert.Equal(t, string(got), "answer")
}

// An end that was closed takes nothing more: the other one learns of it as it writes.
func TestWriteToAClosedEnd(t *testing.T) {
	a, b := pair(t)
	assert.NilError(t, b.Close())
	_ = a.SetDeadline(time.Now().Add(patience))
	var err error
	for err == nil {
		_, err = a.Write([]byte("anybody?"))
	}
	assert.Assert(t, !errors.Is(err, os.ErrDeadlineExceeded), "%v", err)
	_, err = b.Read(make([]byte, 1))
	assert.ErrorIs(t, err, net.ErrClosed)
	_, err = b.Write([]byte("x"))
	assert.ErrorIs(t, err, net.ErrClosed)
	assert.NilError(t, b.Close())
}

// Deadlines end calls that wait, and those that come later; a later deadline lets the connection go on, and nothing was lost.
func TestDeadlines(t *testing.T) {
	a, b := pair(t)
	assert.NilError(t, b.SetReadDeadline(time.Now().Add(5*time.Millisecond)))
	for range 2 {
		_, err := b.Read(make([]byte, 1))
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	}
	big := bytes.Repeat([]byte("0123456789"), nats.FirstWindow/5)
	assert.NilError(t, a.SetWriteDeadline(time.Now().Add(50*time.Millisecond)))
	n, err := a.Write(big) // nobody reads
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	assert.Assert(t, n > 0 && n <= nats.FirstWindow, "%d bytes were taken", n)

	assert.NilError(t, a.SetDeadline(time.Time{}))
	assert.NilError(t, b.SetDeadline(time.Time{}))
	go func() {
		_, _ = a.Write(big[n:])
		_ = a.Close()
	}()
	got, err := io.ReadAll(b)
	assert.NilError(t, err)
	assert.Assert(t, bytes.Equal(got, big))
}

// Close ends calls that wait at the same end.
func TestCloseWakes(t *testing.T) {
	a, b := pair(t)
	ended := make(chan error, 2)
	go func() {
		_, err := b.Read(make([]byte, 1))
		ended <- err
	}()
	go func() {
		_, err := b.Write(make([]byte, 2*nats.FirstWindow))
		ended <- err
	}()
	head := make([]byte, 1)
	_, err := io.ReadFull(a, head) // the writer is at work
	assert.NilError(t, err)
	assert.NilError(t, b.Close())
	for range 2 {
		assert.ErrorIs(t, <-ended, net.ErrClosed)
	}
}
