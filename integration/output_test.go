//go:build linux

package integration

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

// talk is how many bytes an actor prints, about.
const talk = 8 << 20

// What actors print is not lost when whoever reads it is slow: they wait.
func TestAllThatActorsPrintArrives(t *testing.T) {
	program := run(t, self(t), "talk", 0)
	pid, err := strconv.Atoi(program.line(t))
	assert.NilError(t, err)
	rests(t, pid) // nobody reads: all between here and the actor is full
	rest, err := io.ReadAll(program.out)
	assert.NilError(t, err)
	assert.NilError(t, program.Wait())
	lines := strings.Split(strings.TrimSpace(string(rest)), "\n")
	assert.Equal(t, len(lines), talk/1000+1)
	assert.Equal(t, lines[len(lines)-1], "printed by an actor")
}

// The Admin of a system that is one program's alone has no log but that program's standard error.
func TestLogOfAPrivateSystem(t *testing.T) {
	cmd := command(self(t), "private", 0)
	cmd.Stderr = nil
	errs, err := cmd.StderrPipe()
	assert.NilError(t, err)
	program, err := begin(t, cmd)
	assert.NilError(t, err)
	pid, err := strconv.Atoi(program.line(t))
	assert.NilError(t, err)
	assert.NilError(t, syscall.Kill(pid, syscall.SIGUSR1))
	for lines := bufio.NewReader(errs); ; { // others may be logged as well
		line, err := lines.ReadString('\n')
		assert.NilError(t, err)
		if strings.Contains(line, "status") {
			assert.Assert(t, strings.Contains(line, fmt.Sprint(pid)), line)
			break
		}
	}
	program.end(t)
}

// rests waits until a process writes nothing more.
func rests(t *testing.T, pid int) {
	t.Helper()
	ctx := within(t)
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for last := ""; ; {
		now, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
		if last == string(now) || errors.Is(err, os.ErrNotExist) { // or it has ended
			return
		}
		assert.NilError(t, err)
		last = string(now)
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("process %d goes on and on", pid)
		}
	}
}
