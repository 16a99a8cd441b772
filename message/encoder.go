package message

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"sync"
	"sync/atomic"

	"thespian.dev/address"
)

// An Encoder encodes what one node sends over a [Link]. All methods may be called from several goroutines at once.
type Encoder struct {
	registry *Registry
	link     Link
	numbers  []atomic.Uint32                 // of the registry's types, by their index; 0: to be defined
	opaque   sync.Map                        // of types that are not in the registry: definition → uint32
	nodes    atomic.Pointer[map[Node]uint32] // the numbers of nodes; replaced, never changed

	mu      sync.Mutex // not held while anything of the caller's runs
	types   numbering[definition, linkType]
	bytes   int // of all definitions of types
	creates numbering[Node, Node]
}

// written in the place of a type's number says that there is no room for its definition.
const written = math.MaxUint32

// NewEncoder returns what encodes the messages that link.From sends to link.To.
func NewEncoder(r *Registry, link Link) *Encoder {
	c := &Encoder{registry: r, link: link.withDefaults(), numbers: make([]atomic.Uint32, len(r.entries))}
	c.nodes.Store(&map[Node]uint32{})
	return c
}

// AppendEnvelope appends the envelope to b, encoded for the link.
//
// When the type of the message goes over the link for the first time, or the node that created the receiver or the sender, its definition is handed to define
// as a message of its own, at most some 70 kB long, which define sends on the link before it returns. Only then do envelopes refer to the definition; so whatever
// AppendEnvelope returns may be sent at any time afterwards. While a definition is being sent, and once the limits of the link are reached, messages say
// themselves what it is about. An error of define means that the definition was not sent: the next message brings it again.
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
	target, err := c.form(e.Target, false, define)
	if err != nil {
		return b, err
	}
	sender, err := c.form(e.Sender, true, define)
	if err != nil {
		return b, err
	}
	out, err := appendInForm(append(b, head(target, sender)), target, e.Target)
	if err == nil {
		out, err = appendInForm(out, sender, e.Sender)
	}
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
	data := binary.AppendUvarint([]byte{headType}, uint64(number))
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
	if number, known := c.types.find(d); known {
		return number, false
	}
	if c.types.size() == c.link.MaxDefinitions || d.size() > c.link.MaxDefinitionBytes-c.bytes {
		if t != nil {
			c.numbers[t.index].Store(written)
		}
		return 0, false
	}
	c.bytes += d.size()
	return c.types.reserve(d, c.registry.typeFor([]byte(d.name), []byte(d.shape))), true
}

// settle says what became of a definition.
func (c *Encoder) settle(t *entry, d definition, number uint32, sent bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.types.settle(d, number, sent)
	switch {
	case !sent:
		c.bytes -= d.size()
	case t != nil:
		c.numbers[t.index].Store(number)
	default:
		c.opaque.Store(d, number)
	}
}

// form returns how an address is written. The receiver of a message knows where its actors live, the sender says where it does.
func (c *Encoder) form(a address.Address, isSender bool, define func([]byte) error) (addressForm, error) {
	r := a.Record()
	if r == nil {
		return addressForm{kind: noAddress}, nil
	}
	id := r.ID()
	node := Node{id.System, id.Process}
	kind := byte(ofNode)
	switch {
	case node == Node{}:
		return addressForm{kind: fullAddress}, nil
	case node == c.link.To:
		return addressForm{kind: ofReceiver}, nil
	case node == c.link.From:
		if isSender && r.Hint() != "" {
			return addressForm{kind: fullAddress}, nil // it lives elsewhere
		}
		return addressForm{kind: ofSender}, nil
	case isSender:
		switch r.Hint() {
		case "":
		case c.link.Hint:
			kind = here
		default:
			return addressForm{kind: fullAddress}, nil
		}
	case len(r.Hint()) > address.MaxHint:
		return addressForm{kind: fullAddress}, nil // which is an error
	}
	number := (*c.nodes.Load())[node]
	if number == 0 {
		var err error
		if number, err = c.defineNode(node, define); err != nil || number == 0 {
			return addressForm{kind: fullAddress}, err
		}
	}
	return addressForm{kind, number}, nil
}

// defineNode is define for a node.
func (c *Encoder) defineNode(node Node, send func([]byte) error) (uint32, error) {
	c.mu.Lock()
	number, known := c.creates.find(node)
	if known || c.creates.size() == c.link.MaxDefinitions {
		c.mu.Unlock()
		return number, nil
	}
	number = c.creates.reserve(node, node)
	c.mu.Unlock()
	sent := false
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.creates.settle(node, number, sent); sent {
			all := maps.Clone(*c.nodes.Load())
			all[node] = number
			c.nodes.Store(&all)
		}
	}()
	data := binary.AppendUvarint([]byte{headNode}, uint64(number))
	data = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(data, node.System), node.Process)
	if err := send(data); err != nil {
		return 0, fmt.Errorf("defining a node: %w", err)
	}
	sent = true
	return number, nil
}

// Decode returns an envelope that this Encoder has encoded, for who makes dead letters of what did not arrive. defined says that data
// is a definition, which is nothing to anybody. The message is decoded anew and shares no memory with data or with what was sent. The error is that of
// [Decoder.Decode].
func (c *Encoder) Decode(data []byte) (e Envelope, defined bool, err error) {
	if isDefinition(data) {
		return Envelope{}, true, nil
	}
	c.mu.Lock()
	nodes := c.creates.values
	c.mu.Unlock()
	e, number, body, err := c.link.cutEnvelope(data, nodes, nil)
	if err != nil {
		return Envelope{}, false, err
	}
	var t *linkType
	if number != 0 {
		c.mu.Lock()
		if number <= uint64(len(c.types.values)) {
			found := c.types.values[number-1]
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
