package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/system"
)

// On a base with processes a worker of the tests runs in another process than the test, which says by environment variables what the worker is to do.
const (
	programVariable = "WORDCOUNT_TEST_PROGRAM" // this process is no test, but wordcount itself
	momentVariable  = "WORDCOUNT_TEST_MOMENT"  // when a worker stops
	socketVariable  = "WORDCOUNT_TEST_SOCKET"  // where somebody waits for that
)

// A stopping worker stops in the second batch that it gets, to be killed, if somebody waits for it.
type stopping struct {
	worker
	got int
}

func (w *stopping) Receive(ctx *actor.Context, msg any) error {
	m, isBatch := msg.(Batch)
	moment := moments[os.Getenv(momentVariable)]
	if !isBatch || moment == nil {
		return w.worker.Receive(ctx, msg)
	}
	if w.got++; w.got != 2 {
		return w.worker.Receive(ctx, msg)
	}
	conn, err := net.Dial("unix", os.Getenv(socketVariable))
	if err != nil {
		return w.worker.Receive(ctx, msg)
	}
	defer ctx.Exit()
	moment(ctx, &w.worker, m)
	fmt.Fprintln(conn, os.Getpid())
	_, _ = io.Copy(io.Discard, conn) // until it is killed
	return nil
}

// moments are what a worker does with a batch before it stops.
var moments = map[string]func(ctx *actor.Context, w *worker, m Batch){
	"before a batch": func(*actor.Context, *worker, Batch) {},
	"in a batch":     func(ctx *actor.Context, w *worker, m Batch) { _ = w.file(ctx, string(m.Files[0]), nobody) },
	"after a batch":  func(ctx *actor.Context, w *worker, m Batch) { _ = w.Receive(ctx, m) },
	"in a delivery": func(ctx *actor.Context, w *worker, m Batch) {
		_ = w.Receive(ctx, m)
		ctx.Send(ctx.Sender(), Words{Words: w.table.take(), More: true})
	},
	"after a delivery": func(ctx *actor.Context, w *worker, m Batch) {
		_ = w.Receive(ctx, m)
		w.deliver(ctx, ctx.Sender())
	},
}

// testApp is what the processes run that a test has started.
func testApp() system.App {
	a := app
	a.Kinds = append([]actor.Kind(nil), app.Kinds...)
	for i := range a.Kinds {
		if a.Kinds[i].Name == "worker" {
			a.Kinds[i].New = func() actor.Actor { return &stopping{} }
		}
	}
	return a
}

// A runner runs the tests, and fails when a process of theirs is left. Or it runs wordcount.
type runner struct{ m *testing.M }

func (r runner) Run() int {
	if os.Getenv(programVariable) != "" {
		main()
	}
	_ = os.Setenv("GORACE", os.Getenv("GORACE")+" atexit_sleep_ms=0") // of the processes: else each takes a second to end
	code := r.m.Run()
	if left := processesLeft(); code == 0 && len(left) > 0 {
		fmt.Fprintln(os.Stderr, "processes are left behind:", left)
		return 1
	}
	return code
}

// processesLeft returns the other processes that run this executable, once they had time to end. It sees them on Linux alone.
func processesLeft() []string {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return nil
	}
	for deadline := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		var left []string
		all, _ := filepath.Glob("/proc/[0-9]*")
		for _, dir := range all {
			if exe, err := os.Readlink(filepath.Join(dir, "exe")); err == nil && exe == self && filepath.Base(dir) != strconv.Itoa(os.Getpid()) {
				title, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
				left = append(left, strings.ReplaceAll(string(title), "\x00", " "))
			}
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
	}
}

// A stops is where workers say that they have stopped.
type stops struct{ *net.UnixListener }

// stopWorkers has workers of systems that are started from now on stop at a moment, until the stops are closed.
func stopWorkers(t *testing.T, moment string) stops {
	t.Helper()
	assert.Assert(t, moments[moment] != nil, moment)
	dir, err := os.MkdirTemp("", "wordcount") // the name of a socket has to be short
	assert.NilError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "stops")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	assert.NilError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	t.Setenv(momentVariable, moment)
	t.Setenv(socketVariable, socket)
	return stops{l}
}

// A stopped worker is one whose process waits to be killed.
type stopped struct {
	pid  int
	conn net.Conn
}

// next waits for the next worker that stops.
func (s stops) next() (stopped, error) {
	if err := s.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return stopped{}, err
	}
	conn, err := s.Accept()
	if err != nil {
		return stopped{}, err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return stopped{}, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	return stopped{pid, conn}, err
}

func (s stopped) kill() error {
	process, err := os.FindProcess(s.pid)
	if err != nil {
		return err
	}
	return process.Kill()
}

// ended waits until the process has ended.
func (s stopped) ended() { _, _ = io.Copy(io.Discard, s.conn) }
