package system

import (
	"math/bits"
	"sync"

	"thespian.dev/transport"
)

// buffers hold encoded messages until the transport has copied them; long ones, which it does not copy, until it has delivered them.
type buffers struct {
	short sync.Pool
	long  [maxLongClass + 1]sync.Pool // by the power of two that is their capacity
}

// The buffers that are kept for long messages have capacities of up to 1<<maxLongClass bytes, others of up to largeBuffer: what is larger goes at the next collection.
const (
	maxLongClass = 24
	largeBuffer  = 4 << 20
)

// aroundBytes is how many bytes an envelope mostly has at most beside a message that is nothing but bytes.
const aroundBytes = 1 << 10

// get returns a buffer for a message: a large one if it can be seen that it needs that.
func (b *buffers) get(msg any) *[]byte {
	length := 0
	switch m := msg.(type) {
	case []byte:
		length = len(m)
	case string:
		length = len(m)
	}
	if length > transport.LongMessage {
		return b.getLong(length + aroundBytes)
	}
	if free, ok := b.short.Get().(*[]byte); ok {
		return free
	}
	return new([]byte)
}

func (b *buffers) getLong(size int) *[]byte {
	class := bits.Len(uint(size - 1))
	if class > maxLongClass {
		buf := make([]byte, 0, size)
		return &buf
	}
	if free, ok := b.long[class].Get().(*[]byte); ok {
		return free
	}
	buf := make([]byte, 0, 1<<class)
	return &buf
}

// put takes back a buffer.
func (b *buffers) put(buf *[]byte) {
	size := cap(*buf)
	switch class := bits.Len(uint(size - 1)); {
	case size > transport.LongMessage && size == 1<<class && class <= maxLongClass:
		b.long[class].Put(buf)
	case size <= largeBuffer:
		b.short.Put(buf)
	}
}

// fit returns a message that was encoded in a buffer, and the buffer that it is in: another one if it is long and its own much longer, as the transport counts the length of what it has.
func (b *buffers) fit(buf *[]byte, data []byte) (*[]byte, []byte) {
	if len(data) <= transport.LongMessage || cap(data) <= 2*len(data)+aroundBytes {
		return buf, data
	}
	other := b.getLong(len(data))
	fitting := append((*other)[:0], data...)
	*buf = data
	b.put(buf)
	return other, fitting
}

// released takes back what the transport has had.
func (b *buffers) released(data []byte) { b.put(&data) }
