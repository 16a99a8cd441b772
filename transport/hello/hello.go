package hello

import (
	"errors"
	"fmt"
	"io"

	"thespian.dev/message"
	"thespian.dev/transport"
)

// Limits in bytes.
const (
	// MaxEndpoint is how long an endpoint may be.
	MaxEndpoint = 255
	// MaxInfo is how long the information of a transport may be.
	MaxInfo = 1024
	// maxReason is how long the reason of a refusal may be.
	maxReason = 512
)

// The errors of a handshake. A connection on which one occurred is of no more use; others are those of package message and of the connection.
var (
	// ErrKey: the other side has not the key of this one.
	ErrKey = errors.New("the other side has not proven that it knows the key")
	// ErrOtherNode: another node listens where one was looked for.
	ErrOtherNode = errors.New("another node listens there")
	// ErrRefused: the other side does not want the connection. If it gave a reason, the error is a [*RefusedError].
	ErrRefused = errors.New("the other side refused the connection")
	// ErrMalformed: what came is no part of a handshake.
	ErrMalformed = errors.New("malformed handshake")
)

// A RefusedError is a refusal with a reason, which a node tells only to those who have proven the key. An acceptor that returns one from its decision
// has the reason told; other errors stay with it.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return fmt.Sprintf("%v: %s", ErrRefused, e.Reason) }

// Is says that a refusal with a reason is a refusal.
func (e *RefusedError) Is(target error) bool { return target == ErrRefused }

// Self is what one side of a handshake brings along.
type Self struct {
	Node transport.Node
	// Key is what both sides have to know. With an empty one nothing is proven.
	Key []byte
	// Endpoint is where the node listens, "" if nowhere.
	Endpoint string
	// Versions are those of the transport's protocol that this side knows.
	Versions message.Versions
}

// Remote is what one side learns of the other.
type Remote struct {
	Node     transport.Node
	Endpoint string
	// Version is the highest that both sides know.
	Version byte
	// Info is what the transport of the other side tells.
	Info []byte
}

// Initiate is the handshake of the side that connected, to reach a node. It returns when the other side has welcomed it. info is told once the other side
// has proven the key.
func Initiate(conn io.ReadWriter, self Self, to transport.Node, info []byte) (Remote, error) {
	g := greeting{versions: self.Versions, node: self.Node, to: to, nonce: newNonce()}
	proofs := newProofs(self.Key)
	if err := write(conn, kindGreeting, proofs.said(g.append(nil))); err != nil {
		return Remote{}, err
	}
	payload, err := read(conn, kindAnswer)
	if err != nil {
		return Remote{}, err
	}
	a, err := decodeAnswer(payload)
	if err != nil {
		return Remote{}, err
	}
	version, err := self.Versions.Common(a.versions)
	if err != nil {
		return Remote{}, err
	}
	if a.node != to {
		return Remote{}, fmt.Errorf("%w: %v, not %v", ErrOtherNode, a.node, to)
	}
	body, sum := cutProof(payload)
	if !proofs.check(roleAnswer, body, sum) {
		return Remote{}, ErrKey
	}

	proofs.said(payload)
	words, err := words{self.Endpoint, info}.append(nil)
	if err != nil {
		return Remote{}, err
	}
	if err := write(conn, kindProof, proofs.said(proofs.seal(roleProof, words))); err != nil {
		return Remote{}, err
	}
	kind, payload, err := readAny(conn)
	if errors.Is(err, io.EOF) {
		return Remote{}, ErrRefused
	}
	if err != nil {
		return Remote{}, err
	}
	if len(payload) < proofSize {
		return Remote{}, ErrMalformed
	}
	body, sum = cutProof(payload)
	switch kind {
	case kindWelcome:
		if !proofs.check(roleWelcome, body, sum) {
			return Remote{}, ErrKey
		}
		w, err := decodeWords(body)
		return Remote{Node: to, Endpoint: w.endpoint, Version: version, Info: w.info}, err
	case kindRefusal:
		if !proofs.check(roleRefusal, body, sum) {
			return Remote{}, ErrKey
		}
		return Remote{}, &RefusedError{printable(body)}
	}
	return Remote{}, fmt.Errorf("%w: kind %d", ErrMalformed, kind)
}

// Accept is the handshake of the side that was connected to. When the initiator has proven the key, decide says whether it is welcome, and what to tell it; it may take
// as long as the deadline of the connection allows, which it may change. Its error is returned as it is, and told only if it is a [*RefusedError].
func Accept(conn io.ReadWriter, self Self, decide func(Remote) (info []byte, err error)) (Remote, error) {
	payload, err := read(conn, kindGreeting)
	if err != nil {
		return Remote{}, err
	}
	g, err := decodeGreeting(payload)
	if err != nil {
		return Remote{}, err
	}
	proofs := newProofs(self.Key)
	proofs.said(payload)
	a := answer{versions: self.Versions, node: self.Node, nonce: newNonce()}
	sealed := proofs.seal(roleAnswer, a.append(nil))
	if err := write(conn, kindAnswer, sealed); err != nil {
		return Remote{}, err
	}
	version, err := self.Versions.Common(g.versions)
	if err != nil {
		return Remote{}, err
	}
	if g.to != self.Node {
		return Remote{}, fmt.Errorf("%w: %v looked for %v", ErrOtherNode, g.node, g.to)
	}
	proofs.said(sealed)
	if payload, err = read(conn, kindProof); err != nil {
		return Remote{}, err
	}
	body, sum := cutProof(payload)
	if len(payload) < proofSize || !proofs.check(roleProof, body, sum) {
		return Remote{}, ErrKey
	}
	w, err := decodeWords(body)
	if err != nil {
		return Remote{}, err
	}
	remote := Remote{Node: g.node, Endpoint: w.endpoint, Version: version, Info: w.info}
	proofs.said(payload)
	info, err := decide(remote)
	if err == nil {
		var welcome []byte
		if welcome, err = (words{self.Endpoint, info}).append(nil); err == nil {
			return remote, write(conn, kindWelcome, proofs.seal(roleWelcome, welcome))
		}
	}
	if refused := (*RefusedError)(nil); errors.As(err, &refused) && len(self.Key) > 0 {
		reason := refused.Reason
		_ = write(conn, kindRefusal, proofs.seal(roleRefusal, []byte(reason[:min(len(reason), maxReason)])))
	}
	return remote, err
}
