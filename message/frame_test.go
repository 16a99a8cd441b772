package message_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"
	"testing/iotest"

	"gotest.tools/v3/assert"

	"thespian.dev/message"
)

func frame(t testing.TB, f message.Frame) []byte {
	t.Helper()
	data, err := message.AppendFrame(nil, f)
	assert.NilError(t, err)
	return data
}

func TestFramesFollowEachOther(t *testing.T) {
	sent := []message.Frame{
		{Kind: 1, Flags: 0x0203, Payload: []byte("hello")}, {Kind: 255, Flags: 0xffff, Payload: []byte{}}, {Payload: bytes.Repeat([]byte("long "), 100_000)},
	}
	var stream []byte
	for _, f := range sent {
		var err error
		stream, err = message.AppendFrame(stream, f)
		assert.NilError(t, err)
	}
	for _, in := range []io.Reader{bytes.NewReader(stream), iotest.HalfReader(bytes.NewReader(stream)), iotest.DataErrReader(bytes.NewReader(stream))} {
		for _, want := range sent {
			got, err := message.ReadFrame(in, 0)
			assert.NilError(t, err)
			same(t, got, want)
		}
		_, err := message.ReadFrame(in, 0)
		assert.Equal(t, err, io.EOF)
	}
}

func TestTruncatedFrames(t *testing.T) {
	data := frame(t, message.Frame{Kind: 1, Payload: []byte("hello")})
	for n := 1; n < len(data); n++ {
		_, err := message.ReadFrame(bytes.NewReader(data[:n]), 0)
		assert.Assert(t, errors.Is(err, io.ErrUnexpectedEOF), "%d bytes: %v", n, err)
	}
	_, err := message.ReadFrame(iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader(data))), 0)
	assert.ErrorIs(t, err, iotest.ErrTimeout)
}

// Whatever bit of a frame changes on its way, it is noticed.
func TestDamagedFrames(t *testing.T) {
	data := frame(t, message.Frame{Kind: 1, Flags: 5, Payload: []byte("hello")})
	for bit := range 8 * len(data) {
		damaged := bytes.Clone(data)
		damaged[bit/8] ^= 1 << (bit % 8)
		_, err := message.ReadFrame(bytes.NewReader(damaged), 1<<10)
		var want error
		switch i := bit / 8; {
		case i < 4:
			want = message.ErrBadMagic
		case i == 4:
			want = message.ErrVersion
		case i >= 8 && i < 12: // another length: too large, truncated, or the checksum is that of other bytes
			assert.Assert(t, err != nil)
			continue
		default:
			want = message.ErrChecksum
		}
		assert.Assert(t, errors.Is(err, want), "bit %d: %v", bit, err)
	}
	data[4] = 7
	_, err := message.ReadFrame(bytes.NewReader(data), 0)
	assert.ErrorContains(t, err, "7")
	assert.ErrorContains(t, err, "1")
}

func TestFrameLimit(t *testing.T) {
	data := frame(t, message.Frame{Payload: make([]byte, 100)})
	_, err := message.ReadFrame(bytes.NewReader(data), 100)
	assert.NilError(t, err)
	_, err = message.ReadFrame(bytes.NewReader(data), 99)
	assert.ErrorIs(t, err, message.ErrFrameTooLarge)
	assert.ErrorContains(t, err, "99")
	huge := append([]byte("THSP\x01\x00\x00\x00\xff\xff\xff\xff"), 0, 0, 0, 0)
	for _, limit := range []int{0, -1, message.MaxFrame} {
		_, err = message.ReadFrame(bytes.NewReader(huge), limit)
		assert.ErrorIs(t, err, message.ErrFrameTooLarge)
	}
}

// A header that promises much and is followed by little costs little.
func TestFramePromisesCostNothing(t *testing.T) {
	header := append([]byte("THSP\x01\x00\x00\x00\x03\xff\xff\xff"), 0, 0, 0, 0)
	data := append(header, make([]byte, 1000)...)
	taken := allocated(func() {
		_, err := message.ReadFrame(bytes.NewReader(data), 0)
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
	assert.Assert(t, taken < 1<<20, "%d bytes", taken)
}

// allocated returns how many bytes f takes.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestCommonVersion(t *testing.T) {
	for _, c := range []struct {
		ours, theirs message.Versions
		common       byte // 0: none
	}{
		{message.Versions{1, 1}, message.Versions{1, 1}, 1}, {message.Versions{1, 3}, message.Versions{2, 5}, 3},
		{message.Versions{1, 5}, message.Versions{2, 3}, 3}, {message.Versions{1, 2}, message.Versions{3, 4}, 0},
		{message.Versions{2, 1}, message.Versions{1, 2}, 0},
	} {
		for _, pair := range [][2]message.Versions{{c.ours, c.theirs}, {c.theirs, c.ours}} {
			got, err := pair[0].Common(pair[1])
			assert.Equal(t, got, c.common)
			if c.common == 0 {
				assert.ErrorIs(t, err, message.ErrVersion)
			} else {
				assert.NilError(t, err)
			}
		}
	}
	_, err := message.Versions{1, 2}.Common(message.Versions{8, 9})
	for _, version := range []string{"1", "2", "8", "9"} {
		assert.ErrorContains(t, err, version)
	}
}
