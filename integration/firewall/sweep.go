package firewall

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	prefix = "thespian-fw"
	spaces = "/run/netns" // where ip has namespaces
)

// owner begins the names of all that belongs to a process: with its number, and the moment of its start, for numbers come back.
func owner(pid int) string { return fmt.Sprintf("%s.%d.%s", prefix, pid, started(pid)) }

// started returns when a process was started, in the kernel's ticks, or "" if there is none.
func started(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The name, in brackets, may have spaces and brackets. What follows begins with field 3.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 20 {
		return ""
	}
	return fields[19]
}

// abandoned says whether a name is of a network whose process has ended.
func abandoned(name string) bool {
	parts := strings.Split(name, ".")
	if len(parts) < 4 || parts[0] != prefix {
		return false
	}
	pid, err := strconv.Atoi(parts[1])
	return err == nil && parts[2] != started(pid)
}

// sweep removes what is left of networks of processes that were killed: the processes on their hosts, their namespaces and folders. Two tests may do so at once.
func sweep() {
	names, _ := filepath.Glob(filepath.Join(spaces, prefix+".*"))
	for _, path := range names {
		if name := filepath.Base(path); abandoned(name) {
			kill(name)
			_ = run("ip", "netns", "del", name)
		}
	}
	folders, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+".*"))
	for _, folder := range folders {
		if abandoned(filepath.Base(folder)) {
			_ = os.RemoveAll(folder)
		}
	}
}
