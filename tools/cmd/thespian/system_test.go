//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/message"
	"thespian.dev/system"
)

func TestStartAndStop(t *testing.T) {
	s := startSite(t, "--capability", "GPU=true", "--capability", "cores=8", "--capability", "place=cellar", "--capability", `site="4"`)
	status := s.status()
	assert.Equal(t, status.Base, app.Bases[0].Name)
	for name, want := range map[string]any{"GPU": true, "cores": 8.0, "place": "cellar", "site": "4", "Admin Port": float64(s.port)} {
		assert.Equal(t, status.Capabilities[name], want, name)
	}
	again := s.fails(1, "start", "--detach")
	assert.Assert(t, strings.Contains(again, fmt.Sprintf("a system runs already at port %d", s.port)), again)
	assert.Equal(t, s.does("stop"), "")
	gone := s.fails(1, "stop")
	assert.Equal(t, gone, fmt.Sprintf("error: no system runs at port %d of base %s: start one with 'thespian start --port %[1]d'\n", s.port, shortName(app.Bases[0])))
}

// A system whose base the command does not have is none that it could speak with: it says who can.
func TestSystemOfAnotherBase(t *testing.T) {
	s := newSite(t)
	sys, err := servants.Start(t.Context(), &system.Options{Base: foreignBase().Name, Capabilities: actor.Capabilities{"Admin Port": s.port}})
	assert.NilError(t, err)
	t.Cleanup(func() { assert.NilError(t, sys.Shutdown(context.Background())) })
	for _, args := range [][]string{{"status"}, {"stop"}, {"start", "--detach"}, {"tell", "butler", "1"}} {
		said := s.fails(1, args...)
		assert.Assert(t, strings.HasPrefix(said, fmt.Sprintf("error: the system at port %d is of a base that this command does not have: ", s.port)), said)
		assert.Assert(t, strings.Contains(said, "System.Status and System.Shutdown (unknown base \""+foreignBase().Name+"\""), said)
	}
	_, err = sys.Status(t.Context())
	assert.NilError(t, err, "it goes on")
}

// Of those that start at the same moment one starts the system; no other may say that it has.
func TestStartsAtOnce(t *testing.T) {
	s := newSite(t)
	const count = 4
	outcomes := make(chan outcome, count)
	for range count {
		go func() {
			cmd := s.command("start", "--detach")
			var errs bytes.Buffer
			cmd.Stderr = &errs
			_ = cmd.Run()
			outcomes <- outcome{"", errs.String(), cmd.ProcessState.ExitCode()}
		}()
	}
	started := 0
	for range count {
		switch o := <-outcomes; {
		case o.status == 0 && strings.Contains(o.err, "a system runs at port"):
			started++
		default:
			assert.Assert(t, strings.Contains(o.err, "a system runs already at port"), o.err)
		}
	}
	assert.Equal(t, started, 1)
	s.does("stop")
}

func TestNoSystem(t *testing.T) {
	s := newSite(t)
	for _, args := range [][]string{{"status"}, {"ps"}, {"stop"}, {"tell", "somebody", "1"}, {"ask", "somebody", "1"}, {"kill", "somebody"}} {
		said := s.fails(1, args...)
		assert.Assert(t, strings.Contains(said, "no system runs") && strings.Contains(said, "thespian start"), said)
	}
}

func TestPortOfSomebodyElse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NilError(t, err)
	defer l.Close()
	s := site{t, l.Addr().(*net.TCPAddr).Port}
	said := s.fails(1, "start", "--detach")
	assert.Assert(t, strings.Contains(said, strconv.Itoa(s.port)) && strings.Contains(said, "something else listens") && strings.Contains(said, "--port"), said)
}

// foreground starts a system that is to end with its command, and returns when it runs. rest returns what else the command says, and its exit status.
func (s site) foreground() (process *os.Process, rest func() (string, int)) {
	s.t.Helper()
	cmd := s.command("start")
	words, err := cmd.StderrPipe()
	assert.NilError(s.t, err)
	assert.NilError(s.t, cmd.Start())
	s.t.Cleanup(func() { _ = cmd.Process.Kill() })
	in := bufio.NewReader(words)
	line, err := in.ReadString('\n')
	assert.NilError(s.t, err)
	assert.Assert(s.t, strings.HasPrefix(line, "a system runs at port "), line)
	return cmd.Process, func() (string, int) {
		text, err := io.ReadAll(in)
		assert.NilError(s.t, err)
		_ = cmd.Wait()
		return string(text), cmd.ProcessState.ExitCode()
	}
}

func TestStartInTheForeground(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			s := newSite(t)
			process, rest := s.foreground()
			s.create("servant", "butler")
			assert.NilError(t, process.Signal(signal))
			text, status := rest()
			assert.Equal(t, status, 0, text)
			assert.Equal(t, text, "shutting the system down\n")
			s.fails(1, "status")
		})
	}
	t.Run("stopped by another command", func(t *testing.T) {
		s := newSite(t)
		_, rest := s.foreground()
		s.does("stop")
		text, status := rest()
		assert.Equal(t, status, 0, text)
		assert.Equal(t, text, "the system was shut down\n")
	})
	t.Run("the Admin is killed", func(t *testing.T) {
		s := newSite(t)
		_, rest := s.foreground()
		assert.NilError(t, syscall.Kill(s.processes()[0].PID, syscall.SIGKILL))
		text, status := rest()
		assert.Equal(t, status, 1, text)
		assert.Assert(t, strings.Contains(text, "Admin"), text)
		s.does("start", "--detach") // what the dead one has left does not hinder
		s.does("stop")
	})
	t.Run("the command is killed", func(t *testing.T) {
		s := newSite(t)
		process, rest := s.foreground()
		admin := s.processes()[0]
		assert.Equal(t, admin.Role, "admin")
		assert.NilError(t, process.Kill())
		rest()
		eventually(t, "the Admin has ended", func() bool { return !alive(admin.PID) })
	})
}

func TestStatus(t *testing.T) {
	s := startSite(t)
	butler := s.create("servant", "butler")
	var maid string
	assert.NilError(t, json.Unmarshal([]byte(s.does("ask", "butler", `"create"`)), &maid))
	s.does("ask", maid, `"anything"`) // so that she is there
	s.does("ask", "butler", `"anything"`)
	status := s.status()
	assert.Equal(t, len(status.Actors), 2)
	parent, child := status.Actors[0], status.Actors[1]
	assert.Equal(t, parent.Actor, butler)
	assert.Equal(t, parent.GlobalName, "butler")
	assert.Equal(t, parent.Received, uint64(2))
	assert.Equal(t, child.Parent, butler)
	assert.Assert(t, parent.PID != child.PID && alive(parent.PID) && alive(child.PID), "each actor has a process")
	assert.Equal(t, status.GlobalNames["butler"], butler)
	text := s.does("status")
	for _, want := range []string{butler.String(), "  " + child.Actor.String(), "butler", strconv.Itoa(child.PID), "admin", "MEMORY", "PENDING"} {
		assert.Assert(t, strings.Contains(text, want), "%s in:\n%s", want, text)
	}
}

func TestProcesses(t *testing.T) {
	s := startSite(t)
	butler := s.create("servant", "butler")
	all := s.processes()
	roles := map[string]int{}
	for _, p := range all {
		roles[p.Role]++
		assert.Assert(t, alive(p.PID) && p.Memory > 0 && p.Uptime > 0, "%+v", p)
		if p.Role == "host" {
			assert.DeepEqual(t, p.Actors[0].Actor.String(), butler.String())
			assert.Equal(t, p.Actors[0].GlobalName, "butler")
		}
		if p.Role == "program" {
			assert.Equal(t, p.PID, os.Getpid(), "the command does not show itself")
		}
	}
	assert.DeepEqual(t, roles, map[string]int{"admin": 1, "host": 1, "program": 1})
	text := s.does("ps")
	assert.Assert(t, strings.Contains(text, "servant butler"), text)
	assert.Equal(t, strings.Count(text, "\n"), 1+len(all), text)
}

func TestSystemThatIsEnding(t *testing.T) {
	s := startSite(t)
	s.create("holdout", "last")
	hold := filepath.Join(t.TempDir(), "hold")
	assert.NilError(t, syscall.Mkfifo(hold, 0o600))
	name, err := json.Marshal(hold)
	assert.NilError(t, err)
	s.does("ask", "last", string(name))
	stop := s.command("stop", "--grace", "30s")
	assert.NilError(t, stop.Start())
	eventually(t, "the system is ending, and says who is left", func() bool {
		status := s.status()
		return status.InShutdown && len(status.Actors) == 1
	})
	assert.Assert(t, strings.Contains(s.does("status"), "in shutdown"))
	release, err := os.OpenFile(hold, os.O_WRONLY, 0)
	assert.NilError(t, err)
	assert.NilError(t, release.Close())
	assert.NilError(t, stop.Wait())
	s.fails(1, "status")
}

// The column of what got lost is there where something did.
func TestProcessesThatMissMessages(t *testing.T) {
	whole := process{ProcessStatus: message.ProcessStatus{PID: 1, Role: "admin"}}
	misses := process{ProcessStatus: message.ProcessStatus{PID: 2, Role: "host", Lost: 17}}
	for _, c := range []struct {
		all  []process
		want [][]string
	}{
		{[]process{whole}, [][]string{{"PID", "ROLE", "MEMORY", "UPTIME", "ACTORS"}, {"1", "admin", "0.0", "MB", "0s", "-"}}},
		{[]process{whole, misses}, [][]string{{"PID", "ROLE", "MEMORY", "LOST", "UPTIME", "ACTORS"}, {"1", "admin", "0.0", "MB", "0", "0s", "-"}, {"2", "host", "0.0", "MB", "17", "0s", "-"}}},
	} {
		var text strings.Builder
		assert.NilError(t, listProcesses(&text, c.all))
		var got [][]string
		for line := range strings.Lines(text.String()) {
			got = append(got, strings.Fields(line))
		}
		assert.DeepEqual(t, got, c.want)
	}
}
