package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"thespian.dev/actor"
	"thespian.dev/system"
)

// onBases runs a test on each base whose actors have processes.
func onBases(t *testing.T, test func(t *testing.T, base string)) {
	for _, b := range app.Bases {
		t.Run(b.Name, func(t *testing.T) { test(t, b.Name) })
	}
}

func startOn(t *testing.T, base string) *system.System {
	t.Helper()
	sys, err := app.Start(t.Context(), &system.Options{
		Base: base, Capabilities: actor.Capabilities{"Admin Port": 0}, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	assert.NilError(t, err)
	t.Cleanup(func() { assert.Check(t, sys.Shutdown(context.Background())) })
	return sys
}

func TestProcessesCountLikeThePlainLoop(t *testing.T) {
	root := forest(t)
	want := mustCountPlainly(t, root)
	onBases(t, func(t *testing.T, base string) {
		sys := startOn(t, base)
		for _, workers := range []int{1, 3} {
			same(t, mustCount(t, sys, Count{Root: []byte(root), Workers: workers, Top: all}), want)
		}
	})
}

// Whenever a worker's process is killed, each file is counted exactly once.
func TestProcessesThatAreKilled(t *testing.T) {
	root := forest(t)
	want := mustCountPlainly(t, root)
	onBases(t, func(t *testing.T, base string) {
		for moment := range moments {
			t.Run(moment, func(t *testing.T) {
				stops := stopWorkers(t, moment)
				sys := startOn(t, base)
				killed := make(chan error, 1)
				go func() {
					defer stops.Close()
					for range 2 {
						worker, err := stops.next()
						if err == nil {
							err = worker.kill()
						}
						if err != nil {
							killed <- err
							return
						}
					}
					killed <- nil
				}()
				got := mustCount(t, sys, Count{Root: []byte(root), Workers: 2, Top: all})
				assert.NilError(t, <-killed)
				same(t, got, want)
			})
		}
	})
}

func TestRunWithChaos(t *testing.T) {
	root := forest(t)
	want := runJSON(t, io.Discard, "-plain", root)
	onBases(t, func(t *testing.T, base string) {
		stops := stopWorkers(t, "after a batch")
		victims := make(chan int, 2)
		go func() {
			defer close(victims)
			defer stops.Close()
			for range 2 {
				worker, err := stops.next()
				if !assert.Check(t, err) {
					return
				}
				worker.ended() // by the chaos
				victims <- worker.pid
			}
		}()
		var diagnostics bytes.Buffer
		got := runJSON(t, &diagnostics, "-base", base, "-workers", "1", "-chaos", "-chaos-period", "500ms", root)
		assert.DeepEqual(t, got, want)
		for pid := range victims {
			assert.Assert(t, is.Contains(diagnostics.String(), fmt.Sprintf("chaos: killed process %d, worker ", pid)))
		}
		assert.Assert(t, is.Contains(diagnostics.String(), "workers killed\n"))
	})
}

// runJSON returns what wordcount reports of what it has counted, and not of how.
func runJSON(t *testing.T, diagnostics io.Writer, args ...string) report {
	t.Helper()
	var out bytes.Buffer
	assert.NilError(t, run(t.Context(), append([]string{"-json", "-top", "30"}, args...), &out, diagnostics))
	var r report
	assert.NilError(t, json.Unmarshal(out.Bytes(), &r))
	r.Workers, r.Base, r.Seconds, r.MBPerSec = 0, "", 0, 0
	return r
}

func TestChaosThatFindsNobody(t *testing.T) {
	onBases(t, func(t *testing.T, base string) {
		var diagnostics bytes.Buffer
		runJSON(t, &diagnostics, "-base", base, "-chaos", "-chaos-period", "1h", poem(t))
		assert.Equal(t, diagnostics.String(), "chaos: no worker was killed; there is one every 1h0m0s, and -chaos-period changes that\n")
	})
}

// Ctrl-C at a terminal goes to all processes of the program's group, kill -INT to the program alone.
func TestProgramInterrupted(t *testing.T) {
	root := forest(t)
	self, err := os.Executable()
	assert.NilError(t, err)
	onBases(t, func(t *testing.T, base string) {
		for name, group := range map[string]bool{"program": false, "group": true} {
			t.Run(name, func(t *testing.T) {
				stops := stopWorkers(t, "after a batch")
				program := exec.Command(self, "-base", base, "-workers", "2", root)
				program.Env = append(os.Environ(), programVariable+"=1")
				program.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
				var out, diagnostics bytes.Buffer
				program.Stdout, program.Stderr = &out, &diagnostics
				assert.NilError(t, program.Start())
				_, err := stops.next()
				to := program.Process.Pid
				if group {
					to = -to
				}
				if err != nil {
					_ = program.Process.Kill()
				} else {
					err = syscall.Kill(to, syscall.SIGINT)
				}
				ended := program.Wait()
				assert.NilError(t, err)
				assert.Error(t, ended, "exit status 1")
				assert.Assert(t, strings.HasSuffix(diagnostics.String(), "error: interrupted\n"), diagnostics.String())
				assert.Equal(t, out.String(), "")
				assert.Equal(t, len(processesLeft()), 0)
			})
		}
	})
}
