// Package address names actors.
//
// An [Address] names one actor for ever: it is final when the actor's creation returns, can be sent to at
// once, and is never used for another actor, even when a port or a process id comes back. Addresses are
// values of one word: compare them with ==, use them as map keys, pass them in messages. Two addresses are
// equal exactly when they name the same actor, whatever way they came. (Addresses of Thespian 3.5 change
// while an actor starts and cannot be keys, features B15 and B16.)
//
// Beside its identity an address carries a location hint, which says where the actor can probably be
// reached. The hint plays no part in equality.
//
// The zero Address is no address.
package address

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"thespian.dev/address/record"
)

// MaxHint is the length in bytes of the longest location hint that is encoded or decoded.
const MaxHint = 255

// ErrMalformed is returned (wrapped) when bytes or text do not hold an address.
var ErrMalformed = errors.New("malformed address")

// An Address names an actor. It is a handle to this process's only record of that actor: records of foreign
// actors are interned by identity and dropped when no Address refers to them any more.
//
// All methods may be called from several goroutines at once.
type Address struct {
	rec *record.Record
}

// Of returns the address of a record. It is for the runtime.
func Of(r *record.Record) Address { return Address{r} }

// Record returns what this process knows of the actor, nil for the zero Address. It is for the runtime.
func (a Address) Record() *record.Record { return a.rec }

// IsZero reports whether a is no address.
func (a Address) IsZero() bool { return a.rec == nil }

// Hint returns where the actor can probably be reached, "" when that is not known.
func (a Address) Hint() string {
	if a.rec == nil {
		return ""
	}
	return a.rec.Hint()
}

// Compare orders addresses by creating system, creating process and age: the actors that one process
// created come in the order of their creation. The zero Address comes first.
func (a Address) Compare(b Address) int {
	x, y := a.id(), b.id()
	return cmp.Or(cmp.Compare(x.System, y.System), cmp.Compare(x.Process, y.Process), cmp.Compare(x.Counter, y.Counter))
}

func (a Address) id() record.ID {
	if a.rec == nil {
		return record.ID{}
	}
	return a.rec.ID()
}

// String returns a short form for people, such as "7f3a.09c1.57": parts of the system's and the process's
// identity and the actor's number. It does not name the actor for certain: use [Address.MarshalText] for that.
func (a Address) String() string {
	if a.rec == nil {
		return "no address"
	}
	id := a.rec.ID()
	return fmt.Sprintf("%04x.%04x.%d", uint16(id.System), uint16(id.Process), id.Counter)
}

// AppendText appends the whole address as text: "system-process-number" in hexadecimal, hexadecimal and
// decimal, with "@hint" behind it when there is a hint. The zero Address has the empty text.
func (a Address) AppendText(b []byte) ([]byte, error) {
	if a.rec == nil {
		return b, nil
	}
	a.rec.Publish()
	id := a.rec.ID()
	b = fmt.Appendf(b, "%016x-%016x-%d", id.System, id.Process, id.Counter)
	if hint := a.rec.Hint(); hint != "" {
		b = append(b, '@')
		b = append(b, hint...)
	}
	return b, nil
}

// MarshalText returns the text that [Address.AppendText] appends.
func (a Address) MarshalText() ([]byte, error) { return a.AppendText(nil) }

// UnmarshalText sets a to the address in text. The error wraps [ErrMalformed].
func (a *Address) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// Parse returns the address that text holds in the form of [Address.MarshalText]. The error wraps [ErrMalformed].
func Parse(text string) (Address, error) {
	if text == "" {
		return Address{}, nil
	}
	bad := func(why string) (Address, error) {
		return Address{}, fmt.Errorf("%w: %.80q: %s", ErrMalformed, text, why)
	}
	identity, hint, hinted := strings.Cut(text, "@")
	if hinted && hint == "" {
		return bad("nothing behind the @")
	}
	if len(hint) > MaxHint {
		return bad("the hint is too long")
	}
	parts := strings.Split(identity, "-")
	if len(parts) != 3 || len(parts[0]) != 16 || len(parts[1]) != 16 {
		return bad("wanted system-process-number")
	}
	var id record.ID
	for i, part := range []struct {
		to   *uint64
		base int
	}{{&id.System, 16}, {&id.Process, 16}, {&id.Counter, 10}} {
		n, err := strconv.ParseUint(parts[i], part.base, 64)
		if err != nil {
			return bad("wanted system-process-number")
		}
		*part.to = n
	}
	if id.Counter == 0 {
		return bad("actors are numbered from 1")
	}
	return interned(id, hint), nil
}

func interned(id record.ID, hint string) Address {
	r := record.Intern(id)
	if hint != "" {
		r.Suggest(hint)
	}
	return Address{r}
}

// AppendBinary appends the whole address: system and process (8 bytes each, big endian), number and length of the
// hint (unsigned varints), hint. The zero Address has no bytes.
func (a Address) AppendBinary(b []byte) ([]byte, error) {
	if a.rec == nil {
		return b, nil
	}
	hint := a.rec.Hint()
	if len(hint) > MaxHint {
		return b, fmt.Errorf("address %v: its hint has %d bytes, the limit is %d", a, len(hint), MaxHint)
	}
	a.rec.Publish()
	id := a.rec.ID()
	b = binary.BigEndian.AppendUint64(b, id.System)
	b = binary.BigEndian.AppendUint64(b, id.Process)
	b = binary.AppendUvarint(b, id.Counter)
	b = binary.AppendUvarint(b, uint64(len(hint)))
	return append(b, hint...), nil
}

// MarshalBinary returns the bytes that [Address.AppendBinary] appends.
func (a Address) MarshalBinary() ([]byte, error) { return a.AppendBinary(nil) }

// UnmarshalBinary sets a to the address in data, all of which must belong to it. The error wraps [ErrMalformed].
func (a *Address) UnmarshalBinary(data []byte) error {
	if len(data) == 0 {
		*a = Address{}
		return nil
	}
	bad := func(why string) error { return fmt.Errorf("%w: %d bytes: %s", ErrMalformed, len(data), why) }
	if len(data) < 16 {
		return bad("too short")
	}
	id := record.ID{System: binary.BigEndian.Uint64(data), Process: binary.BigEndian.Uint64(data[8:])}
	rest := data[16:]
	counter, n := binary.Uvarint(rest)
	if n <= 0 || counter == 0 {
		return bad("no actor's number")
	}
	id.Counter = counter
	rest = rest[n:]
	length, n := binary.Uvarint(rest)
	if n <= 0 || length > MaxHint || length != uint64(len(rest)-n) {
		return bad("the hint's length is wrong")
	}
	*a = interned(id, string(rest[n:]))
	return nil
}
