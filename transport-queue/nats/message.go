package nats

import (
	"encoding/binary"
	"strings"
)

// The kinds of messages between two nodes.
const (
	kindConnect = 1 + iota // to the subject of a node: who sent it wants a connection. The body is a side
	kindAccept             // the answer; the body is a side
	kindSegment            // bytes of a connection, or none: then it tells the position and the limit
	kindEnd                // no more bytes come
	kindReset              // there is no such connection any more
)

// magic begins each message, the version behind it.
const magic = "TN\x01"

// headSize is the length in bytes of what comes before the body: magic, kind, position and limit.
const headSize = len(magic) + 1 + 8 + 8

// A message is what the parties of a connection send each other. Each is sent with the subject of its sender as that for replies: so the server tells when nobody is there.
type message struct {
	kind     byte
	position uint64 // of the body, in what the sender sends
	limit    uint64 // the position up to which the sender takes bytes
	body     []byte // belongs to whoever gets it
}

func (m message) append(b []byte) []byte {
	b = append(append(b, magic...), m.kind)
	b = binary.BigEndian.AppendUint64(b, m.position)
	b = binary.BigEndian.AppendUint64(b, m.limit)
	return append(b, m.body...)
}

// parse says whether b is a message at all.
func parse(b []byte) (message, bool) {
	if len(b) < headSize || string(b[:len(magic)]) != magic {
		return message{}, false
	}
	kind, numbers := b[len(magic)], b[len(magic)+1:]
	return message{kind, binary.BigEndian.Uint64(numbers), binary.BigEndian.Uint64(numbers[8:]), b[headSize:]}, kind >= kindConnect && kind <= kindReset
}

// A side is what one end of a connection tells the other about where it is.
type side struct {
	host   string // the number of the host
	leaves bool   // what it sends may leave the host, whatever the other end says
}

func (s side) append(b []byte) []byte {
	if s.leaves {
		return append(append(b, 1), s.host...)
	}
	return append(append(b, 0), s.host...)
}

func parseSide(b []byte) (side, bool) {
	if len(b) == 0 || b[0] > 1 || len(b) > 1+maxHost {
		return side{}, false
	}
	return side{string(b[1:]), b[0] == 1}, true
}

// leaving says whether a connection between two leaves the host: both ends find the same.
func (s side) leaving(other side) bool { return s.leaves || other.leaves || s.host != other.host }

const (
	// prefix begins all subjects.
	prefix = "thespian."
	// nodes begins the subject of a node, to which the host and the port are added.
	nodes = prefix + "node."
	// conns begins the subject of an end of a connection, to which the number of its node's client and its own are added.
	conns = prefix + "conn."
)

// isConn says whether a subject is one that an end of a connection may have: whatever else a stranger names, nothing is sent there.
func isConn(subject string) bool {
	rest, ok := strings.CutPrefix(subject, conns)
	client, id, ok2 := strings.Cut(rest, ".")
	return ok && ok2 && isNumber(client) && isNumber(id)
}

// isNumber says whether a token can have come from crypto/rand.Text.
func isNumber(token string) bool {
	if token == "" || len(token) > 64 {
		return false
	}
	return strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}
