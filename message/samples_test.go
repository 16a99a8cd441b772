package message_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/address"
	"thespian.dev/address/record"
	"thespian.dev/message"
)

type (
	Greet struct{ Name string }
	Count int
	Label string
	Raw   []byte

	Line struct {
		Item  string
		Price float64
	}
	Header struct{ ID uint64 }
	Order  struct {
		Header
		Lines   []Line
		By      address.Address
		Due     time.Time
		Within  time.Duration
		Note    *string
		Digest  [4]byte
		Matrix  [2][3]int16
		ByName  map[string]*Line
		ByActor map[address.Address]int
		Empty   struct{}
	}

	// Crate holds interfaces at every place where one can be.
	Crate struct {
		Any    any
		Slice  []any
		Map    map[string]any
		Array  [2]any
		Inner  *Crate
		Crates []Crate
		Shape  fmt.Stringer
		Deep   map[string][]map[string]any
	}
	Square struct{ Side int }

	List struct {
		Next  *List
		Value int
	}
	Tree struct {
		Value any
		Left  *Tree
		Kids  []Tree
	}
	Pair[A, B any] struct {
		First  A
		Second B
	}

	// Point marshals itself.
	Point struct{ x, y uint32 }
	// Bomb panics when it is decoded.
	Bomb struct{ N int }
)

func (s Square) String() string { return fmt.Sprintf("square of %d", s.Side) }

func (p Point) MarshalBinary() ([]byte, error) {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, p.x), p.y), nil
}

func (p *Point) UnmarshalBinary(data []byte) error {
	if len(data) != 8 {
		return errors.New("a point has 8 bytes")
	}
	*p = Point{binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])}
	return nil
}

func (Bomb) MarshalBinary() ([]byte, error) { return []byte("boom"), nil }
func (*Bomb) UnmarshalBinary([]byte) error  { panic("boom") }

func samples() message.TypeSet {
	return message.Types(Greet{}, &Greet{}, Count(0), Label(""), Raw(nil), Line{}, Header{}, Order{}, &Order{}, Crate{}, &Crate{}, Square{}, List{}, Tree{},
		Pair[int, string]{}, Pair[Greet, any]{}, Point{}, &Point{}, Bomb{}, []Greet(nil), map[string]Greet(nil), [2]Greet{})
}

func newRegistry(t testing.TB, sets ...message.TypeSet) *message.Registry {
	t.Helper()
	r, err := message.NewRegistry(sets...)
	assert.NilError(t, err)
	return r
}

// actorAt returns an address that is the same in each run.
func actorAt(n uint64) address.Address {
	return address.Of(record.Intern(record.ID{System: 0x1111222233334444, Process: 0x5555666677778888, Counter: n}))
}

// A link and the nodes at its ends.
var (
	here        = message.Node{System: 0x1111222233334444, Process: 0x5555666677778888}
	there       = message.Node{System: 0x1111222233334444, Process: 0x9999aaaabbbbcccc}
	hereToThere = message.Link{From: here, To: there}
)

// actorOf returns the address of an actor that a node created.
func actorOf(node message.Node, n uint64) address.Address {
	return address.Of(record.Intern(record.ID{System: node.System, Process: node.Process, Counter: n}))
}

func encode(t testing.TB, r *message.Registry, msg any) []byte {
	t.Helper()
	data, err := r.Append(nil, msg)
	assert.NilError(t, err)
	return data
}

// same fails the test unless got is the very value, dynamic types and nil slices included.
func same(t testing.TB, got, want any) {
	t.Helper()
	assert.Assert(t, reflect.DeepEqual(got, want), "\n got %#v\nwant %#v", got, want)
}
