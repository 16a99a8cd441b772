package benchmarks

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"

	"thespian.dev/benchmarks/internal/second"
)

// A wire is a bare, buffered TCP connection that carries frames: four bytes of length, then so many bytes. It is the raw limit of all that goes
// from process to process.
type wire struct {
	conn net.Conn
	r    *bufio.Reader
	w    *bufio.Writer
	last []byte
}

// wireBuffer is the size of each of a wire's two buffers.
const wireBuffer = 64 << 10

// longestFrame bounds what a wire takes.
const longestFrame = 16 << 20

func newWire(conn net.Conn) *wire {
	return &wire{conn: conn, r: bufio.NewReaderSize(conn, wireBuffer), w: bufio.NewWriterSize(conn, wireBuffer)}
}

func dialWire(ctx context.Context, address string) (*wire, error) {
	network := "tcp"
	if strings.HasPrefix(address, "@") {
		network = unix
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return newWire(conn), nil
}

// put appends a frame to what flush sends at the latest.
func (w *wire) put(frame []byte) error {
	if _, err := w.w.Write(binary.BigEndian.AppendUint32(w.w.AvailableBuffer(), uint32(len(frame)))); err != nil {
		return err
	}
	_, err := w.w.Write(frame)
	return err
}

// take returns the next frame, which is valid until the one after it.
func (w *wire) take() ([]byte, error) {
	head, err := w.r.Peek(4)
	if err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint32(head))
	if size > longestFrame {
		return nil, fmt.Errorf("a frame of %d bytes", size)
	}
	_, _ = w.r.Discard(4)
	if size <= wireBuffer/2 { // there is no need to copy it
		frame, err := w.r.Peek(size)
		if err != nil {
			return nil, err
		}
		_, _ = w.r.Discard(size)
		return frame, nil
	}
	if cap(w.last) < size {
		w.last = make([]byte, size)
	}
	_, err = io.ReadFull(w.r, w.last[:size])
	return w.last[:size], err
}

// send sends a frame at once.
func (w *wire) send(frame []byte) error {
	if err := w.put(frame); err != nil {
		return err
	}
	return w.w.Flush()
}

// ask sends a question and waits for its answer.
func (w *wire) ask(frame []byte) error {
	if err := w.send(frame); err != nil {
		return err
	}
	answer, err := w.take()
	if err == nil && len(answer) != len(frame) {
		err = fmt.Errorf("asked with %d bytes, answered with %d", len(frame), len(answer))
	}
	return err
}

// The roles of second processes.
const (
	echoRole = "echo" // sends each frame back
	sinkRole = "sink" // takes frames, and answers each one that holds a number when so many have come after it
)

// unix is the argument of roles that have them listen at a Unix socket, not over TCP.
const unix = "unix"

// Roles returns what the second processes of the works can be.
func Roles() map[string]second.Role {
	return map[string]second.Role{echoRole: onEachWire(echoFrames), sinkRole: onEachWire(countFrames)}
}

// onEachWire returns a role that listens and serves all who connect.
func onEachWire(serve func(*wire) error) second.Role {
	return func(ctx context.Context, network string, ready func(string)) error {
		address := "127.0.0.1:0"
		if network == unix {
			address = "@thespian/benchmark/" + rand.Text()
		}
		l, err := net.Listen(cmp.Or(network, "tcp"), address)
		if err != nil {
			return err
		}
		var all sync.WaitGroup
		defer all.Wait()
		defer context.AfterFunc(ctx, func() { _ = l.Close() })()
		ready(l.Addr().String())
		for {
			conn, err := l.Accept()
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return err
			}
			all.Go(func() {
				defer conn.Close()
				defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
				_ = serve(newWire(conn)) // the other end learns of it when the connection ends
			})
		}
	}
}

func echoFrames(w *wire) error {
	for {
		frame, err := w.take()
		if err != nil {
			return err
		}
		if err := w.put(frame); err != nil {
			return err
		}
		if w.r.Buffered() == 0 {
			if err := w.w.Flush(); err != nil {
				return err
			}
		}
	}
}

func countFrames(w *wire) error {
	for {
		frame, err := w.take()
		if err != nil {
			return err
		}
		if len(frame) != 8 {
			return fmt.Errorf("a frame of %d bytes where a number was wanted", len(frame))
		}
		for range binary.BigEndian.Uint64(frame) {
			if _, err := w.take(); err != nil {
				return err
			}
		}
		if err := w.send(binary.BigEndian.AppendUint64(nil, uint64(os.Getpid()))); err != nil {
			return err
		}
	}
}

// withSecond has a function work with a second process.
func withSecond(ctx context.Context, role, network string, do func(address string) error) error {
	p, err := second.Start(ctx, role, network)
	if err != nil {
		return err
	}
	err = do(p.Address)
	if stopped := p.Stop(); err == nil {
		err = stopped
	}
	return err
}

// withWire has a function work with a connection to a second process. The connection ends with the context.
func withWire(ctx context.Context, role string, do func(*wire) error) error {
	return withSecond(ctx, role, "", func(address string) error {
		w, err := dialWire(ctx, address)
		if err != nil {
			return err
		}
		defer w.conn.Close()
		defer context.AfterFunc(ctx, func() { _ = w.conn.Close() })()
		return do(w)
	})
}
