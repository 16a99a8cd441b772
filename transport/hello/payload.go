package hello

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode"

	"thespian.dev/message"
	"thespian.dev/transport"
)

// The kinds of frames.
const (
	kindGreeting = 1 + iota
	kindAnswer
	kindProof
	kindWelcome
	kindRefusal
)

// maxPayload is the length of the longest payload.
const maxPayload = proofSize + 1 + MaxEndpoint + 2 + MaxInfo

func write(w io.Writer, kind byte, payload []byte) error {
	b, err := message.AppendFrame(nil, message.Frame{Kind: kind, Payload: payload})
	if err == nil {
		_, err = w.Write(b)
	}
	return err
}

func readAny(r io.Reader) (kind byte, payload []byte, err error) {
	f, err := message.ReadFrame(r, maxPayload)
	if err == nil && f.Flags != 0 {
		err = fmt.Errorf("%w: flags %x", ErrMalformed, f.Flags)
	}
	return f.Kind, f.Payload, err
}

func read(r io.Reader, want byte) ([]byte, error) {
	kind, payload, err := readAny(r)
	if err == nil && kind != want {
		err = fmt.Errorf("%w: kind %d, not %d", ErrMalformed, kind, want)
	}
	return payload, err
}

// greeting is what the initiator says first.
type greeting struct {
	versions message.Versions
	node, to transport.Node
	nonce    [nonceSize]byte
}

const greetingSize = 2 + 16 + 16 + nonceSize

func (g greeting) append(b []byte) []byte {
	b = append(b, g.versions.Lowest, g.versions.Highest)
	b = appendNode(appendNode(b, g.node), g.to)
	return append(b, g.nonce[:]...)
}

func decodeGreeting(b []byte) (g greeting, err error) {
	if len(b) != greetingSize {
		return g, fmt.Errorf("%w: a greeting of %d bytes", ErrMalformed, len(b))
	}
	g.versions = message.Versions{Lowest: b[0], Highest: b[1]}
	g.node, g.to = nodeAt(b[2:]), nodeAt(b[18:])
	copy(g.nonce[:], b[34:])
	return g, nil
}

// answer is what the acceptor says first; its proof follows.
type answer struct {
	versions message.Versions
	node     transport.Node
	nonce    [nonceSize]byte
}

const answerSize = 2 + 16 + nonceSize

func (a answer) append(b []byte) []byte {
	b = append(b, a.versions.Lowest, a.versions.Highest)
	return append(appendNode(b, a.node), a.nonce[:]...)
}

// decodeAnswer takes the payload with its proof.
func decodeAnswer(b []byte) (a answer, err error) {
	if len(b) != answerSize+proofSize {
		return a, fmt.Errorf("%w: an answer of %d bytes", ErrMalformed, len(b))
	}
	a.versions = message.Versions{Lowest: b[0], Highest: b[1]}
	a.node = nodeAt(b[2:])
	copy(a.nonce[:], b[18:])
	return a, nil
}

// words are what both sides say to those who have proven the key.
type words struct {
	endpoint string
	info     []byte
}

func (w words) append(b []byte) ([]byte, error) {
	if len(w.endpoint) > MaxEndpoint || len(w.info) > MaxInfo {
		return b, fmt.Errorf("an endpoint of %d and information of %d bytes: the limits are %d and %d", len(w.endpoint), len(w.info), MaxEndpoint, MaxInfo)
	}
	b = append(b, byte(len(w.endpoint)))
	b = append(b, w.endpoint...)
	return append(b, w.info...), nil
}

func decodeWords(b []byte) (words, error) {
	if len(b) < 1 || len(b) < 1+int(b[0]) || len(b)-1-int(b[0]) > MaxInfo {
		return words{}, fmt.Errorf("%w: %d bytes of words", ErrMalformed, len(b))
	}
	end := 1 + int(b[0])
	return words{string(b[1:end]), b[end:]}, nil
}

func appendNode(b []byte, n transport.Node) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, n.System), n.Process)
}

func nodeAt(b []byte) transport.Node {
	return transport.Node{System: binary.BigEndian.Uint64(b), Process: binary.BigEndian.Uint64(b[8:])}
}

// printable returns what another process wrote, for people.
func printable(b []byte) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, string(b[:min(len(b), maxReason)]))
}
