package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"thespian.dev/integration/matrix"
)

// A report is what came out so far.
type report struct {
	Results []matrix.Result

	behaviours []matrix.Behaviour
	configs    []matrix.Config
	of         map[[2]string]matrix.Result // by behaviour and configuration
	failed     int
	began      time.Time
}

func newReport(behaviours []matrix.Behaviour, configs []matrix.Config) *report {
	return &report{behaviours: behaviours, configs: configs, of: make(map[[2]string]matrix.Result), began: time.Now()}
}

func (r *report) add(result matrix.Result) {
	r.Results = append(r.Results, result)
	r.of[[2]string{result.Behaviour, result.Config}] = result
	if result.Failure != "" {
		r.failed++
	}
}

// write writes a table with a line for each behaviour, and a column for each base with a character for each of its configurations; then what the characters stand for.
func (r *report) write(to io.Writer) error {
	var bases []string
	of := make(map[string][]matrix.Config)
	for _, c := range r.configs {
		if of[c.Base] == nil {
			bases = append(bases, c.Base)
		}
		of[c.Base] = append(of[c.Base], c)
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "behaviour\t"+strings.Join(bases, "\t"))
	for _, b := range r.behaviours {
		fmt.Fprint(w, b.Name)
		for _, base := range bases {
			fmt.Fprint(w, "\t")
			for _, c := range of[base] {
				fmt.Fprint(w, r.mark(b, c))
			}
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(to, "\n+ holds   - is not offered there   F fails   blank: was not run\n\nThe configurations of each base, in this order:")
	for _, base := range bases {
		var names []string
		for _, c := range of[base] {
			names = append(names, c.String())
		}
		fmt.Fprintf(to, "  %s\n", strings.Join(names, "  "))
	}
	r.writeReasons(to)
	for _, result := range r.Results {
		if result.Failure != "" {
			fmt.Fprintf(to, "\n%s, %s:\n\t%s\n", result.Behaviour, result.Config, strings.ReplaceAll(result.Failure, "\n", "\n\t"))
		}
	}
	_, err := fmt.Fprintf(to, "\n%d behaviours, %d configurations: %d ran, %d failed, in %v\n", len(r.behaviours), len(r.configs), r.ran(), r.failed, time.Since(r.began).Round(time.Second))
	return err
}

func (r *report) mark(b matrix.Behaviour, c matrix.Config) string {
	result, is := r.of[[2]string{b.Name, c.String()}]
	switch {
	case !is:
		return " "
	case result.Unsupported != "":
		return "-"
	case result.Failure != "":
		return "F"
	}
	return "+"
}

// writeReasons writes why behaviours are not offered somewhere.
func (r *report) writeReasons(to io.Writer) {
	var reasons []string
	of := make(map[string][]string)
	for _, result := range r.Results {
		why := result.Unsupported
		if why == "" {
			continue
		}
		if of[why] == nil {
			reasons = append(reasons, why)
		}
		if !slices.Contains(of[why], result.Behaviour) {
			of[why] = append(of[why], result.Behaviour)
		}
	}
	if len(reasons) > 0 {
		fmt.Fprintln(to, "\nNot offered:")
	}
	slices.Sort(reasons)
	for _, why := range reasons {
		slices.Sort(of[why])
		fmt.Fprintf(to, "  %s\n    %s\n", why, strings.Join(of[why], "\n    "))
	}
}

func (r *report) ran() (n int) {
	for _, result := range r.Results {
		if result.Unsupported == "" {
			n++
		}
	}
	return n
}
