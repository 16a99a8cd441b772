package udp

// replaySpan is how far behind the newest datagram one may come.
const replaySpan = 4096

// A replay knows which numbers have come. The zero value knows of none.
type replay struct {
	next uint64 // all that have come are lower
	seen [replaySpan / 64]uint64
}

// take reports whether a number comes for the first time, as far as that can be known.
func (r *replay) take(n uint64) bool {
	switch {
	case n >= r.next+replaySpan:
		clear(r.seen[:])
		r.next = n + 1
	case n >= r.next:
		for ; r.next <= n; r.next++ {
			r.seen[r.next/64%uint64(len(r.seen))] &^= 1 << (r.next % 64)
		}
	case r.next-n > replaySpan:
		return false
	}
	word, bit := &r.seen[n/64%uint64(len(r.seen))], uint64(1)<<(n%64)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	return true
}
