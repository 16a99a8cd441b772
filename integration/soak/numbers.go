package soak

import (
	"cmp"
	"slices"
)

// A Range is a run of numbers, both ends included.
type Range struct{ First, Last uint32 }

// numbers is a set of numbers, as runs that do not touch, in ascending order.
type numbers []Range

// add adds a number, and reports whether it was new.
func (s *numbers) add(n uint32) bool {
	all := *s
	if last := len(all) - 1; last >= 0 && all[last].Last+1 == n { // as nearly always
		all[last].Last = n
		return true
	}
	at, _ := slices.BinarySearchFunc(all, n, func(r Range, n uint32) int { return cmp.Compare(r.Last, n) })
	if at < len(all) && all[at].First <= n {
		return false
	}
	below := at > 0 && all[at-1].Last+1 == n
	above := at < len(all) && all[at].First == n+1
	switch {
	case below && above:
		all[at-1].Last = all[at].Last
		*s = slices.Delete(all, at, at+1)
	case below:
		all[at-1].Last = n
	case above:
		all[at].First = n
	default:
		*s = slices.Insert(all, at, Range{n, n})
	}
	return true
}

func (s numbers) has(n uint32) bool {
	at, _ := slices.BinarySearchFunc(s, n, func(r Range, n uint32) int { return cmp.Compare(r.Last, n) })
	return at < len(s) && s[at].First <= n
}

func (s numbers) count() (n uint64) {
	for _, r := range s {
		n += uint64(r.Last-r.First) + 1
	}
	return n
}

// union returns what is in any of the sets.
func union(sets ...numbers) numbers {
	all := slices.Concat(sets...)
	slices.SortFunc(all, func(a, b Range) int { return cmp.Compare(a.First, b.First) })
	var out numbers
	for _, r := range all {
		if last := len(out) - 1; last >= 0 && r.First <= out[last].Last+1 {
			out[last].Last = max(out[last].Last, r.Last)
			continue
		}
		out = append(out, r)
	}
	return out
}

// without returns what is in s and not in t.
func (s numbers) without(t numbers) (out numbers) {
	for _, r := range s {
		at, _ := slices.BinarySearchFunc(t, r.First, func(q Range, n uint32) int { return cmp.Compare(q.Last, n) })
		for ; at < len(t) && t[at].First <= r.Last; at++ {
			if t[at].First > r.First {
				out = append(out, Range{r.First, t[at].First - 1})
			}
			if t[at].Last >= r.Last {
				r.First = r.Last + 1
				break
			}
			r.First = t[at].Last + 1
		}
		if r.First <= r.Last {
			out = append(out, r)
		}
	}
	return out
}

// common returns what is in both sets.
func (s numbers) common(t numbers) numbers { return s.without(s.without(t)) }

// upTo returns the numbers from 1 to n.
func upTo(n uint32) numbers {
	if n == 0 {
		return nil
	}
	return numbers{{1, n}}
}
