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
		endpoint, within, _ := strings.Cut(arg, " ")
		os.Exit(dial(endpoint, within))
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

// dial connects within a time, and then has each line of its input given back.
func dial(endpoint, within string) int {
	patience, err := time.ParseDuration(within)
	if err != nil {
		fmt.Println(err)
		return 1
	}
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
		_ = cmd.Process.Kill() // it may wait for what never comes
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

// enough is more than anything takes that is to come.
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

const (
	connected = "connected"
	noAnswer  = "no answer"

	// refusal is how long nothing must come through where nothing is let in. All else gets enough.
	refusal = 400 * time.Millisecond
)

// connect connects to a port of a host, and fails when something else than wanted comes of it.
func connect(t *testing.T, want string, from *firewall.Host, to netip.Addr, port uint16) *peer {
	t.Helper()
	patience := enough
	if want == noAnswer {
		patience = refusal
	}
	endpoint := netip.AddrPortFrom(to, port)
	p := start(t, from, fmt.Sprintf("dial %v %v", endpoint, patience))
	assert.Equal(t, p.line(2*enough), want, "to %v", endpoint)
	return p
}

func addresses(h *firewall.Host) []netip.Addr {
	if a := h.Address6(); a.IsValid() {
		return []netip.Addr{h.Address(), a}
	}
	return []netip.Addr{h.Address()}
}
