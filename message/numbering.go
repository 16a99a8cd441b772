package message

import (
	"math"
	"slices"
)

// A numbering gives numbers, from 1, to what is defined on a link. The zero value is ready. It is not safe for concurrent use.
type numbering[K comparable, V any] struct {
	state  map[K]uint32
	values []V      // what numbers stand for, from 1; elements are never changed
	free   []uint32 // numbers among them that stand for nothing
}

// underWay is the state of what is being defined.
const underWay = math.MaxUint32

// find returns the number of what is defined; 0 if it is being defined. known is false when it has to be.
func (n *numbering[K, V]) find(k K) (number uint32, known bool) {
	number, known = n.state[k]
	if number == underWay {
		number = 0
	}
	return number, known
}

// size returns how many are defined, or being defined.
func (n *numbering[K, V]) size() int { return len(n.state) }

// reserve returns a number for what is not known. It is to be settled.
func (n *numbering[K, V]) reserve(k K, v V) (number uint32) {
	if last := len(n.free) - 1; last >= 0 {
		number, n.free = n.free[last], n.free[:last]
		n.set(number, v)
	} else {
		n.values = append(n.values, v)
		number = uint32(len(n.values))
	}
	if n.state == nil {
		n.state = make(map[K]uint32)
	}
	n.state[k] = underWay
	return number
}

// settle says whether the definition was sent. If not, nobody has the number.
func (n *numbering[K, V]) settle(k K, number uint32, sent bool) {
	if sent {
		n.state[k] = number
		return
	}
	var none V
	delete(n.state, k)
	n.set(number, none)
	n.free = append(n.free, number)
}

func (n *numbering[K, V]) set(number uint32, v V) {
	n.values = slices.Clone(n.values)
	n.values[number-1] = v
}
