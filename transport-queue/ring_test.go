//go:build linux

package queue_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
	"gotest.tools/v3/assert"
)

// What a transport over shared memory could save at most: frames of 64 bytes go to another process through a bare ring in shared memory, whose two ends wake each other by eventfd, and through a bare
// Unix socket. docs/design.md says what followed from the figures.

const (
	ringChild = "TRANSPORT_QUEUE_RING_CHILD"
	ringSize  = 1 << 20
	frameSize = 4 + 64
)

// A ring carries bytes from one process to another. The first page has the two positions, and whether an end sleeps.
type ring struct {
	memory         []byte
	written, taken *atomic.Uint64
	asleep         *[2]atomic.Uint32 // the writer, the reader
	wake           [2]*os.File       // of each
	at             uint64            // where this end is
}

func newRing(memory, wakesWriter, wakesReader *os.File) (*ring, error) {
	m, err := unix.Mmap(int(memory.Fd()), 0, 4096+ringSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return &ring{
		memory: m[4096:], written: (*atomic.Uint64)(unsafe.Pointer(&m[0])), taken: (*atomic.Uint64)(unsafe.Pointer(&m[128])),
		asleep: (*[2]atomic.Uint32)(unsafe.Pointer(&m[256])), wake: [2]*os.File{wakesWriter, wakesReader},
	}, nil
}

const (
	ringWriter = iota
	ringReader
)

// sleep waits until there is something to do, which is looked at once more after the other end can know.
func (r *ring) sleep(end int, ready func() bool) {
	r.asleep[end].Store(1)
	if !ready() {
		var b [8]byte
		_, _ = r.wake[end].Read(b[:])
	}
	r.asleep[end].Store(0)
}

func (r *ring) rouse(end int) {
	if r.asleep[end].Load() == 1 && r.asleep[end].CompareAndSwap(1, 0) {
		_, _ = r.wake[end].Write([]byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

// Write is for a bufio.Writer.
func (r *ring) Write(b []byte) (int, error) {
	for n := 0; n < len(b); {
		room := ringSize - (r.at - r.taken.Load())
		if room == 0 {
			r.sleep(ringWriter, func() bool { return r.at-r.taken.Load() < ringSize })
			continue
		}
		begin := r.at % ringSize
		k := copy(r.memory[begin:min(begin+room, ringSize)], b[n:])
		n, r.at = n+k, r.at+uint64(k)
		r.written.Store(r.at)
		r.rouse(ringReader)
	}
	return len(b), nil
}

// Read is for a bufio.Reader.
func (r *ring) Read(b []byte) (int, error) {
	for r.written.Load() == r.at {
		r.sleep(ringReader, func() bool { return r.written.Load() != r.at })
	}
	begin := r.at % ringSize
	k := copy(b, r.memory[begin:min(begin+r.written.Load()-r.at, ringSize)])
	r.at += uint64(k)
	r.taken.Store(r.at)
	r.rouse(ringWriter)
	return k, nil
}

// A pipe is what goes to the other process and what comes back.
type pipe struct {
	out *bufio.Writer
	in  *bufio.Reader
}

// rings returns the pipe of one of the two processes, of the six files that both have.
func rings(files []*os.File, child bool) (pipe, error) {
	there, err := newRing(files[0], files[1], files[2])
	if err != nil {
		return pipe{}, err
	}
	back, err := newRing(files[3], files[4], files[5])
	if err != nil {
		return pipe{}, err
	}
	if child {
		there, back = back, there
	}
	return pipe{bufio.NewWriterSize(there, 64<<10), bufio.NewReaderSize(back, 64<<10)}, nil
}

// ringMain is the other process: it echoes frames that begin with 'e', and answers one that begins with 't'.
func ringMain() {
	var p pipe
	var err error
	if address := os.Getenv(ringChild); address != "ring" {
		var c net.Conn
		if c, err = net.Dial("unix", address); err == nil {
			p = pipe{bufio.NewWriterSize(c, 64<<10), bufio.NewReaderSize(c, 64<<10)}
		}
	} else {
		var files []*os.File
		for i := range 6 {
			files = append(files, os.NewFile(uintptr(3+i), "ring"))
		}
		p, err = rings(files, true)
	}
	for err == nil {
		var frame []byte
		if frame, err = p.in.Peek(frameSize); err != nil {
			break
		}
		if kind := frame[4]; kind != 'c' {
			_, _ = p.out.Write(frame)
			err = p.out.Flush()
		}
		_, _ = p.in.Discard(frameSize)
	}
}

// startRing starts the other process.
func startRing(b *testing.B, address string, files []*os.File) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), ringChild+"="+address)
	cmd.ExtraFiles = files
	assert.NilError(b, cmd.Start())
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

func overRing(b *testing.B) pipe {
	var files []*os.File
	for range 2 {
		fd, err := unix.MemfdCreate("ring", unix.MFD_CLOEXEC)
		assert.NilError(b, err)
		f := os.NewFile(uintptr(fd), "ring")
		assert.NilError(b, f.Truncate(4096+ringSize))
		files = append(files, f)
		for range 2 {
			fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
			assert.NilError(b, err)
			files = append(files, os.NewFile(uintptr(fd), "wake"))
		}
	}
	startRing(b, "ring", files)
	p, err := rings(files, false)
	assert.NilError(b, err)
	return p
}

func overSocket(b *testing.B) pipe {
	address := fmt.Sprintf("@thespian/ring/%d", os.Getpid())
	l, err := net.Listen("unix", address)
	assert.NilError(b, err)
	defer l.Close()
	startRing(b, address, nil)
	c, err := l.Accept()
	assert.NilError(b, err)
	b.Cleanup(func() { c.Close() })
	return pipe{bufio.NewWriterSize(c, 64<<10), bufio.NewReaderSize(c, 64<<10)}
}

func BenchmarkRing(b *testing.B) {
	for name, start := range map[string]func(*testing.B) pipe{"ring": overRing, "socket": overSocket} {
		p := start(b)
		frame := make([]byte, frameSize)
		binary.BigEndian.PutUint32(frame, 64)
		say := func(kind byte) {
			frame[4] = kind
			if _, err := p.out.Write(frame); err != nil {
				b.Fatal(err)
			}
		}
		answer := make([]byte, frameSize)
		hear := func() {
			_ = p.out.Flush() // a failure shows at the reading
			if _, err := io.ReadFull(p.in, answer); err != nil {
				b.Fatal(err)
			}
		}
		b.Run("tell/"+name, func(b *testing.B) {
			for b.Loop() {
				say('c')
			}
			say('t')
			hear()
		})
		b.Run("pingpong/"+name, func(b *testing.B) {
			for b.Loop() {
				say('e')
				hear()
			}
		})
	}
}
