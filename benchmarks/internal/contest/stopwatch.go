package contest

import (
	"runtime"
	"time"
)

// A stopwatch is the Meter of one measurement.
type stopwatch struct {
	running       bool
	start         time.Time
	took          time.Duration
	before, after runtime.MemStats
	done          int
	figures       []figure
}

// A figure is what one measurement gave besides the time.
type figure struct {
	Name  string
	Value float64
}

// ResetTimer is a method of Meter.
func (s *stopwatch) ResetTimer() {
	s.running = true
	runtime.ReadMemStats(&s.before)
	s.start = time.Now()
}

// StopTimer is a method of Meter.
func (s *stopwatch) StopTimer() {
	if !s.running {
		return
	}
	s.took = time.Since(s.start)
	runtime.ReadMemStats(&s.after)
	s.running = false
}

// ReportMetric is a method of Meter.
func (s *stopwatch) ReportMetric(value float64, unit string) {
	s.figures = append(s.figures, figure{unit, value})
}

// Correct is what [Correct] calls.
func (s *stopwatch) Correct(n int, took time.Duration) { s.done, s.took = n, took }
