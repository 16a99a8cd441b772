//go:build linux

package firewall_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/integration/firewall"
)

const roleVariable = "THESPIAN_TEST_ROLE"

// TestMain runs the tests, or is a process of theirs.
func TestMain(m *testing.M) {
	role, arg, _ := strings.Cut(os.Getenv(roleVariable), " ")
	switch role {
	case "echo":
		os.Exit(echo(strings.Fields(arg)))
	case "dial":
		os.Exit(dial(arg))
	}
	os.Exit(m.Run())
}

// echo gives back what it gets at the endpoints, until its input ends.
func echo(endpoints []string) int {
	for _, endpoint := range endpoints {
		l, err := net.Listen("tcp", endpoint)
		if err != nil {
			fmt.Println(err)
			return 1
		}
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go func() { _, _ = io.Copy(conn, conn) }()
			}
		}()
	}
	fmt.Println("listening")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// patience is how long a connection may take. What is dropped is only known by it.
const patience = 400 * time.Millisecond

// dial connects, and then has each line of its input given back.
func dial(endpoint string) int {
	conn, err := net.DialTimeout("tcp", endpoint, patience)
	var late net.Error
	switch {
	case errors.As(err, &late) && late.Timeout():
		fmt.Println("no answer")
		return 0
	case err != nil:
		fmt.Println(err)
		return 0
	}
	fmt.Println("connected")
	answers := bufio.NewReader(conn)
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		_, _ = fmt.Fprintln(conn, in.Text())
		answer, err := answers.ReadString('\n')
		if err != nil {
			answer = err.Error() + "\n"
		}
		fmt.Print(answer)
	}
	return 0
}

// A peer is a process of a test on a host.
type peer struct {
	in    io.WriteCloser
	lines chan string
}

// start starts a peer, which ends with the test.
func start(t *testing.T, h *firewall.Host, role string) *peer {
	t.Helper()
	self, err := os.Executable()
	assert.NilError(t, err)
	cmd := h.Command(context.Background(), self)
	cmd.Env = append(cmd.Env, roleVariable+"="+role, "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	p := &peer{lines: make(chan string, 10)}
	p.in, err = cmd.StdinPipe()
	assert.NilError(t, err)
	out, err := cmd.StdoutPipe()
	assert.NilError(t, err)
	assert.NilError(t, cmd.Start())
	read := make(chan struct{})
	go func() {
		defer close(read)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		_ = p.in.Close()
		<-read
		_ = cmd.Wait()
	})
	return p
}

// line returns what the peer says next, or "silence" if that is nothing in time.
func (p *peer) line(wait time.Duration) string {
	select {
	case line := <-p.lines:
		return line
	case <-time.After(wait):
		return "silence"
	}
}

const enough = 10 * time.Second

func (p *peer) say(t *testing.T, text string) {
	t.Helper()
	_, err := fmt.Fprintln(p.in, text)
	assert.NilError(t, err)
}

// serve has a host give back what it gets at the ports.
func serve(t *testing.T, h *firewall.Host, ports ...uint16) {
	t.Helper()
	var all []string
	for _, port := range ports {
		for _, a := range addresses(h) {
			all = append(all, netip.AddrPortFrom(a, port).String())
		}
	}
	assert.Equal(t, start(t, h, "echo "+strings.Join(all, " ")).line(enough), "listening")
}

// connect connects to a port of a host.
func connect(t *testing.T, from *firewall.Host, to netip.Addr, port uint16) (*peer, string) {
	t.Helper()
	p := start(t, from, "dial "+netip.AddrPortFrom(to, port).String())
	return p, p.line(enough)
}

func addresses(h *firewall.Host) []netip.Addr {
	if a := h.Address6(); a.IsValid() {
		return []netip.Addr{h.Address(), a}
	}
	return []netip.Addr{h.Address()}
}
