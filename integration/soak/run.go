package soak

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

// Options say how a soak runs.
type Options struct {
	For  time.Duration // the last round and the end come after it
	Base string        // as in system.Options; it must be one with processes
	Seed uint64        // of all that is drawn. The moments are the machine's, so two runs with one seed are alike, not equal.

	// Progress is called every second with how far things are. It may be nil.
	Progress func(Report)
	// Problem is called with each problem at once. It may be nil.
	Problem func(string)
}

// A Report says what has happened. The soak has failed if there is a problem.
type Report struct {
	Base      string
	Seed      uint64
	Seconds   float64
	Processes int // now
	Totals
	Growth   []Growth // of the processes that stay for an era, of the longest one; and of the program
	Problems []string
}

// A run is a soak that runs.
type run struct {
	options Options
	rng     *rand.Rand
	mark    string
	port    int
	serial  uint64
	began   time.Time

	mu       sync.Mutex // guards what follows
	totals   *Totals
	problems []string
	longest  map[string]*record
	program  record
}

// Run runs a soak, until its time is over or ctx is done. App().Main or TestMain must have run. The error says why it could not go on. Only one may run at a time in a process, as
// it sets variables of the environment for the processes that it starts.
func Run(ctx context.Context, o Options) (Report, error) {
	folder, err := os.MkdirTemp("", "soak") // for what a killed Admin leaves
	if err != nil {
		return Report{}, err
	}
	defer os.RemoveAll(folder)
	r := &run{options: o, rng: rand.New(rand.NewPCG(o.Seed, 0)), mark: fmt.Sprintf("%d-%s", os.Getpid(), folder), began: time.Now(), totals: &Totals{
		Ends: make(map[string]int), Created: make(map[string]int), Reasons: make(map[string]uint64),
	}}
	defer setenv("XDG_RUNTIME_DIR", folder)()
	defer setenv(markVariable, r.mark)()
	if r.port, err = freePort(); err != nil {
		return Report{}, err
	}
	stop := r.showProgress()
	err = r.eras(ctx)
	stop()
	for _, problem := range r.program.problems("program") {
		r.report([]string{problem})
	}
	return r.result(), err
}

// eras runs one era after the other.
func (r *run) eras(ctx context.Context) error {
	over := func() bool { return ctx.Err() != nil || time.Since(r.began) >= r.options.For }
	for first := true; first || !over(); first = false {
		r.count(func(t *Totals) { t.Eras++ })
		e, err := r.begin()
		if err != nil {
			if e != nil {
				e.finish(atRest)
			}
			return fmt.Errorf("the system could not be started: %w", err)
		}
		rounds, how := 5+r.rng.IntN(60), []string{atRest, atRest, underLoad, adminKilled}[r.rng.IntN(4)]
		for n := 1; n <= rounds && (n == 1 || !over()); n++ {
			e.round()
			if n%3 == 0 {
				e.rest()
			}
		}
		e.rest()
		if over() {
			how = atRest
		}
		e.finish(how)
	}
	return nil
}

func setenv(name, value string) (restore func()) {
	before, had := os.LookupEnv(name)
	_ = os.Setenv(name, value)
	return func() {
		if had {
			_ = os.Setenv(name, before)
		} else {
			_ = os.Unsetenv(name)
		}
	}
}

// freePort returns a port that nobody listens at now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

func (r *run) showProgress() (stop func()) {
	if r.options.Progress == nil {
		return func() {}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				r.options.Progress(r.result())
			case <-end:
				return
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

func (r *run) count(change func(*Totals)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(r.totals)
}

func (r *run) report(problems []string) {
	r.mu.Lock()
	for i, problem := range problems {
		problems[i] = fmt.Sprintf("era %d, round %d: %s", r.totals.Eras, r.totals.Rounds, problem)
	}
	r.problems = append(r.problems, problems...)
	r.mu.Unlock()
	for _, problem := range problems {
		if r.options.Problem != nil {
			r.options.Problem(problem)
		}
	}
}

func (r *run) sample() {
	s, err := sampleOf(os.Getpid())
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.program.add(s)
}

// keep keeps the records of the longest era.
func (r *run) keep(records map[string]*record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if admin, before := records["admin"], r.longest["admin"]; before == nil || admin != nil && len(admin.memory) > len(before.memory) {
		r.longest = records
	}
}

func (r *run) result() Report {
	here := len(marked(r.mark))
	r.mu.Lock()
	defer r.mu.Unlock()
	t := *r.totals
	t.Ends, t.Created, t.Reasons = maps.Clone(t.Ends), maps.Clone(t.Created), maps.Clone(t.Reasons)
	report := Report{Base: r.options.Base, Seed: r.options.Seed, Seconds: time.Since(r.began).Seconds(), Processes: here, Totals: t, Problems: slices.Clone(r.problems)}
	for _, name := range slices.Sorted(maps.Keys(r.longest)) {
		report.Growth = append(report.Growth, r.longest[name].growth(name))
	}
	report.Growth = append(report.Growth, r.program.growth("program"))
	return report
}

// Err returns an error if the soak has failed.
func (r Report) Err() error {
	if len(r.Problems) == 0 {
		return nil
	}
	return errors.New("not everything is accounted for")
}
