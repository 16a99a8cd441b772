//go:build linux

package integration

import (
	"errors"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
)

// littleRoom has the sockets for datagrams of the actor's process hold next to nothing, of which the base does not know.
func littleRoom(d *doer, ctx *actor.Context, _ Do) error {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	sockets := 0
	for _, f := range files {
		fd, err := strconv.Atoi(f.Name())
		if err != nil {
			return err
		}
		if of, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE); err != nil || of != syscall.SOCK_DGRAM {
			continue
		}
		if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, 1); err != nil { // the kernel makes it two kilobytes
			return err
		}
		sockets++
	}
	if sockets == 0 {
		return errors.New("there is no socket for datagrams")
	}
	d.say(ctx, "", os.Getpid(), ctx.Self())
	return nil
}

// What the kernel drops, as the process for which it is does not read, is in the status of that process.
func TestLossIsInTheStatus(t *testing.T) {
	t.Setenv(baseVariable, "multiprocUDPBase")
	sys := start(t, nil)
	a, other := create(t, sys, "doer"), create(t, sys, "doer")
	lost := func() map[int]uint64 {
		status, err := sys.Status(within(t))
		assert.NilError(t, err)
		of := make(map[int]uint64)
		for _, p := range status.Processes {
			of[p.PID] = p.Lost
		}
		return of
	}
	bystander := does(t, sys, other, Do{Deed: "process"}).N
	pid := does(t, sys, a, Do{Deed: "little room"}).N
	before := lost()[pid]
	assert.NilError(t, syscall.Kill(pid, syscall.SIGSTOP))
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) }) // in case it has not come to that
	for !stands(pid) {
		runtime.Gosched()
	}
	const sent = 20 // which may be under way to a process of which nothing is known yet
	for range sent {
		told(t, sys, a, Do{Deed: "flooded", Text: strings.Repeat("x", 1<<10)})
	}
	assert.NilError(t, syscall.Kill(pid, syscall.SIGCONT))
	all := lost()
	for ctx := within(t); all[pid] < before+sent/2; all = lost() { // once it has heard how many there were
		assert.NilError(t, ctx.Err(), "%d were lost before, %d now", before, all[pid])
	}
	assert.Assert(t, all[pid] <= before+sent, "%d were lost before, %d now", before, all[pid])
	assert.Equal(t, all[bystander], uint64(0))
	assert.Equal(t, all[os.Getpid()], uint64(0))
	status, err := sys.Status(within(t))
	assert.NilError(t, err)
	assert.Equal(t, status.DeadLetters, uint64(0), "nothing is said of them but that")
}
