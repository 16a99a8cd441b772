package message

import (
	"encoding/binary"
	"fmt"

	"thespian.dev/address"
)

// An Envelope is a message with its receiver and its sender.
type Envelope struct {
	Target, Sender address.Address
	Message        any
}

// maxAddress is the length of the longest encoded address.
const maxAddress = 16 + 2*binary.MaxVarintLen64 + address.MaxHint

// AppendEnvelope appends the encoded envelope to b: target, sender and message. The error is that of [Registry.Append], or of an
// address that cannot be encoded; b is then returned as it was.
func (r *Registry) AppendEnvelope(b []byte, e Envelope) ([]byte, error) {
	out := b
	for _, a := range []address.Address{e.Target, e.Sender} {
		var err error
		if out, err = appendAddress(out, a); err != nil {
			return b, err
		}
	}
	out, err := r.Append(out, e.Message)
	if err != nil {
		return b, err
	}
	return out, nil
}

// DecodeEnvelope returns the envelope in data, as [Registry.Decode] does the message.
func (r *Registry) DecodeEnvelope(data []byte) (Envelope, error) {
	target, sender, body, err := CutEnvelope(data)
	if err != nil {
		return Envelope{}, err
	}
	msg, err := r.Decode(body)
	if err != nil {
		return Envelope{}, err
	}
	return Envelope{target, sender, msg}, nil
}

// CutEnvelope returns the parts of an encoded envelope, with the message as it is: for who passes it on. The body is part of data. The error
// wraps [ErrMalformed].
func CutEnvelope(data []byte) (target, sender address.Address, body []byte, err error) {
	if target, body, err = cutAddress(data); err == nil {
		sender, body, err = cutAddress(body)
	}
	if err != nil {
		return address.Address{}, address.Address{}, nil, err
	}
	return target, sender, body, nil
}

// appendAddress appends an address behind its length.
func appendAddress(b []byte, a address.Address) ([]byte, error) {
	var space [maxAddress]byte
	data, err := a.AppendBinary(space[:0])
	if err != nil {
		return b, err
	}
	return append(binary.AppendUvarint(b, uint64(len(data))), data...), nil
}

// cutAddress splits an address off that stands behind its length.
func cutAddress(data []byte) (a address.Address, rest []byte, err error) {
	part, rest, err := cut(data, maxAddress)
	if err == nil {
		err = a.UnmarshalBinary(part)
	}
	if err != nil {
		return address.Address{}, nil, fmt.Errorf("%w: address in an envelope: %w", ErrMalformed, err)
	}
	return a, rest, nil
}
