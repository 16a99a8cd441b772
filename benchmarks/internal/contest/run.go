package contest

import (
	"context"
	"errors"
	"time"
)

// Config says how works are measured.
type Config struct {
	Rounds int           // how often each contestant is measured
	Time   time.Duration // how long a measurement should take
	N      int           // operations of each measurement, whatever the work and Time say; 0: as they say

	// Progress is told of each measurement before it is made. Nil: nobody is.
	Progress func(Progress)
}

// Progress is where a run is.
type Progress struct {
	Done, Total      int // measurements, where finding the number of operations counts as one
	Work, Contestant string
}

// Run has each work done by its contestants. Within a work they take turns, round by round, and begin with another one in each, so that
// whatever else goes on in the machine meets all alike. A contestant that fails is left out of the rounds that follow. When
// ctx is done Run returns what it has, without the work that was under way.
func Run(ctx context.Context, works []Work, c Config) []WorkReport {
	p := Progress{}
	for i := range works {
		p.Total += len(works[i].Contestants) * (1 + c.rounds(&works[i]))
	}
	var reports []WorkReport
	for i := range works {
		r := newRun(&works[i], c, &p)
		if r.measureAll(ctx); ctx.Err() != nil {
			break
		}
		reports = append(reports, r.report())
	}
	return reports
}

func (c *Config) rounds(w *Work) int {
	if w.Rounds > 0 {
		return min(w.Rounds, c.Rounds)
	}
	return c.Rounds
}

// A run is one work's.
type run struct {
	work     *Work
	config   Config
	progress *Progress
	entries  []entry
}

// An entry is what a run knows of one contestant.
type entry struct {
	*Contestant
	n      int
	rounds []round
	err    error
}

// A round is what one measurement of a contestant gave.
type round struct {
	value   float64
	figures []figure
}

func newRun(w *Work, c Config, p *Progress) *run {
	r := &run{work: w, config: c, progress: p}
	for i := range w.Contestants {
		r.entries = append(r.entries, entry{Contestant: &w.Contestants[i]})
	}
	return r
}

func (r *run) measureAll(ctx context.Context) {
	for i := range r.entries {
		e := &r.entries[i]
		r.next(e)
		switch {
		case r.config.N > 0:
			e.n = r.config.N
		case r.work.N > 0:
			e.n = r.work.N
		default:
			e.n, e.err = calibrate(ctx, r.work, e.Contestant, r.config.Time)
		}
	}
	for i := range r.config.rounds(r.work) {
		for k := range r.entries {
			e := &r.entries[(i+k)%len(r.entries)]
			if r.next(e); e.err == nil && ctx.Err() == nil {
				e.err = r.measure(ctx, e)
			}
		}
	}
}

func (r *run) measure(ctx context.Context, e *entry) error {
	m, err := measure(ctx, r.work, e.Contestant, e.n)
	if err != nil {
		return err
	}
	value, err := r.work.Unit.value(e.n, m)
	if err != nil {
		return err
	}
	e.rounds = append(e.rounds, round{value, m.Figures})
	return nil
}

func (r *run) next(e *entry) {
	r.progress.Work, r.progress.Contestant = r.work.Name, e.Name
	if r.config.Progress != nil {
		r.config.Progress(*r.progress)
	}
	r.progress.Done++
}

// raw returns the entry that the others are compared to, nil when there is none.
func (r *run) raw() *entry {
	for i := range r.entries {
		if e := &r.entries[i]; e.Name == r.work.Raw && e.err == nil {
			return e
		}
	}
	return nil
}

func (r *run) report() WorkReport {
	w := r.work
	report := WorkReport{Name: w.Name, About: w.About, Unit: w.Unit, Raw: w.Raw, Goal: w.Goal}
	raw := r.raw()
	for i := range r.entries {
		report.Contestants = append(report.Contestants, r.entries[i].report(w, raw))
	}
	return report
}

func (e *entry) report(w *Work, raw *entry) ContestantReport {
	report := ContestantReport{Name: e.Name, N: e.n}
	if e.err != nil {
		report.Error = e.err.Error()
		if errors.Is(e.err, context.DeadlineExceeded) {
			report.Error = "did not finish: " + report.Error
		}
		return report
	}
	var ratios []float64
	for i, round := range e.rounds {
		report.Values = append(report.Values, round.value)
		if raw != nil && raw.rounds[i].value != 0 {
			ratios = append(ratios, round.value/raw.rounds[i].value)
		}
	}
	report.Value = spread(report.Values)
	report.Figures = e.figures(w.Unit)
	ratio := 0.0
	if len(ratios) > 0 && raw != e {
		s := spread(ratios)
		report.Ratio, ratio = &s, s.Median
	}
	if e.Goal && !w.Goal.zero() {
		missed := w.Goal.missed(w.Unit, report.Value.Median, ratio, report.Figures)
		met := len(missed) == 0
		report.Met, report.Missed = &met, missed
	}
	return report
}

// figures returns what was measured besides the value.
func (e *entry) figures(u Unit) []Figure {
	var figures []Figure
	for _, f := range e.rounds[0].figures {
		if f.Name == string(u) {
			continue
		}
		var values []float64
		for _, round := range e.rounds {
			for _, again := range round.figures {
				if again.Name == f.Name {
					values = append(values, again.Value)
				}
			}
		}
		figures = append(figures, Figure{f.Name, spread(values)})
	}
	return figures
}
