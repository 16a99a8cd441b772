package convention

import (
	"fmt"
)

// A session numbers the posts between two systems, so that each arrives once though connections break.
type session struct {
	sent        uint64 // the number of the last one
	taken       uint64
	unconfirmed []Numbered
}

// maxUnconfirmed bounds what is kept for a system that confirms nothing.
const maxUnconfirmed = 1 << 16

func (s *session) confirm(taken uint64) {
	i := 0
	for i < len(s.unconfirmed) && s.unconfirmed[i].Number <= taken {
		i++
	}
	s.unconfirmed = s.unconfirmed[i:]
}

// post sends a member what must arrive.
func (c *Core) post(m *member, p Post) {
	if len(m.unconfirmed) >= maxUnconfirmed {
		c.depart(m, fmt.Sprintf("it has confirmed none of the last %d messages", maxUnconfirmed), false)
		return
	}
	m.sent++
	message := Numbered{Number: m.sent, Taken: m.taken, Post: p}
	m.unconfirmed = append(m.unconfirmed, message)
	if m.link != nil {
		c.do(Send{m.link.number, message})
	}
}

// confirmEvery is after how many posts a confirmation is sent by itself.
const confirmEvery = 64

// numbered is called with a post, which may have come before.
func (c *Core) numbered(m *member, n Numbered) {
	m.confirm(n.Taken)
	if n.Number != m.taken+1 {
		if n.Number > m.taken+1 {
			c.depart(m, "messages of it are missing", false)
		}
		return
	}
	m.taken = n.Number
	if m.taken%confirmEvery == 0 {
		c.say(m, Ping{m.taken})
	}
	c.routed(m, n.Post)
}
