package contest

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// A measurement is what one run of a contestant gave.
type measurement struct {
	Took    time.Duration
	Done    int // operations, if they were others than those that were wanted
	Figures []figure
}

// patience is how long one measurement may take. A contestant that takes longer is taken to have come to a halt.
const patience = 2 * time.Minute

// measure has a contestant do n operations.
func measure(ctx context.Context, w *Work, c *Contestant, n int) (m measurement, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err = ctx.Err(); err == nil && w.Apart {
		m, err = measureApart(ctx, w, c, n)
	} else if err == nil {
		m, err = measureHere(ctx, c, n)
	}
	if err == nil {
		err = ctx.Err() // it may have ended early without saying so
	}
	if err != nil {
		return m, fmt.Errorf("%d operations: %w", n, err)
	}
	return m, nil
}

// measureHere measures in this process. The garbage of whoever ran before is gone when it begins.
func measureHere(ctx context.Context, c *Contestant, n int) (measurement, error) {
	runtime.GC()
	var s stopwatch
	s.ResetTimer()
	err := c.Run(ctx, &s, n)
	s.StopTimer()
	if err != nil {
		return measurement{}, err
	}
	s.ReportMetric(float64(s.after.Mallocs-s.before.Mallocs)/float64(n), Allocs)
	s.ReportMetric(float64(s.after.TotalAlloc-s.before.TotalAlloc)/float64(n), Bytes)
	return measurement{s.took, s.done, s.figures}, nil
}

// calibrate returns how many operations of a contestant take about the given time. It warms the contestant up, too.
func calibrate(ctx context.Context, w *Work, c *Contestant, want time.Duration) (int, error) {
	most := w.Most
	if most == 0 {
		most = 1 << 40
	}
	for n := 1; ; {
		m, err := measure(ctx, w, c, n)
		if err != nil {
			return 0, err
		}
		aim := float64(n) * float64(want) / float64(max(m.Took, 1))
		if m.Took >= want/2 || n >= most {
			return max(1, min(int(aim), most)), nil
		}
		// Few operations take longer than their share of many: go there in steps.
		n = max(n+1, min(int(aim*1.1), 100*n, most))
	}
}
