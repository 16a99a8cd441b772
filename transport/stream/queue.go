package stream

import (
	"encoding/binary"
	"math"
	"sync"

	"thespian.dev/transport"
)

// blockSize is how many bytes of frames a block holds, and what a frame grows to while it waits to be written.
const blockSize = 64 << 10

// perMessage is what a message counts beside its bytes, as even an empty one takes memory.
const perMessage = 16

// A block holds frames one behind the other, as they are written. It is kept until all of them are confirmed.
type block struct {
	buf    []byte
	frames int
}

// blocks are those that no queue needs. They belong to one transport.
type blocks struct{ pool sync.Pool }

func (b *blocks) get(size int) *block {
	if size > blockSize {
		return &block{buf: make([]byte, 0, size)}
	}
	if free, ok := b.pool.Get().(*block); ok {
		return free
	}
	return &block{buf: make([]byte, 0, blockSize)}
}

func (b *blocks) put(o *block) {
	if cap(o.buf) == blockSize {
		o.buf = o.buf[:0]
		b.pool.Put(o)
	}
}

// A frame is a batch of messages or a chunk of a long one, with the numbers from first to next.
type frame struct {
	first, next uint64
	size        int // what its confirmation makes room for

	bytes []byte // of a batch: the whole frame, in its block
	block *block

	long   *waiting // of a chunk: the message
	at, to int      // and which part of it
}

// last says whether a chunk is the last one of its message.
func (f *frame) last() bool { return f.to == len(f.long.data) }

// waiting is a message in the slow lane: a long one, or one of the same flow that must stay behind it.
type waiting struct {
	flow uint64
	data []byte
	at   int // how much of it is in frames
}

// A queue keeps what was taken for a peer and is not confirmed, as frames and in front of them the slow lane. It is not safe for concurrent use.
type queue struct {
	blocks   *blocks
	released func(long []byte)
	frameCap int // how long a frame of several messages gets
	chunk    int // how much of a long message goes in one frame

	frames []frame // from head on: those in use
	head   int
	cursor int  // index of the first one that was not written to the connection of now
	open   bool // the last one takes more
	block  *block

	slow  []*waiting
	slows uint64         // how many were ever put there
	flows map[uint64]int // how many of each flow are there

	seq   uint64 // the number of the next message or chunk
	sent  uint64 // those with lower numbers have been written at some time
	high  uint64 // those with lower numbers may have reached the other node
	acked uint64 // those with lower numbers are confirmed

	kept    int // the size of all
	largest int // the length of the longest message ever, until the limit of the other node is known
}

func sizeOf(data []byte) int { return len(data) + perMessage }

// isSlow says whether a message has to go to the slow lane.
func (q *queue) isSlow(flow uint64, length int) bool {
	return length > transport.LongMessage || len(q.slow) > 0 && q.flows[flow] > 0
}

// add takes a copy of a message that is not slow, and whose size was counted.
func (q *queue) add(data []byte) {
	n := varintSize(len(data)) + len(data)
	if q.open {
		f := &q.frames[len(q.frames)-1]
		if len(f.bytes)+n > q.frameCap || len(q.block.buf)+n > cap(q.block.buf) {
			q.open = false
		}
	}
	if !q.open {
		if q.block == nil || len(q.block.buf)+batchHead+n > cap(q.block.buf) {
			q.leaveBlock()
			q.block = q.blocks.get(batchHead + n)
		}
		q.block.frames++
		begin := len(q.block.buf)
		q.block.buf = q.block.buf[:begin+batchHead]
		q.push(frame{first: q.seq, next: q.seq, bytes: q.block.buf[begin:], block: q.block})
		q.open = true
	}
	f := &q.frames[len(q.frames)-1]
	begin := len(q.block.buf) - len(f.bytes)
	buf := binary.AppendUvarint(q.block.buf, uint64(len(data)))
	buf = append(buf, data...)
	q.block.buf = buf
	f.bytes = buf[begin:]
	f.size += sizeOf(data)
	q.seq++
	f.next = q.seq
}

func (q *queue) leaveBlock() {
	if q.block != nil && q.block.frames == 0 {
		q.blocks.put(q.block)
	}
	q.block = nil
}

// addSlow takes a message for the slow lane, which belongs to the queue from then on.
func (q *queue) addSlow(flow uint64, data []byte) {
	if q.flows == nil {
		q.flows = make(map[uint64]int)
	}
	q.slow = append(q.slow, &waiting{flow: flow, data: data})
	q.flows[flow]++
	q.slows++
}

func (q *queue) popSlow() {
	w := q.slow[0]
	q.slow[0] = nil
	q.slow = q.slow[1:]
	if len(q.slow) == 0 {
		q.slow = nil
	}
	if q.flows[w.flow]--; q.flows[w.flow] == 0 {
		delete(q.flows, w.flow)
	}
}

func (q *queue) push(f frame) {
	if len(q.frames) == cap(q.frames) && q.head > len(q.frames)/2 {
		n := copy(q.frames, q.frames[q.head:])
		clear(q.frames[n:])
		q.frames = q.frames[:n]
		q.cursor -= q.head
		q.head = 0
	}
	q.frames = append(q.frames, f)
}

// promote moves from the slow lane into frames: at most one chunk at a time, so that the others do not wait for more than that.
func (q *queue) promote() {
	if len(q.slow) == 0 {
		return
	}
	for i := q.cursor; i < len(q.frames); i++ {
		if q.frames[i].long != nil {
			return
		}
	}
	for moved := 0; len(q.slow) > 0 && moved < blockSize; {
		w := q.slow[0]
		if len(w.data) <= transport.LongMessage {
			q.add(w.data)
			moved += sizeOf(w.data)
			q.popSlow()
			continue
		}
		q.open = false
		f := frame{first: q.seq, next: q.seq + 1, long: w, at: w.at, to: min(w.at+q.chunk, len(w.data))}
		q.seq++
		w.at = f.to
		if f.last() {
			f.size = sizeOf(w.data)
			q.popSlow()
		}
		q.push(f)
		return
	}
}

// take returns the next frame to write, which does not grow any more. written is called when that is done.
func (q *queue) take() (frame, bool) {
	q.promote()
	if q.cursor == len(q.frames) {
		return frame{}, false
	}
	if q.cursor == len(q.frames)-1 {
		q.open = false
	}
	f := q.frames[q.cursor]
	q.sent, q.high = max(q.sent, f.next), max(q.high, f.next)
	return f, true
}

// written says that the frame that take returned has been written.
func (q *queue) written() {
	q.cursor++
	q.release()
}

// unwritten says whether take has something to return.
func (q *queue) unwritten() bool { return q.cursor < len(q.frames) || len(q.slow) > 0 }

// empty says whether all is confirmed.
func (q *queue) empty() bool { return q.head == len(q.frames) && len(q.slow) == 0 }

// confirm is told that messages with lower numbers are delivered. It says whether that can be.
func (q *queue) confirm(next uint64) bool {
	if next > q.sent {
		return false
	}
	q.acked, q.high = max(q.acked, next), max(q.high, next)
	q.release()
	return true
}

// release lets go what is confirmed. A frame that is being written stays.
func (q *queue) release() {
	for q.head < q.cursor && q.frames[q.head].next <= q.acked {
		f := &q.frames[q.head]
		q.kept -= f.size
		if b := f.block; b != nil {
			if b.frames--; b.frames == 0 {
				if b == q.block {
					if !q.open {
						b.buf = b.buf[:0]
					}
				} else {
					q.blocks.put(b)
				}
			}
		}
		if f.long != nil && f.last() {
			q.released(f.long.data)
		}
		*f = frame{}
		q.head++
	}
	if q.head == len(q.frames) {
		q.frames = q.frames[:0]
		q.head, q.cursor = 0, 0
	}
}

// resume is told that the other node has taken what has a lower number, and nothing else if that is certain. The rest is to be written again. It says
// whether that can be.
func (q *queue) resume(taken uint64, certain bool) bool {
	if taken > q.sent {
		return false
	}
	if certain || taken > q.high {
		q.high = max(taken, q.acked)
	}
	q.cursor = q.head
	for q.cursor < len(q.frames) && q.frames[q.cursor].next <= taken {
		q.cursor++
	}
	q.release()
	return true
}

// loss is a message to be reported.
type loss struct {
	data    []byte
	perhaps bool
	why     error
}

// all stands for every number.
const all = math.MaxUint64

// lose takes out what has a lower number, and of the slow lane what was put there before number slows of it, and appends it to the losses.
func (q *queue) lose(losses []loss, seq, slows uint64, why error) []loss {
	for q.head < len(q.frames) && q.frames[q.head].next <= seq {
		f := &q.frames[q.head]
		q.kept -= f.size
		switch {
		case f.long == nil:
			rest := f.bytes[batchHead:]
			for n := f.first; n < f.next; n++ {
				var data []byte
				data, rest, _ = nextMessage(rest)
				if n >= q.acked {
					losses = append(losses, loss{data, n < q.high, why})
				}
			}
		case f.last() && f.first >= q.acked:
			losses = append(losses, loss{f.long.data, f.first < q.high, why})
		}
		*f = frame{}
		q.head++
	}
	q.open = false
	q.block = nil // the losses are in it
	q.cursor = max(q.cursor, q.head)
	for len(q.slow) > 0 && q.slows-uint64(len(q.slow)) < slows {
		w := q.slow[0]
		q.kept -= sizeOf(w.data)
		losses = append(losses, loss{w.data, false, why})
		q.popSlow()
	}
	return losses
}

// loseLonger takes out messages above a limit that has just become known, before anything was written.
func (q *queue) loseLonger(losses []loss, limit int, why func(length int) error) []loss {
	if q.largest <= limit || q.high > 0 {
		return losses
	}
	old := *q
	*q = queue{blocks: old.blocks, released: old.released, frameCap: old.frameCap, chunk: old.chunk, kept: old.kept, seq: old.seq, sent: old.sent, acked: old.acked, slows: old.slows}
	keep := func(data []byte) bool {
		if len(data) <= limit {
			return true
		}
		q.kept -= sizeOf(data)
		losses = append(losses, loss{data, false, why(len(data))})
		return false
	}
	for _, f := range old.frames[old.head:] { // there are no chunks, as nothing was taken yet
		for rest := f.bytes[batchHead:]; len(rest) > 0; {
			var data []byte
			if data, rest, _ = nextMessage(rest); keep(data) {
				q.add(data)
			}
		}
	}
	for _, w := range old.slow {
		if keep(w.data) {
			q.addSlow(w.flow, w.data)
		}
	}
	return losses
}
