package benchmarks

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/benchmarks/internal/contest"
	"thespian.dev/message"
	"thespian.dev/system"
)

// kept is a figure: what of the memory was not given back.
const kept = "% of peak kept"

// million is about the whole life of very many actors.
func million() contest.Work {
	return contest.Work{
		Name: "million",
		About: "the whole life of 1,000,000 actors at once: an actor creates them until all have started, the program asks them one by one, and sends " +
			"each an ActorExitRequest until their parent has got every ChildActorExited; then the memory is given back to the operating system",
		Unit:   contest.Seconds,
		Goal:   contest.Goal{Value: 10, AtMost: map[string]float64{kept: 10}},
		N:      1_000_000,
		Rounds: 1,
		Apart:  true,
		Contestants: []contest.Contestant{
			{Name: "actors", Goal: true, Run: wholeLives},
		},
	}
}

func wholeLives(ctx context.Context, m contest.Meter, n int) error {
	p := &patriarch{created: make(chan []address.Address, 1), gone: make(chan struct{})}
	all := newCrowd(n)
	sys, parent, err := started(ctx,
		actor.Kind{Name: "patriarch", New: func() actor.Actor { return p }},
		actor.Kind{Name: "child", New: func() actor.Actor { return &answering{child{all}} }})
	if err != nil {
		return err
	}
	defer sys.Close()
	l := &lives{ctx: ctx, sys: sys, parent: parent, patriarch: p, all: all, n: n}
	before := inUse()
	peak := watchHeap()
	defer peak.stop()

	phases := []phase{{name: "s create", do: l.create}, {name: "s ask", do: l.ask}, {name: "s end", do: l.end}, {name: "s give back", do: l.giveBack}}
	m.ResetTimer()
	for i := range phases {
		begin := time.Now()
		if err := phases[i].do(); err != nil {
			return err
		}
		phases[i].took = time.Since(begin)
	}
	m.StopTimer()

	peak.stop()
	after := inUse()
	for _, p := range phases {
		m.ReportMetric(p.took.Seconds(), p.name)
	}
	const megabyte = 1e6
	m.ReportMetric(float64(before)/megabyte, "MB before")
	m.ReportMetric(float64(peak.bytes)/megabyte, "MB peak")
	m.ReportMetric(float64(after)/megabyte, "MB after")
	m.ReportMetric(max(0, float64(after)-float64(before))/float64(peak.bytes)*100, kept)
	return nil
}

// A phase is a part of a work that is measured by itself, too.
type phase struct {
	name string
	do   func() error
	took time.Duration
}

// lives are those of the actors of a work.
type lives struct {
	ctx       context.Context
	sys       *system.System
	parent    address.Address
	patriarch *patriarch
	all       *crowd
	n         int
	actors    []address.Address
}

func (l *lives) create() error {
	if err := l.sys.Tell(l.ctx, l.parent, Begin{N: l.n}); err != nil {
		return err
	}
	if err := await(l.ctx, l.all.there); err != nil {
		return err
	}
	select {
	case l.actors = <-l.patriarch.created:
		return nil
	case <-l.ctx.Done():
		return l.ctx.Err()
	}
}

func (l *lives) ask() error {
	for i, a := range l.actors {
		if _, err := l.sys.Ask(l.ctx, a, Pair{i, l.n}); err != nil {
			return err
		}
	}
	return nil
}

func (l *lives) end() error {
	for _, a := range l.actors {
		if err := l.sys.Tell(l.ctx, a, message.ActorExitRequest{}); err != nil {
			return err
		}
	}
	return await(l.ctx, l.patriarch.gone)
}

func (l *lives) giveBack() error {
	l.actors = nil
	debug.FreeOSMemory()
	return nil
}

// A patriarch creates children in one turn, hands out their addresses, and waits for the end of each.
type patriarch struct {
	created chan []address.Address
	left    int
	gone    chan struct{} // closed when the last child has ended
}

// Receive is a method of actor.Actor.
func (p *patriarch) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case Begin:
		children := make([]address.Address, m.N)
		for i := range children {
			children[i] = ctx.Create("child")
		}
		p.left = m.N
		p.created <- children
	case message.ChildActorExited:
		if p.left--; p.left == 0 {
			close(p.gone)
		}
	}
	return nil
}

// An answering child answers a message with itself.
type answering struct{ child }

// Receive is a method of actor.Actor.
func (*answering) Receive(ctx *actor.Context, msg any) error { return echo(ctx, msg) }

// A heapWatch looks how large heap and stacks are, garbage included, every few milliseconds.
type heapWatch struct {
	bytes uint64 // the most; valid after stop
	done  chan struct{}
	ended chan struct{}
	over  bool
}

func watchHeap() *heapWatch {
	w := &heapWatch{done: make(chan struct{}), ended: make(chan struct{})}
	go w.run()
	return w
}

func (w *heapWatch) run() {
	defer close(w.ended)
	sizes := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		metrics.Read(sizes)
		w.bytes = max(w.bytes, sizes[0].Value.Uint64()+sizes[1].Value.Uint64())
		select {
		case <-tick.C:
		case <-w.done:
			return
		}
	}
}

// stop ends the watch. It may be called again.
func (w *heapWatch) stop() {
	if !w.over {
		w.over = true
		close(w.done)
		<-w.ended
	}
}
