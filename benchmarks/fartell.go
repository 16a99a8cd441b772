package benchmarks

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"time"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/benchmarks/internal/contest"
	"thespian.dev/system"
)

// overhead is more than what is around the bytes of a message.
const overhead = 1 << 10

// farTell is about messages to an actor in another process: bytes, or sales if size is 0.
func farTell(on []Venue, what string, unit contest.Unit, goal contest.Goal, size int) contest.Work {
	const raw = "buffered TCP"
	frame := size
	if frame == 0 {
		frame = 64
	}
	about := "a message of " + what + " as []byte"
	if size == 0 {
		about = "a struct of a few fields (raw: 64 B)"
	}
	on = slices.DeleteFunc(slices.Clone(on), func(v Venue) bool { return v.MaxMessage > 0 && v.MaxMessage < size+overhead })
	return contest.Work{
		Name:  "far tell " + what,
		About: about + " to another process, until all have been handled there; where some may get lost, those that came, until the last of them was handled",
		Unit:  unit,
		Raw:   raw,
		Goal:  goal,
		Contestants: slices.Concat(
			[]contest.Contestant{{Name: raw, Run: func(ctx context.Context, m contest.Meter, n int) error { return tellWire(ctx, m, frame, n) }}},
			onEach(on, contest.Contestant{Name: "program tells", Goal: true, Run: func(ctx context.Context, m contest.Meter, n int) error {
				return tellFarFromProgram(ctx, m, size, n)
			}}),
			onEach(on, contest.Contestant{Name: "actor sends", Goal: true, Run: func(ctx context.Context, m contest.Meter, n int) error {
				return tellFarFromActor(ctx, m, size, n)
			}}),
		),
	}
}

func tellWire(ctx context.Context, m contest.Meter, size, n int) error {
	return withWire(ctx, sinkRole, func(w *wire) error {
		frame := make([]byte, size)
		send := func(n int) (pid int, err error) {
			if err := w.put(binary.BigEndian.AppendUint64(nil, uint64(n))); err != nil {
				return 0, err
			}
			for range n {
				if err := w.put(frame); err != nil {
					return 0, err
				}
			}
			if err := w.w.Flush(); err != nil {
				return 0, err
			}
			answer, err := w.take()
			if err == nil && len(answer) != 8 {
				err = fmt.Errorf("an answer of %d bytes", len(answer))
			}
			if err != nil {
				return 0, err
			}
			return int(binary.BigEndian.Uint64(answer)), nil
		}
		return measureFarTell(m, n, send)
	})
}

// measureFarTell measures send, which sends n messages, waits until they were handled, and returns the receiver's process.
func measureFarTell(m contest.Meter, n int, send func(n int) (pid int, err error)) error {
	if _, err := send(1); err != nil { // opens the connection
		return err
	}
	m.ResetTimer()
	pid, err := send(n)
	m.StopTimer()
	if peak, known := peakMemory(pid); known && err == nil {
		m.ReportMetric(peak, "MB receiver's peak")
	}
	return err
}

// tellFar measures send, which has so many messages sent to a new sink.
func tellFar(ctx context.Context, m contest.Meter, sys *system.System, n int, send func(ctx context.Context, sink address.Address, n int) error) error {
	to, err := sys.Create(ctx, sinkKind)
	if err != nil {
		return err
	}
	if mayLose(ctx) {
		return countFar(ctx, m, sys, to, n, send)
	}
	return measureFarTell(m, n, func(n int) (int, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		var got Received
		var failed error
		over := make(chan struct{})
		go func() {
			defer close(over)
			got, failed = system.Ask[Received](ctx, sys, to, Begin{N: n})
		}()
		if err := send(ctx, to, n); err != nil {
			cancel()
			<-over
			return 0, err
		}
		<-over
		return got.PID, failed
	})
}

// A sink is asked for its count every countEvery. What has not come when nothing has for quietTime is lost.
const (
	countEvery = 20 * time.Millisecond
	quietTime  = time.Second
)

// countFar is tellFar where messages may get lost: it counts those that came. The time is that of the sink, to which no question belongs, nor how long is waited for more.
func countFar(ctx context.Context, m contest.Meter, sys *system.System, sink address.Address, n int, send func(ctx context.Context, sink address.Address, n int) error) error {
	var begin time.Time
	count := func(number, n int) (got Received, err error) {
		if _, err := insist[Received](ctx, sys, sink, Count{number}); err != nil {
			return got, err
		}
		begin = time.Now()
		if err := send(ctx, sink, n); err != nil {
			return got, err
		}
		for changed := time.Now(); got.N < n && time.Since(changed) < quietTime; {
			if err := pause(ctx, countEvery); err != nil {
				return got, err
			}
			now, err := insist[Received](ctx, sys, sink, Count{number})
			if err != nil {
				return got, err
			}
			if now.N != got.N {
				changed = time.Now()
			}
			got = now
		}
		return got, nil
	}
	if _, err := count(1, 1); err != nil { // opens the connection
		return err
	}
	m.ResetTimer()
	got, err := count(2, n)
	m.StopTimer()
	if err != nil {
		return err
	}
	if got.N == 0 {
		return fmt.Errorf("none of %d messages came", n)
	}
	contest.Correct(m, got.N, time.Unix(0, got.Last).Sub(begin))
	reportLost(ctx, m, n-got.N, n)
	if peak, known := peakMemory(got.PID); known {
		m.ReportMetric(peak, "MB receiver's peak")
	}
	return nil
}

func tellFarFromProgram(ctx context.Context, m contest.Meter, size, n int) error {
	return withFar(ctx, func(sys *system.System) error {
		return tellFar(ctx, m, sys, n, func(ctx context.Context, sink address.Address, n int) error {
			next := farMessages(size)
			for i := range n {
				if err := sys.Tell(ctx, sink, next(i)); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func tellFarFromActor(ctx context.Context, m contest.Meter, size, n int) error {
	return withFar(ctx, func(sys *system.System) error {
		from, err := sys.Create(ctx, floodKind)
		if err != nil {
			return err
		}
		return tellFar(ctx, m, sys, n, func(ctx context.Context, sink address.Address, n int) error {
			return sys.Tell(ctx, from, Flood{N: n, Size: size, To: sink})
		})
	})
}

// farMessages returns what returns the messages to be sent. As with a wire, all of those that are bytes are the same ones.
func farMessages(size int) func(i int) any {
	if size == 0 {
		return func(i int) any { return Sale{Number: i, Customer: "Jane Doe", Price: 9.99, Paid: true} }
	}
	var msg any = make([]byte, size)
	return func(int) any { return msg }
}

// flood sends all of its messages in one turn.
func flood(ctx *actor.Context, msg any) error {
	if m, ok := msg.(Flood); ok {
		next := farMessages(m.Size)
		for i := range m.N {
			ctx.Send(m.To, next(i))
		}
	}
	return nil
}

// A sink counts what comes, and says when it is all that it was told of, which may be before or after it.
type sink struct {
	got, want int
	asker     address.Address
	number    int // of the Count that it follows
	last      int64
}

// Receive is a method of actor.Actor.
func (s *sink) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case Begin:
		s.want, s.asker = m.N, ctx.Sender()
	case Count:
		if m.Number != s.number {
			s.number, s.got, s.last = m.Number, 0, 0
		}
		ctx.Send(ctx.Sender(), Received{os.Getpid(), s.got, s.last})
		return nil
	case []byte, Sale:
		if s.got++; s.number > 0 {
			s.last = time.Now().UnixNano()
		}
	default:
		return nil
	}
	if s.want > 0 && s.got >= s.want {
		ctx.Send(s.asker, Received{PID: os.Getpid()})
		s.got, s.want = s.got-s.want, 0
	}
	return nil
}

// peakMemory returns how many megabytes a process has had in memory at most, where the system tells.
func peakMemory(pid int) (megabytes float64, known bool) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, false
	}
	return procMegabytes(status, "VmHWM:")
}

// procMegabytes returns a size that a file in /proc has a line for.
func procMegabytes(file []byte, name string) (megabytes float64, known bool) {
	for line := range bytes.Lines(file) {
		if rest, ok := bytes.CutPrefix(line, []byte(name)); ok {
			var kilobytes float64
			_, err := fmt.Sscan(string(rest), &kilobytes)
			return kilobytes * 1024 / 1e6, err == nil
		}
	}
	return 0, false
}
