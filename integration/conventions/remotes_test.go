//go:build linux

package conventions

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/integration/firewall"
	"thespian.dev/system"
)

// A remote is a system on a host of its own, with a program that does what it is asked on its input.
type remote struct {
	t    *testing.T
	name string
	in   io.WriteCloser
	out  *bufio.Reader
}

const (
	remoteVariable = "THESPIAN_TEST_REMOTE"
	remotePort     = 1900
)

// at returns where a system on a host is reached.
func at(a netip.Addr) string { return netip.AddrPortFrom(a, remotePort).String() }

// startOn starts a system on a host. It leads itself unless it is given where its leader is.
func startOn(t *testing.T, h *firewall.Host, name, leader string, more actor.Capabilities) *remote {
	t.Helper()
	secretFile := filepath.Join(h.Folder(), "secret")
	assert.NilError(t, os.WriteFile(secretFile, []byte(secret), 0o600))
	c := actor.Capabilities{"Admin Port": remotePort, "Name": name, "Bind Address": h.Address()}
	if leader != "" {
		c["Convention Address.IPv4"] = leader
	}
	for name, value := range more {
		c[name] = value
	}
	var given strings.Builder
	for name, value := range c {
		fmt.Fprintf(&given, "%s=%v\n", name, value)
	}
	self, err := os.Executable()
	assert.NilError(t, err)
	r := &remote{t: t, name: name}
	cmd := h.Command(context.Background(), self)
	cmd.Env = append(cmd.Env, remoteVariable+"="+given.String(), "THESPIAN_TEST_SECRET="+secretFile)
	cmd.Stderr = os.Stderr
	r.in, err = cmd.StdinPipe()
	assert.NilError(t, err)
	out, err := cmd.StdoutPipe()
	assert.NilError(t, err)
	r.out = bufio.NewReader(out)
	assert.NilError(t, cmd.Start())
	t.Cleanup(func() {
		if t.Failed() {
			logs, _ := filepath.Glob(filepath.Join(h.Folder(), "thespian", "*.log"))
			for _, file := range logs {
				text, _ := os.ReadFile(file)
				t.Logf("log of %s:\n%s", name, text)
			}
		}
		_ = r.in.Close() // which ends it
		_ = cmd.Wait()
	})
	assert.Equal(t, r.read(), "ready")
	return r
}

func (r *remote) read() string {
	line, err := r.out.ReadString('\n')
	if err != nil {
		return "the program has ended: " + err.Error()
	}
	return strings.TrimSuffix(line, "\n")
}

// do has the program do something, and returns what came of it.
func (r *remote) do(words ...string) string {
	r.t.Helper()
	r.say(words...)
	return r.read()
}

// say has the program do something, whose result is to be read later.
func (r *remote) say(words ...string) {
	r.t.Helper()
	_, err := fmt.Fprintln(r.in, strings.Join(words, " "))
	assert.NilError(r.t, err)
}

// serveRemote is the program. It shuts its system down when its input ends.
func serveRemote() int {
	c := actor.Capabilities{}
	for line := range strings.Lines(os.Getenv(remoteVariable)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		switch value {
		case "true":
			c[name] = true
		case "1900":
			c[name] = remotePort
		default:
			c[name] = value
		}
	}
	ctx := context.Background()
	sys, err := app.Start(ctx, &system.Options{ConventionSecretFile: os.Getenv("THESPIAN_TEST_SECRET"), Capabilities: c})
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	defer sys.Shutdown(ctx)
	fmt.Println("ready")
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		answer, err := obey(sys, strings.Fields(in.Text()))
		if err != nil {
			answer = "error: " + err.Error()
		}
		fmt.Println(strings.ReplaceAll(answer, "\n", "; "))
	}
	return 0
}

func obey(sys *system.System, words []string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var addresses []address.Address
	for _, word := range words[1:] {
		if a, err := address.Parse(word); err == nil {
			addresses = append(addresses, a)
		}
	}
	var msg any
	switch words[0] {
	case "create":
		a, err := sys.Create(ctx, words[1])
		if err != nil {
			return "", err
		}
		text, err := a.MarshalText()
		return string(text), err
	case "preregister":
		return "done", sys.PreRegister(ctx, words[1], nil)
	case "make":
		a, err := system.Ask[address.Address](ctx, sys, addresses[0], Make{Kind: words[2]})
		if err != nil {
			return "", err
		}
		text, err := a.MarshalText()
		return string(text), err
	case "where":
		msg = Where{}
	case "pass":
		msg = Pass{addresses[1]}
	case "watch":
		msg = Watch{addresses[1]}
	case "ends":
		msg = Ends{}
	case "updates":
		msg = Updates{}
	case "flood":
		msg = Flood{addresses[1], 20_000}
	case "count":
		msg = Count{}
	default:
		return "", fmt.Errorf("what is %q?", words[0])
	}
	reply, err := sys.Ask(ctx, addresses[0], msg)
	return fmt.Sprint(reply), err
}
