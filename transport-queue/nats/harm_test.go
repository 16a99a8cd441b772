package nats_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"gotest.tools/v3/assert"

	"thespian.dev/transport-queue/nats"
)

// A gap ends a connection at both ends, and so does more than there is room for; what had come before is read. What is repeated, and what has another sender, has no effect.
func TestGaps(t *testing.T) {
	const perMessage = 128 // what a message counts beside its bytes
	behind := uint64(len("first")) + perMessage
	for _, c := range []struct {
		name    string
		message []byte
		stays   bool
		foreign bool
	}{
		{"gap", nats.Bytes(behind+1, 0, "x"), false, false},
		{"gap behind which there is nothing", nats.Bytes(behind+1, 0, ""), false, false},
		{"too much", nats.Bytes(behind, 0, string(make([]byte, nats.FirstWindow+perMessage))), false, false},
		{"reset", nats.Reset(), false, false},
		{"repeated", nats.Bytes(0, 0, "first"), true, false},
		{"repeated position", nats.Bytes(behind, 0, ""), true, false},
		{"garbage", []byte("TN\x01"), true, false},
		{"foreign reset", nats.Reset(), true, true},
		{"foreign gap", nats.Bytes(behind+1, 0, "x"), true, true},
		{"foreign bytes", nats.Bytes(behind, 0, "x"), true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startServer(t, 0)
			a, b, end, err := nats.Pair(s.ClientURL())
			assert.NilError(t, err)
			t.Cleanup(end)
			_ = a.SetDeadline(time.Now().Add(patience))
			_ = b.SetDeadline(time.Now().Add(patience))
			_, err = a.Write([]byte("first"))
			assert.NilError(t, err)
			got := make([]byte, len("first"))
			_, err = io.ReadFull(b, got)
			assert.NilError(t, err)

			from := a.LocalAddr().String()
			if c.foreign {
				from = "thespian.conn.A.B"
			}
			other, err := natsgo.Connect(s.ClientURL())
			assert.NilError(t, err)
			defer other.Close()
			assert.NilError(t, other.PublishRequest(b.LocalAddr().String(), from, c.message))
			assert.NilError(t, other.Flush())
			if c.stays {
				_, err = a.Write([]byte("second"))
				assert.NilError(t, err)
				assert.NilError(t, a.Close())
				rest, err := io.ReadAll(b)
				assert.NilError(t, err)
				assert.Assert(t, bytes.Equal(rest, []byte("second")), "%q", rest)
				return
			}
			_, err = b.Read(got)
			assert.Assert(t, err != nil && err != io.EOF && !errors.Is(err, os.ErrDeadlineExceeded), "%v", err)
			if c.name == "reset" {
				return // the one who sends it knows
			}
			_, err = a.Read(got)
			assert.Assert(t, err != nil && err != io.EOF && !errors.Is(err, os.ErrDeadlineExceeded), "%v", err)
		})
	}
}
