package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"thespian.dev/address"
	"thespian.dev/message"
)

func psCommand(at *place) *cobra.Command {
	return viewCommand(at, &cobra.Command{
		Use:   "ps",
		Short: "List the processes of a system",
		Long: `List the processes of a system: its Admin, the programs that have attached, and the hosts with the actors that each one
runs. In JSON, memory is in bytes and uptime in nanoseconds.`,
		Example: `  thespian ps
  thespian ps --json | jq '.[] | select(.Role == "host") | .PID'`,
	}, func(s message.SystemStatus) (any, func(io.Writer) error) {
		all := processes(s)
		return all, func(w io.Writer) error { return listProcesses(w, all) }
	})
}

// A process is one of a system, with the actors in it.
type process struct {
	message.ProcessStatus
	Actors []resident
}

// A resident is an actor in a process.
type resident struct {
	Actor      address.Address
	Kind       string
	GlobalName string `json:",omitempty"`
}

// processes returns the processes of a system, its Admin first, then by their role.
func processes(s message.SystemStatus) []process {
	in := make(map[int][]resident)
	for _, a := range s.Actors {
		in[a.PID] = append(in[a.PID], resident{a.Actor, a.Kind, a.GlobalName})
	}
	all := []process{}
	for _, p := range s.Processes {
		all = append(all, process{p, append([]resident{}, in[p.PID]...)})
	}
	slices.SortFunc(all, func(a, b process) int { return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.PID, b.PID)) })
	return all
}

// maxResidents is how many actors of a process are named in a line.
const maxResidents = 3

func listProcesses(to io.Writer, all []process) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	lost := func(string) string { return "" } // the column of what got lost on its way is there if anything did
	if slices.ContainsFunc(all, func(p process) bool { return p.Lost > 0 }) {
		lost = func(text string) string { return text + "\t" }
	}
	fmt.Fprintln(w, "PID\tROLE\tMEMORY\t"+lost("LOST")+"UPTIME\tACTORS")
	for _, p := range all {
		var actors []string
		for _, a := range p.Actors[:min(maxResidents, len(p.Actors))] {
			actors = append(actors, a.Kind+" "+cmp.Or(a.GlobalName, a.Actor.String()))
		}
		if more := len(p.Actors) - maxResidents; more > 0 {
			actors = append(actors, fmt.Sprintf("%d more", more))
		}
		fmt.Fprintf(w, "%d\t%s\t%.1f MB\t%s%v\t%s\n", p.PID, p.Role, float64(p.Memory)/1e6, lost(strconv.FormatUint(p.Lost, 10)), p.Uptime.Round(time.Millisecond), cmp.Or(strings.Join(actors, ", "), "-"))
	}
	return w.Flush()
}
