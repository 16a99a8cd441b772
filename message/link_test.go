package message_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/address"
	"thespian.dev/address/record"
	"thespian.dev/message"
)

// A wire is a link that brings everything at once.
type wire struct {
	encoder *message.Encoder
	decoder *message.Decoder
	sent    [][]byte // definitions and envelopes
}

func newWire(from, to *message.Registry) *wire {
	return &wire{encoder: message.NewEncoder(from, hereToThere), decoder: message.NewDecoder(to, hereToThere)}
}

func (w *wire) define(data []byte) error {
	w.sent = append(w.sent, data)
	_, defined, err := w.decoder.Decode(data)
	if err == nil && !defined {
		err = errors.New("not taken as a definition")
	}
	return err
}

// pass returns what arrives.
func (w *wire) pass(t testing.TB, e message.Envelope) message.Envelope {
	t.Helper()
	data, err := w.encoder.AppendEnvelope([]byte("before"), e, w.define)
	assert.NilError(t, err)
	assert.Equal(t, string(data[:6]), "before")
	data = data[6:]
	w.sent = append(w.sent, data)
	got, defined, err := w.decoder.Decode(data)
	assert.NilError(t, err)
	assert.Assert(t, !defined)
	return got
}

// passAndClear returns the message that arrives. The data that it came in is not there any more.
func (w *wire) passAndClear(t testing.TB, msg any) any {
	t.Helper()
	got := w.pass(t, message.Envelope{Message: msg}).Message
	for _, data := range w.sent {
		clear(data)
	}
	return got
}

// last returns the last envelope.
func (w *wire) last() []byte { return w.sent[len(w.sent)-1] }

func refuse([]byte) error { return errors.New("refused") }

func TestLinkDefinesEachTypeOnce(t *testing.T) {
	r := newRegistry(t, samples())
	w := newWire(r, r)
	for range 3 {
		for _, msg := range []any{Greet{"a"}, &Greet{"b"}, "text", message.Opaque{Name: "example.org/x", Shape: "int", Data: []byte{2}}} {
			same(t, w.pass(t, message.Envelope{Message: msg}).Message, msg)
		}
	}
	assert.Equal(t, len(w.sent), 4+3*4)
	assert.DeepEqual(t, w.last(), []byte{0, 4, 2})
	// An Opaque of a type that is known here is a message of that type.
	_, err := w.encoder.AppendEnvelope(nil, message.Envelope{Message: message.Opaque{Name: greetName, Shape: greetShape}}, refuse)
	assert.NilError(t, err)
	// Another shape is another type.
	_, err = w.encoder.AppendEnvelope(nil, message.Envelope{Message: message.Opaque{Name: greetName, Shape: "int"}}, refuse)
	assert.ErrorContains(t, err, "refused")
}

func TestAddressesOnALink(t *testing.T) {
	r := newRegistry(t)
	w := newWire(r, r)
	elsewhere := message.Node{System: 1, Process: 2}
	for _, target := range []struct {
		a      address.Address
		length int
	}{
		{address.Address{}, 0}, {actorOf(here, 1), 1}, {actorOf(here, 127), 1}, {actorOf(there, 128), 2}, {actorOf(there, 1<<64-1), 10}, {actorOf(elsewhere, 1), 2},
		{actorOf(message.Node{System: here.System, Process: 7}, 1), 2}, {actorOf(message.Node{System: 7, Process: there.Process}, 1), 2}, {actorOf(message.Node{}, 1), 19},
	} {
		for _, sender := range []struct {
			a      address.Address
			length int
		}{{address.Address{}, 0}, {actorOf(here, 5), 1}, {actorOf(there, 1000), 2}, {actorOf(elsewhere, 200), 3}} {
			for range 3 { // what was met lately is found in another way
				e := message.Envelope{Target: target.a, Sender: sender.a, Message: true}
				same(t, w.pass(t, e), e)
				assert.Equal(t, len(w.last()), 1+target.length+sender.length+2, "%v, %v", target.a, sender.a)
			}
		}
	}
}

func TestHintsOnALink(t *testing.T) {
	r := newRegistry(t)
	w := newWire(r, r)
	for _, node := range []message.Node{here, there, {System: 3, Process: 4}} {
		a := actorOf(node, 77)
		a.Record().SetHint("tcp:192.0.2.1:1900")
		w.pass(t, message.Envelope{Target: a, Message: true})
		hinted := strings.Contains(string(w.last()), "192.0.2.1")
		assert.Assert(t, !hinted, "the receiver knows where it lives")
		w.pass(t, message.Envelope{Sender: a, Message: true})
		hinted = strings.Contains(string(w.last()), "192.0.2.1")
		assert.Equal(t, hinted, node != there)
	}
	far := actorOf(message.Node{System: 3, Process: 5}, 1)
	far.Record().SetHint(strings.Repeat("h", address.MaxHint))
	e := message.Envelope{Target: far, Sender: far, Message: true}
	same(t, w.pass(t, e), e)
	far.Record().SetHint(strings.Repeat("h", address.MaxHint+1))
	b, err := w.encoder.AppendEnvelope([]byte("before"), e, w.define)
	assert.ErrorContains(t, err, "the limit is 255")
	assert.Equal(t, string(b), "before")
}

func TestLinkDefinesEachNodeOnce(t *testing.T) {
	r := newRegistry(t)
	w := newWire(r, r)
	elsewhere := message.Node{System: here.System, Process: 3}
	for i := range uint64(3) {
		e := message.Envelope{Target: actorOf(elsewhere, 1+i), Sender: actorOf(elsewhere, 10+i), Message: true}
		same(t, w.pass(t, e), e)
		got, _, err := w.encoder.Decode(w.last())
		assert.NilError(t, err)
		same(t, got, e)
	}
	assert.Equal(t, len(w.sent), 2+3, "a definition of the node, and one of bool")
	_, err := w.encoder.AppendEnvelope(nil, message.Envelope{Target: actorOf(message.Node{Process: 4}, 1), Message: true}, refuse)
	assert.ErrorContains(t, err, "refused")
	e := message.Envelope{Target: actorOf(message.Node{Process: 4}, 1), Message: true}
	same(t, w.pass(t, e), e)
	assert.Equal(t, w.sent[len(w.sent)-2][1], byte(2), "no number was lost")

	limits := message.Link{From: here, To: there, MaxDefinitions: 2}
	w = &wire{encoder: message.NewEncoder(r, limits), decoder: message.NewDecoder(r, limits)}
	for i := range uint64(2 * 4) {
		e := message.Envelope{Target: actorOf(message.Node{Process: 1 + i%4}, 1), Message: true}
		same(t, w.pass(t, e), e)
	}
	assert.Equal(t, len(w.sent), 3+2*4)
}

// Of an actor that lives at the sending node, though another one has created it, the receiver learns where it lives.
func TestHintOfThoseWhoLiveAtTheSender(t *testing.T) {
	r := newRegistry(t)
	link := message.Link{From: here, To: there, Hint: "where the sender is"}
	w := &wire{encoder: message.NewEncoder(r, link), decoder: message.NewDecoder(r, link)}
	guest := func(counter uint64, hint string) []byte {
		id := record.ID{System: here.System, Process: 8, Counter: counter}
		a := address.Of(record.New(id)) // of another process: not the one that arrives
		if hint != "" {
			a.Record().SetHint(hint)
		}
		var data []byte
		data, err := w.encoder.AppendEnvelope(nil, message.Envelope{Sender: a, Message: true}, w.define)
		assert.NilError(t, err)
		return data
	}
	for _, hint := range []string{link.Hint, "elsewhere", ""} {
		for counter := range uint64(2) {
			counter += 1000 + uint64(100*len(hint))
			data := guest(counter, hint)
			assert.Equal(t, len(data) < 10, hint != "elsewhere")
			e, _, err := w.decoder.Decode(data)
			assert.NilError(t, err)
			assert.Equal(t, e.Sender.Record().ID().Counter, counter)
			assert.Equal(t, e.Sender.Hint(), hint)
		}
	}
}

// An address that arrives is that of the actor itself, even when somebody had guessed it before.
func TestOwnActorsAreFoundByTheirNumbers(t *testing.T) {
	r := newRegistry(t)
	w := newWire(r, r)
	guess := actorOf(there, 4711)
	e := message.Envelope{Target: guess, Message: true}
	for range 3 {
		assert.Equal(t, w.pass(t, e).Target, guess)
	}
	actor := record.New(record.ID{System: there.System, Process: there.Process, Counter: 4711})
	actor.Bind(&record.Binding{})
	actor.Publish()
	for range 3 {
		assert.Equal(t, w.pass(t, e).Target, address.Of(actor))
	}
	actor.Unbind()
	assert.Equal(t, w.pass(t, e).Target, address.Of(actor))
	runtime.KeepAlive(guess)
}

// Whose address goes over a link can be answered.
func TestAddressesOnALinkArePublished(t *testing.T) {
	r := newRegistry(t)
	w := newWire(r, r)
	sender := address.Of(record.New(record.ID{System: here.System, Process: here.Process, Counter: 4712}))
	assert.Equal(t, w.pass(t, message.Envelope{Sender: sender, Message: true}).Sender, sender)
}

func TestDefinitionThatCannotBeSent(t *testing.T) {
	r := newRegistry(t, samples())
	lost := errors.New("the connection is gone")
	for _, msg := range []any{Greet{"x"}, message.Opaque{Name: "example.org/x", Shape: "int", Data: []byte{2}}} {
		w := newWire(r, r)
		w.encoder = message.NewEncoder(r, message.Link{From: here, To: there, MaxDefinitionBytes: 60}) // enough for what is sent in the end
		e := message.Envelope{Target: actorOf(there, 1), Message: msg}
		for range 5 {
			b, err := w.encoder.AppendEnvelope([]byte("before"), e, func([]byte) error { return lost })
			assert.ErrorIs(t, err, lost)
			assert.Equal(t, string(b), "before")
		}
		func() {
			defer func() { assert.Equal(t, recover(), any("out of order")) }()
			_, _ = w.encoder.AppendEnvelope(nil, e, func([]byte) error { panic("out of order") })
		}()
		assert.Equal(t, w.pass(t, message.Envelope{Message: "first"}).Message, "first")
		same(t, w.pass(t, e), e)
		same(t, w.pass(t, e), e)
		assert.Equal(t, len(w.sent), 2+3)
		assert.Equal(t, w.sent[0][1], byte(1), "no number was lost")
	}
}

// Nobody waits for a definition that somebody else sends: define may call the Encoder, too.
func TestMessagesBesideTheirDefinition(t *testing.T) {
	r := newRegistry(t, samples())
	for _, msg := range []any{Greet{"x"}, message.Opaque{Name: "example.org/x", Shape: "int", Data: []byte{2}}} {
		w := newWire(r, r)
		e := message.Envelope{Target: actorOf(there, 1), Message: msg}
		var beside []byte
		data, err := w.encoder.AppendEnvelope(nil, e, func(definition []byte) error {
			var err error
			if beside, err = w.encoder.AppendEnvelope(nil, e, refuse); err != nil {
				return err
			}
			got, _, err := w.decoder.Decode(beside)
			assert.NilError(t, err)
			same(t, got, e)
			return w.define(definition)
		})
		assert.NilError(t, err)
		got, _, err := w.decoder.Decode(data)
		assert.NilError(t, err)
		same(t, got, e)
		assert.Assert(t, len(data) < len(beside))
	}
}

// reentrant does something while it is encoded.
type reentrant struct{ during func() }

func (m reentrant) MarshalBinary() ([]byte, error) {
	if m.during != nil {
		m.during()
	}
	return nil, nil
}
func (*reentrant) UnmarshalBinary([]byte) error { return nil }

func TestTypesMayUseTheLinkWhileTheyAreEncoded(t *testing.T) {
	r := newRegistry(t, message.Types(reentrant{}, Greet{}))
	w := newWire(r, r)
	w.pass(t, message.Envelope{Message: reentrant{func() { w.pass(t, message.Envelope{Message: Greet{"x"}}) }}})
	_, err := w.encoder.AppendEnvelope(nil, message.Envelope{Message: reentrant{func() { panic("click") }}}, refuse)
	assert.ErrorContains(t, err, "panicked")
}

func TestLimitsOfALink(t *testing.T) {
	r := newRegistry(t, samples())
	for name, c := range map[string]struct {
		limits  message.Link
		defined int
	}{
		"number":  {message.Link{From: here, To: there, MaxDefinitions: 3}, 3},
		"bytes":   {message.Link{From: here, To: there, MaxDefinitionBytes: 3*(len(greetName)+len(greetShape)) + 5}, 3},
		"default": {hereToThere, 12},
	} {
		t.Run(name, func(t *testing.T) {
			w := &wire{encoder: message.NewEncoder(r, c.limits), decoder: message.NewDecoder(r, c.limits)}
			for range 2 {
				for i := range 10 { // as long as Greet's
					msg := message.Opaque{Name: fmt.Sprintf("%s%d", greetName[1:], i), Shape: greetShape, Data: []byte("data")}
					same(t, w.pass(t, message.Envelope{Message: msg}).Message, msg)
				}
				for _, msg := range []any{Greet{"x"}, Line{"tea", 1}} {
					same(t, w.pass(t, message.Envelope{Message: msg}).Message, msg)
				}
			}
			assert.Equal(t, len(w.sent), c.defined+2*12)
			for _, data := range w.sent {
				_, _, err := w.encoder.Decode(data)
				assert.NilError(t, err)
			}
		})
	}
	assert.Equal(t, message.DefaultMaxDefinitions, 4096)
	w := newWire(r, newRegistry(t))
	for i := range 2*message.DefaultMaxDefinitions + 10 {
		w.pass(t, message.Envelope{Message: message.Opaque{Name: fmt.Sprint(i), Shape: "int"}})
	}
	assert.Equal(t, len(w.sent), 3*message.DefaultMaxDefinitions+10)
}

func TestWhatCannotBeSentOnALink(t *testing.T) {
	r := newRegistry(t, samples())
	for _, msg := range []any{nil, stranger{}, []any{stranger{}}, message.WatchMessage{}, message.Opaque{}} {
		b, err := message.NewEncoder(r, hereToThere).AppendEnvelope([]byte("before"), message.Envelope{Message: msg}, func([]byte) error {
			t.Error("its type was defined")
			return nil
		})
		assert.Error(t, err, r.Check(msg).Error())
		assert.Equal(t, string(b), "before")
	}
}

// definition returns a definition of anybody's making.
func definition(number uint64, name, shape string, behind ...byte) []byte {
	return append(binary.AppendUvarint([]byte{0x10}, number), forge(name, shape, behind...)...)
}

func TestBytesThatHaveNoPlaceOnALink(t *testing.T) {
	r := newRegistry(t, samples())
	greetBody := []byte{1, 0xa1, 0x64, 'N', 'a', 'm', 'e', 0x61, 'x'} // number 1 and the value
	full := func(length int) []byte { return append([]byte{3, byte(length)}, make([]byte, length)...) }
	for name, data := range map[string][]byte{
		"nothing":                      {},
		"another kind":                 append([]byte{0x20, 5}, greetBody...),
		"a kind beside another":        append([]byte{0x80, 5}, greetBody...),
		"a definition with an address": append([]byte{0x11, 3, 5}, greetBody...),
		"no addresses":                 {5},
		"no sender":                    {5, 1},
		"actor 0":                      {1, 0, 1, 'x'},
		"actor without an end":         {1, 0x80},
		"actor beyond 64 bits":         {1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1, 'x'},
		"address beyond the data":      {3, 200, 1},
		"half an address":              full(10),
		"address beyond its limit":     append([]byte{3, 0xff, 0x7f}, make([]byte, 20_000)...),
		"no number of a type":          {0},
		"number of a type without end": {0, 0x80},
		"type that was not defined":    {0, 2},
		"type far beyond":              {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		"no type at all":               {0, 0},
		"half a type":                  {0, 0, 5, 'x'},
		"value of another type":        {0, 1, 0x01},
		"no value":                     {0, 1},
		"definition without a number":  {0x10},
		"definition of 0":              definition(0, "x", "int"),
		"definition beyond the limit":  definition(message.DefaultMaxDefinitions+1, "x", "int"),
		"definition far beyond":        definition(1<<64-1, "x", "int"),
		"definition given twice":       definition(1, greetName, greetShape),
		"another definition of one":    definition(1, "x", "int"),
		"definition without a name":    definition(2, "", "int"),
		"definition with a long name":  definition(2, strings.Repeat("n", 5000), "int"),
		"definition with a long shape": definition(2, "x", strings.Repeat("s", 70_000)),
		"definition with more behind":  definition(2, "x", "int", 0),
		"half a definition":            definition(2, "x", "int")[:5],
		"node that was not defined":    append([]byte{0x23, 2, 5}, greetBody...),
		"node 0":                       append([]byte{0x23, 0, 5}, greetBody...),
		"node without an actor":        {0x23, 1},
		"sender's node, not defined":   append([]byte{0x4c, 2, 5}, greetBody...),
		"two marks of the sender":      append([]byte{0xcc, 1, 5}, greetBody...),
		"mark of a target in no node":  append([]byte{0x21, 1, 5}, greetBody...),
		"mark of a sender in no node":  append([]byte{0x84, 1, 5}, greetBody...),
		"definition of a node alone":   {0x11},
		"definition of no node":        append([]byte{0x11, 2}, make([]byte, 16)...),
		"definition of half a node":    append([]byte{0x11, 2, 1}, make([]byte, 14)...),
		"definition of more":           append([]byte{0x11, 2, 1}, make([]byte, 16)...),
		"definition of a node again":   append([]byte{0x11, 1, 1}, make([]byte, 15)...),
		"node beyond the limit":        append([]byte{0x11, 0x81, 0x20, 1}, make([]byte, 15)...),
	} {
		t.Run(name, func(t *testing.T) {
			d := message.NewDecoder(r, hereToThere)
			_, defined, err := d.Decode(definition(1, greetName, greetShape))
			assert.NilError(t, err)
			assert.Assert(t, defined)
			_, defined, err = d.Decode(append([]byte{0x11, 1, 7}, make([]byte, 15)...))
			assert.NilError(t, err)
			assert.Assert(t, defined)
			taken := allocated(func() {
				e, defined, err := d.Decode(data)
				assert.Assert(t, errors.Is(err, message.ErrMalformed), "%v, %v", e, err)
				assert.Assert(t, !defined && e.Message == nil)
			})
			assert.Assert(t, taken < 64<<10, "%d bytes for %d", taken, len(data))
			e, _, err := d.Decode(append([]byte{0}, greetBody...))
			assert.NilError(t, err, "after an error")
			same(t, e.Message, Greet{"x"})
		})
	}
}

func TestDefinitionsTakeBoundedMemory(t *testing.T) {
	r := newRegistry(t)
	shape := strings.Repeat("s", 60_000)
	d := message.NewDecoder(r, hereToThere)
	var refused int
	taken := allocated(func() {
		for i := range uint64(message.DefaultMaxDefinitions) {
			if _, _, err := d.Decode(definition(message.DefaultMaxDefinitions-i, fmt.Sprint(i), shape)); err != nil {
				assert.ErrorIs(t, err, message.ErrMalformed)
				refused++
			}
			if refused == 3 {
				break
			}
		}
	})
	assert.Equal(t, refused, 3)
	assert.Assert(t, taken < 8*message.DefaultMaxDefinitionBytes, "%d bytes", taken)
	// A message with a long shape does not take the shape's memory again.
	many := allocated(func() {
		for range 1000 {
			_, _, err := d.Decode([]byte{0, 0x80, 0x20, 1})
			assert.NilError(t, err)
		}
	})
	assert.Assert(t, many < 1000*1000, "%d bytes", many)
}

func TestTruncatedMessagesOfALink(t *testing.T) {
	r := newRegistry(t, samples())
	w := newWire(r, r)
	w.pass(t, message.Envelope{Target: actorOf(there, 1000), Sender: actorAt(1000), Message: Greet{"World"}})
	for _, data := range w.sent {
		for n := range len(data) {
			d := message.NewDecoder(r, hereToThere)
			if data[0] != 0x10 {
				_, _, err := d.Decode(w.sent[0])
				assert.NilError(t, err)
			}
			_, _, err := d.Decode(data[:n])
			assert.Assert(t, errors.Is(err, message.ErrMalformed), "the first %d of %d bytes: %v", n, len(data), err)
		}
	}
}

// Who gives data away gets what is in it, and everything else as always.
func TestMessagesOutOfTheirData(t *testing.T) {
	r := newRegistry(t, samples())
	w := newWire(r, r)
	for _, msg := range []any{[]byte("bytes"), "text", Greet{"World"}, message.Opaque{Name: "example.org/x", Shape: "int", Data: []byte{2}}} {
		e := message.Envelope{Target: actorOf(there, 1), Sender: actorOf(here, 1), Message: msg}
		w.pass(t, e)
		data := append(w.last(), "behind"...)[:len(w.last())]
		got, defined, err := w.decoder.DecodeOwn(data)
		assert.NilError(t, err)
		assert.Assert(t, !defined)
		same(t, got, e)
		if b, ok := got.Message.([]byte); ok {
			_ = append(b, 'x')
			assert.Equal(t, string(data[len(data):][:6]), "behind", "there is no room behind it")
			assert.Assert(t, &b[0] == &data[len(data)-len(b)])
		}
	}
}

// Who sends something can tell later what it was.
func TestEncoderDecodesWhatItEncoded(t *testing.T) {
	knows, nobody := newRegistry(t, samples()), newRegistry(t)
	w := newWire(knows, nobody)
	for _, e := range []message.Envelope{
		{Target: actorOf(there, 1), Sender: actorOf(here, 2), Message: Greet{"World"}}, {Target: actorAt(7), Message: []byte("x")}, {Message: Crate{Any: Greet{"x"}}},
		{Target: actorOf(there, 1), Message: message.Opaque{Name: "example.org/x", Shape: "int", Data: []byte{2}}},
		{Target: actorOf(there, 1), Message: message.Opaque{Name: greetName, Shape: "int", Here: greetShape, Data: []byte{2}}},
	} {
		w.pass(t, e)
		got, defined, err := w.encoder.Decode(w.last())
		assert.NilError(t, err)
		assert.Assert(t, !defined)
		same(t, got, e)
		got, defined, err = w.encoder.Decode(w.sent[len(w.sent)-2])
		assert.NilError(t, err)
		assert.Assert(t, defined)
		same(t, got, message.Envelope{})
	}
	for _, data := range [][]byte{{}, {0, 6, 1}, {0, 0xff, 0xff, 3}, {0, 0}, {0x40}, {5}} {
		_, _, err := w.encoder.Decode(data)
		assert.ErrorIs(t, err, message.ErrMalformed, "% x", data)
	}
}

// Even of a message that cannot be decoded it is known from whom it came, and to whom.
func TestAddressesOfWhatCannotBeDecoded(t *testing.T) {
	r := newRegistry(t, samples())
	w := newWire(r, r)
	target, sender := actorOf(there, 1), actorOf(here, 2)
	data, err := w.encoder.AppendEnvelope(nil, message.Envelope{Target: target, Sender: sender, Message: Bomb{}}, w.define)
	assert.NilError(t, err)
	for _, decode := range []func([]byte) (message.Envelope, bool, error){w.encoder.Decode, w.decoder.Decode} {
		for _, data := range [][]byte{data, {9, 1, 2, 77}} {
			e, _, err := decode(data)
			assert.ErrorIs(t, err, message.ErrMalformed)
			same(t, e, message.Envelope{Target: target, Sender: sender})
		}
	}
}

// Many goroutines send over a link that fails now and then: what arrives, arrives in an order in which it can be read.
func TestLinkIsSafeForConcurrentUse(t *testing.T) {
	const goroutines, rounds = 8, 60
	r := newRegistry(t, samples())
	encoder := message.NewEncoder(r, message.Link{From: here, To: there, MaxDefinitions: 10})
	var mu sync.Mutex
	var sent [][]byte
	tries := map[string]int{}
	send := func(data []byte) {
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, data)
	}
	lost := errors.New("lost")
	define := func(data []byte) error {
		mu.Lock()
		tries[string(data[2:])]++ // without its number
		first := tries[string(data[2:])] == 1
		mu.Unlock()
		if first {
			return lost
		}
		send(data)
		return nil
	}
	messages := []any{Greet{"x"}, &Greet{"y"}, Count(1), "s", Crate{Any: Greet{"z"}}, Point{1, 2}, []any{1, "x"}, true, []byte("b"), 1.5, Line{"tea", 1},
		message.Opaque{Name: "example.org/x", Shape: "int", Data: []byte{2}}, message.Opaque{Name: "example.org/y", Shape: "int", Data: []byte{2}}}
	var all sync.WaitGroup
	var failed, taken [goroutines]int
	for g := range goroutines {
		all.Go(func() {
			for round := range rounds {
				for i := range messages {
					n := (i + g) % len(messages)
					node := here
					if n%2 == 1 {
						node = message.Node{System: 9, Process: uint64(n)}
					}
					e := message.Envelope{Target: actorOf(there, uint64(g+1)), Sender: actorOf(node, uint64(n+1)), Message: messages[n]}
					data, err := encoder.AppendEnvelope(nil, e, define)
					if err != nil {
						if !errors.Is(err, lost) {
							t.Error(err)
						}
						failed[g]++
						continue
					}
					taken[g]++
					send(data)
					if round%8 == 0 {
						if _, _, err := encoder.Decode(data); err != nil {
							t.Error(err)
						}
					}
				}
			}
		})
	}
	all.Wait()
	decoder := message.NewDecoder(r, message.Link{From: here, To: there, MaxDefinitions: 10})
	got, definitions := map[uint64]int{}, 0
	for _, data := range sent {
		e, defined, err := decoder.Decode(data)
		assert.NilError(t, err)
		if defined {
			definitions++
			continue
		}
		same(t, e.Message, messages[e.Sender.Record().ID().Counter-1])
		got[e.Target.Record().ID().Counter]++
	}
	assert.Equal(t, definitions, 10+len(messages)/2, "of types, and of nodes")
	var failures int
	for g := range goroutines {
		assert.Equal(t, got[uint64(g+1)], taken[g])
		failures += failed[g]
	}
	assert.Equal(t, failures, len(tries), "each definition failed once")
}

func TestLinkAllocatesWhatTheValueNeeds(t *testing.T) {
	r := newRegistry(t, samples())
	w := newWire(r, r)
	b := make([]byte, 0, 1000)
	for _, c := range []struct {
		msg     any
		decoded float64
	}{{make([]byte, 64), 2}, {strings.Repeat("x", 64), 2}, {1 << 40, 1}, {Line{"tea", 1}, -1}, {true, -1}, {actorOf(here, 3), -1}} {
		e := message.Envelope{Target: actorOf(there, 1), Sender: actorOf(here, 1), Message: c.msg}
		w.pass(t, e)
		data := w.last()
		calls := 0
		encoded := testing.AllocsPerRun(100, func() {
			_, _ = w.encoder.AppendEnvelope(b, e, func(data []byte) error { calls += len(data); return nil })
		})
		decoded := testing.AllocsPerRun(100, func() { _, _, _ = w.decoder.Decode(data) })
		if _, pooled := c.msg.(Line); !pooled { // a pool may forget
			assert.Equal(t, encoded, 0.0, "encoding a %T", c.msg)
		}
		assert.Assert(t, c.decoded < 0 || decoded <= c.decoded, "decoding a %T: %v", c.msg, decoded)
	}
}
