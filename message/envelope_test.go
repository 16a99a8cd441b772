package message_test

import (
	"errors"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/address"
	"thespian.dev/message"
)

func TestEnvelopes(t *testing.T) {
	r := newRegistry(t, samples())
	for _, e := range []message.Envelope{
		{Target: actorAt(1), Sender: actorAt(2), Message: Greet{"World"}}, {Target: actorAt(1), Message: "x"}, {Message: []byte{}},
		{Target: actorAt(1), Sender: actorAt(1), Message: message.DeadEnvelope{Message: Crate{Any: Count(1)}}},
	} {
		data, err := r.AppendEnvelope([]byte("before"), e)
		assert.NilError(t, err)
		assert.Equal(t, string(data[:6]), "before")
		data = data[6:]
		got, err := r.DecodeEnvelope(data)
		assert.NilError(t, err)
		same(t, got, e)
	}
}

// Who passes an envelope on needs no registry, and gives it to another target without a look at the message.
func TestEnvelopesArePassedOnUnopened(t *testing.T) {
	r := newRegistry(t, samples())
	data, err := r.AppendEnvelope(nil, message.Envelope{Target: actorAt(1), Sender: actorAt(2), Message: Greet{"World"}})
	assert.NilError(t, err)
	target, sender, body, err := message.CutEnvelope(data)
	assert.NilError(t, err)
	assert.Equal(t, target, actorAt(1))
	assert.Equal(t, sender, actorAt(2))
	assert.DeepEqual(t, body, encode(t, r, Greet{"World"}))

	stranger := newRegistry(t)
	e, err := stranger.DecodeEnvelope(data)
	assert.NilError(t, err)
	again, err := stranger.AppendEnvelope(nil, message.Envelope{Target: actorAt(3), Sender: e.Sender, Message: e.Message})
	assert.NilError(t, err)
	got, err := r.DecodeEnvelope(again)
	assert.NilError(t, err)
	same(t, got, message.Envelope{Target: actorAt(3), Sender: actorAt(2), Message: Greet{"World"}})
}

func TestEnvelopesThatAreNone(t *testing.T) {
	r := newRegistry(t, samples())
	data, err := r.AppendEnvelope(nil, message.Envelope{Target: actorAt(1), Sender: actorAt(2), Message: Greet{"World"}})
	assert.NilError(t, err)
	for n := range len(data) {
		_, err := r.DecodeEnvelope(data[:n])
		assert.Assert(t, errors.Is(err, message.ErrMalformed), "the first %d of %d bytes: %v", n, len(data), err)
	}
	for name, data := range map[string][]byte{
		"length beyond the data": {200, 1}, "length beyond all bounds": {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		"length that never ends": {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "half an address": {3, 1, 2, 3, 0, 0},
	} {
		_, _, _, err := message.CutEnvelope(data)
		assert.Assert(t, errors.Is(err, message.ErrMalformed), "%s: %v", name, err)
	}
	_, _, _, err = message.CutEnvelope([]byte{2, 1, 2, 0})
	assert.ErrorIs(t, err, address.ErrMalformed)
	b, err := r.AppendEnvelope([]byte("before"), message.Envelope{Target: actorAt(1)})
	assert.ErrorIs(t, err, message.ErrNilMessage)
	assert.Equal(t, string(b), "before")
}
