package stream

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"

	"thespian.dev/message"
	"thespian.dev/transport"
)

// The kinds of frames that follow the handshake.
const (
	kindBatch   = 16 + iota // confirmed, 8 bytes | number of the first message, 8 | how many, 4 | varint length and bytes of each
	kindChunk               // confirmed, 8 | number, 8 | length of the message, 8 | offset, 8 | bytes
	kindConfirm             // confirmed, 8
	kindGoodbye             // confirmed, 8
)

// flagCompressed: what follows the fixed part of a batch or a chunk is a block of s2. flagUnsummed: the checksum of a chunk is that of its header and fixed part alone; within a
// host nothing happens to bytes on their way, and to sum them up takes as long as to copy them.
const (
	flagCompressed = 1 << iota
	flagUnsummed
)

// The lengths in bytes of the fixed parts of payloads, and with the frame's header.
const (
	batchFixed = 8 + 8 + 4
	chunkFixed = 8 + 8 + 8 + 8
	batchHead  = message.FrameHeader + batchFixed
	chunkHead  = message.FrameHeader + chunkFixed
)

const (
	// localChunk and distantChunk are how much of a long message goes in one frame, within the host and between hosts: messages of other flows wait for no more than that.
	localChunk   = 1 << 20
	distantChunk = 128 << 10
	// maxPayload is the length of the longest payload, and maxBatch that of the longest batch: one message that does not go in chunks.
	maxPayload = localChunk + chunkFixed
	maxBatch   = transport.LongMessage + 64
)

var errProtocol = errors.New("the other node does not keep to the protocol")

// A header is that of a frame.
type header struct {
	kind   byte
	flags  uint16
	length int
	sum    uint32
}

// parseHeader reads the 16 bytes of a header, before anything is done for the payload.
func parseHeader(b []byte) (header, error) {
	if string(b[:4]) != message.FrameMagic {
		return header{}, message.ErrBadMagic
	}
	if b[4] != message.FrameVersion {
		return header{}, message.ErrVersion
	}
	h := header{b[5], binary.BigEndian.Uint16(b[6:]), 0, binary.BigEndian.Uint32(b[12:])}
	n, limit := binary.BigEndian.Uint32(b[8:]), uint32(maxPayload)
	if h.kind == kindBatch {
		limit = maxBatch
	}
	if n > limit {
		return header{}, fmt.Errorf("%d bytes, the limit is %d: %w", n, limit, message.ErrFrameTooLarge)
	}
	h.length = int(n)
	var fixed int
	switch h.kind {
	case kindBatch:
		fixed = batchFixed
	case kindChunk:
		fixed = chunkFixed
	case kindConfirm, kindGoodbye:
		if fixed = 8; h.length != fixed {
			return header{}, fmt.Errorf("%w: kind %d with %d bytes", errProtocol, h.kind, h.length)
		}
	default:
		return header{}, fmt.Errorf("%w: kind %d", errProtocol, h.kind)
	}
	known := uint16(flagCompressed)
	if h.kind == kindChunk {
		known |= flagUnsummed
	}
	if h.length < fixed || h.flags&^known != 0 {
		return header{}, fmt.Errorf("%w: kind %d with %d bytes and flags %x", errProtocol, h.kind, h.length, h.flags)
	}
	return h, nil
}

// A checksum is that of a frame, whose parts are added in their order: the first 12 bytes of the header, then the payload.
type checksum struct{ digest xxhash.Digest }

func (c *checksum) begin(head []byte) {
	c.digest.Reset()
	c.add(head[:12])
}

func (c *checksum) add(b []byte) { _, _ = c.digest.Write(b) }

func (c *checksum) value() uint32 { return uint32(c.digest.Sum64()) }

// sealHeader fills in the header of a frame, whose payload is rest and what stands behind the header in b.
func sealHeader(b []byte, kind byte, flags uint16, rest []byte) {
	copy(b, message.FrameMagic)
	b[4], b[5] = message.FrameVersion, kind
	binary.BigEndian.PutUint16(b[6:], flags)
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-message.FrameHeader+len(rest)))
	var sum checksum
	sum.begin(b)
	sum.add(b[message.FrameHeader:])
	if flags&flagUnsummed == 0 {
		sum.add(rest)
	}
	binary.BigEndian.PutUint32(b[12:], sum.value())
}

// nextMessage cuts the first message off what a batch holds.
func nextMessage(b []byte) (data, rest []byte, ok bool) {
	if len(b) > 0 && b[0] < 0x80 { // most of them
		if n := int(b[0]); n < len(b) {
			return b[1 : 1+n : 1+n], b[1+n:], true
		}
		return nil, nil, false
	}
	n, k := binary.Uvarint(b)
	if k <= 0 || n > uint64(len(b)-k) {
		return nil, nil, false
	}
	end := k + int(n)
	return b[k:end:end], b[end:], true
}

func varintSize(n int) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}

// session is what the two ends of a new connection tell each other about what was there before, and about themselves.
type session struct {
	taken      uint64 // messages with lower numbers have been taken from the other node
	count      uint64 // how many connections of the two this node knows of
	maxMessage int
	window     int
	compressed bool // frames may be compressed
}

func (s session) append(b []byte) []byte {
	b = binary.AppendUvarint(b, s.taken)
	b = binary.AppendUvarint(b, s.count)
	b = binary.AppendUvarint(b, uint64(s.maxMessage))
	b = binary.AppendUvarint(b, uint64(s.window))
	if s.compressed {
		return append(b, 1)
	}
	return append(b, 0)
}

// decodeSession ignores what follows, which later versions may have to say.
func decodeSession(b []byte) (s session, err error) {
	var numbers [4]uint64
	for i := range numbers {
		n, k := binary.Uvarint(b)
		if k <= 0 {
			return s, fmt.Errorf("%w: malformed session", errProtocol)
		}
		numbers[i], b = n, b[k:]
	}
	if len(b) == 0 || numbers[2] > 1<<40 || numbers[3] > 1<<40 || numbers[1] > 1<<62 {
		return s, fmt.Errorf("%w: malformed session", errProtocol)
	}
	return session{numbers[0], numbers[1], int(numbers[2]), int(numbers[3]), b[0]&1 != 0}, nil
}
