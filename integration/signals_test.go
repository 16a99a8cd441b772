//go:build linux

package integration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/system"
)

func TestSignalsToTheAdmin(t *testing.T) {
	onEachBase(t, func(t *testing.T) {
		for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
			t.Run(s.String(), func(t *testing.T) {
				sys := startAt(t, freePort(t))
				pid := ask(t, sys, create(t, sys, "servant"), Order{What: "who"}).PID
				assert.NilError(t, syscall.Kill(pidOf(t, sys, "admin"), s))
				<-sys.Done()
				ended(t, pid)
			})
		}
	})
}

// logOf returns what the log of the system at the port has, "" if there is none.
func logOf(t *testing.T, port int) string {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "thespian", fmt.Sprintf("*-%d.log", port)))
	assert.NilError(t, err)
	if len(logs) != 1 {
		return ""
	}
	log, err := os.ReadFile(logs[0])
	assert.NilError(t, err)
	return string(log)
}

// logged waits until the log of the system at the port has a text, and returns what stands there from it on.
func logged(t *testing.T, port int, text string) string {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; runtime.Gosched() {
		log := logOf(t, port)
		if i := strings.Index(log, text); i >= 0 {
			return log[i:]
		}
		if time.Now().After(deadline) {
			t.Fatalf("%q does not come in the log:\n%s", text, log)
		}
	}
}

func TestStatusOnASignal(t *testing.T) {
	onEachBase(t, func(t *testing.T) {
		port := freePort(t)
		sys := startAt(t, port)
		a := create(t, sys, "servant")
		host := ask(t, sys, a, Order{What: "who"}).PID
		assert.NilError(t, syscall.Kill(pidOf(t, sys, "admin"), syscall.SIGUSR1))
		report := logged(t, port, "msg=\"status")
		for _, part := range []string{sys.Admin().String(), baseHere(), a.String(), "servant", strconv.Itoa(host), strconv.Itoa(os.Getpid())} {
			assert.Assert(t, strings.Contains(report, part), "%s is not in the report:\n%s", part, report)
		}
		assert.Equal(t, ask(t, sys, a, Say{"still here"}).What, "still here")
	})
}

func TestSignalsThatAskAnActorToExit(t *testing.T) {
	onEachBase(t, func(t *testing.T) {
		sys := start(t, nil)
		parent := create(t, sys, "servant")
		for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGABRT} {
			child := ask(t, sys, parent, Order{What: "create"}).Who
			assert.NilError(t, sys.Tell(within(t), parent, Order{What: "serve"}))
			assert.Equal(t, heard(t, sys).What, "served")
			assert.NilError(t, sys.Tell(within(t), child, Order{What: "herald"}))
			heralding := heard(t, sys)
			assert.Equal(t, heralding.What, "heralding")
			assert.NilError(t, syscall.Kill(heralding.PID, s))
			first, second := heard(t, sys), heard(t, sys)
			if first.What != "exiting" { // it comes from another process than the notice to the parent
				first, second = second, first
			}
			assert.DeepEqual(t, []string{first.What, second.What}, []string{"exiting", "child exited: asked to exit"})
			assert.Equal(t, second.Who, child)
		}
	})
}

// No program of the build is attached, so that what the host writes is in the system's log.
func TestSignalsThatAreOnlyLogged(t *testing.T) {
	onEachBase(t, func(t *testing.T) {
		port := freePort(t)
		creator := run(t, self(t), "name", port)
		pid, err := strconv.Atoi(creator.line(t))
		assert.NilError(t, err)
		assert.Equal(t, creator.end(t), "")
		t.Cleanup(func() {
			if sys, err := app.Start(within(t), at(port)); err == nil { // it was not reached below
				_ = sys.Shutdown(context.Background())
			}
		})
		for !strings.Contains(logOf(t, port), syscall.SIGINT.String()) { // as long as the Admin has not heard of the creator's end, it passes on to it what the host says
			assert.NilError(t, syscall.Kill(pid, syscall.SIGINT))
			time.Sleep(10 * time.Millisecond)
		}
		for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGUSR2} {
			assert.NilError(t, syscall.Kill(pid, s))
			logged(t, port, s.String())
		}
		assert.NilError(t, syscall.Kill(pid, syscall.SIGUSR1)) // which means something to the Admin alone
		sys := startAt(t, port)
		a, err := sys.Lookup(within(t), "left behind")
		assert.NilError(t, err)
		told, err := system.Ask[Told](within(t), sys, a, Order{What: "who"})
		assert.NilError(t, err)
		assert.Equal(t, told.PID, pid, "the actor goes on")
	})
}
