//go:build linux

package conventions

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/system"
)

// A network is namespaces that are joined by a switch, each with a firewall of its own. It takes root, ip and nft.
type network struct {
	t     *testing.T
	name  string
	hosts int
}

// newNetwork makes a network, and skips the test where that is not possible.
func newNetwork(t *testing.T) *network {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("network namespaces take root: firewalls are not tested")
	}
	for _, tool := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is missing (packages iproute2 and nftables): firewalls are not tested", tool)
		}
	}
	n := &network{t: t, name: fmt.Sprintf("th%d", os.Getpid())}
	if out, err := exec.Command("ip", "netns", "add", n.name).CombinedOutput(); err != nil {
		t.Skipf("network namespaces cannot be made here: firewalls are not tested: %s", out)
	}
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", n.name).Run() })
	n.must("ip", "-n", n.name, "link", "add", "switch", "type", "bridge")
	n.must("ip", "-n", n.name, "link", "set", "switch", "up")
	return n
}

func (n *network) must(command ...string) {
	n.t.Helper()
	out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
	assert.NilError(n.t, err, "%v: %s", command, out)
}

// A site is a host of the network.
type site struct {
	network *network
	space   string
	ip      string
	folder  string
}

// site adds a host.
func (n *network) site() *site {
	n.t.Helper()
	n.hosts++
	s := &site{network: n, space: fmt.Sprintf("%s-%d", n.name, n.hosts), ip: fmt.Sprintf("10.77.0.%d", n.hosts)}
	var err error
	s.folder, err = os.MkdirTemp("", "site") // sockets have short paths
	assert.NilError(n.t, err)
	n.t.Cleanup(func() { _ = os.RemoveAll(s.folder) })
	n.must("ip", "netns", "add", s.space)
	n.t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", s.space).Run() })
	port := fmt.Sprintf("port%d", n.hosts)
	n.must("ip", "-n", n.name, "link", "add", port, "type", "veth", "peer", "name", "net", "netns", s.space)
	n.must("ip", "-n", n.name, "link", "set", port, "master", "switch", "up")
	n.must("ip", "-n", s.space, "address", "add", s.ip+"/16", "dev", "net")
	n.must("ip", "-n", s.space, "link", "set", "net", "up")
	n.must("ip", "-n", s.space, "link", "set", "lo", "up")
	return s
}

// firewall has the host take what comes to the ports only; nothing, with none. What belongs to connections that it has made itself comes through.
func (s *site) firewall(ports ...int) {
	s.network.t.Helper()
	rules := "flush ruleset\ntable inet f {\nchain in {\ntype filter hook input priority 0; policy drop\niif lo accept\nct state established,related accept\n"
	for _, port := range ports {
		rules += fmt.Sprintf("tcp dport %d accept\n", port)
	}
	s.rules(rules + "}\n}\n")
}

// cut has nothing come through, either way, until it is called with false.
func (s *site) cut(on bool) {
	s.network.t.Helper()
	rules := "table inet cut\ndelete table inet cut\n"
	if on {
		rules = "table inet cut {\nchain in {\ntype filter hook input priority -10\niif != lo drop\n}\nchain out {\ntype filter hook output priority -10\noif != lo drop\n}\n}\n"
	}
	s.rules(rules)
}

func (s *site) rules(text string) {
	s.network.t.Helper()
	cmd := exec.Command("ip", "netns", "exec", s.space, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.CombinedOutput()
	assert.NilError(s.network.t, err, "%s\n%s", text, out)
}

// A remote is a system in a namespace, with a program that does what it is asked on its input.
type remote struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
}

const (
	remoteVariable = "THESPIAN_TEST_REMOTE"
	remotePort     = 1900
)

// start starts a system there.
func (s *site) start(name string, leader *site, more actor.Capabilities) *remote {
	t := s.network.t
	t.Helper()
	secretFile := filepath.Join(s.folder, "secret")
	assert.NilError(t, os.WriteFile(secretFile, []byte(secret), 0o600))
	c := actor.Capabilities{"Admin Port": remotePort, "Name": name, "Bind Address": s.ip}
	if leader != nil {
		c["Convention Address.IPv4"] = fmt.Sprintf("%s:%d", leader.ip, remotePort)
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
	r := &remote{t: t, name: name, cmd: exec.Command("ip", "netns", "exec", s.space, self)}
	r.cmd.Env = append(os.Environ(), remoteVariable+"="+given.String(), "THESPIAN_TEST_SECRET="+secretFile, "XDG_RUNTIME_DIR="+s.folder)
	r.cmd.Stderr = os.Stderr
	r.in, err = r.cmd.StdinPipe()
	assert.NilError(t, err)
	out, err := r.cmd.StdoutPipe()
	assert.NilError(t, err)
	r.out = bufio.NewReader(out)
	assert.NilError(t, r.cmd.Start())
	t.Cleanup(func() {
		if t.Failed() {
			logs, _ := filepath.Glob(filepath.Join(s.folder, "thespian", "*.log"))
			for _, file := range logs {
				text, _ := os.ReadFile(file)
				t.Logf("log of %s:\n%s", name, text)
			}
		}
		_ = r.in.Close() // which ends it
		_ = r.cmd.Wait()
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
	_, err := fmt.Fprintln(r.in, strings.Join(words, " "))
	assert.NilError(r.t, err)
	return r.read()
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
