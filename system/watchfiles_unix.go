//go:build unix

package system

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"thespian.dev/message"
)

const watchSupported = true

// A fileWatch waits until one of an actor's files can be read, and tells the actor once. It works on duplicates of the descriptors, so that it
// can be ended without touching the files.
type fileWatch struct {
	files []*os.File
	fired sync.Once
}

// WatchFiles is a method of actor.Runtime.
func (c *cell) WatchFiles(files []syscall.Conn) error {
	watch := &fileWatch{}
	for i, file := range files {
		dup, err := duplicate(file)
		if err != nil {
			watch.close()
			return fmt.Errorf("watching file %d: %w", i, err)
		}
		watch.files = append(watch.files, dup)
	}
	c.mu.Lock()
	m := c.extra()
	before, ended := m.files, c.closed
	if !ended {
		m.files = watch
	}
	c.mu.Unlock()
	if ended {
		watch.close()
		return nil
	}
	if before != nil {
		before.stop()
	}
	for _, dup := range watch.files {
		c.node.goroutines.begin()
		go func() {
			defer c.node.goroutines.end()
			defer dup.Close()
			if !readable(dup) {
				return
			}
			watch.fired.Do(func() {
				var ready []syscall.Conn
				for i, other := range watch.files {
					if polled(other) {
						ready = append(ready, files[i])
					}
				}
				c.tell(envelope{message.WatchMessage{Ready: ready}, c.self})
				watch.expire()
			})
		}()
	}
	return nil
}

// duplicate returns a file of our own that becomes readable when the given one does.
func duplicate(file syscall.Conn) (*os.File, error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	var dupErr error
	if err := raw.Control(func(of uintptr) { fd, dupErr = unix.FcntlInt(of, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return nil, err
	}
	if dupErr != nil {
		return nil, dupErr
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "watched"), nil
}

// readable waits until the file can be read; false means that the watch was ended.
func readable(file *os.File) bool {
	raw, err := file.SyscallConn()
	if err != nil {
		return false
	}
	ready := false
	err = raw.Read(func(fd uintptr) bool {
		ready = pollFD(fd)
		return ready
	})
	return err == nil && ready
}

func polled(file *os.File) (ready bool) {
	raw, err := file.SyscallConn()
	if err != nil {
		return false
	}
	err = raw.Control(func(fd uintptr) { ready = pollFD(fd) })
	return err == nil && ready
}

// pollFD reports whether a read of the descriptor would not wait.
func pollFD(fd uintptr) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0
}

// expire makes the goroutines that wait for a file return.
func (w *fileWatch) expire() {
	for _, file := range w.files {
		_ = file.SetReadDeadline(time.Unix(1, 0))
	}
}

// close closes the files of a watch that never began.
func (w *fileWatch) close() {
	for _, file := range w.files {
		_ = file.Close()
	}
}

// stop ends the watch: the actor is not told any more.
func (w *fileWatch) stop() {
	w.fired.Do(w.expire)
}
