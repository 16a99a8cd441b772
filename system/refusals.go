package system

import (
	"net"
	"slices"
	"time"

	"thespian.dev/message"
)

// refusals are the last hosts from which somebody wanted to meet this system and may not. Strangers decide how many there are, so few are kept.
type refusals []refusal

type refusal struct {
	from, reason string
	at           time.Time
	times        uint64
}

const maxRefusals = 8

// add notes a refusal. The newest is the last one.
func (r *refusals) add(now time.Time, from net.Addr, reason string) {
	host, _, err := net.SplitHostPort(from.String())
	if err != nil { // it has no port
		host = from.String()
	}
	one := refusal{from: host}
	if i := slices.IndexFunc(*r, func(old refusal) bool { return old.from == host }); i >= 0 {
		one = (*r)[i]
		*r = slices.Delete(*r, i, i+1)
	}
	one.reason, one.at, one.times = reason, now, one.times+1
	*r = append(*r, one)
	if len(*r) > maxRefusals {
		*r = slices.Delete(*r, 0, 1)
	}
}

// report lists the refusals for the status, the newest first.
func (r refusals) report(now time.Time) (all []message.ConventionRefusal) {
	for _, one := range slices.Backward(r) {
		all = append(all, message.ConventionRefusal{From: one.from, Reason: one.reason, Times: one.times, Last: now.Sub(one.at)})
	}
	return all
}
