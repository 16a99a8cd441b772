package message

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
)

// An Encoder encodes what one node sends over a [Link]. All methods may be called from several goroutines at once.
type Encoder struct {
	registry *Registry
	link     Link
	numbers  []atomic.Uint32 // of the registry's types, by their index; 0: to be defined
	opaque   sync.Map        // of types that are not in the registry: definition → uint32

	mu    sync.Mutex // not held while anything of the caller's runs
	types []linkType // what numbers stand for, from 1
	free  []uint32   // numbers among them that stand for nothing
	state map[definition]uint32
	bytes int // of all definitions
}

// What may be in the place of a type's number.
const (
	underWay = math.MaxUint32 - iota // Encoder.state: its definition is being sent
	written                          // Encoder.numbers: there is no room for its definition
)

// NewEncoder returns what encodes the messages that link.From sends to link.To.
func NewEncoder(r *Registry, link Link) *Encoder {
	return &Encoder{registry: r, link: link.withDefaults(), numbers: make([]atomic.Uint32, len(r.entries)), state: make(map[definition]uint32)}
}

// AppendEnvelope appends the envelope to b, encoded for the link.
//
// When the type of the message goes over the link for the first time, its definition is handed to define as a message of its own, at most some 70
// kB long, which define sends on the link before it returns. Only then do envelopes refer to the definition; so whatever AppendEnvelope
// returns may be sent at any time afterwards. While a definition is being sent, and once the limits of the link are reached, messages of the type say it
// themselves. An error of define means that the definition was not sent: the next message of the type brings it again.
//
// The error is that of define, of [Registry.Append], or of an address that cannot be encoded; b is then returned as it was.
func (c *Encoder) AppendEnvelope(b []byte, e Envelope, define func(data []byte) error) ([]byte, error) {
	t, err := c.registry.check(e.Message)
	if err != nil {
		return b, err
	}
	number, err := c.number(t, e.Message, define)
	if err != nil {
		return b, err
	}
	out, err := c.link.appendAddresses(b, &e)
	if err != nil {
		return b, err
	}
	out = binary.AppendUvarint(out, uint64(number))
	switch {
	case number == 0:
		out, err = c.registry.appendChecked(out, t, e.Message)
	case t == nil:
		out = append(out, e.Message.(Opaque).Data...)
	default:
		out, err = c.registry.appendValue(out, t, e.Message)
	}
	if err != nil {
		return b, err
	}
	return out, nil
}

// number returns the number of a message's type, 0 if the message has to say its type itself.
func (c *Encoder) number(t *entry, msg any, define func([]byte) error) (uint32, error) {
	if t == nil {
		o := msg.(Opaque)
		d := definition{o.Name, o.Shape}
		if t = c.registry.byName[o.Name]; t == nil || t.full().shape != o.Shape {
			if number, ok := c.opaque.Load(d); ok {
				return number.(uint32), nil
			}
			return c.define(nil, d, define)
		}
	}
	switch number := c.numbers[t.index].Load(); number {
	case 0:
		return c.define(t, definition{t.name, t.full().shape}, define)
	case written:
		return 0, nil
	default:
		return number, nil
	}
}

// define gives a type a number and sends its definition, unless somebody else does.
func (c *Encoder) define(t *entry, d definition, send func([]byte) error) (uint32, error) {
	number, reserved := c.reserve(t, d)
	if !reserved {
		return number, nil
	}
	sent := false
	defer func() { c.settle(t, d, number, sent) }() // also when send panics
	data := binary.AppendUvarint([]byte{headDefinition}, uint64(number))
	if err := send(appendDefinition(data, d.name, d.shape)); err != nil {
		return 0, fmt.Errorf("defining %s: %w", d.name, err)
	}
	sent = true
	return number, nil
}

// reserve returns a number for a type whose definition the caller then sends; or, if reserved is false, what number returns.
func (c *Encoder) reserve(t *entry, d definition) (number uint32, reserved bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch number := c.state[d]; {
	case number == underWay:
		return 0, false
	case number != 0:
		return number, false
	case len(c.state) == c.link.MaxDefinitions, d.size() > c.link.MaxDefinitionBytes-c.bytes:
		if t != nil {
			c.numbers[t.index].Store(written)
		}
		return 0, false
	}
	if last := len(c.free) - 1; last >= 0 {
		number, c.free = c.free[last], c.free[:last]
	} else {
		c.types = append(c.types, linkType{})
		number = uint32(len(c.types))
	}
	c.types[number-1] = c.registry.typeFor([]byte(d.name), []byte(d.shape))
	c.state[d] = underWay
	c.bytes += d.size()
	return number, true
}

// settle says what became of a definition.
func (c *Encoder) settle(t *entry, d definition, number uint32, sent bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !sent:
		delete(c.state, d)
		c.bytes -= d.size()
		c.types[number-1] = linkType{}
		c.free = append(c.free, number)
		return
	case t != nil:
		c.numbers[t.index].Store(number)
	default:
		c.opaque.Store(d, number)
	}
	c.state[d] = number
}

// Decode returns an envelope that this Encoder has encoded, for who makes dead letters of what did not arrive. defined says that data
// is a definition, which is nothing to anybody. The message is decoded anew and shares no memory with data or with what was sent. The error is that of
// [Decoder.Decode].
func (c *Encoder) Decode(data []byte) (e Envelope, defined bool, err error) {
	if len(data) > 0 && data[0] == headDefinition {
		return Envelope{}, true, nil
	}
	e, number, body, err := c.link.cutEnvelope(data, nil)
	if err != nil {
		return Envelope{}, false, err
	}
	var t *linkType
	if number != 0 {
		c.mu.Lock()
		if number <= uint64(len(c.types)) {
			found := c.types[number-1]
			t = &found
		}
		c.mu.Unlock()
		if t == nil || t.entry == nil && t.name == "" {
			return e, false, fmt.Errorf("%w: %w: %d", ErrMalformed, errUnknownNumber, number)
		}
	}
	e, err = c.registry.decodeNumbered(e, t, body)
	return e, false, err
}
