//go:build linux

package conventions

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/poll"

	"thespian.dev/actor"
	"thespian.dev/convention/authority"
	"thespian.dev/message"
)

// descriptors counts the open files of a process.
func descriptors(t testing.TB, pid int) int {
	t.Helper()
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	assert.NilError(t, err)
	return len(all)
}

// logged waits until the log of a system holds a text.
func logged(t testing.TB, port int, text string) {
	t.Helper()
	poll.WaitOn(t, func(poll.LogT) poll.Result {
		log, err := os.ReadFile(logOf(port))
		if err != nil {
			return poll.Error(err)
		}
		if strings.Contains(string(log), text) {
			return poll.Success()
		}
		return poll.Continue("the log has no %q:\n%s", text, log)
	}, poll.WithTimeout(20*time.Second), poll.WithDelay(20*time.Millisecond))
}

// Whatever strangers do at the Admin Port: nothing of theirs goes in, nothing is left of them, and the convention works on beside them.
func TestStrangersAtTheAdminPort(t *testing.T) {
	t.Parallel()
	leader := start(t, "leader", nil, nil)
	start(t, "member", leader, actor.Capabilities{"GPU": true})
	watcher := leader.create(t, "servant")
	assert.Equal(t, leader.ask(t, watcher, Updates{}), "member joined")
	pid := adminPID(t, leader)
	before := descriptors(t, pid)

	other, err := authority.Derive(authority.NewSecret())
	assert.NilError(t, err)
	careless := other.Client("admin")
	careless.VerifyConnection = nil
	frame, err := message.AppendFrame(nil, message.Frame{Kind: 1, Payload: make([]byte, 100)})
	assert.NilError(t, err)
	huge := append([]byte{}, frame...)
	copy(huge[8:], "\xff\xff\xff\xff")
	bytes := func(b string) func(net.Conn) {
		return func(c net.Conn) { _, _ = io.WriteString(c, b) }
	}
	handshake := func(config *tls.Config) func(net.Conn) {
		return func(c net.Conn) {
			s := tls.Client(c, config)
			_, _ = s.Write(frame) // which is heard by nobody, if the handshake succeeds at this end
			_, _ = io.Copy(io.Discard, s)
		}
	}
	strangers := map[string]func(net.Conn){
		"says nothing": bytes(""), "garbage": bytes("GET / HTTP/1.1\r\n\r\n"), "half a TLS greeting": bytes("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), "TLS garbage": bytes("\x16" + strings.Repeat("\xff", 5000)),
		"half a word for the gate": bytes("\x17THSP"), "garbage for the gate": bytes("\x17" + strings.Repeat("\x00", 5000)), "a frame for the gate": bytes("\x17" + string(frame)), "a huge frame for the gate": bytes("\x17" + string(huge)),
		"a frame": bytes(string(frame)), "a huge frame": bytes(string(huge)), "half a frame": bytes(string(frame[:20])),
		"no certificate": handshake(&tls.Config{ServerName: "admin", InsecureSkipVerify: true}), "another authority": handshake(careless),
		"old TLS": handshake(&tls.Config{ServerName: "admin", InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}), "TLS for another name": handshake(&tls.Config{ServerName: "example.com", InsecureSkipVerify: true}),
		"TLS for a process": handshake(&tls.Config{ServerName: "p1234", InsecureSkipVerify: true}),
	}
	var there sync.WaitGroup
	come := func(times int) {
		for name, does := range strangers {
			for range times {
				there.Go(func() {
					conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", leader.port))
					if !assert.Check(t, err == nil, "%s: %v", name, err) {
						return
					}
					defer conn.Close()
					_ = conn.SetDeadline(time.Now().Add(25 * time.Second))
					does(conn)
					_, err = io.Copy(io.Discard, conn)
					assert.Check(t, !errors.Is(err, os.ErrDeadlineExceeded), "%s: it is waited for", name)
				})
			}
		}
	}
	come(10) // which is more than are heard at once
	late := start(t, "late", leader, actor.Capabilities{"Disk": true})
	disk, gpu := late.create(t, "disk"), late.create(t, "gpu")
	assert.Equal(t, late.ask(t, gpu, Pass{disk}), "late", "while the strangers are there")
	there.Wait()
	come(1)
	there.Wait()

	assert.Equal(t, leader.ask(t, watcher, Updates{}), "late joined", "and nobody else")
	for _, why := range []string{"it says what nobody understands", "client didn't provide a certificate", "another convention secret", "it looks for"} {
		logged(t, leader.port, why)
	}
	poll.WaitOn(t, func(poll.LogT) poll.Result {
		if now := descriptors(t, pid); now > before+10 { // "late" has some
			return poll.Continue("%d files are open, %d were", now, before)
		}
		return poll.Success()
	}, poll.WithTimeout(20*time.Second))
}
