package message

import (
	"encoding/binary"
	"errors"
	"fmt"

	"thespian.dev/address"
	"thespian.dev/address/record"
)

// A Node names a process of a system by the first two parts of the addresses of all actors that it creates.
type Node struct {
	System, Process uint64
}

// A Link is one direction of a connection between two nodes that loses nothing and keeps the order. On it a type is defined once and has a number
// from then on, and the addresses of receivers and senders that one of the two nodes created are their numbers. An [Encoder] writes what goes over it and a [Decoder]
// reads it; both need the same Link.
type Link struct {
	From, To Node

	// MaxDefinitions is how many types may have a number. 0: [DefaultMaxDefinitions]. Messages of further types say their type themselves.
	MaxDefinitions int
	// MaxDefinitionBytes is how long their names and shapes may be together. 0: [DefaultMaxDefinitionBytes].
	MaxDefinitionBytes int
}

// Defaults of a [Link].
const (
	DefaultMaxDefinitions     = 4 << 10
	DefaultMaxDefinitionBytes = 1 << 20
)

func (l Link) withDefaults() Link {
	if l.MaxDefinitions <= 0 {
		l.MaxDefinitions = DefaultMaxDefinitions
	}
	if l.MaxDefinitionBytes <= 0 {
		l.MaxDefinitionBytes = DefaultMaxDefinitionBytes
	}
	return l
}

// What goes over a link begins with a byte that says what it is. In that of an envelope the two lowest bits are the form of the target's address, the next
// two that of the sender's.
const (
	headDefinition = 0x10
	headEnvelope   = 0x0f // all bits that may be set

	senderShift = 2
	formMask    = 3
)

// The forms of addresses on a link.
const (
	noAddress   = iota
	ofReceiver  // an actor that Link.To created: its number
	ofSender    // an actor that Link.From created: its number
	fullAddress // as in an envelope
)

// A definition is what two processes must agree on to understand each other's values of a type.
type definition struct{ name, shape string }

func (d definition) size() int { return len(d.name) + len(d.shape) }

// A linkType is what a number stands for.
type linkType struct {
	entry      *entry // nil: there is no such type here
	definition        // of what has no entry
	here       string // the shape of the type of that name here
}

// typeFor returns what a definition means here.
func (r *Registry) typeFor(name, shape []byte) linkType {
	e := r.byName[string(name)]
	if e != nil && e.full().shape == string(shape) {
		return linkType{entry: e}
	}
	t := linkType{definition: definition{string(name), string(shape)}}
	if e != nil {
		t.here = e.shape
	}
	return t
}

func (l *Link) form(a address.Address) byte {
	rec := a.Record()
	if rec == nil {
		return noAddress
	}
	id := rec.ID()
	switch (Node{id.System, id.Process}) {
	case l.To:
		return ofReceiver
	case l.From:
		return ofSender
	}
	return fullAddress
}

// appendAddresses appends the head of an envelope and its addresses.
func (l *Link) appendAddresses(b []byte, e *Envelope) ([]byte, error) {
	target, sender := l.form(e.Target), l.form(e.Sender)
	if sender == ofSender && e.Sender.Hint() != "" {
		sender = fullAddress // it lives elsewhere; of the target the receiver knows where it lives
	}
	out, err := appendInForm(append(b, target|sender<<senderShift), target, e.Target)
	if err == nil {
		out, err = appendInForm(out, sender, e.Sender)
	}
	return out, err
}

func appendInForm(b []byte, form byte, a address.Address) ([]byte, error) {
	switch form {
	case noAddress:
		return b, nil
	case fullAddress:
		return appendAddress(b, a)
	}
	rec := a.Record()
	rec.Publish()
	return binary.AppendUvarint(b, rec.ID().Counter), nil
}

// cutEnvelope splits an envelope into its addresses, the number of the message's type and what is behind.
func (l *Link) cutEnvelope(data []byte, recent *recentActors) (e Envelope, number uint64, rest []byte, err error) {
	if len(data) == 0 || data[0]&^headEnvelope != 0 {
		return Envelope{}, 0, nil, fmt.Errorf("%w: neither an envelope nor a definition", ErrMalformed)
	}
	head := data[0]
	if e.Target, rest, err = l.cutInForm(head&formMask, data[1:], recent); err == nil {
		e.Sender, rest, err = l.cutInForm(head>>senderShift, rest, recent)
	}
	if err != nil {
		return Envelope{}, 0, nil, err
	}
	number, n := uvarint(rest)
	if n <= 0 {
		return Envelope{}, 0, nil, fmt.Errorf("%w: no number of a type", ErrMalformed)
	}
	return e, number, rest[n:], nil
}

func (l *Link) cutInForm(form byte, data []byte, recent *recentActors) (a address.Address, rest []byte, err error) {
	node := l.From
	switch form {
	case noAddress:
		return address.Address{}, data, nil
	case fullAddress:
		return cutAddress(data)
	case ofReceiver:
		node = l.To
	}
	counter, n := uvarint(data)
	if n <= 0 || counter == 0 {
		return address.Address{}, nil, fmt.Errorf("%w: no actor's number", ErrMalformed)
	}
	id := record.ID{System: node.System, Process: node.Process, Counter: counter}
	return address.Of(recent.intern(id, form == ofReceiver)), data[n:], nil
}

// decodeNumbered returns an envelope with the addresses of e and the message of a type that has a number, or, if t is nil, that says its type itself.
func (r *Registry) decodeNumbered(e Envelope, t *linkType, body []byte) (_ Envelope, err error) {
	switch {
	case t == nil:
		e.Message, err = r.Decode(body)
	case t.entry != nil:
		e.Message, err = r.decodeValue(t.entry, body)
	default:
		e.Message = Opaque{Name: t.name, Shape: t.shape, Here: t.here, Data: append([]byte{}, body...)}
	}
	return e, err
}

// uvarint is binary.Uvarint, and quick for small numbers.
func uvarint(b []byte) (uint64, int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	return binary.Uvarint(b)
}

var errUnknownNumber = errors.New("a type's number that was not defined")
