package message

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cespare/xxhash/v2"
)

// A frame is what is written to a connection as a whole. Its header, in big endian:
//
//	magic "THSP" | version, 1 byte | kind, 1 byte | flags, 2 bytes | length of the payload, 4 bytes | checksum, 4 bytes
//
// The checksum is the lower half of the xxhash64 of the header's first 12 bytes and the payload.
const (
	FrameMagic  = "THSP"
	FrameHeader = 16 // bytes

	// FrameVersion is the version of the frames that this package writes.
	FrameVersion = 1

	// MaxFrame is the default limit for a payload.
	MaxFrame = 64 << 20
)

// The errors of frames. What is wrong stands before them in the error's text.
var (
	ErrBadMagic      = errors.New("not a frame of this protocol")
	ErrVersion       = errors.New("no version of the protocol that both sides know")
	ErrFrameTooLarge = errors.New("frame too large")
	ErrChecksum      = errors.New("the frame's checksum is wrong")
)

// A Frame is a payload with what its header says of it.
type Frame struct {
	Kind    byte
	Flags   uint16
	Payload []byte
}

// AppendFrame appends the encoded frame to b. The error wraps [ErrFrameTooLarge] when the payload does not fit into a length of 4 bytes.
func AppendFrame(b []byte, f Frame) ([]byte, error) {
	if uint64(len(f.Payload)) > 1<<32-1 {
		return b, fmt.Errorf("%d bytes: %w", len(f.Payload), ErrFrameTooLarge)
	}
	begin := len(b)
	b = append(b, FrameMagic...)
	b = append(b, FrameVersion, f.Kind)
	b = binary.BigEndian.AppendUint16(b, f.Flags)
	b = binary.BigEndian.AppendUint32(b, uint32(len(f.Payload)))
	b = binary.BigEndian.AppendUint32(b, frameSum(b[begin:], f.Payload))
	return append(b, f.Payload...), nil
}

func frameSum(header, payload []byte) uint32 {
	var d xxhash.Digest
	d.Reset()
	_, _ = d.Write(header)
	_, _ = d.Write(payload)
	return uint32(d.Sum64())
}

// ReadFrame reads one frame. It takes no memory for a payload that is longer than the limit (0 or less: [MaxFrame]), and grows with what really comes, so that
// a header alone costs nothing. The error is io.EOF at the end of the connection, wraps io.ErrUnexpectedEOF in the
// middle of a frame, and is one of this package's otherwise. After an error the connection is of no use.
func ReadFrame(r io.Reader, limit int) (Frame, error) {
	var header [FrameHeader]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		if err == io.EOF {
			return Frame{}, err
		}
		return Frame{}, fmt.Errorf("frame header: %w", err)
	}
	length, err := checkHeader(header[:], limit)
	if err != nil {
		return Frame{}, err
	}
	payload, err := readPayload(r, length)
	if err != nil {
		return Frame{}, err
	}
	if frameSum(header[:12], payload) != binary.BigEndian.Uint32(header[12:]) {
		return Frame{}, ErrChecksum
	}
	return Frame{Kind: header[5], Flags: binary.BigEndian.Uint16(header[6:]), Payload: payload}, nil
}

func checkHeader(header []byte, limit int) (length int, err error) {
	if limit <= 0 {
		limit = MaxFrame
	}
	if string(header[:4]) != FrameMagic {
		return 0, fmt.Errorf("it begins with % x: %w", header[:4], ErrBadMagic)
	}
	if header[4] != FrameVersion {
		return 0, fmt.Errorf("the frame has version %d, this side knows %d: %w", header[4], FrameVersion, ErrVersion)
	}
	n := binary.BigEndian.Uint32(header[8:])
	if uint64(n) > uint64(limit) {
		return 0, fmt.Errorf("%d bytes, the limit is %d: %w", n, limit, ErrFrameTooLarge)
	}
	return int(n), nil
}

// readPayload reads in steps that double, each for what came before it.
func readPayload(r io.Reader, length int) ([]byte, error) {
	const step = 64 << 10
	payload := make([]byte, min(length, step))
	for read := 0; ; {
		n, err := io.ReadFull(r, payload[read:])
		read += n
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, fmt.Errorf("frame of %d bytes ends after %d: %w", length, read, err)
		}
		if read == length {
			return payload, nil
		}
		longer := make([]byte, min(length, 2*read))
		copy(longer, payload)
		payload = longer
	}
}

// Versions is a range of versions of the protocol.
type Versions struct{ Lowest, Highest byte }

// Common returns the highest version that is in both ranges. The error wraps [ErrVersion] and says both ranges.
func (v Versions) Common(other Versions) (byte, error) {
	highest := min(v.Highest, other.Highest)
	if highest < max(v.Lowest, other.Lowest) {
		return 0, fmt.Errorf("this side knows %d to %d, the other %d to %d: %w", v.Lowest, v.Highest, other.Lowest, other.Highest, ErrVersion)
	}
	return highest, nil
}
