// Vigil watches a convention on a machine whose processors are all at work, and says whether a system was ever taken for lost that was there. In the end it stops one member and kills another,
// and says how long it took until the leader knew.
//
//	go run ./integration/cmd/vigil                          # an hour
//	go run ./integration/cmd/vigil -for 5m -members 8 -json
//	go run ./integration/cmd/vigil -burners 0               # the load is somebody else's
//
// The exit status is 1 when there was a false alarm, or an end was not noticed. It is not a part of the tests.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
	"thespian.dev/transport"
	tcp "thespian.dev/transport-tcp"
)

type (
	// Listen has a watcher tell what it hears.
	Listen struct{ To address.Address }
	// Heard is what a system hears of another one.
	Heard struct {
		By, Of string
		Added  bool
	}
)

type watcher struct{ to address.Address }

// Receive is a method of actor.Actor.
func (w *watcher) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case Listen:
		w.to = m.To
		ctx.NotifyOnConventionChanges(true)
	case message.ConventionUpdate:
		ctx.Send(w.to, Heard{fmt.Sprint(ctx.Capabilities()["Name"]), fmt.Sprint(m.Capabilities["Name"]), m.Added})
	}
	return nil
}

// A burner keeps a processor at work.
type burner struct{}

// Start is a method of actor.Starter.
func (burner) Start(ctx *actor.Context, _ any) error {
	ctx.Go(func(ctx context.Context) any {
		n := uint(1)
		for ctx.Err() == nil {
			for range 1 << 20 {
				n ^= n << 13
				n ^= n >> 7
				n ^= n << 17
			}
		}
		return n
	})
	return nil
}

// Receive is a method of actor.Actor.
func (burner) Receive(*actor.Context, any) error { return nil }

var app = system.App{
	Bases: []transport.Base{tcp.Base()},
	Kinds: []actor.Kind{
		{Name: "watcher", New: func() actor.Actor { return &watcher{} }},
		{Name: "burner", New: func() actor.Actor { return burner{} }},
	},
	Messages: message.Types(Listen{}, Heard{}),
}

func main() { app.Main(run) }

type options struct {
	last    time.Duration
	members int
	burners int
	json    bool
}

func run(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	o := options{}
	flags := flag.NewFlagSet("vigil", flag.ContinueOnError)
	flags.DurationVar(&o.last, "for", time.Hour, "how `long` it watches")
	flags.IntVar(&o.members, "members", 4, "how `many` systems follow the leader, at least 2")
	flags.IntVar(&o.burners, "burners", runtime.NumCPU(), "how `many` actors keep a processor at work")
	flags.BoolVar(&o.json, "json", false, "write the report as JSON")
	if err := flags.Parse(os.Args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if flags.NArg() > 0 || o.members < 2 {
		return errors.New("vigil takes no arguments, and needs two members: see -help")
	}
	r, err := o.watch(ctx, progressTo(os.Stderr))
	if err == nil {
		err = r.Err()
	}
	if o.json {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		return errors.Join(err, encoder.Encode(r))
	}
	return errors.Join(err, r.Write(os.Stdout))
}

// progressTo returns what shows on a terminal how far things are.
func progressTo(f *os.File) func(string) {
	is, err := f.Stat()
	if err != nil || is.Mode()&os.ModeCharDevice == 0 {
		return func(string) {}
	}
	return func(text string) { fmt.Fprint(f, "\r\x1b[K"+text) }
}

// A Report says what was seen. Alarms are the systems that were taken for lost, or came back, while all of them were there.
type Report struct {
	Members  int
	Burners  int
	Seconds  float64
	Load     float64 // how much of all processors' time was used, from 0 to 1
	Alarms   []string
	Killed   float64 // seconds until the leader knew of the member that was killed
	Silent   float64 // likewise of the one that was stopped
	Unsettle string  // why the convention did not come about, or an end was not noticed
}

// Err returns why the vigil has failed, or nil.
func (r Report) Err() error {
	switch {
	case r.Unsettle != "":
		return errors.New(r.Unsettle)
	case len(r.Alarms) > 0:
		return fmt.Errorf("%d false alarms", len(r.Alarms))
	}
	return nil
}

func (r Report) Write(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "members\t%d\nburners\t%d\nwatched\t%v\nprocessors used\t%.1f %%\nfalse alarms\t%d\n", r.Members, r.Burners, time.Duration(r.Seconds*1e9).Round(time.Second), 100*r.Load, len(r.Alarms))
	for _, a := range r.Alarms {
		fmt.Fprintf(w, "\t%s\n", a)
	}
	if r.Killed > 0 {
		fmt.Fprintf(w, "killed member noticed after\t%.3f s\n", r.Killed)
	}
	if r.Silent > 0 {
		fmt.Fprintf(w, "silent member noticed after\t%.3f s\n", r.Silent)
	}
	return w.Flush()
}

// A convention is a leader and its members, each a system with processes of its own.
type convention struct {
	systems []*system.System // the leader first
	heard   chan Heard       // what watchers tell
	gone    map[int]int      // the Admins of the members that something was done to
}

// patience is how long something may take that is sure to come.
const patience = 2 * time.Minute

func (o options) watch(ctx context.Context, progress func(string)) (r Report, err error) {
	r = Report{Members: o.members, Burners: o.burners}
	c, err := begin(ctx, o.members)
	defer func() { err = errors.Join(err, c.end()) }()
	if err != nil {
		return r, err
	}
	if r.Unsettle = c.settle(ctx, o.members); r.Unsettle != "" {
		return r, nil
	}
	for range o.burners {
		if _, err := c.systems[0].Create(ctx, "burner"); err != nil {
			return r, err
		}
	}
	began, before := time.Now(), readTimes()
	over := time.After(o.last)
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for watching := true; watching; {
		select {
		case h := <-c.heard:
			r.Alarms = append(r.Alarms, fmt.Sprintf("after %v: %s", time.Since(began).Round(time.Millisecond), h))
		case <-second.C:
			progress(fmt.Sprintf("%v of %v, %d false alarms", time.Since(began).Round(time.Second), o.last, len(r.Alarms)))
		case <-over:
			watching = false
		case <-ctx.Done():
			watching = false
		}
	}
	for len(c.heard) > 0 {
		r.Alarms = append(r.Alarms, "in the end: "+(<-c.heard).String())
	}
	progress("")
	r.Seconds = time.Since(began).Seconds()
	r.Load = readTimes().since(before)
	if ctx.Err() != nil || len(r.Alarms) > 0 {
		return r, nil
	}
	if r.Killed, err = c.notices(ctx, 1, kill); err == nil {
		r.Silent, err = c.notices(ctx, 2, suspend)
	}
	if err != nil {
		r.Unsettle = err.Error()
	}
	return r, nil
}

// String says what was heard, in words.
func (h Heard) String() string {
	if h.Added {
		return h.Of + " joined, says " + h.By
	}
	return h.Of + " is lost, says " + h.By
}

// settle waits until the leader knows all members and each of them the leader, and returns what is missing.
func (c *convention) settle(ctx context.Context, members int) (missing string) {
	want := make(map[Heard]bool)
	for n := 1; n <= members; n++ {
		want[Heard{nameOf(0), nameOf(n), true}] = true
		want[Heard{nameOf(n), nameOf(0), true}] = true
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for len(want) > 0 {
		select {
		case h := <-c.heard:
			delete(want, h)
		case <-ctx.Done():
			var lines []string
			for h := range want {
				lines = append(lines, h.String())
			}
			return "the convention did not come about; still to be heard: " + strings.Join(lines, "; ")
		}
	}
	return ""
}

// notices does something to a member's Admin, and returns after how many seconds the leader said that the member was lost.
func (c *convention) notices(ctx context.Context, member int, do func(pid int) error) (seconds float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	status, err := c.systems[member].Status(ctx)
	if err != nil {
		return 0, err
	}
	admin := slices.IndexFunc(status.Processes, func(p message.ProcessStatus) bool { return p.Role == "admin" })
	if admin < 0 {
		return 0, fmt.Errorf("the Admin of %s did not say which process it is", nameOf(member))
	}
	pid := status.Processes[admin].PID
	c.gone[member] = pid
	began := time.Now()
	if err := do(pid); err != nil {
		return 0, err
	}
	want := Heard{nameOf(0), nameOf(member), false}
	for {
		select {
		case h := <-c.heard:
			if h == want {
				return time.Since(began).Seconds(), nil
			}
		case <-ctx.Done():
			return 0, fmt.Errorf("the leader did not notice that %s had gone", nameOf(member))
		}
	}
}

func nameOf(n int) string {
	if n == 0 {
		return "leader"
	}
	return fmt.Sprintf("member %d", n)
}
