package system

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"

	"thespian.dev/admin"
	"thespian.dev/convention"
	"thespian.dev/message"
)

// A lifeline is the control connection between a process of a system and its Admin. Its end is the end of the other side. Messages go in order, either way, and
// whoever sends never waits: what waits to be written is bounded by ending a connection whose other side does not read.
type lifeline struct {
	conn     io.ReadWriteCloser
	in       *bufio.Reader
	messages *message.Registry
	received int // bytes; of who receives

	raw syscall.RawConn // of a socket; nil: there is none below

	mu      sync.Mutex
	written *sync.Cond // something was written, or nothing will be any more
	pending []byte
	leaving int           // how many bytes are being written
	writing bool          // somebody writes
	late    bool          // it was waited for, and nothing was written
	more    chan struct{} // holds a token while something is pending, and nobody writes
	closed  bool
	done    chan struct{} // closed when the writer has ended
	deaf    chan struct{} // closed when nothing is received any more
}

// lifelineKind is the kind of its frames. Arguments of actors and statuses go this way: the limit of one frame is the usual one.
const lifelineKind = 'L'

// How many bytes may wait to be written: with crowd of them, those wait who say much that others are then told; maxRelayed is for what others have relayed; with maxPending, the other side does not read.
const (
	crowd      = message.MaxFrame
	maxRelayed = 2 * message.MaxFrame
	maxPending = 3 * message.MaxFrame
)

// controlMessages returns the registry of what the system's processes say to each other. Programs cannot send any of it.
var controlMessages = sync.OnceValue(func() *message.Registry {
	r, err := message.NewRegistry(admin.Messages(), admin.Abroad(), convention.Messages(), linkMessages(), message.Types(role{}, adminRole{}, adminReady{}, adminStarted{}, gatePass{}, gateToken{}, gateAnswer{}, connectBack{}, meetAt{}))
	if err != nil {
		panic(err) // the types are ours
	}
	return r
})

func newLifeline(conn io.ReadWriteCloser, messages *message.Registry) *lifeline {
	l := &lifeline{conn: conn, in: bufio.NewReader(conn), messages: messages, more: make(chan struct{}, 1), done: make(chan struct{}), deaf: make(chan struct{})}
	l.written = sync.NewCond(&l.mu)
	if socket, ok := conn.(syscall.Conn); ok {
		l.raw, _ = socket.SyscallConn()
	}
	go l.write()
	return l
}

// send has a message written. After the end of the connection it does nothing.
func (l *lifeline) send(msg any) error {
	frame, err := encodeControl(l.messages, msg)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.add(frame)
}

// add has a frame written. The lock is held.
func (l *lifeline) add(frame []byte) error {
	if l.closed {
		return nil
	}
	if len(l.pending) > maxPending {
		l.closed = true
		_ = l.conn.Close()
		return errors.New("the other side of the lifeline does not read")
	}
	if l.raw == nil || l.writing || len(l.pending) > 0 {
		l.pending = append(l.pending, frame...)
	} else if rest := l.writeNow(frame); len(rest) > 0 {
		l.pending = append(rest, l.pending...)
	}
	if !l.writing && (len(l.pending) > 0 || l.closed) {
		select {
		case l.more <- struct{}{}:
		default:
		}
	}
	return nil
}

// writeNow writes what there is room for, without waiting, and returns the rest: to wake the goroutine that writes takes longer, and whoever waits for the message waits for that. The lock is held, and let go
// while it writes.
func (l *lifeline) writeNow(frame []byte) (rest []byte) {
	l.writing, l.leaving, l.late = true, len(frame), false
	l.mu.Unlock()
	_ = l.raw.Write(func(fd uintptr) bool { // an error shows when the rest is written
		frame = frame[writeSocket(fd, frame):]
		return true
	})
	l.mu.Lock()
	l.writing, l.leaving = false, 0
	l.written.Broadcast()
	return frame
}

// write writes what is pending, until the connection is closed. It closes it not: when the other side takes no more, it may still have said something.
func (l *lifeline) write() {
	defer close(l.done)
	var writing []byte
	for range l.more {
		for {
			l.mu.Lock()
			if l.writing { // who writes gives a token for what is left
				l.mu.Unlock()
				break
			}
			writing, l.pending = l.pending, writing[:0]
			closed := l.closed
			l.leaving, l.late = len(writing), false
			l.writing = len(writing) > 0
			l.written.Broadcast()
			l.mu.Unlock()
			if len(writing) == 0 {
				if closed {
					return
				}
				break
			}
			_, err := l.conn.Write(writing)
			l.mu.Lock()
			l.writing = false
			if err != nil {
				l.closed, l.pending, l.leaving = true, nil, 0 // nobody would write what comes
				l.written.Broadcast()
			}
			l.mu.Unlock()
			if err != nil {
				return
			}
			if cap(writing) > 1<<20 {
				writing = nil
			}
		}
	}
}

// receive returns the next message. io.EOF, or another error, is the end: it is not called again. One goroutine calls it.
func (l *lifeline) receive() (any, error) {
	msg, length, err := readMeasured(l.in, l.messages)
	l.received += length
	if err != nil {
		close(l.deaf)
	}
	return msg, err
}

// shut has the connection closed once all was written that was sent, and waits for that.
func (l *lifeline) shut() {
	l.finish()
	_ = l.conn.Close()
}

// part is shut for a connection to another host, which may lose what the other side has not read yet when it is closed: that has the given time to close it. Somebody receives meanwhile.
func (l *lifeline) part(within time.Duration) {
	l.expire(within)
	l.finish()
	if conn, ok := l.conn.(interface{ CloseWrite() error }); ok && conn.CloseWrite() == nil {
		select {
		case <-l.deaf:
		case <-time.After(within):
		}
	}
	_ = l.conn.Close()
}

// finish waits until all was written that was sent. Nothing is sent any more.
func (l *lifeline) finish() {
	l.mu.Lock()
	l.closed = true
	l.written.Broadcast()
	select {
	case l.more <- struct{}{}:
	default:
	}
	l.mu.Unlock()
	<-l.done
}

// expire bounds how long what was sent, and is sent, may take to be written.
func (l *lifeline) expire(after time.Duration) {
	if conn, ok := l.conn.(interface{ SetWriteDeadline(time.Time) error }); ok {
		_ = conn.SetWriteDeadline(time.Now().Add(after))
	}
}

// close closes the connection at once, and waits for the writer.
func (l *lifeline) close() {
	_ = l.conn.Close()
	l.shut()
}

// maxOffer is how many bytes may wait to be written before those wait who can.
const maxOffer = 1 << 20

// waiting returns how many bytes wait to be written.
func (l *lifeline) waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.pending) + l.leaving
}

// crowded says that much waits to be written, and is worth waiting for.
func (l *lifeline) crowded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.isCrowded()
}

// isCrowded is crowded. The lock is held.
func (l *lifeline) isCrowded() bool { return len(l.pending)+l.leaving > crowd && !l.closed && !l.late }

// ease waits until the lifeline is not crowded. When nothing is written for a time, the other side is not waited for any more.
func (l *lifeline) ease(within time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	enough := time.AfterFunc(within, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.late = true
		l.written.Broadcast()
	})
	defer enough.Stop()
	for l.isCrowded() {
		l.written.Wait()
	}
}

// bring is send for what is much: it waits until what was sent before is nearly written. Of those that wait one after the other goes on, as each may bring the longest message that there can be.
func (l *lifeline) bring(msg any) error {
	frame, err := encodeControl(l.messages, msg)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.pending) > maxOffer && !l.closed {
		l.written.Wait()
	}
	return l.add(frame)
}

// A role is the first thing that a new process of a system finds in its lifeline, before it has begun: what it is to be. Without an Admin's it is a host.
type role struct{ Admin *adminRole }

// An adminRole is what an Admin has to know. Its answer, in file 4, is adminReady.
type adminRole struct {
	Detach       bool // the process is to start the Admin, and end
	Base         string
	Host         string // where the nodes of the system listen
	Port         int    // the Admin's
	LowestPort   int
	HighestPort  int
	Capabilities message.Capabilities
	Limits       admin.Limits
	Credentials  admin.Credentials
}

// adminStarted is what the program that has started an Admin answers when it is a part of the system.
type adminStarted struct{}

// adminReady says where an Admin can be attached to, or why there is none.
type adminReady struct {
	Socket  string
	Failure string
}

// writeControl writes a control message to a connection that is no lifeline yet.
func writeControl(w io.Writer, messages *message.Registry, msg any) error {
	frame, err := encodeControl(messages, msg)
	if err != nil {
		return err
	}
	_, err = w.Write(frame)
	return err
}

// readControl reads the next control message. io.EOF, or another error, is the end.
func readControl(r io.Reader, messages *message.Registry) (any, error) {
	msg, _, err := readMeasured(r, messages)
	return msg, err
}

// readMeasured is readControl, and says how long the message was.
func readMeasured(r io.Reader, messages *message.Registry) (msg any, length int, err error) {
	f, err := message.ReadFrame(r, message.MaxFrame)
	if err != nil {
		return nil, 0, err
	}
	if f.Kind != lifelineKind {
		return nil, 0, fmt.Errorf("a frame of kind %d on the lifeline", f.Kind)
	}
	if msg, err = messages.Decode(f.Payload); err != nil {
		return nil, 0, fmt.Errorf("lifeline: %w", err)
	}
	return msg, len(f.Payload), nil
}

// encodeControl returns a control message in its frame.
func encodeControl(messages *message.Registry, msg any) ([]byte, error) {
	data, err := messages.Append(nil, msg)
	if err == nil && len(data) > message.MaxFrame {
		err = message.ErrFrameTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("control message %T: %w", msg, err)
	}
	return message.AppendFrame(nil, message.Frame{Kind: lifelineKind, Payload: data})
}
