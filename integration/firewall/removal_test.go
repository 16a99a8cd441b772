//go:build linux

package firewall_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/integration/firewall"
)

// ours returns the namespaces and folders of a process.
func ours(pid int) (all []string) {
	for _, dir := range []string{"/run/netns", os.TempDir()} {
		found, _ := filepath.Glob(filepath.Join(dir, fmt.Sprintf("thespian-fw.%d.*", pid)))
		all = append(all, found...)
	}
	return all
}

// running says whether a process has not ended. One that has, and whose parent does not know yet, has no namespace.
func running(pid int) bool {
	_, err := os.Stat(fmt.Sprintf("/proc/%d/ns/net", pid))
	return err == nil
}

// A part is a part of a test, whose errors are kept and which ends when the test says so.
type part struct {
	testing.TB
	ends            []func()
	errors, skipped []string
}

func (p *part) Cleanup(f func())          { p.ends = append(p.ends, f) }
func (p *part) Errorf(f string, a ...any) { p.errors = append(p.errors, fmt.Sprintf(f, a...)) }
func (p *part) Skipf(f string, a ...any) {
	p.skipped = append(p.skipped, fmt.Sprintf(f, a...))
	runtime.Goexit()
}

func (p *part) end() {
	for len(p.ends) > 0 {
		last := len(p.ends) - 1
		f := p.ends[last]
		p.ends = p.ends[:last]
		f()
	}
}

func TestAllIsRemoved(t *testing.T) {
	p := &part{TB: t}
	firewall.New(t) // skips
	before := ours(os.Getpid())
	h := firewall.New(p).Host(p, "a")
	h.Allow(p, 1900)
	h.Cut(p)
	assert.Equal(t, len(ours(os.Getpid())), len(before)+3, "a switch, a host, a folder")
	p.end()
	assert.DeepEqual(t, ours(os.Getpid()), before)
	assert.Equal(t, len(p.errors), 0, "%v", p.errors)
}

func TestProcessThatIsLeftBehind(t *testing.T) {
	t.Parallel()
	p := &part{TB: t}
	firewall.New(t) // skips
	h := firewall.New(p).Host(p, "a")
	cmd := h.Command(context.Background(), "sh", "-c", "sleep 1000 & echo $!")
	out, err := cmd.StdoutPipe()
	assert.NilError(t, err)
	assert.NilError(t, cmd.Start())
	var pid int
	_, err = fmt.Fscan(out, &pid)
	assert.NilError(t, err)
	assert.NilError(t, cmd.Wait())
	assert.Assert(t, running(pid), "it is on")
	p.end()
	assert.Equal(t, len(p.errors), 1, "%v", p.errors)
	assert.Assert(t, strings.Contains(p.errors[0], "left behind on host a") && strings.Contains(p.errors[0], "sleep 1000"), p.errors[0])
	assert.Assert(t, !running(pid))
}

func TestCommandsKeepToTheirHost(t *testing.T) {
	h := firewall.New(t).Host(t, "a")
	out, err := h.Command(context.Background(), "sh", "-c", "sh -c 'readlink /proc/self/ns/net; ip -o -4 address show dev net; echo $XDG_RUNTIME_DIR'").CombinedOutput()
	assert.NilError(t, err, "%s", out)
	here, err := os.Readlink("/proc/self/ns/net")
	assert.NilError(t, err)
	lines := strings.Split(string(out), "\n")
	assert.Assert(t, lines[0] != here)
	assert.Assert(t, strings.Contains(lines[1], h.Address().String()+"/24"), lines[1])
	assert.Equal(t, lines[2], h.Folder())
}

const doomedVariable = "THESPIAN_TEST_DOOMED"

// TestDoomed is what a process of the next tests does.
func TestDoomed(t *testing.T) {
	fate := os.Getenv(doomedVariable)
	if fate == "" {
		t.Skip("only as a process of other tests")
	}
	h := firewall.New(t).Host(t, "a")
	switch fate {
	case "fails":
		t.FailNow()
	case "panics":
		panic("on purpose")
	}
	cmd := h.Command(context.Background(), "sleep", "1000")
	assert.NilError(t, cmd.Start())
	fmt.Printf("sleeper %d\n", cmd.Process.Pid)
	_ = cmd.Wait()
}

func doomed(t *testing.T, fate string) *exec.Cmd {
	self, err := os.Executable()
	assert.NilError(t, err)
	cmd := exec.Command(self, "-test.run=^TestDoomed$", "-test.v")
	cmd.Env = append(os.Environ(), doomedVariable+"="+fate, "GORACE=atexit_sleep_ms=0")
	return cmd
}

func TestAllIsRemovedWhenATestFails(t *testing.T) {
	firewall.New(t) // skips
	for _, fate := range []string{"fails", "panics"} {
		cmd := doomed(t, fate)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		assert.Assert(t, errors.As(err, &exit), "%s", out)
		assert.Assert(t, strings.Contains(string(out), "--- FAIL: TestDoomed"), "%s", out)
		assert.DeepEqual(t, ours(cmd.Process.Pid), []string(nil))
	}
}

func TestWhatAKilledTestLeftIsRemovedAtTheNextStart(t *testing.T) {
	firewall.New(t) // skips
	cmd := doomed(t, "is killed")
	out, err := cmd.StdoutPipe()
	assert.NilError(t, err)
	assert.NilError(t, cmd.Start())
	var sleeper int
	for s := bufio.NewScanner(out); sleeper == 0 && s.Scan(); {
		_, _ = fmt.Sscanf(s.Text(), "sleeper %d", &sleeper)
	}
	assert.Assert(t, sleeper != 0)
	left := ours(cmd.Process.Pid)
	assert.Equal(t, len(left), 3, "a switch, a host, a folder: %v", left)
	firewall.New(t)
	assert.DeepEqual(t, ours(cmd.Process.Pid), left)
	assert.Assert(t, running(sleeper), "what belongs to a test that runs is left alone")

	assert.NilError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	assert.DeepEqual(t, ours(cmd.Process.Pid), left)
	firewall.New(t)
	assert.DeepEqual(t, ours(cmd.Process.Pid), []string(nil))
	assert.Assert(t, !running(sleeper))
}

func TestSkipSaysWhatIsMissing(t *testing.T) {
	firewall.New(t) // skips
	for _, c := range []struct{ has, want string }{{"", "program ip (package iproute2)"}, {"ip", "program nft (package nftables)"}} {
		path := t.TempDir()
		if c.has != "" {
			assert.NilError(t, os.WriteFile(filepath.Join(path, c.has), nil, 0o755))
		}
		p := &part{TB: t}
		t.Setenv("PATH", path)
		done := make(chan struct{})
		go func() {
			defer close(done)
			firewall.New(p)
		}()
		<-done
		assert.Equal(t, len(p.skipped), 1)
		assert.Assert(t, strings.Contains(p.skipped[0], c.want), p.skipped[0])
	}
}
