package contest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"
)

// takes returns a contestant whose operations take the same time each. Log gets an entry for each run.
func takes(name string, each time.Duration, log *[]string) Contestant {
	return Contestant{Name: name, Goal: true, Run: func(_ context.Context, m Meter, n int) error {
		*log = append(*log, fmt.Sprint(name, " ", n))
		time.Sleep(10 * time.Second) // not measured
		m.ResetTimer()
		time.Sleep(time.Duration(n) * each)
		m.StopTimer()
		m.ReportMetric(7, "legs")
		time.Sleep(10 * time.Second)
		return nil
	}}
}

// compare runs one work in virtual time, in which every measurement is exact.
func compare(t *testing.T, w Work, c Config) WorkReport {
	t.Helper()
	var reports []WorkReport
	synctest.Test(t, func(t *testing.T) { reports = Run(t.Context(), []Work{w}, c) })
	assert.Equal(t, len(reports), 1)
	return reports[0]
}

func TestRun(t *testing.T) {
	var log []string
	w := Work{
		Name: "walk", Unit: ThousandsPerSecond, Raw: "horse", Goal: Goal{Ratio: 0.5, AtMost: map[string]float64{"legs": 7}},
		Contestants: []Contestant{takes("horse", time.Millisecond, &log), takes("dog", 2*time.Millisecond, &log), takes("snail", 10*time.Millisecond, &log)},
	}
	r := compare(t, w, Config{Rounds: 3, Time: 300 * time.Millisecond})

	horse, dog, snail := r.Contestants[0], r.Contestants[1], r.Contestants[2]
	assert.DeepEqual(t, []int{horse.N, dog.N, snail.N}, []int{300, 150, 30})
	assert.DeepEqual(t, horse.Value, Spread{1, 1, 1})
	assert.Assert(t, horse.Ratio == nil)
	assert.DeepEqual(t, *dog.Ratio, Spread{0.5, 0.5, 0.5})
	assert.Equal(t, *dog.Met, true)
	assert.DeepEqual(t, *snail.Ratio, Spread{0.1, 0.1, 0.1})
	assert.Equal(t, *snail.Met, false)
	assert.DeepEqual(t, snail.Missed, []string{"ratio"})
	legs, _ := find(dog.Figures, "legs")
	assert.Equal(t, legs.Median, 7.0)

	// They take turns, and another one begins in each round.
	assert.DeepEqual(t, log[len(log)-9:], []string{
		"horse 300", "dog 150", "snail 30",
		"dog 150", "snail 30", "horse 300",
		"snail 30", "horse 300", "dog 150",
	})
}

// What was lost counts for nothing, and neither does the time in which it was waited for.
func TestCorrection(t *testing.T) {
	post := Contestant{Name: "post", Run: func(_ context.Context, m Meter, n int) error {
		m.ResetTimer()
		time.Sleep(time.Minute)
		m.StopTimer()
		Correct(m, n/2, time.Duration(n)*time.Millisecond)
		return nil
	}}
	r := compare(t, Work{Name: "letters", Unit: ThousandsPerSecond, Contestants: []Contestant{post}}, Config{Rounds: 1, N: 10})
	assert.DeepEqual(t, r.Contestants[0].Value, Spread{0.5, 0.5, 0.5})
	assert.Equal(t, r.Contestants[0].N, 10)
}

func TestNumberOfOperations(t *testing.T) {
	for name, test := range map[string]struct {
		work   Work
		config Config
		want   int
	}{
		"as many as take the time": {Work{}, Config{}, 100},
		"not more than the most":   {Work{Most: 60}, Config{}, 60},
		"the work's own":           {Work{N: 5}, Config{}, 5},
		"the caller's":             {Work{N: 5, Most: 2}, Config{N: 9}, 9},
	} {
		t.Run(name, func(t *testing.T) {
			var log []string
			test.work.Unit = Seconds
			test.work.Contestants = []Contestant{takes("horse", time.Millisecond, &log)}
			test.config.Rounds, test.config.Time = 1, 100*time.Millisecond
			assert.Equal(t, compare(t, test.work, test.config).Contestants[0].N, test.want)
		})
	}
}

func TestGoals(t *testing.T) {
	figures := []Figure{{"legs", Spread{Median: 4.04}}}
	for name, test := range map[string]struct {
		goal         Goal
		unit         Unit
		value, ratio float64
		want         []string
	}{
		"rate reached":            {Goal{Ratio: 2}, MillionsPerSecond, 1, 2, nil},
		"rate too low":            {Goal{Ratio: 2}, MillionsPerSecond, 1, 1.9, []string{"ratio"}},
		"time reached":            {Goal{Ratio: 2}, Nanoseconds, 1, 2, nil},
		"time too long":           {Goal{Ratio: 2}, Nanoseconds, 1, 2.1, []string{"ratio"}},
		"no ratio":                {Goal{Ratio: 2}, Nanoseconds, 1, 0, []string{"ratio"}},
		"value reached":           {Goal{Value: 10}, Seconds, 10, 0, nil},
		"value too high":          {Goal{Value: 10}, Seconds, 10.1, 0, []string{"s"}},
		"figure reached, or near": {Goal{AtMost: map[string]float64{"legs": 4}}, Seconds, 1, 0, nil},
		"figure too high":         {Goal{AtMost: map[string]float64{"legs": 3}}, Seconds, 1, 0, []string{"legs"}},
		"figure unknown":          {Goal{AtMost: map[string]float64{"wings": 3}}, Seconds, 1, 0, []string{"wings"}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.DeepEqual(t, test.goal.missed(test.unit, test.value, test.ratio, figures), test.want)
		})
	}
}

// TestFailures: who fails or comes to a halt is reported as such; the others go on, without ratios if it is the raw limit that failed.
func TestFailures(t *testing.T) {
	var log []string
	w := Work{
		Name: "walk", Unit: Nanoseconds, Raw: "mule",
		Contestants: []Contestant{
			{Name: "mule", Run: func(ctx context.Context, _ Meter, _ int) error { <-ctx.Done(); return ctx.Err() }},
			{Name: "unicorn", Run: func(context.Context, Meter, int) error { return errors.New("does not exist") }},
			takes("horse", time.Millisecond, &log),
		},
	}
	r := compare(t, w, Config{Rounds: 3, Time: 10 * time.Millisecond})
	assert.ErrorContains(t, errors.New(r.Contestants[0].Error), "did not finish")
	assert.ErrorContains(t, errors.New(r.Contestants[1].Error), "does not exist")
	assert.Equal(t, r.Contestants[2].Value.Median, 1e6)
	assert.Assert(t, r.Contestants[2].Ratio == nil)

	report := Report{Works: []WorkReport{r}}
	assert.DeepEqual(t, report.Failed(), []string{"walk: mule", "walk: unicorn"})
	var text bytes.Buffer
	assert.NilError(t, report.WriteText(&text))
	assert.Assert(t, strings.Contains(text.String(), "failed: "), text.String())
}

// TestInterrupted: what was finished before the end of the context is reported, the work under way is not.
func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var log []string
		first := Work{Name: "first", Unit: Seconds, N: 1, Contestants: []Contestant{takes("horse", time.Second, &log)}}
		second := Work{Name: "second", Unit: Seconds, N: 1, Contestants: []Contestant{{Name: "rider", Run: func(context.Context, Meter, int) error {
			cancel()
			return nil
		}}}}
		third := Work{Name: "third", Unit: Seconds, N: 1, Contestants: []Contestant{takes("never", time.Second, &log)}}
		reports := Run(ctx, []Work{first, second, third}, Config{Rounds: 2, Time: time.Second})
		assert.Equal(t, len(reports), 1)
		assert.Equal(t, reports[0].Name, "first")
		assert.DeepEqual(t, log, []string{"horse 1", "horse 1"})
	})
}

// apart is measured in another process, which is this test's executable.
var apart = Work{
	Name: "apart", Unit: "pid", N: 10, Apart: true,
	Contestants: []Contestant{
		{Name: "healthy", Run: func(_ context.Context, m Meter, n int) error {
			m.ReportMetric(float64(os.Getpid()), "pid")
			m.ReportMetric(float64(n), "n")
			return nil
		}},
		{Name: "failing", Run: func(context.Context, Meter, int) error { return errors.New("lost its way") }},
		{Name: "crashing", Run: func(context.Context, Meter, int) error { os.Exit(3); return nil }},
	},
}

func TestMain(m *testing.M) {
	Serve(context.Background(), []Work{apart})
	os.Exit(m.Run())
}

func TestApart(t *testing.T) {
	t.Setenv("GORACE", "atexit_sleep_ms=0") // of the processes that measure
	r := Run(t.Context(), []Work{apart}, Config{Rounds: 2, Time: time.Second})[0]
	healthy := r.Contestants[0]
	assert.Equal(t, healthy.Error, "")
	assert.Assert(t, healthy.Values[0] != healthy.Values[1], "twice in one process")
	assert.Assert(t, healthy.Value.Min > 0 && !slices.Contains(healthy.Values, float64(os.Getpid())))
	n, _ := find(healthy.Figures, "n")
	assert.Equal(t, n.Median, 10.0)
	assert.ErrorContains(t, errors.New(r.Contestants[1].Error), "lost its way")
	assert.ErrorContains(t, errors.New(r.Contestants[2].Error), "exit status 3")
}

func TestSpread(t *testing.T) {
	assert.DeepEqual(t, spread([]float64{5, 1, 9}), Spread{5, 1, 9})
	assert.DeepEqual(t, spread([]float64{4, 1, 9, 5}), Spread{4.5, 1, 9})
	assert.DeepEqual(t, spread([]float64{3}), Spread{3, 3, 3})
}

func TestJSONRoundTrip(t *testing.T) {
	var log []string
	w := Work{Name: "walk", Unit: Nanoseconds, Raw: "horse", Goal: Goal{Ratio: 3}, Contestants: []Contestant{
		takes("horse", time.Millisecond, &log), takes("dog", 2*time.Millisecond, &log)}}
	report := Report{Command: "x", Rounds: 1, Works: []WorkReport{compare(t, w, Config{Rounds: 1, Time: time.Second})}}
	var text bytes.Buffer
	assert.NilError(t, report.WriteJSON(&text))
	var again Report
	assert.NilError(t, json.Unmarshal(text.Bytes(), &again))
	assert.DeepEqual(t, again, report)
}
