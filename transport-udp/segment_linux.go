package udp

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxSegments is how many datagrams of one length the kernel makes of what goes in one of its calls (UDP_SEGMENT).
const maxSegments = 64

// segmentSize appends what says that datagrams of a length are to be made.
func segmentSize(oob []byte, length int) []byte {
	begin := len(oob)
	oob = append(oob, make([]byte, unix.CmsgSpace(2))...)
	head := (*unix.Cmsghdr)(unsafe.Pointer(&oob[begin]))
	head.Level, head.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	head.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(oob[begin+unix.CmsgLen(0):], uint16(length))
	return oob
}
