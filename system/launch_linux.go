package system

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"thespian.dev/admin"
)

// An execLauncher launches hosts as processes of their own.
type execLauncher struct{}

// An execFile is a program's executable, by descriptor: it is there also when the file was replaced or removed.
type execFile struct {
	*os.File
	announced admin.Announce
}

// announcedBy is a method of executable. A launch may go on with the file.
func (f *execFile) announcedBy(other executable) executable {
	newer, ok := other.(*execFile)
	if !ok {
		return f
	}
	_ = newer.Close()
	return &execFile{f.File, newer.announced}
}

func (execLauncher) identify(conn net.Conn, said admin.Announce) (string, executable, error) {
	peer, err := credentials(conn)
	if err != nil {
		return "", nil, err
	}
	f, err := openExecutable(fmt.Sprintf("/proc/%d/exe", peer.Pid))
	if err != nil {
		return "", nil, fmt.Errorf("the program's executable, from which the Admin starts hosts: %w: its file must be readable", err)
	}
	var is unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &is); err != nil {
		_ = f.Close()
		return "", nil, err
	}
	// The inode number of an executable that somebody holds is not given to another.
	name := fmt.Sprintf("%x-%x-%d-%d.%09d", is.Dev, is.Ino, is.Size, is.Mtim.Sec, is.Mtim.Nsec)
	return name, &execFile{f, said}, nil
}

// openExecutable opens an executable to be run, not read, which is more than some allow.
func openExecutable(path string) (*os.File, error) { return os.OpenFile(path, unix.O_PATH, 0) }

func (execLauncher) pair() (net.Conn, lifelineEnd, error) { return socketPair() }

// socketPair returns the two ends of a new lifeline. A process that is started with the second as its file 3 finds its role there.
func socketPair() (ours net.Conn, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	file := os.NewFile(uintptr(fds[0]), "lifeline")
	defer file.Close()
	theirs = os.NewFile(uintptr(fds[1]), "lifeline")
	if ours, err = net.FileConn(file); err != nil {
		_ = theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

func (execLauncher) launch(exe executable, title string, end lifelineEnd, printed func(bool, []byte)) (host, error) {
	of, ok := exe.(*execFile)
	if !ok {
		return nil, errors.New("no program of its build has announced itself")
	}
	h := &execHost{}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	var files [2]*os.File
	for i := range files {
		from, to, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		defer to.Close()
		files[i] = to
		h.output.Go(func() { h.copy(from, i == 1, printed) })
	}
	args := []string{"thespian: " + title}
	if len(of.announced.Arguments) > 0 {
		args = append(args, of.announced.Arguments[1:]...)
	}
	h.process, err = startProcess(of.File, &os.ProcAttr{
		Dir: of.announced.Directory, Env: withOneProcessor(of.announced.Variables), Files: []*os.File{null, files[0], files[1], end.(*os.File)},
		Sys: &syscall.SysProcAttr{Setsid: true},
	}, args)
	return h, err
}

// startProcess starts a process from a descriptor of its executable. The process inherits it behind the files of attr: with a number of its own it could be in the way of one of those.
func startProcess(exe *os.File, attr *os.ProcAttr, args []string) (*os.Process, error) {
	number := len(attr.Files)
	attr.Files = append(attr.Files, exe)
	return os.StartProcess(fmt.Sprintf("/proc/self/fd/%d", number), args, attr)
}

// An execHost is a host that is a process of its own.
type execHost struct {
	process *os.Process
	output  sync.WaitGroup
	handing atomic.Bool   // what it has printed is being handed on, which may take a while
	handed  atomic.Uint64 // how often that was done
	mu      sync.Mutex
	crash   crash
}

// kill is a method of host. os.Process sees to it that nobody else is hit when the process has ended.
func (h *execHost) kill() { _ = h.process.Kill() }

// outputGrace is how long the output of a process that has ended is waited for: somebody else may hold it open.
const outputGrace = 200 * time.Millisecond

// wait is a method of host.
func (h *execHost) wait() string {
	state, err := h.process.Wait()
	if err != nil {
		return err.Error()
	}
	if state.Success() {
		return state.String()
	}
	h.awaitOutput(outputGrace)
	h.mu.Lock()
	defer h.mu.Unlock()
	if text := h.crash.String(); text != "" && state.ExitCode() == 2 {
		return text
	}
	return state.String()
}

// awaitOutput waits until all was read, for a time, and reports whether it was.
func (h *execHost) awaitOutput(within time.Duration) bool {
	read := make(chan struct{})
	go func() {
		h.output.Wait()
		close(read)
	}()
	select {
	case <-read:
		return true
	case <-time.After(within):
		return false
	}
}

// drain is a method of host.
func (h *execHost) drain() {
	for before := uint64(0); !h.awaitOutput(outputGrace); {
		now := h.handed.Load()
		if now == before && !h.handing.Load() {
			return // somebody else holds it open
		}
		before = now
	}
}

// copy hands on what the host prints, in whole lines if they are not too long.
func (h *execHost) copy(from *os.File, stderr bool, printed func(bool, []byte)) {
	defer from.Close()
	buf := make([]byte, 0, 4<<10)
	for {
		n, err := from.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		whole := bytes.LastIndexByte(buf, '\n') + 1
		if err != nil || whole == 0 && len(buf) == cap(buf) {
			whole = len(buf)
		}
		if whole > 0 {
			if stderr {
				h.mu.Lock()
				h.crash.read(string(buf[:whole]))
				h.mu.Unlock()
			}
			h.handing.Store(true)
			printed(stderr, bytes.Clone(buf[:whole]))
			h.handing.Store(false)
			h.handed.Add(1)
			buf = buf[:copy(buf, buf[whole:])]
		}
		if err != nil {
			return
		}
	}
}

// A crash is what the runtime wrote about the end of a Go process: "panic: …" and the first function of the stack.
type crash struct {
	what, where string
	stack       bool
}

func (c *crash) read(text string) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "panic: "), strings.HasPrefix(line, "fatal error: "):
			*c = crash{what: line}
		case c.what != "" && strings.HasPrefix(line, "goroutine "):
			c.stack = true
		case c.stack && c.where == "" && !strings.HasPrefix(line, "panic(") && !strings.HasPrefix(line, "\t") && !strings.HasPrefix(line, "runtime.") && line != "":
			c.where = line
		}
	}
}

func (c *crash) String() string {
	if c.where == "" {
		return c.what
	}
	return c.what + " in " + c.where
}
