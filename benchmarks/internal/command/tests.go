package command

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// tests are those of a package that measures.
type tests struct {
	Command
	m interface{ Run() int }
}

// goneTime is how long processes may take to end after the last test.
const goneTime = 10 * time.Second

// Run runs the tests, in the process that was started for them.
func (t tests) Run() int {
	t.serve(context.Background())
	code := t.m.Run()
	if code != 0 {
		return code
	}
	for deadline := time.Now().Add(goneTime); ; time.Sleep(10 * time.Millisecond) {
		left := sameExecutable()
		if len(left) == 0 {
			return 0
		}
		if time.Now().After(deadline) {
			fmt.Fprintln(os.Stderr, "processes are left behind:", left)
			return 1
		}
	}
}

// sameExecutable returns the other processes that run this executable, where the system tells.
func sameExecutable() (pids []int) {
	const self = "/proc/self/exe"
	exe, err := os.Readlink(self)
	if err != nil {
		return nil
	}
	links, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, link := range links {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(link)))
		if to, err := os.Readlink(link); err == nil && to == exe && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}
