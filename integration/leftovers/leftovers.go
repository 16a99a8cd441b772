// Package leftovers runs tests that start processes, and fails when one is left at the end, or the race detector has found something in one.
package leftovers

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
)

// Check runs tests and returns their status. What systems leave that are killed, as many are on purpose, goes with a folder of its own.
func Check(run func() int) int {
	folder, err := os.MkdirTemp("", "integration")
	if err != nil {
		return 1
	}
	defer os.RemoveAll(folder)
	_ = os.Setenv("XDG_RUNTIME_DIR", folder) // of what systems leave that are killed
	races := filepath.Join(folder, "race")
	_ = os.Setenv("GORACE", os.Getenv("GORACE")+" atexit_sleep_ms=0 log_path="+races) // of the processes that are started: nobody reads what Admins print
	code := run()
	if code == 0 {
		code = leftBehind()
	}
	if reports, _ := filepath.Glob(races + "*"); len(reports) > 0 {
		for _, report := range reports {
			text, _ := os.ReadFile(report)
			fmt.Fprintf(os.Stderr, "a data race in another process:\n%s\n", text)
		}
		code = 1
	}
	return code
}

// leftBehind returns 1 when processes of the tests go on.
func leftBehind() int {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		if runtime.GOOS != "linux" {
			return 0 // there are no bases with processes
		}
		return 1
	}
	for deadline := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		left := ProcessesOf(self)
		if len(left) == 0 {
			return 0
		}
		if time.Now().After(deadline) {
			fmt.Fprintln(os.Stderr, "processes are left behind:", left)
			return 1
		}
	}
}

// ProcessesOf returns the other processes that run the executable.
func ProcessesOf(exe string) (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if to, err := os.Readlink(dir + "/exe"); err == nil && to == exe && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}
