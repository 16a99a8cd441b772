package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// kill ends a process at once, suspend has it do nothing any more.
func kill(pid int) error    { return syscall.Kill(pid, syscall.SIGKILL) }
func suspend(pid int) error { return syscall.Kill(pid, syscall.SIGSTOP) }

// times are how the time of all processors was spent, as /proc/stat has it.
type times struct{ idle, all uint64 }

func readTimes() (t times) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return t
	}
	line, _, _ := strings.Cut(string(text), "\n")
	for i, field := range strings.Fields(line)[1:] {
		var n uint64
		if _, err := fmt.Sscan(field, &n); err != nil {
			continue
		}
		if i == 3 || i == 4 { // idle, and waiting for a disk
			t.idle += n
		}
		if i < 8 { // what comes then is contained in the others
			t.all += n
		}
	}
	return t
}

// since returns how much of the time was used.
func (t times) since(before times) float64 {
	if t.all == before.all {
		return 0
	}
	return 1 - float64(t.idle-before.idle)/float64(t.all-before.all)
}
