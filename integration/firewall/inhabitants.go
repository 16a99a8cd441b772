package firewall

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// grace is how long processes get to end by themselves when their test has ended.
const grace = 3 * time.Second

// end waits until nothing runs in a namespace, kills what still does then, and returns what that was.
func end(space string) (killed []string) {
	for deadline := time.Now().Add(grace); len(inhabitants(space)) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			return kill(space)
		}
	}
	return nil
}

// kill kills what runs in a namespace, until nothing does, and returns what that was.
func kill(space string) (killed []string) {
	known := make(map[int]bool)
	for range 100 { // bounded, since some sleeps of the kernel do not end
		pids := inhabitants(space)
		if len(pids) == 0 {
			break
		}
		for _, pid := range pids {
			if !known[pid] {
				known[pid] = true
				line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
				killed = append(killed, fmt.Sprintf("%d: %s", pid, bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
			}
			if p, err := os.FindProcess(pid); err == nil {
				_ = p.Kill()
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	return killed
}

// inhabitants returns the processes of a namespace. Those that have ended, and of which only their parents have not heard yet, are none.
func inhabitants(space string) (pids []int) {
	there, err := os.Stat(filepath.Join(spaces, space))
	if err != nil {
		return nil
	}
	if here, err := os.Stat("/proc/self/ns/net"); err != nil || os.SameFile(there, here) {
		return nil
	}
	all, _ := filepath.Glob("/proc/[0-9]*/ns/net")
	for _, file := range all {
		if its, err := os.Stat(file); err == nil && os.SameFile(its, there) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(file))))
			pids = append(pids, pid)
		}
	}
	return pids
}
