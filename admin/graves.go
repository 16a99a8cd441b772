package admin

import "cmp"

// graves remember how processes ended, for those who ask where they are only then. They remember the latest.
type graves struct {
	reasons map[uint64]string
	order   [1024]uint64 // a ring; 0: nobody
	next    int
}

func (g *graves) bury(process uint64, reason string) {
	if g.reasons == nil {
		g.reasons = make(map[uint64]string)
	}
	delete(g.reasons, g.order[g.next])
	g.reasons[process] = reason
	g.order[g.next] = process
	g.next = (g.next + 1) % len(g.order)
}

// hasEnded is what there is to say of a process of which nothing is known.
const hasEnded = "its process has ended"

// reason returns how a process ended, as far as that is known.
func (g *graves) reason(process uint64) string {
	return cmp.Or(g.reasons[process], hasEnded)
}

// ended says that a process has ended, and how.
func (g *graves) ended(process uint64) string {
	if reason := g.reasons[process]; reason != "" {
		return hasEnded + ": " + reason
	}
	return hasEnded
}
