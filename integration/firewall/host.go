package firewall

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"gotest.tools/v3/assert"
)

// A Host is a namespace with an address, a firewall and a cable to the switch. Its firewall is open at first. Its methods can be called from several goroutines, but for those that change the same thing.
type Host struct {
	network *Network
	name    string
	space   string
	port    string // its end of the cable at the switch
	number  int
	folder  string

	policy    string // of the firewall, for what is not allowed
	allowed   []int
	inside    bool // behind a router
	routes    bool // for a host behind it
	forwarded []int
}

// Host adds a host. The name is for messages only.
func (n *Network) Host(t testing.TB, name string) *Host {
	t.Helper()
	h := n.add(t, name)
	must(t, "ip", "-n", n.space, "link", "add", h.port, "type", "veth", "peer", "name", "net", "netns", h.space)
	must(t, "ip", "-n", n.space, "link", "set", h.port, "master", "switch", "up")
	if a := h.Address6(); a.IsValid() {
		must(t, "ip", "-n", h.space, "address", "add", a.String()+"/64", "dev", "net", "nodad") // to be of use at once
	}
	h.connect(t)
	return h
}

// add makes the namespace of a host, which has no cable yet.
func (n *Network) add(t testing.TB, name string) *Host {
	t.Helper()
	number := int(n.hosts.Add(1))
	assert.Assert(t, number <= 250, "a network has room for 250 hosts")
	h := &Host{network: n, name: name, number: number, space: fmt.Sprintf("%s.%d", n.space, number), port: fmt.Sprintf("port%d", number)}
	h.folder = filepath.Join(os.TempDir(), h.space) // not t.TempDir: the paths of sockets are bounded
	assert.NilError(t, os.Mkdir(h.folder, 0o700))
	t.Cleanup(func() { assert.Check(t, os.RemoveAll(h.folder)) })
	must(t, "ip", "netns", "add", h.space)
	t.Cleanup(func() { h.remove(t) })
	return h
}

// connect gives a host its address, and has it use its cable.
func (h *Host) connect(t testing.TB) {
	t.Helper()
	must(t, "ip", "-n", h.space, "address", "add", h.Address().String()+"/24", "dev", "net")
	must(t, "ip", "-n", h.space, "link", "set", "net", "up")
	must(t, "ip", "-n", h.space, "link", "set", "lo", "up")
	h.Open(t) // connections are tracked from the start
}

// Address returns the host's address. One behind a router has an address of which the others know nothing.
func (h *Host) Address() netip.Addr {
	if h.inside {
		return hostInside
	}
	return netip.AddrFrom4([4]byte{10, 77, 0, byte(h.number)})
}

// Address6 returns the host's address of version 6, or the zero Addr where the machine has only version 4, and behind a router.
func (h *Host) Address6() netip.Addr {
	if _, err := os.Stat("/proc/sys/net/ipv6"); err != nil || h.inside {
		return netip.Addr{}
	}
	return netip.AddrFrom16([16]byte{0: 0xfd, 1: 0x77, 15: byte(h.number)})
}

// Folder returns the folder that XDG_RUNTIME_DIR names on this host. It goes with the host.
func (h *Host) Folder() string { return h.folder }

// Command returns a command that runs on the host, as will all processes that it starts. It has the environment of this process, but for XDG_RUNTIME_DIR, which is the host's own: systems are found in it. More is to be
// appended to its Env. Whoever starts it waits for it, as for any.
func (h *Host) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", h.space, name}, args...)...) // ip becomes the command: it is no process beside it
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+h.folder)
	return cmd
}

// remove ends what runs on the host, and takes it away. What runs at the end of a test is the test's mistake.
func (h *Host) remove(t testing.TB) {
	for _, p := range end(h.space) {
		t.Errorf("a process was left behind on host %s, and killed: %s", h.name, p)
	}
	assert.Check(t, run("ip", "netns", "del", h.space))
}
