package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// A report is what is written in the end; its JSON form is for other programs.
type report struct {
	Folder     string   `json:"folder"`
	Files      int      `json:"files"`
	Bytes      int64    `json:"bytes"`
	Words      int64    `json:"words"`
	Distinct   int      `json:"distinct"`
	Binary     int      `json:"binary"`
	Unreadable int      `json:"unreadable"`
	Problems   []string `json:"problems,omitempty"`
	Workers    int      `json:"workers"` // 0: counted without actors
	Base       string   `json:"base,omitempty"`
	Seconds    float64  `json:"seconds"`
	MBPerSec   float64  `json:"mbPerSecond"` // 1 MB is 1,000,000 bytes
	Top        []ranked `json:"top"`
}

type ranked struct {
	Word  string `json:"word"`
	Count int64  `json:"count"`
}

func newReport(folder string, o options, r Result, took time.Duration) *report {
	out := &report{
		Folder: folder, Files: r.Stats.Files, Bytes: r.Stats.Bytes, Words: r.Stats.Words, Distinct: r.Distinct,
		Binary: r.Stats.Binary, Unreadable: r.Stats.Unreadable, Problems: r.Stats.Problems,
		Workers: o.workers, Base: o.base, Seconds: took.Seconds(), Top: []ranked{},
	}
	if o.plain {
		out.Workers, out.Base = 0, ""
	}
	if took > 0 {
		out.MBPerSec = megabytes(r.Stats.Bytes) / took.Seconds()
	}
	for _, w := range r.Top {
		out.Top = append(out.Top, ranked(w))
	}
	return out
}

func megabytes(bytes int64) float64 { return float64(bytes) / 1e6 }

func (r *report) writeJSON(to io.Writer) error {
	e := json.NewEncoder(to)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

func (r *report) writeText(to io.Writer) error {
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, w := range r.Top {
		fmt.Fprintf(t, "%d\t  %s\n", w.Count, w.Word)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	workers := fmt.Sprintf("with %s on the base %s", quantity(r.Workers, "worker"), r.Base)
	if r.Workers == 0 {
		workers = "in a single loop"
	}
	_, err := fmt.Fprintf(to, `
%s
%d words, %d distinct ones, in %s (%.1f MB)
passed over: %s, %d unreadable
%.2f s, %.1f MB/s, %s
`, r.Folder, r.Words, r.Distinct, quantity(r.Files, "text file"), megabytes(r.Bytes), quantity(r.Binary, "binary file"), r.Unreadable,
		r.Seconds, r.MBPerSec, workers)
	return err
}

func quantity(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// shown is how many problems are shown to people; JSON has more of them.
const shown = 10

func (r *report) writeProblems(to io.Writer, result Result) {
	for _, p := range result.Stats.Problems[:min(shown, len(result.Stats.Problems))] {
		fmt.Fprintln(to, "not read:", strings.ReplaceAll(p, "\n", `\n`))
	}
	if more := result.Stats.Unreadable - shown; more > 0 {
		fmt.Fprintf(to, "not read: %d more\n", more)
	}
}
