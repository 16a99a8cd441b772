// Package contest has the same work done by several contestants in turn, and reports how they compare.
package contest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Work is something that all of its contestants do alike.
type Work struct {
	Name  string // short: it is what the user selects by
	About string // one line for the reader: what an operation is, and from when to when it is measured

	// Unit says what the works' value is.
	Unit Unit

	// Raw names the contestant to which the others are compared, mostly the machine's own limit. Zero: there is none.
	Raw string

	// Goal is what the contestants that are marked for it should reach. Zero: nothing in particular.
	Goal Goal

	// N is the number of operations of each measurement. Zero: as many as take the time of a measurement, but not more than Most (zero: any
	// number).
	N, Most int

	// Apart has each measurement made in a process of its own, which has nothing left over from others, such as the memory of goroutines
	// that have ended.
	Apart bool

	// Rounds bounds the number of rounds. Zero: as many as are asked for.
	Rounds int

	Contestants []Contestant
}

// A Contestant is one way to do a work.
type Contestant struct {
	Name string

	// Goal is whether the work's goal is set for this contestant.
	Goal bool

	// Run does n operations. What comes before m.ResetTimer and after m.StopTimer is not measured. It
	// ends early, with an error, when ctx is done. All that it started has ended when it returns.
	Run func(ctx context.Context, m Meter, n int) error
}

// A Meter measures one run. A *testing.B is one.
type Meter interface {
	ResetTimer()
	StopTimer()
	// ReportMetric adds a further figure, after StopTimer.
	ReportMetric(value float64, unit string)
}

// Correct tells a meter that n operations were done in some time, where those between ResetTimer and StopTimer are others: when some got lost, and were waited for. It is called after StopTimer. A meter
// that takes no correction stays as it is.
func Correct(m Meter, n int, took time.Duration) {
	if c, ok := m.(interface {
		Correct(n int, took time.Duration)
	}); ok {
		c.Correct(n, took)
	}
}

// A Unit is that of a work's value. Units other than the constants name a figure that the contestants report.
type Unit string

// The units that follow from the number of operations and the time that they took.
const (
	MillionsPerSecond  Unit = "M/s"
	ThousandsPerSecond Unit = "k/s"
	PerSecond          Unit = "/s"
	Nanoseconds        Unit = "ns" // each operation
	Seconds            Unit = "s"  // all operations
)

// Figures that are measured for every contestant.
const (
	Allocs = "allocs/op"
	Bytes  = "bytes/op"
)

func (u Unit) rate() bool {
	return u == MillionsPerSecond || u == ThousandsPerSecond || u == PerSecond
}

// value returns the value of n operations, or of those that were done, which took the given time.
func (u Unit) value(n int, m measurement) (float64, error) {
	if m.Done > 0 {
		n = m.Done
	}
	seconds := max(m.Took, 1).Seconds()
	switch u {
	case MillionsPerSecond:
		return float64(n) / seconds / 1e6, nil
	case ThousandsPerSecond:
		return float64(n) / seconds / 1e3, nil
	case PerSecond:
		return float64(n) / seconds, nil
	case Nanoseconds:
		return seconds * 1e9 / float64(n), nil
	case Seconds:
		return seconds, nil
	}
	for _, f := range m.Figures {
		if f.Name == string(u) {
			return f.Value, nil
		}
	}
	return 0, fmt.Errorf("did not report %s", u)
}

// A Goal is what should be reached. The zero value is no goal.
type Goal struct {
	// Ratio is that to the raw limit: at least this of a rate, at most this of everything else. Zero: any.
	Ratio float64 `json:"ratio,omitempty"`
	// Value is one in the work's unit: at least this of a rate, at most this of everything else. Zero: any.
	Value float64 `json:"value,omitempty"`
	// AtMost bounds figures, such as Allocs.
	AtMost map[string]float64 `json:"atMost,omitempty"`
}

func (g Goal) zero() bool { return g.Ratio == 0 && g.Value == 0 && len(g.AtMost) == 0 }

// slack is what a figure may be above its bound: what is done once in many operations, such as growing a slice, is not meant.
const slack = 0.05

// describe returns the goal in words.
func (g Goal) describe(u Unit) string {
	var parts []string
	sign := "≤"
	if u.rate() {
		sign = "≥"
	}
	if g.Ratio != 0 {
		parts = append(parts, fmt.Sprintf("%s %g×", sign, g.Ratio))
	}
	if g.Value != 0 {
		parts = append(parts, fmt.Sprintf("%s %g %s", sign, g.Value, u))
	}
	for _, name := range slices.Sorted(maps.Keys(g.AtMost)) {
		parts = append(parts, fmt.Sprintf("≤ %g %s", g.AtMost[name], name))
	}
	return strings.Join(parts, ", ")
}

// missed returns what of the goal was not reached. Ratio is 0 when there is none.
func (g Goal) missed(u Unit, value, ratio float64, figures []Figure) []string {
	short := func(is, goal float64) bool { return u.rate() && is < goal || !u.rate() && is > goal }
	var missed []string
	if g.Ratio != 0 && (ratio == 0 || short(ratio, g.Ratio)) {
		missed = append(missed, "ratio")
	}
	if g.Value != 0 && short(value, g.Value) {
		missed = append(missed, string(u))
	}
	for _, name := range slices.Sorted(maps.Keys(g.AtMost)) {
		if f, ok := find(figures, name); !ok || f.Median > g.AtMost[name]+slack {
			missed = append(missed, name)
		}
	}
	return missed
}
