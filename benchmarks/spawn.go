package benchmarks

import (
	"context"
	"sync"
	"sync/atomic"

	"thespian.dev/actor"
	"thespian.dev/benchmarks/internal/contest"
)

// spawn is about how fast actors come to be, in a process that has not had as many before.
func spawn() contest.Work {
	w := spawnAgain()
	w.Name = "spawn"
	w.About = "a new actor or goroutine, until all of 300,000 have started; all live on until the measurement ends; each measurement in a process of its own"
	w.Goal = contest.Goal{Ratio: 3}
	w.N = 300_000
	w.Apart = true
	return w
}

// spawnAgain is spawn in a process in which as many have lived and ended before. The memory of goroutines is then used again; that of
// actors comes from the garbage collector, as all other.
func spawnAgain() contest.Work {
	const raw = "go + channel"
	return contest.Work{
		Name:  "spawn again",
		About: "the same in one process, where as many have lived and ended before",
		Unit:  contest.ThousandsPerSecond,
		Raw:   raw,
		Most:  1_000_000,
		Contestants: []contest.Contestant{
			{Name: raw, Run: spawnGoroutines},
			{Name: "children of an actor", Goal: true, Run: spawnChildren},
			{Name: "program creates", Run: spawnFromProgram},
		},
	}
}

// A crowd counts those that have come.
type crowd struct {
	count atomic.Int64
	want  int64
	there chan struct{} // closed when all that are wanted have come
}

func newCrowd(want int) *crowd { return &crowd{want: int64(want), there: make(chan struct{})} }

func (c *crowd) come() {
	if c.count.Add(1) == c.want {
		close(c.there)
	}
}

func spawnGoroutines(_ context.Context, m contest.Meter, n int) error {
	all := newCrowd(n)
	flock := flock{mailboxes: make([]chan any, 0, n)}
	m.ResetTimer()
	for range n {
		flock.add(all)
	}
	<-all.there
	m.StopTimer()
	flock.release()
	return nil
}

// A flock is goroutines that wait, each on a channel of its own.
type flock struct {
	mailboxes []chan any
	ended     sync.WaitGroup
}

func (f *flock) add(all *crowd) {
	mailbox := make(chan any)
	f.mailboxes = append(f.mailboxes, mailbox)
	go func() {
		all.come()
		<-mailbox
		f.ended.Done()
	}()
}

// release ends the goroutines.
func (f *flock) release() {
	f.ended.Add(len(f.mailboxes))
	for _, mailbox := range f.mailboxes {
		close(mailbox)
	}
	f.ended.Wait()
}

func spawnChildren(ctx context.Context, m contest.Meter, n int) error {
	all := newCrowd(n)
	sys, parent, err := started(ctx, actor.Kind{Name: "parent", New: func() actor.Actor { return &nursery{} }}, childKind(all))
	if err != nil {
		return err
	}
	defer sys.Close()
	m.ResetTimer()
	if err := sys.Tell(ctx, parent, Begin{N: n}); err != nil {
		return err
	}
	err = await(ctx, all.there)
	m.StopTimer()
	return err
}

func spawnFromProgram(ctx context.Context, m contest.Meter, n int) error {
	all := newCrowd(n)
	sys, err := start(ctx, childKind(all))
	if err != nil {
		return err
	}
	defer sys.Close()
	m.ResetTimer()
	for range n {
		if _, err := sys.Create(ctx, "child"); err != nil {
			return err
		}
	}
	err = await(ctx, all.there)
	m.StopTimer()
	return err
}

// A nursery creates children, all in one turn, and may send each a message.
type nursery struct{ greet bool }

// Receive is a method of actor.Actor.
func (p *nursery) Receive(ctx *actor.Context, msg any) error {
	if begin, ok := msg.(Begin); ok {
		for i := range begin.N {
			child := ctx.Create("child")
			if p.greet {
				ctx.Send(child, Pair{i, begin.N})
			}
		}
	}
	return nil
}

// A child counts itself when it starts, and does nothing more.
type child struct{ all *crowd }

func childKind(all *crowd) actor.Kind {
	return actor.Kind{Name: "child", New: func() actor.Actor { return &child{all} }}
}

// Start is a method of actor.Starter.
func (c *child) Start(*actor.Context, any) error {
	c.all.come()
	return nil
}

// Receive is a method of actor.Actor.
func (c *child) Receive(*actor.Context, any) error { return nil }
