//go:build linux

package stream_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
)

// A process with fewer descriptors than it has peers closes connections that rest: it reaches all peers, and all reach it.
func TestTooManyDescriptors(t *testing.T) {
	checkDescriptors(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"=descriptors")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	assert.NilError(t, err)
	stdout, err := cmd.StdoutPipe()
	assert.NilError(t, err)
	assert.NilError(t, cmd.Start())
	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(stdout)
	assert.Assert(t, lines.Scan())
	endpoint := lines.Text()
	hub := &node{id: there}

	const count = 30
	var peers []*node
	for range count {
		peers = append(peers, newNode(t, func(c *transport.Config) { c.Self.System = 1; c.Key = nil }))
	}
	for i, p := range peers { // out from the hub
		_, err := fmt.Fprintln(stdin, p.id.System, p.id.Process, p.tr.Endpoint())
		assert.NilError(t, err)
		p.waitFrom(hub, 1)
		if i%7 == 0 {
			peers[0].send(hub, endpoint, 0, "again")
		}
	}
	for _, p := range peers { // and in to it
		p.send(hub, endpoint, 0, "echo")
		p.waitFrom(hub, 2)
	}
	// Strangers that stay take descriptors, too.
	for range 40 {
		if c, err := net.Dial("tcp", endpoint); err == nil {
			defer c.Close()
		}
	}
	for _, p := range peers {
		p.send(hub, endpoint, 0, "echo")
		p.waitFrom(hub, 3)
		assert.Equal(t, len(p.lost), 0)
	}
}

// hub sends everything back.
type hub struct{ tr transport.Transport }

func (h *hub) Deliver(from transport.Node, messages [][]byte) {
	for _, data := range messages {
		_ = h.tr.Peer(from, "").Send(context.Background(), 0, data)
	}
}
func (h *hub) Undelivered(_ transport.Node, data []byte, _ bool, why error) {
	fmt.Fprintln(os.Stderr, "not delivered:", string(data), why)
}
func (h *hub) Admit(context.Context, transport.Node) error { return nil }

// descriptorsChild is a process with few descriptors that sends to whom it reads of.
func descriptorsChild() {
	h := &hub{}
	var err error
	if h.tr, err = openTCP(context.Background(), transport.Config{Self: there, Handler: h}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(h.tr.Endpoint())
	entries, err := os.ReadDir("/proc/self/fd")
	limit := uint64(len(entries) + 6)
	if err == nil {
		err = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: limit, Max: limit})
	}
	for err == nil {
		var id transport.Node
		var endpoint string
		if _, err = fmt.Scanln(&id.System, &id.Process, &endpoint); err == nil {
			err = h.tr.Peer(id, endpoint).Send(context.Background(), 0, []byte("hello"))
		}
	}
	h.tr.Close()
}
