//go:build unix

package system

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"thespian.dev/message"
)

const watchSupported = true

// A fileWatch waits until one of an actor's files can be read, and tells the actor once. It polls duplicates of the descriptors, which stay valid when the actor
// closes a file, and changes nothing about the files: to make them non-blocking for Go's poller would reach whoever shares them, such as the shell of a terminal.
type fileWatch struct {
	fds  []unix.PollFd // of the files, then the end of a pipe whose other end is closed to end the watch
	pipe int
	once sync.Once
}

// WatchFiles is a method of actor.Runtime.
func (c *cell) WatchFiles(files []syscall.Conn) error {
	watch, err := newFileWatch(files)
	if err != nil {
		return err
	}
	files = slices.Clone(files)
	c.mu.Lock()
	m := c.extra()
	before, ended := m.files, c.closed
	if !ended {
		m.files = watch
	}
	c.mu.Unlock()
	if before != nil {
		before.stop()
	}
	if ended || len(files) == 0 {
		watch.stop()
		watch.close()
		return nil
	}
	c.node.beginWork(c)
	go func() {
		if ready := watch.wait(files); len(ready) > 0 {
			c.tell(envelope{message.WatchMessage{Ready: ready}, c.self})
		}
		watch.stop()
		watch.close()
		c.node.endWork(c)
	}()
	return nil
}

func newFileWatch(files []syscall.Conn) (*fileWatch, error) {
	var ends [2]int
	syscall.ForkLock.RLock()
	err := unix.Pipe(ends[:])
	if err == nil {
		unix.CloseOnExec(ends[0])
		unix.CloseOnExec(ends[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, fmt.Errorf("watching files: %w", err)
	}
	watch := &fileWatch{pipe: ends[1]}
	for i, file := range files {
		fd, err := duplicate(file)
		if err != nil {
			watch.fds = append(watch.fds, unix.PollFd{Fd: int32(ends[0])})
			watch.stop()
			watch.close()
			return nil, fmt.Errorf("watching file %d: %w", i, err)
		}
		watch.fds = append(watch.fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	watch.fds = append(watch.fds, unix.PollFd{Fd: int32(ends[0]), Events: unix.POLLIN})
	return watch, nil
}

// duplicate returns a descriptor of our own for the file.
func duplicate(file syscall.Conn) (fd int, err error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return 0, err
	}
	var dupErr error
	if err := raw.Control(func(of uintptr) { fd, dupErr = unix.FcntlInt(of, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return 0, err
	}
	return fd, dupErr
}

// wait returns the files that can be read, none when the watch was ended.
func (w *fileWatch) wait(files []syscall.Conn) (ready []syscall.Conn) {
	for {
		if _, err := unix.Poll(w.fds, -1); errors.Is(err, unix.EINTR) {
			continue
		} else if err != nil {
			return nil
		}
		if w.fds[len(files)].Revents != 0 {
			return nil
		}
		for i, file := range files {
			if w.fds[i].Revents != 0 {
				ready = append(ready, file)
			}
		}
		return ready
	}
}

// stop ends the watch: the actor is not told any more, unless it is being told now.
func (w *fileWatch) stop() {
	w.once.Do(func() { _ = unix.Close(w.pipe) })
}

// close gives the duplicates up. Nobody polls any more.
func (w *fileWatch) close() {
	for _, fd := range w.fds {
		_ = unix.Close(int(fd.Fd))
	}
}
