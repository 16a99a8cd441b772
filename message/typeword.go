package message

import (
	"math/bits"
	"unsafe"
)

// typeWord returns a number that stands for the dynamic type of msg, 0 for nil: the address of the type's description, which never moves and is never
// given to another type. It is the first word of an interface value; reflect has the same number, behind a map look-up's price.
func typeWord(msg any) uintptr {
	return *(*uintptr)(unsafe.Pointer(&msg))
}

// A typeTable finds entries by the words of their types, in less time than a map. Who looks for an entry starts at the place that the word leads to and
// ends at an empty one.
type typeTable struct {
	entries []*entry // at most half of it is taken; a power of two
	shift   int
}

func newTypeTable(entries []*entry) typeTable {
	log := bits.Len(uint(2 * len(entries)))
	t := typeTable{entries: make([]*entry, 1<<log), shift: 64 - log}
	for _, e := range entries {
		i := t.place(e.word)
		for t.entries[i] != nil {
			i = (i + 1) & (len(t.entries) - 1)
		}
		t.entries[i] = e
	}
	return t
}

func (t *typeTable) place(word uintptr) int { return int(uint64(word) * 0x9e3779b97f4a7c15 >> t.shift) }

// find returns the entry of the type with the given word, nil if there is none.
func (t *typeTable) find(word uintptr) *entry {
	for i := t.place(word); ; i = (i + 1) & (len(t.entries) - 1) {
		if e := t.entries[i]; e == nil || e.word == word {
			return e
		}
	}
}
