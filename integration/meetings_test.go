//go:build linux

package integration

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/system"
)

// What begins and what ends may meet at any moment.

// A program that starts while the system ends gets the next one, or the one that is there until it has ended.
func TestStartBesideShutdown(t *testing.T) {
	port := freePort(t)
	for i := range 20 {
		sys, err := app.Start(within(t), &system.Options{Capabilities: actor.Capabilities{"Admin Port": port}})
		assert.NilError(t, err)
		var beside sync.WaitGroup
		beside.Go(func() { assert.Check(t, sys.Shutdown(context.Background())) })
		time.Sleep(time.Duration(i) * 150 * time.Microsecond) // another moment each time
		again, err := app.Start(within(t), &system.Options{Capabilities: actor.Capabilities{"Admin Port": port}})
		assert.NilError(t, err)
		assert.NilError(t, again.Shutdown(context.Background()), "whoever was sooner")
		beside.Wait()
	}
}

// A system that ends while one of its programs does not listen takes its time, and the next one waits for that.
func TestStartBehindAShutdownThatTakesTime(t *testing.T) {
	port := freePort(t)
	sys := startAt(t, port)
	data, err := os.ReadFile(self(t))
	assert.NilError(t, err)
	exe := filepath.Join(t.TempDir(), "program") // what its actors print is for it alone
	assert.NilError(t, os.WriteFile(exe, data, 0o700))
	stopped := run(t, exe, "idle", port)
	t.Cleanup(func() {
		_ = stopped.Process.Kill()
		_ = stopped.Wait()
	})
	stopped.line(t)
	a, err := sys.Lookup(within(t), "idle")
	assert.NilError(t, err)
	assert.NilError(t, syscall.Kill(stopped.Process.Pid, syscall.SIGSTOP))
	ask(t, sys, a, Order{What: "print much", N: 2000})
	assert.NilError(t, sys.Shutdown(within(t)))
	again, err := app.Start(within(t), &system.Options{Capabilities: actor.Capabilities{"Admin Port": port}})
	assert.NilError(t, err)
	assert.NilError(t, again.Shutdown(within(t)))
}

// A host that is about to end, and waits for an actor that does not, still ends with its Admin.
func TestHostThatLeavesEndsWithItsAdmin(t *testing.T) {
	for _, c := range []struct {
		name  string
		leave func(sys *system.System, pid int) error
	}{
		{"by a signal", func(_ *system.System, pid int) error { return syscall.Kill(pid, syscall.SIGTERM) }},
		{"by Shutdown", func(sys *system.System, _ int) error {
			go func() { _ = sys.Shutdown(context.Background()) }()
			return nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sys := startAt(t, freePort(t))
			host := create(t, sys, "thread")
			a := create(t, sys, "thread")
			pid := ask(t, sys, a, Order{What: "hang"}).PID
			admin := pidOf(t, sys, "admin")
			assert.NilError(t, c.leave(sys, pid))
			for err := error(nil); err == nil; { // its other actor ends: it leaves
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				_, err = sys.Ask(ctx, host, Say{"still there?"})
				cancel()
			}
			assert.NilError(t, syscall.Kill(admin, syscall.SIGKILL))
			ended(t, pid)
		})
	}
}

// Hosts that are to be killed while they are being launched are killed.
func TestShutdownAtOnceWhileHostsAreLaunched(t *testing.T) {
	for i := range 6 {
		sys, err := app.Start(within(t), &system.Options{Capabilities: actor.Capabilities{"Admin Port": 0}})
		assert.NilError(t, err)
		admin := pidOf(t, sys, "admin")
		var creations sync.WaitGroup
		for range 4 {
			creations.Go(func() { _, _ = sys.Create(within(t), "servant") })
		}
		time.Sleep(time.Duration(i) * 300 * time.Microsecond) // another moment each time
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = sys.Shutdown(ctx)
		creations.Wait()
		ended(t, admin)
	}
}
