package contest

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"
)

// A Report is what came out of a comparison.
type Report struct {
	Command string        `json:"command"`
	Date    time.Time     `json:"date"`
	Machine Machine       `json:"machine"`
	Rounds  int           `json:"rounds"`
	Time    time.Duration `json:"timeNs"` // of each measurement
	Works   []WorkReport  `json:"works"`
}

// A WorkReport is a report's part about one work.
type WorkReport struct {
	Name        string             `json:"name"`
	About       string             `json:"about"`
	Unit        Unit               `json:"unit"`
	Raw         string             `json:"raw,omitempty"`
	Goal        Goal               `json:"goal"`
	Contestants []ContestantReport `json:"contestants"`
}

// A ContestantReport says how one contestant did a work.
type ContestantReport struct {
	Name    string    `json:"name"`
	N       int       `json:"n"`                // operations in each round
	Values  []float64 `json:"values,omitempty"` // of the rounds, in the work's unit
	Value   Spread    `json:"value"`
	Ratio   *Spread   `json:"ratio,omitempty"` // to the raw limit in the same round
	Figures []Figure  `json:"figures,omitempty"`
	Met     *bool     `json:"met,omitempty"` // whether the goal was; nil: there is none for this contestant
	Missed  []string  `json:"missed,omitempty"`
	Error   string    `json:"error,omitempty"` // why there are no values
}

// Failed returns the names of the contestants that failed, with those of their works.
func (r *Report) Failed() []string {
	var failed []string
	for _, w := range r.Works {
		for _, c := range w.Contestants {
			if c.Error != "" {
				failed = append(failed, w.Name+": "+c.Name)
			}
		}
	}
	return failed
}

// WriteJSON writes the report for machines.
func (r *Report) WriteJSON(to io.Writer) error {
	e := json.NewEncoder(to)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteText writes the report as a table.
func (r *Report) WriteText(to io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n\n", r.Command)
	for _, line := range [][2]string{
		{"machine", r.Machine.describe()},
		{"system", r.Machine.OS},
		{"Go", fmt.Sprintf("%s, GOMAXPROCS %d", r.Machine.Go, r.Machine.GOMAXPROCS)},
		{"date", r.Date.Format("2006-01-02 15:04 MST")},
		{"rounds", fmt.Sprintf("%d, about %s for each measurement", r.Rounds, r.Time)},
	} {
		fmt.Fprintf(&text, "%-8s %s\n", line[0], line[1])
	}
	text.WriteByte('\n')
	r.writeTable(&text)
	text.WriteString(`
median, min..max: of the rounds. ratio: to the raw limit of the work in the same round, the median of the rounds.
`)
	for _, w := range r.Works {
		fmt.Fprintf(&text, "%s: %s\n", w.Name, w.About)
	}
	_, err := io.WriteString(to, text.String())
	return err
}

func (r *Report) writeTable(to io.Writer) {
	table := tabwriter.NewWriter(to, 0, 8, 2, ' ', 0)
	row := func(cells ...string) { fmt.Fprintln(table, strings.Join(cells, "\t")) }
	heads := []string{"work", "contestant", "median", "min..max", "unit", "ratio", "goal", "met", "allocs/op", "B/op", "besides"}
	row(heads...)
	rule := make([]string, len(heads))
	for i, head := range heads {
		rule[i] = strings.Repeat("-", len(head))
	}
	row(rule...)
	for _, w := range r.Works {
		name := w.Name
		for _, c := range w.Contestants {
			row(append([]string{name}, c.cells(&w)...)...)
			name = ""
		}
	}
	_ = table.Flush() // it writes to memory
}

func (c *ContestantReport) cells(w *WorkReport) []string {
	if c.Error != "" {
		return []string{c.Name, "failed: " + c.Error}
	}
	ratio, goal, met := "", "", ""
	switch {
	case c.Name == w.Raw:
		ratio = "raw"
	case c.Ratio != nil:
		ratio = fmt.Sprintf("%.2f×", c.Ratio.Median)
	}
	if c.Met != nil {
		goal, met = w.Goal.describe(w.Unit), "yes"
		if !*c.Met {
			met = "NO: " + strings.Join(c.Missed, ", ")
		}
	}
	allocs, _ := find(c.Figures, Allocs)
	bytes, _ := find(c.Figures, Bytes)
	return []string{c.Name, number(c.Value.Median), number(c.Value.Min) + ".." + number(c.Value.Max), string(w.Unit), ratio, goal, met,
		fmt.Sprintf("%.2f", allocs.Median), number(bytes.Median), c.besides()}
}

// besides returns the figures that have no column of their own.
func (c *ContestantReport) besides() string {
	var parts []string
	for _, f := range c.Figures {
		if f.Name != Allocs && f.Name != Bytes {
			parts = append(parts, number(f.Median)+" "+f.Name)
		}
	}
	return strings.Join(parts, ", ")
}

// number returns a value with about three digits.
func number(value float64) string {
	switch size := math.Abs(value); {
	case value == math.Trunc(value) && size < 1e6, size >= 100:
		return fmt.Sprintf("%.0f", value)
	case size >= 10:
		return fmt.Sprintf("%.1f", value)
	default:
		return fmt.Sprintf("%.2f", value)
	}
}
