package nats_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"gotest.tools/v3/assert"

	"thespian.dev/transport"
	"thespian.dev/transport-queue/nats"
)

// senderChild is a process that sends messages until it is killed.
func senderChild(url, endpoint string) {
	t, err := nats.Base(url).Open(context.Background(), transport.Config{
		Self: transport.Node{System: 9, Process: 2}, Handler: &bench{func([]byte) {}}, Key: []byte("the key of the test"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	peer := t.Peer(transport.Node{System: 9, Process: 1}, endpoint)
	fmt.Println("ready")
	for i := uint64(0); ; i++ {
		if err := peer.Send(context.Background(), 0, numbered(i, 100)); err != nil {
			return
		}
	}
}

// A process is killed while it sends. Its connection ends by itself when it has been forgotten, also when the server does not say that nobody is there, and what had come before is delivered in order.
func TestForgetOfAKilledProcess(t *testing.T) {
	for _, c := range []struct {
		name   string
		tapped bool
	}{{"alone", false}, {"tapped", true}} {
		t.Run(c.name, func(t *testing.T) {
			s := startServer(t, 0)
			a := open(t, nats.Base(s.ClientURL()), 1)
			if c.tapped {
				tap, err := natsgo.Connect(s.ClientURL())
				assert.NilError(t, err)
				defer tap.Close()
				_, err = tap.Subscribe(">", func(*natsgo.Msg) {})
				assert.NilError(t, err)
				assert.NilError(t, tap.Flush())
			}
			cmd, line := child(t, "sender", s.ClientURL(), a.tr.Endpoint())
			assert.Equal(t, line, "ready")
			a.wait(1000, 0)
			assert.NilError(t, cmd.Process.Kill())
			_, _ = cmd.Process.Wait()

			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			began := time.Now()
			a.tr.Peer(transport.Node{System: 9, Process: 2}, "").Forget(ctx)
			t.Logf("Forget took %v", time.Since(began))
			assert.NilError(t, ctx.Err())
			a.mu.Lock()
			count := len(a.got)
			a.mu.Unlock()
			a.checkAll(count, 100)
		})
	}
}
