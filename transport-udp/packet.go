package udp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"thespian.dev/transport"
)

// A datagram is a header, which anybody can read, and what is sealed: a byte that says what it is, and what follows.
//
//	magic, 4 | system of the sender, 8 | its process, 8 | nonce, 12: 4 that the sender drew for this receiver, then a number, each used once
const (
	magic     = "TDG\x01"
	fromAt    = len(magic)
	nonceAt   = fromAt + 16
	header    = nonceAt + nonceSize
	nonceSize = 12
	tagSize   = 16

	// overhead is how much longer than its message a datagram is.
	overhead = header + 1 + 8 + tagSize
)

// The kinds of what is sealed. Numbers of messages begin with 0.
const (
	kindData    = 1 + iota // number, 8 | message
	kindAssured            // number, 8 | message
	kindReport             // below which number all that is assured was handled, 8 | likewise for the rest, handled or lost, 8 | how many bytes may be under way, 4
	kindCount              // how many messages there were that are not assured, 8: a report is wanted
	kindGoodbye            // the same, of a node that ends
	kindMarker             // number, 8: to oneself
)

var errNotSealed = errors.New("not sealed by who it says it is from")

// keyOf returns what seals datagrams from one node to another.
func keyOf(secret []byte, from, to transport.Node) cipher.AEAD {
	info := make([]byte, 0, 64)
	info = append(info, "thespian datagrams "...)
	for _, n := range []uint64{from.System, from.Process, to.System, to.Process} {
		info = binary.BigEndian.AppendUint64(info, n)
	}
	key, err := hkdf.Key(sha256.New, secret, nil, string(info), 32)
	if err == nil {
		var block cipher.Block
		if block, err = aes.NewCipher(key); err == nil {
			var aead cipher.AEAD
			if aead, err = cipher.NewGCM(block); err == nil {
				return aead
			}
		}
	}
	panic(err) // the lengths are right
}

// begin appends the header of a datagram.
func begin(b []byte, from transport.Node, prefix uint32, number uint64) []byte {
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint64(b, from.System)
	b = binary.BigEndian.AppendUint64(b, from.Process)
	b = binary.BigEndian.AppendUint32(b, prefix)
	return binary.BigEndian.AppendUint64(b, number)
}

// seal seals what follows the header of b in its place.
func seal(key cipher.AEAD, b []byte) []byte {
	return key.Seal(b[:header], b[nonceAt:header], b[header:], b[:header])
}

// A datagram is one that was opened. Its body lies where it was read.
type datagram struct {
	from   transport.Node
	prefix uint32
	number uint64
	kind   byte
	body   []byte
}

// senderOf returns whom a datagram says it is from; false if it is none.
func senderOf(b []byte) (transport.Node, bool) {
	if len(b) < header+1+tagSize || string(b[:fromAt]) != magic {
		return transport.Node{}, false
	}
	return transport.Node{System: binary.BigEndian.Uint64(b[fromAt:]), Process: binary.BigEndian.Uint64(b[fromAt+8:])}, true
}

// unseal opens a datagram for which senderOf returned true, in its place.
func unseal(key cipher.AEAD, b []byte) (datagram, error) {
	plain, err := key.Open(b[header:header], b[nonceAt:header], b[header:], b[:header])
	if err != nil {
		return datagram{}, errNotSealed
	}
	from, _ := senderOf(b)
	return datagram{from, binary.BigEndian.Uint32(b[nonceAt:]), binary.BigEndian.Uint64(b[nonceAt+4:]), plain[0], plain[1:]}, nil
}

// numbers returns the numbers at the beginning of a body, and what follows.
func numbers(body []byte, count int) (n [2]uint64, rest []byte, ok bool) {
	if len(body) < 8*count {
		return n, nil, false
	}
	for i := range count {
		n[i] = binary.BigEndian.Uint64(body[8*i:])
	}
	return n, body[8*count:], true
}
