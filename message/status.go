package message

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"thespian.dev/address"
)

// A PendingWakeup is a wake-up that an actor waits for.
type PendingWakeup struct {
	// In is the time until it is due; it is negative when the wake-up is overdue.
	In time.Duration
}

// ActorStatus is what there is to say of an actor (Thespian 3.5 features J1, J2 and J4). It answers a [StatusRequest].
type ActorStatus struct {
	Actor, Parent, Admin address.Address
	// PID is the operating system's number of the process that runs it, 0 on the base simple.
	PID int
	// Kind is the name of its kind, GlobalName its global name if it has one, SourceHash the loaded source that
	// the kind comes from if it comes from one.
	Kind, GlobalName, SourceHash string
	// Exiting says that the actor is about to end: it got an exit request, and perhaps waits for its children.
	Exiting bool
	// Pending is how many messages wait in its mailbox.
	Pending int
	// Received and Sent count messages since the actor began; Failed counts the times that Receive failed,
	// Poisoned the messages that were given back.
	Received, Sent, Failed, Poisoned uint64
	Children                         []address.Address
	// Wakeups are the wake-ups that it waits for, the next one first.
	Wakeups []PendingWakeup
	// Uptime is how long the actor has lived.
	Uptime time.Duration
	// Counters are further numbers, by a name for people.
	Counters map[string]uint64
}

// ProcessStatus is what there is to say of a process of a system.
type ProcessStatus struct {
	// PID is the operating system's number of the process, Role "admin", "program" or "host".
	PID  int
	Role string
	// Endpoint is where the other processes of the system reach it: on TCP an address and a port. That of the Admin is its Admin Port.
	Endpoint string
	// Memory is how many bytes of memory the process occupies, 0 if that is not known. What processes share counts for each of them.
	Memory uint64
	// Lost is how many messages are known to have got lost on their way to the process. Only a base that promises no delivery loses any.
	Lost   uint64
	Uptime time.Duration
}

// SystemStatus is what there is to say of a system (Thespian 3.5 features J1, J3 and J4). Its Admin answers a
// [StatusRequest] with it.
type SystemStatus struct {
	Admin        address.Address
	Base         string
	Capabilities Capabilities
	// InShutdown says that the system is ending and creates no more actors.
	InShutdown         bool
	GlobalNames        map[string]address.Address
	DeadLetterHandlers []address.Address
	// DeadLetters counts the messages that could not be delivered, also by processes that have ended, unless they were killed.
	DeadLetters uint64
	// ConventionLeader is the Admin of the leading system, this one's own when it leads itself, no address when the leader is not reached or the system meets no others.
	ConventionLeader address.Address
	// ConventionContacts are the addresses to which the system connects, ConventionMembers the other systems of its convention that it knows, the leader first. There are none where systems cannot meet.
	ConventionContacts []ConventionContact
	ConventionMembers  []ConventionMember
	// ConventionRefusals are hosts from which systems wanted to meet this one and were refused, the last first, a few at most.
	ConventionRefusals []ConventionRefusal
	// SourceAuthority is the actor that decides about sources, no address when there is none.
	SourceAuthority address.Address
	LoadedSources   []LoadedSource
	// Processes are the system's processes, the Admin's first, the others by their numbers. There are none on the base simple.
	Processes []ProcessStatus
	// Actors are the system's actors, each behind its parent.
	Actors []ActorStatus
	// Uptime is how long the system has run.
	Uptime time.Duration
	// Counters are further numbers, by a name for people.
	Counters map[string]uint64
}

// Format writes the status as text for people (Thespian 3.5 feature J5).
func (s ActorStatus) Format(w io.Writer) error {
	r := newReport(w)
	r.line("actor", s.Actor)
	r.line("kind", s.Kind)
	r.some("global name", s.GlobalName)
	r.some("source", s.SourceHash)
	r.line("parent", s.Parent)
	r.line("admin", s.Admin)
	r.line("uptime", s.Uptime.Round(time.Millisecond))
	if s.Exiting {
		r.line("exiting", "yes")
	}
	r.line("messages", fmt.Sprintf("%d received, %d sent, %d pending", s.Received, s.Sent, s.Pending))
	if s.Failed > 0 {
		r.line("failures", fmt.Sprintf("%d attempts, %d messages given back", s.Failed, s.Poisoned))
	}
	for _, child := range s.Children {
		r.line("child", child)
	}
	for _, wakeup := range s.Wakeups {
		r.line("wake-up in", wakeup.In.Round(time.Millisecond))
	}
	r.counters(s.Counters)
	return r.Flush()
}

// Format writes the status as text for people, with the tree of actors (Thespian 3.5 feature J5).
func (s SystemStatus) Format(w io.Writer) error {
	r := newReport(w)
	r.line("admin", s.Admin)
	r.line("base", s.Base)
	r.line("uptime", s.Uptime.Round(time.Millisecond))
	if s.InShutdown {
		r.line("in shutdown", "yes")
	}
	for _, name := range slices.Sorted(maps.Keys(s.Capabilities)) {
		r.line("capability", fmt.Sprintf("%s = %v", name, s.Capabilities[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(s.GlobalNames)) {
		r.line("global name", fmt.Sprintf("%s = %v", name, s.GlobalNames[name]))
	}
	if !s.ConventionLeader.IsZero() {
		r.line("convention leader", s.ConventionLeader)
	}
	if !s.SourceAuthority.IsZero() {
		r.line("source authority", s.SourceAuthority)
	}
	for _, source := range s.LoadedSources {
		r.line("source", source.Hash+" "+source.Info)
	}
	r.line("dead letters", s.DeadLetters)
	for _, handler := range s.DeadLetterHandlers {
		r.line("dead-letter handler", handler)
	}
	r.counters(s.Counters)
	r.line("actors", len(s.Actors))
	if err := r.Flush(); err != nil {
		return err
	}
	processes := len(s.Processes) > 0
	if processes {
		fmt.Fprintln(r, "\nPID\tROLE\tMEMORY\tUPTIME")
		for _, p := range s.Processes {
			fmt.Fprintf(r, "%d\t%s\t%.1f MB\t%v\n", p.PID, p.Role, float64(p.Memory)/1e6, p.Uptime.Round(time.Millisecond))
		}
		if err := r.Flush(); err != nil {
			return err
		}
	}
	if err := s.formatConvention(r); err != nil || len(s.Actors) == 0 {
		return err
	}
	pid := func(ActorStatus) string { return "" }
	fmt.Fprint(r, "\n")
	if processes {
		fmt.Fprint(r, "PID\t")
		pid = func(a ActorStatus) string { return fmt.Sprintf("%d\t", a.PID) }
	}
	fmt.Fprintln(r, "ACTOR\tKIND\tNAME\tRECEIVED\tSENT\tPENDING\tFAILED\tUPTIME")
	depth := make(map[address.Address]int, len(s.Actors))
	for _, a := range s.Actors {
		depth[a.Actor] = depth[a.Parent] + 1
		fmt.Fprintf(r, "%s%s%v\t%s\t%s\t%d\t%d\t%d\t%d\t%v\n", pid(a), strings.Repeat("  ", depth[a.Actor]-1), a.Actor, a.Kind,
			cmp.Or(a.GlobalName, "-"), a.Received, a.Sent, a.Pending, a.Failed, a.Uptime.Round(time.Millisecond))
	}
	return r.Flush()
}

// A report writes aligned lines. Its errors come out of Flush.
type report struct{ *tabwriter.Writer }

func newReport(w io.Writer) report { return report{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)} }

func (r report) line(label string, value any) { fmt.Fprintf(r, "%s:\t%v\n", label, value) }

func (r report) some(label, value string) {
	if value != "" {
		r.line(label, value)
	}
}

func (r report) counters(counters map[string]uint64) {
	for _, name := range slices.Sorted(maps.Keys(counters)) {
		r.line(name, counters[name])
	}
}
