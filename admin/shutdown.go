package admin

import (
	"fmt"
	"maps"
	"strings"
	"time"
)

// maxNamed is how many actors are named that were killed.
const maxNamed = 8

// DefaultGrace is how long actors get to exit when the system is shut down without a word about it (Thespian 3.5 feature I1).
const DefaultGrace = 10 * time.Second

// Shutdown ends the system, as a request to do so does.
func (c *Core) Shutdown(now time.Time, grace time.Duration) []Output {
	c.shutdown(now, grace)
	return c.take()
}

// shutdown asks all hosts to end. A second call can only shorten the grace.
func (c *Core) shutdown(now time.Time, grace time.Duration) {
	deadline := now.Add(max(0, grace))
	if c.closing {
		if deadline.Before(c.deadline) {
			c.deadline = deadline
		}
		return
	}
	c.closing, c.deadline = true, deadline
	for _, p := range c.everyone() {
		if !p.program {
			c.tell(p, Exit{})
		}
	}
	c.finishIfEmpty()
}

// killHosts ends the hosts that have not ended in time. Each of them is reported by Gone then.
func (c *Core) killHosts() {
	for _, p := range c.everyone() {
		if !p.program && !p.killed {
			p.killed = true
			for _, e := range sorted(maps.Values(p.actors)) {
				c.killed = append(c.killed, fmt.Sprintf("%v (%s)", e.run.Child, e.run.Kind))
			}
			c.do(Kill{p.number})
		}
	}
}

// finishIfEmpty ends the system when it is being shut down and has no host left.
func (c *Core) finishIfEmpty() {
	if !c.closing || c.finished {
		return
	}
	for _, p := range c.processes {
		if !p.program {
			return
		}
	}
	c.finished = true
	c.concludeAll()
	var failure Failure
	if n := len(c.killed); n > 0 {
		names := strings.Join(c.killed[:min(n, maxNamed)], ", ")
		if n > maxNamed {
			names += fmt.Sprintf(" and %d more", n-maxNamed)
		}
		failure = fail(CodeFailed, "actors had not exited in time and were killed: %s", names)
	}
	for _, a := range c.waiting {
		c.tell(a.process, Done{a.request, failure})
	}
	for _, p := range c.everyone() {
		c.tell(p, Ending{"the system was shut down"})
	}
	c.do(Finish{})
}
