package soak

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// markVariable marks the processes that come of a soak, so that none can be overlooked, and no other is touched.
const markVariable = "THESPIAN_SOAK"

// marked returns the other processes that bear the mark, and have not ended.
func marked(mark string) (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if pid != os.Getpid() && bears(pid, mark) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func bears(pid int, mark string) bool {
	environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return err == nil && bytes.Contains(append([]byte{0}, environment...), []byte("\x00"+markVariable+"="+mark+"\x00"))
}

// kill ends a process of the soak, as the operating system would.
func kill(pid int, mark string) error {
	if !bears(pid, mark) {
		return fmt.Errorf("process %d is not of this soak", pid)
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return process.Kill()
}

// A sample is what a process takes of the machine.
type sample struct {
	descriptors int
	memory      int // resident, in bytes
}

func sampleOf(pid int) (sample, error) {
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return sample{}, err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return sample{}, err
	}
	_, rest, _ := strings.Cut(string(status), "\nVmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return sample{}, fmt.Errorf("process %d has ended", pid)
	}
	kilobytes, err := strconv.Atoi(fields[0])
	return sample{len(files), kilobytes << 10}, err
}
