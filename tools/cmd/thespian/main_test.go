//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/integration"
	"thespian.dev/message"
	"thespian.dev/system"
	"thespian.dev/transport"
)

// Private is a type of the actors that the command does not know.
type Private struct{ Number int }

// A servant keeps what it is told, but for what it knows as an order.
type servant struct{ kept []any }

func (s *servant) Receive(ctx *actor.Context, msg any) error {
	switch msg {
	case "kept":
		ctx.Send(ctx.Sender(), s.kept)
	case "private":
		ctx.Send(ctx.Sender(), Private{7})
	case "who":
		ctx.Send(ctx.Sender(), ctx.Self())
	case "create":
		ctx.Send(ctx.Sender(), ctx.Create("servant"))
	case "fail":
		return actor.Permanent(errors.New("it failed as it was told to"))
	case "silence":
	default:
		if _, system := msg.(message.ActorExitRequest); !system {
			s.kept = append(s.kept, msg)
			ctx.Send(ctx.Sender(), fmt.Sprintf("%T", msg))
		}
	}
	return nil
}

// A holdout is told a file, and does not exit before somebody writes there.
type holdout struct{ file string }

func (h *holdout) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case string:
		h.file = m
		ctx.Send(ctx.Sender(), "I hold out")
	case message.ActorExitRequest:
		f, err := os.Open(h.file)
		if err != nil {
			return err
		}
		return f.Close()
	}
	return nil
}

// foreignBase is one that the command does not have.
func foreignBase() transport.Base {
	base := integration.Bases()[0]
	base.Name, base.Short = "multiprocQueueBase over NATS at 127.0.0.1:4222", "nats"
	return base
}

// servants is the program whose actors the command works with.
var servants = system.App{
	Bases: append(integration.Bases(), foreignBase()),
	Kinds: []actor.Kind{
		{Name: "servant", New: func() actor.Actor { return &servant{} }},
		{Name: "sharer", New: func() actor.Actor { return &servant{} }, Startup: actor.Goroutine},
		{Name: "holdout", New: func() actor.Actor { return &holdout{} }},
	},
	Messages: message.Types(Private{}),
}

// executable is the command, as it was built for this run of the tests.
var executable string

func TestMain(m *testing.M) { servants.TestMain(suite{m}) }

// A suite is all tests, with what has to be there for them, and what must not be there behind them.
type suite struct{ m *testing.M }

func (s suite) Run() int {
	code, err := s.run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func (s suite) run() (code int, err error) {
	folder, err := os.MkdirTemp("", "thespian")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(folder)
	executable = filepath.Join(folder, "thespian")
	build := exec.Command("go", append(append([]string{"build"}, raceFlag()...), "-o", executable, ".")...)
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("%v: %w\n%s", build, err, out)
	}
	runtimeFolder := filepath.Join(folder, "run")
	if err := os.Mkdir(runtimeFolder, 0o700); err != nil {
		return 1, err
	}
	for name, value := range map[string]string{
		"XDG_RUNTIME_DIR": runtimeFolder,
		"GORACE":          os.Getenv("GORACE") + " atexit_sleep_ms=0", // else each process takes a second to end
	} {
		if err := os.Setenv(name, value); err != nil {
			return 1, err
		}
	}
	if code = s.m.Run(); code == 0 {
		err = leftBehind(runtimeFolder)
	}
	return code, err
}

// raceFlag has the command built as this test was.
func raceFlag() []string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "-race" && s.Value == "true" {
				return []string{"-race"}
			}
		}
	}
	return nil
}

// leftBehind waits until no process and no socket of the tests is left, and returns an error if they stay.
func leftBehind(folder string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		var left []string
		links, _ := filepath.Glob("/proc/[0-9]*/exe")
		for _, link := range links {
			exe, err := os.Readlink(link)
			if err == nil && (exe == executable || exe == self) && link != fmt.Sprintf("/proc/%d/exe", os.Getpid()) {
				left = append(left, link+" is "+exe)
			}
		}
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type() == fs.ModeSocket {
				left = append(left, path)
			}
			return err
		})
		if err != nil || len(left) == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("left behind: %s", strings.Join(left, ", "))
		}
	}
}

// An outcome is what came of a command.
type outcome struct {
	out, err string
	status   int
}

// A site is a port at which a test has its system.
type site struct {
	t    *testing.T
	port int
}

func newSite(t *testing.T) site {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NilError(t, err)
	defer l.Close()
	return site{t, l.Addr().(*net.TCPAddr).Port}
}

// startSite starts a system at a site of its own.
func startSite(t *testing.T, flags ...string) site {
	t.Helper()
	s := newSite(t)
	t.Cleanup(func() { s.run("stop", "--grace", "0s") }) // of no use if the test has ended it
	s.does(append([]string{"start", "--detach"}, flags...)...)
	return s
}

// command returns a command that is about the site.
func (s site) command(args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	s.t.Cleanup(cancel)
	return exec.CommandContext(ctx, executable, append([]string{"--port", strconv.Itoa(s.port)}, args...)...)
}

func (s site) run(args ...string) outcome {
	s.t.Helper()
	cmd := s.command(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		assert.Assert(s.t, errors.As(err, &exit), "%v: %v", args, err)
	}
	return outcome{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// does runs a command that succeeds, and returns its data.
func (s site) does(args ...string) string {
	s.t.Helper()
	o := s.run(args...)
	assert.Equal(s.t, o.status, 0, "%v: %s", args, o.err)
	return o.out
}

// fails runs a command that does not succeed, and returns what it says.
func (s site) fails(status int, args ...string) string {
	s.t.Helper()
	o := s.run(args...)
	assert.Equal(s.t, o.status, status, "%v: %s", args, o.err)
	assert.Equal(s.t, o.out, "")
	return o.err
}

// attach attaches the program that has the kinds.
func (s site) attach() *system.System {
	s.t.Helper()
	sys, err := servants.Start(s.t.Context(), &system.Options{Attach: true, Capabilities: actor.Capabilities{"Admin Port": s.port}})
	assert.NilError(s.t, err)
	s.t.Cleanup(func() { _ = sys.Close() })
	return sys
}

// create creates an actor with a global name, which outlives the program that does it.
func (s site) create(kind, name string) address.Address {
	s.t.Helper()
	a, err := s.attach().Create(s.t.Context(), kind, actor.CreateOptions{GlobalName: name})
	assert.NilError(s.t, err)
	return a
}

func (s site) status() message.SystemStatus {
	s.t.Helper()
	var status struct {
		message.SystemStatus
		Capabilities map[string]any // whose values JSON does not keep apart
	}
	assert.NilError(s.t, json.Unmarshal([]byte(s.does("status", "--json")), &status))
	status.SystemStatus.Capabilities = status.Capabilities
	return status.SystemStatus
}

func (s site) processes() []process {
	s.t.Helper()
	var all []process
	assert.NilError(s.t, json.Unmarshal([]byte(s.does("ps", "--json")), &all))
	return all
}

func (s site) fullAddress(a address.Address) string {
	s.t.Helper()
	text, err := a.MarshalText()
	assert.NilError(s.t, err)
	return string(text)
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !so(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }
