package convention

import (
	"fmt"

	"thespian.dev/message"
)

// A session numbers the posts between two systems, so that each arrives once though connections break.
type session struct {
	sent        uint64 // the number of the last one
	taken       uint64
	unsaid      int // how many bytes were taken since that was confirmed
	unconfirmed []unconfirmed
	kept        int // how many bytes they take
}

type unconfirmed struct {
	Numbered
	size int
}

// maxUnconfirmed bounds what is kept for a system that confirms nothing, maxMember the bytes of that, which all are sent at once when it connects anew, and maxKept the bytes that are kept for
// all.
const (
	maxUnconfirmed = 1 << 16
	maxMember      = 5 * message.MaxFrame / 2
	maxKept        = 4 * message.MaxFrame
)

func (c *Core) confirm(m *member, taken uint64) {
	i := 0
	for i < len(m.unconfirmed) && m.unconfirmed[i].Number <= taken {
		m.kept -= m.unconfirmed[i].size
		c.kept -= m.unconfirmed[i].size
		i++
	}
	clear(m.unconfirmed[:i]) // what is confirmed is not kept
	if m.unconfirmed = m.unconfirmed[i:]; len(m.unconfirmed) == 0 {
		m.unconfirmed = nil
	}
}

// maxPost is how many bytes a post may take, so that it can be sent with its number.
const maxPost = message.MaxFrame - 1<<10

// refusePost says that a post cannot be sent. Who has brought one of another system should have known.
func (c *Core) refusePost(p Post, why string) {
	if p.From == c.self.Number {
		c.do(Refused{p.To, p.Message, why})
	} else {
		c.do(Note{Text: fmt.Sprintf("a message of system %016x for system %016x is lost: %s", p.From, p.To, why)})
	}
}

// post sends a member what must arrive.
func (c *Core) post(m *member, p Post) {
	if c.members[m.system.Number] != m {
		return // it has departed
	}
	if len(m.unconfirmed) >= maxUnconfirmed {
		c.depart(m, fmt.Sprintf("it has confirmed none of the last %d messages", maxUnconfirmed), false)
		return
	}
	size, err := c.size(p)
	if err == nil && size > maxPost {
		err = fmt.Errorf("it takes %d bytes, the limit is %d", size, maxPost)
	}
	if err != nil { // it gets no number, as the other side would miss it
		c.refusePost(p, err.Error())
		return
	}
	m.sent++
	u := unconfirmed{Numbered{Number: m.sent, Taken: m.taken, Post: p}, size}
	m.unconfirmed = append(m.unconfirmed, u)
	m.kept += u.size
	c.kept += u.size
	if m.link != nil {
		c.do(Send{m.link.number, u.Numbered})
	}
	if c.kept > maxKept || m.kept > maxMember {
		worst := m
		for _, other := range c.everyone() {
			if other.kept > worst.kept {
				worst = other
			}
		}
		c.depart(worst, fmt.Sprintf("%d bytes wait to be confirmed by it, and %d by all", worst.kept, c.kept), false)
	}
}

// confirmEvery is after how many posts a confirmation is sent by itself, confirmBytes after how many bytes.
const (
	confirmEvery = 64
	confirmBytes = 1 << 20
)

// numbered is called with a post, which may have come before.
func (c *Core) numbered(m *member, n Numbered) {
	c.confirm(m, n.Taken)
	if n.Number != m.taken+1 {
		if n.Number > m.taken+1 {
			c.depart(m, "messages of it are missing", false)
		}
		return
	}
	m.taken = n.Number
	size, _ := c.size(n.Post)
	m.unsaid += size
	if m.taken%confirmEvery == 0 || m.unsaid >= confirmBytes {
		c.say(m, Ping{m.taken})
		m.unsaid = 0
	}
	c.routed(m, n.Post)
}
