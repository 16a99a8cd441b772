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
// from then on, and so is the node that created an actor, unless it is one of the two: addresses are short. An [Encoder] writes what goes over it and a
// [Decoder] reads it; both need the same Link.
type Link struct {
	From, To Node

	// Hint is the location hint of actors that live at From, though another node created them.
	Hint string

	// MaxDefinitions is how many types may have a number, and how many nodes. 0: [DefaultMaxDefinitions]. Messages of further types say their type themselves; addresses
	// of further nodes' actors are written in full.
	MaxDefinitions int
	// MaxDefinitionBytes is how long the names and shapes of types may be together. 0: [DefaultMaxDefinitionBytes].
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
// two that of the sender's. Forms that are marked in further bits have all of theirs set.
const (
	headType = 0x10
	headNode = 0x11

	notEnvelope  = 0x10
	targetOfNode = 0x20
	senderOfNode = 0x40
	senderHere   = 0x80

	senderShift = 2
	formMask    = 3
)

// The forms of addresses on a link.
const (
	noAddress   = iota
	ofReceiver  // an actor that Link.To created: its number
	ofSender    // an actor that Link.From created: its number
	fullAddress // as in an envelope
	ofNode      // an actor of a node that has a number: both numbers
	here        // the same, and Link.From is where it lives
)

// An addressForm says how an address is written.
type addressForm struct {
	kind byte
	node uint32
}

// head returns the first byte of an envelope.
func head(target, sender addressForm) byte {
	h := min(target.kind, fullAddress) | min(sender.kind, fullAddress)<<senderShift
	if target.kind == ofNode {
		h |= targetOfNode
	}
	switch sender.kind {
	case ofNode:
		h |= senderOfNode
	case here:
		h |= senderHere
	}
	return h
}

// kinds returns what the first byte of an envelope says of its addresses.
func kinds(head byte) (target, sender byte, ok bool) {
	target, sender = head&formMask, head>>senderShift&formMask
	ok = head&notEnvelope == 0
	if head&targetOfNode != 0 {
		ok = ok && target == fullAddress
		target = ofNode
	}
	if marks := head & (senderOfNode | senderHere); marks != 0 {
		ok = ok && sender == fullAddress && marks != senderOfNode|senderHere
		sender = ofNode
		if marks == senderHere {
			sender = here
		}
	}
	return target, sender, ok
}

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

// appendInForm appends an address in a form.
func appendInForm(b []byte, f addressForm, a address.Address) ([]byte, error) {
	switch f.kind {
	case noAddress:
		return b, nil
	case fullAddress:
		return appendAddress(b, a)
	case ofNode, here:
		b = binary.AppendUvarint(b, uint64(f.node))
	}
	rec := a.Record()
	rec.Publish()
	return binary.AppendUvarint(b, rec.ID().Counter), nil
}

// cutEnvelope splits an envelope into its addresses, the number of the message's type and what is behind. nodes are those that have a number.
func (l *Link) cutEnvelope(data []byte, nodes []Node, recent *recentActors) (e Envelope, number uint64, rest []byte, err error) {
	if len(data) == 0 {
		return Envelope{}, 0, nil, fmt.Errorf("%w: nothing on a link", ErrMalformed)
	}
	target, sender, ok := kinds(data[0])
	if !ok {
		return Envelope{}, 0, nil, fmt.Errorf("%w: neither an envelope nor a definition", ErrMalformed)
	}
	if e.Target, rest, err = l.cutInForm(target, asTarget, data[1:], nodes, recent); err == nil {
		e.Sender, rest, err = l.cutInForm(sender, asSender, rest, nodes, recent)
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

func (l *Link) cutInForm(kind byte, place int, data []byte, nodes []Node, recent *recentActors) (a address.Address, rest []byte, err error) {
	node := l.From
	switch kind {
	case noAddress:
		return address.Address{}, data, nil
	case fullAddress:
		return cutAddress(data)
	case ofReceiver:
		node = l.To
	case ofNode, here:
		number, n := uvarint(data)
		if n <= 0 || number == 0 || number > uint64(len(nodes)) || nodes[number-1] == (Node{}) {
			return address.Address{}, nil, fmt.Errorf("%w: a node's number that was not defined", ErrMalformed)
		}
		node, data = nodes[number-1], data[n:]
	}
	counter, n := uvarint(data)
	if n <= 0 || counter == 0 {
		return address.Address{}, nil, fmt.Errorf("%w: no actor's number", ErrMalformed)
	}
	r := recent.intern(record.ID{System: node.System, Process: node.Process, Counter: counter}, place, node == l.To)
	if kind == here && l.Hint != "" && r.Hint() == "" {
		r.Suggest(l.Hint)
	}
	return address.Of(r), data[n:], nil
}

// decodeNumbered returns an envelope with the addresses of e and the message of a type that has a number, or, if t is nil, that says its type itself.
func (r *Registry) decodeNumbered(e Envelope, t *linkType, body []byte) (_ Envelope, err error) {
	switch {
	case t == nil:
		e.Message, err = r.Decode(body)
	case t.entry != nil:
		e.Message, err = r.decodeValue(t.entry, body)
	default:
		e.Message, err = r.known(Opaque{Name: t.name, Shape: t.shape, Here: t.here, Data: copied(body)})
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
