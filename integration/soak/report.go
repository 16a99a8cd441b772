package soak

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"
)

// Write writes the report as a table for people.
func (r Report) Write(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	line := func(label string, value any) { fmt.Fprintf(w, "%s\t%v\n", label, value) }
	line("base", r.Base)
	line("seed", r.Seed)
	line("time", time.Duration(r.Seconds*float64(time.Second)).Round(time.Second))
	line("lives of the system", r.Eras)
	for _, how := range slices.Sorted(maps.Keys(r.Ends)) {
		line("  "+how, r.Ends[how])
	}
	line("rounds", r.Rounds)
	for _, kind := range slices.Sorted(maps.Keys(r.Created)) {
		line("workers "+kind, r.Created[kind])
	}
	line("  stillborn", r.Stillborn)
	line("  whose process was killed", r.Killed)
	line("  that were asked to exit or did", r.Left)
	line("notices of ends", r.Notices)
	line("names looked up", r.Lookups)
	line("programs that came", r.Visitors)
	line("  of which were killed", r.VisitorsKilled)
	line("messages", r.Parcels)
	line("  delivered", r.Delivered)
	line("    questions answered", r.Answered)
	line("  poisoned", r.Poisoned)
	line("  dead letters", r.Dead)
	line("  dead letters, perhaps delivered", r.Perhaps)
	line("  not sent: the sender exited", r.Unsent)
	line("  not known: an end was killed", r.Unknown)
	line("  ordered when the system ended", r.Interrupted)
	for _, reason := range slices.Sorted(maps.Keys(r.Reasons)) {
		line("dead letters: "+reason, r.Reasons[reason])
	}
	fmt.Fprintln(w, "\nPROCESS\tLOOKS\tDESCRIPTORS FIRST\tLAST\tMOST\tMEMORY FIRST\tLAST\tMOST")
	for _, g := range r.Growth {
		d, m := g.Descriptors, g.Memory
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%.1f MB\t%.1f MB\t%.1f MB\n", g.Process, g.Samples, d.First, d.Last, d.Max, float64(m.First)/1e6, float64(m.Last)/1e6, float64(m.Max)/1e6)
	}
	fmt.Fprintf(w, "\nproblems\t%d\n", len(r.Problems))
	for _, problem := range r.Problems {
		line("  "+problem, "")
	}
	return w.Flush()
}
