package convention

import "fmt"

// Consistent returns what is wrong with the tables of the core, or nil.
func (c *Core) Consistent() error {
	kept := 0
	for number, m := range c.members {
		own := 0
		for _, u := range m.unconfirmed {
			own += u.size
		}
		kept += own
		switch {
		case number == 0 || number == c.self.Number || m.system.Number != number:
			return fmt.Errorf("system %d is in the table as %d", m.system.Number, number)
		case m.link == nil && !m.joined:
			return fmt.Errorf("system %d never joined, and has no connection", number)
		case m.link != nil && (c.links[m.link.number] != m.link || m.link.member != m):
			return fmt.Errorf("the connection of system %d is not in the table, or of another", number)
		case m.kept != own:
			return fmt.Errorf("system %d keeps %d bytes, it is said to keep %d", number, own, m.kept)
		case len(m.unconfirmed) > maxUnconfirmed:
			return fmt.Errorf("%d messages wait for system %d", len(m.unconfirmed), number)
		}
	}
	if c.kept != kept || kept > maxKept {
		return fmt.Errorf("%d bytes are kept, it is said to be %d", kept, c.kept)
	}
	for number, l := range c.links {
		if l.number != number || l.member != nil && (l.member.link != l || c.members[l.member.system.Number] != l.member) {
			return fmt.Errorf("connection %d is of a system that does not know it", number)
		}
	}
	for address, k := range c.contacts {
		if !k.leader && !k.invited && !k.probe {
			return fmt.Errorf("nobody wants %q", address)
		}
		if k.probe && !k.dialling && k.met == nil {
			return fmt.Errorf("%q was tried, and is kept", address)
		}
	}
	for number := range c.inviters {
		if c.members[number] == nil {
			return fmt.Errorf("system %d has invited this one, and is gone", number)
		}
	}
	for of, told := range c.pairs {
		if len(told) == 0 {
			return fmt.Errorf("nobody is to be told of the end of %d", of)
		}
		for number := range told {
			if c.members[number] == nil {
				return fmt.Errorf("system %d is gone, and is to be told of the end of %d", number, of)
			}
		}
	}
	if len(c.pairs) > maxDistant || len(c.distant) > maxDistant || len(c.departed.systems) > maxDeparted {
		return fmt.Errorf("there are %d pairs, %d distant systems and %d that have departed", len(c.pairs), len(c.distant), len(c.departed.systems))
	}
	return nil
}

// The bounds of what others can have a core keep.
const (
	MaxCapabilities = maxCapabilities
	MaxDistant      = maxDistant
	MaxKept         = maxKept
)
