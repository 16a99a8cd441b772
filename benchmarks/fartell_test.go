//go:build linux

package benchmarks

import (
	"context"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/address"
	"thespian.dev/benchmarks/internal/contest"
	"thespian.dev/integration"
	"thespian.dev/system"
)

// A record is a meter that keeps what it is told.
type record struct {
	figures map[string]float64
	done    int
	took    time.Duration
}

func (*record) ResetTimer()                            {}
func (*record) StopTimer()                             {}
func (r *record) ReportMetric(value float64, u string) { r.figures[u] = value }
func (r *record) Correct(n int, took time.Duration)    { r.done, r.took = n, took }

// TestLostMessages loses some of those that a sink is to count: the work ends, and says so.
func TestLostMessages(t *testing.T) {
	ctx := t.Context()
	tried := 0
	for _, v := range Venues() {
		if v.Reliable {
			continue
		}
		tried++
		m := &record{figures: map[string]float64{}}
		assert.NilError(t, v.run(func(ctx context.Context, m contest.Meter, n int) error {
			return withFar(ctx, func(sys *system.System) error {
				return tellFar(ctx, m, sys, n, func(ctx context.Context, sink address.Address, n int) error {
					for range n - n/4 { // the others are lost
						if err := sys.Tell(ctx, sink, []byte("x")); err != nil {
							return err
						}
					}
					return nil
				})
			})
		})(ctx, m, 100))
		assert.Equal(t, m.done, 75)
		assert.Equal(t, m.figures["% lost"], 25.0)
		assert.Assert(t, 0 < m.took && m.took < quietTime, "%v: the time in which more was waited for does not count", m.took)
	}
	assert.Equal(t, tried, len(integration.Bases())-len(integration.Reliable()))
}
