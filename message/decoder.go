package message

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A Decoder decodes what one node receives over a [Link]. It is for one goroutine at a time.
type Decoder struct {
	registry *Registry
	link     Link
	types    []*linkType // what numbers stand for, from 1
	bytes    int         // of all their definitions
	nodes    []Node      // likewise; zero: none
	recent   recentActors
}

// NewDecoder returns what decodes the messages that link.From sent to link.To.
func NewDecoder(r *Registry, link Link) *Decoder {
	return &Decoder{registry: r, link: link.withDefaults()}
}

// Decode returns the envelope in data, all of which must belong to it; or, if defined, has taken the definition in data, which concerns nobody
// else. Messages of types that are not registered here, or have another shape here, are returned as [Opaque]. The envelope shares no memory with data.
//
// The error wraps [ErrMalformed]. A node that keeps to the rules causes none, but for values that a type which turns itself into a value does not take. If the
// addresses could be read, they are in e nevertheless. Later data can be decoded after an error.
func (d *Decoder) Decode(data []byte) (e Envelope, defined bool, err error) {
	return d.decode(data, false)
}

// DecodeOwn is Decode for who gives the data away: a message of bytes is a part of it.
func (d *Decoder) DecodeOwn(data []byte) (e Envelope, defined bool, err error) {
	return d.decode(data, true)
}

func (d *Decoder) decode(data []byte, own bool) (e Envelope, defined bool, err error) {
	if isDefinition(data) {
		if err := d.define(data[0], data[1:]); err != nil {
			return Envelope{}, false, fmt.Errorf("%w: definition: %w", ErrMalformed, err)
		}
		return Envelope{}, true, nil
	}
	e, number, body, err := d.link.cutEnvelope(data, d.nodes, &d.recent)
	if err != nil {
		return Envelope{}, false, err
	}
	var t *linkType
	if number != 0 {
		if number <= uint64(len(d.types)) {
			t = d.types[number-1]
		}
		if t == nil {
			return e, false, fmt.Errorf("%w: %w: %d", ErrMalformed, errUnknownNumber, number)
		}
	}
	if own && t != nil && t.entry != nil && t.entry.typ == bytesType {
		e.Message = body[:len(body):len(body)]
		return e, false, nil
	}
	e, err = d.registry.decodeNumbered(e, t, body)
	return e, false, err
}

func isDefinition(data []byte) bool {
	return len(data) > 0 && (data[0] == headType || data[0] == headNode)
}

// define takes a definition. They come in any order, as several goroutines may send them at once.
func (d *Decoder) define(head byte, data []byte) error {
	number, n := uvarint(data)
	if n <= 0 || number == 0 || number > uint64(d.link.MaxDefinitions) {
		return fmt.Errorf("its number must be from 1 to %d", d.link.MaxDefinitions)
	}
	if head == headNode {
		return d.defineNode(number, data[n:])
	}
	return d.defineType(number, data[n:])
}

func (d *Decoder) defineType(number uint64, data []byte) error {
	name, shape, rest, err := cutDefinition(data)
	switch {
	case err != nil:
		return err
	case len(rest) > 0:
		return fmt.Errorf("%d bytes behind it", len(rest))
	case len(name)+len(shape) > d.link.MaxDefinitionBytes-d.bytes:
		return fmt.Errorf("all of them have more than %d bytes", d.link.MaxDefinitionBytes)
	case number <= uint64(len(d.types)) && d.types[number-1] != nil:
		return fmt.Errorf("number %d has one", number)
	}
	for uint64(len(d.types)) < number {
		d.types = append(d.types, nil)
	}
	t := d.registry.typeFor(name, shape)
	d.types[number-1] = &t
	d.bytes += len(name) + len(shape)
	return nil
}

func (d *Decoder) defineNode(number uint64, data []byte) error {
	if len(data) != 16 {
		return fmt.Errorf("a node has 16 bytes, not %d", len(data))
	}
	node := Node{binary.BigEndian.Uint64(data), binary.BigEndian.Uint64(data[8:])}
	switch {
	case node == Node{}:
		return errors.New("no node")
	case number <= uint64(len(d.nodes)) && d.nodes[number-1] != (Node{}):
		return fmt.Errorf("number %d has one", number)
	}
	for uint64(len(d.nodes)) < number {
		d.nodes = append(d.nodes, Node{})
	}
	d.nodes[number-1] = node
	return nil
}
