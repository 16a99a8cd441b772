package firewall

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"

	"gotest.tools/v3/assert"
)

// A Network is a switch with hosts on it. Each can reach each other until a firewall or a cut is between them. It can be used by several goroutines at once.
type Network struct {
	space string // the namespace with the switch
	hosts atomic.Int32
}

// New makes a network, which is removed when the test has ended, with all commands that still run in it. It also removes what is left of networks whose tests were killed. The test is skipped where no
// network can be made.
func New(t testing.TB) *Network {
	t.Helper()
	if err := offered(); err != nil {
		t.Skipf("firewalls are not tested: %v", err)
	}
	sweep()
	n := &Network{space: fmt.Sprintf("%s.%08x", owner(os.Getpid()), rand.Uint32())}
	if err := run("ip", "netns", "add", n.space); err != nil {
		_ = run("ip", "netns", "del", n.space) // it may be there in part
		t.Skipf("firewalls are not tested: this machine lets nobody make network namespaces: %v", err)
	}
	t.Cleanup(func() { assert.Check(t, run("ip", "netns", "del", n.space)) })
	must(t, "ip", "-n", n.space, "link", "add", "switch", "type", "bridge")
	must(t, "ip", "-n", n.space, "link", "set", "switch", "up")
	return n
}

// run runs a command to its end. Its error has what the command printed.
func run(command ...string) error {
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%q: %w: %s", command, err, out)
	}
	return nil
}

func must(t testing.TB, command ...string) {
	t.Helper()
	assert.NilError(t, run(command...))
}
