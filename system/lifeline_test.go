package system

import (
	"net"
	"testing"
	"testing/synctest"

	"gotest.tools/v3/assert"

	"thespian.dev/admin"
)

// Many may have much to say at once while the other side is busy: they wait, and the lifeline lives.
func TestMuchIsBroughtAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("it moves half a gigabyte, for which the race detector takes many seconds")
	}
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		line, other := newLifeline(ours, controlMessages()), newLifeline(theirs, controlMessages())
		defer other.close()
		defer line.close()
		args := make([]byte, maxArguments)
		const many = maxPending/maxArguments + 4 // one is being written, one waits: the others are too many together
		brought := make(chan error, many)
		for range many {
			go func() { brought <- line.bring(admin.Create{Args: args}) }()
		}
		synctest.Wait()
		for range many {
			msg, err := other.receive()
			assert.NilError(t, err)
			assert.Equal(t, len(msg.(admin.Create).Args), len(args))
		}
		for range many {
			assert.NilError(t, <-brought)
		}
	})
}
