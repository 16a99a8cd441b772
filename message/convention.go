package message

import (
	"fmt"
	"io"
	"time"

	"thespian.dev/address"
)

// ConventionContact is an address to which a system connects, as a leader should be there or a system that was pre-registered.
type ConventionContact struct {
	Address               string
	Leader, PreRegistered bool
	// Reached says that the system at the address belongs to the convention now. Failure is why the last attempt to connect to it failed, "" if none has.
	Reached bool
	Failure string
}

// ConventionRefusal is a host from which a system wanted to meet this one, but may not: it has another secret, say. What a stranger's connection shows is no more than that.
type ConventionRefusal struct {
	From string
	// Reason is why the last one was refused, Last how long ago that was.
	Reason string
	Times  uint64
	Last   time.Duration
}

// ConventionMember is what a system knows of another one of its convention.
type ConventionMember struct {
	Admin address.Address
	// Address is where its Admin can be connected to, "" if it only connects to others.
	Address string
	// Leads says that it is the leader of the system that answers.
	Leads        bool
	Capabilities Capabilities
	// Route is how the nodes of the two systems reach each other: "same host", "direct", "admin routing" or "outbound only".
	Route string
	// Heard is how long ago something was heard of it.
	Heard time.Duration
	// Sent and Received count the messages of the two Admins about actors, which concern creations and ends; what actors say to each other does not go by the Admins.
	Sent, Received uint64
	// Actors is how many actors it runs for the system that answers.
	Actors int
}

// formatConvention writes what there is of the convention, if anything.
func (s SystemStatus) formatConvention(r report) error {
	if len(s.ConventionContacts) > 0 {
		fmt.Fprintln(r, "\nCONTACT\tAS\tSTATE")
		for _, c := range s.ConventionContacts {
			fmt.Fprintf(r, "%s\t%s\t%s\n", c.Address, c.role(), c.state())
		}
		if err := r.Flush(); err != nil {
			return err
		}
	}
	if len(s.ConventionRefusals) > 0 {
		fmt.Fprintln(r, "\nREFUSED\tTIMES\tLAST\tREASON")
		for _, c := range s.ConventionRefusals {
			fmt.Fprintf(r, "%s\t%d\t%v ago\t%s\n", c.From, c.Times, c.Last.Round(time.Millisecond), c.Reason)
		}
		if err := r.Flush(); err != nil {
			return err
		}
	}
	if len(s.ConventionMembers) > 0 {
		fmt.Fprintln(r, "\nMEMBER\tADDRESS\tROUTE\tHEARD\tSENT\tRECEIVED\tACTORS")
		for _, m := range s.ConventionMembers {
			where := m.Address
			if where == "" {
				where = "-"
			}
			if m.Leads {
				where += " (leader)"
			}
			fmt.Fprintf(r, "%v\t%s\t%s\t%v ago\t%d\t%d\t%d\n", m.Admin, where, m.Route, m.Heard.Round(time.Millisecond), m.Sent, m.Received, m.Actors)
		}
	}
	return r.Flush()
}

func (c ConventionContact) role() string {
	switch {
	case c.Leader && c.PreRegistered:
		return "leader, pre-registered"
	case c.Leader:
		return "leader"
	case c.PreRegistered:
		return "pre-registered"
	}
	return "member"
}

func (c ConventionContact) state() string {
	switch {
	case c.Reached:
		return "reached"
	case c.Failure != "":
		return c.Failure
	}
	return "not reached yet"
}

// FormatConvention writes the convention alone, as text for people.
func (s SystemStatus) FormatConvention(w io.Writer) error {
	r := newReport(w)
	r.line("admin", s.Admin)
	leader := "none"
	if !s.ConventionLeader.IsZero() {
		leader = s.ConventionLeader.String()
		if s.ConventionLeader == s.Admin {
			leader += " (this system)"
		}
	}
	r.line("leader", leader)
	r.line("members", len(s.ConventionMembers))
	if err := r.Flush(); err != nil {
		return err
	}
	return s.formatConvention(r)
}
