//go:build linux

package integration

import (
	"sync"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
)

// A sink counts what comes, and gives its last count to whoever asked first.
type sink struct {
	asker address.Address
	n     int
}

func (s *sink) Receive(ctx *actor.Context, msg any) error {
	switch msg.(type) {
	case Order:
		s.asker = ctx.Sender()
	case Say:
		s.n++
	case message.ActorExitRequest:
		ctx.Send(s.asker, Told{What: "sink", PID: s.n})
	}
	return nil
}

// What is sent to an actor that is asked to exit meanwhile is received, or a dead letter.
func TestMailOfAnActorThatIsAskedToExit(t *testing.T) {
	for _, c := range []struct {
		name        string
		count, size int
		times       int
	}{
		{"small", 5000, 64, 3},
		{"large", 8, 1 << 20, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			sys := start(t, nil)
			handler := create(t, sys, "servant")
			assert.NilError(t, sys.Tell(within(t), handler, Order{What: "dead letters"}))
			assert.Equal(t, heard(t, sys).What, "handling")
			from := sys.Private()
			defer from.Close()
			body := string(make([]byte, c.size))
			for i := range c.times {
				a := create(t, sys, "sink")
				assert.NilError(t, sys.Tell(within(t), a, Order{}))
				assert.NilError(t, from.Tell(within(t), a, Say{body}))
				var wg sync.WaitGroup
				wg.Go(func() {
					for range c.count - 1 {
						if err := from.Tell(within(t), a, Say{body}); err != nil {
							t.Error(err)
						}
					}
				})
				ask(t, sys, handler, Say{"a while"})
				assert.NilError(t, sys.Tell(within(t), a, message.ActorExitRequest{}))
				wg.Wait()
				var got, dead int
				for last := false; !last || got+dead < c.count; {
					msg, _, err := sys.Listen(within(t))
					assert.NilError(t, err, "time %d: received %d (known: %v), dead letters %d of %d", i, got, last, dead, c.count)
					told, _ := msg.(Told)
					if told.What == "sink" {
						last, got = true, told.PID
					} else {
						dead++
					}
				}
				assert.Equal(t, got+dead, c.count)
			}
		})
	}
}
