package system

import (
	"bytes"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// maxLog is how many bytes the log of a system may have before it begins anew. The one before is kept: so there may be twice as much, perhaps in memory.
const maxLog = 4 << 20

// A systemLog is where an Admin logs: its standard error, which goes to a file; where the system is one program's alone, the standard error of that.
type systemLog struct {
	path     string // "": no file
	size     int
	programs atomic.Pointer[audience]
}

func newSystemLog(r adminRole) *systemLog {
	l := &systemLog{}
	if r.Port != 0 {
		if at, err := newRendezvous(r.Host, r.Port); err == nil { // what is wrong with it is said where the Admin needs it
			l.path = at.log()
		}
	}
	return l
}

// Write is for a handler that calls it once at a time.
func (l *systemLog) Write(b []byte) (int, error) {
	if l.size += len(b); l.size > maxLog && l.path != "" {
		l.size = len(b)
		_ = l.turn() // if it fails, the file goes on
	}
	if to := l.programs.Load(); to != nil && l.path == "" {
		to.mention(bytes.Clone(b))
		return len(b), nil
	}
	return os.Stderr.Write(b)
}

// turn begins the file anew. What the runtime says of a crash goes there, too.
func (l *systemLog) turn() error {
	if err := os.Rename(l.path, before(l.path)); err != nil {
		return err
	}
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, standard := range []int{1, 2} {
		if err := unix.Dup3(int(f.Fd()), standard, 0); err != nil {
			return err
		}
	}
	return nil
}

// before returns where the log is kept that was begun before.
func before(log string) string { return log + ".old" }
