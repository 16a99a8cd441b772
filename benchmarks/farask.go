package benchmarks

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"thespian.dev/benchmarks/internal/contest"
	"thespian.dev/system"
)

// FarAsk is about questions of 64 bytes to another process, which answers each with the same bytes.
func FarAsk(on []Venue, callers int) contest.Work {
	const raw = "TCP ping-pong"
	w := contest.Work{
		Name:  "far ask 64 B",
		About: "64 bytes from one caller to another process, and back",
		Unit:  contest.Nanoseconds,
		Raw:   raw,
		Goal:  contest.Goal{Ratio: 1.5},
		Contestants: []contest.Contestant{
			{Name: raw, Run: askWire},
			{Name: "Unix ping-pong", Run: func(ctx context.Context, m contest.Meter, n int) error { return askWires(ctx, m, unix, 1, n) }},
			{Name: "Unix, read apart", Run: askByReader},
		},
	}
	if callers > 1 {
		w.Name = fmt.Sprintf("far ask %d callers", callers)
		w.About = fmt.Sprintf("64 bytes from one of %d callers to another process, and back (raw: one caller)", callers)
		w.Unit = contest.ThousandsPerSecond
		w.Goal = contest.Goal{Ratio: 14} // 350 k/s where the ping-pong does 25
		w.Contestants = append(w.Contestants[:1], contest.Contestant{Name: fmt.Sprintf("%d TCP connections", callers),
			Run: func(ctx context.Context, m contest.Meter, n int) error { return askWires(ctx, m, "", callers, n) }})
	}
	w.Contestants = append(w.Contestants, onEach(on, contest.Contestant{Name: "program asks", Goal: true,
		Run: func(ctx context.Context, m contest.Meter, n int) error { return askFar(ctx, m, callers, n) }})...)
	return w
}

func askWire(ctx context.Context, m contest.Meter, n int) error {
	return askWires(ctx, m, "", 1, n)
}

// askWires has each caller ask over a connection of its own.
func askWires(ctx context.Context, m contest.Meter, network string, callers, n int) error {
	return withSecond(ctx, echoRole, network, func(address string) error {
		wires := make(chan *wire, callers)
		for range callers {
			w, err := dialWire(ctx, address)
			if err != nil {
				return err
			}
			defer w.conn.Close()
			defer context.AfterFunc(ctx, func() { _ = w.conn.Close() })()
			if err := w.ask(make([]byte, 64)); err != nil {
				return err
			}
			wires <- w
		}
		m.ResetTimer()
		err := inParallel(callers, n, func(n int) error {
			w, question := <-wires, make([]byte, 64)
			for range n {
				if err := w.ask(question); err != nil {
					return err
				}
			}
			return nil
		})
		m.StopTimer()
		return err
	})
}

// askByReader has one goroutine ask and another one read, as in any program where more than one may wait for something from a connection.
func askByReader(ctx context.Context, m contest.Meter, n int) error {
	return withSecond(ctx, echoRole, unix, func(address string) error {
		w, err := dialWire(ctx, address)
		if err != nil {
			return err
		}
		answers := make(chan error, 1)
		var reader sync.WaitGroup
		defer reader.Wait()
		defer w.conn.Close()
		defer context.AfterFunc(ctx, func() { _ = w.conn.Close() })()
		question := make([]byte, 64)
		if err := w.ask(question); err != nil {
			return err
		}
		reader.Go(func() {
			for range n {
				_, err := w.take()
				answers <- err
				if err != nil {
					return
				}
			}
		})
		m.ResetTimer()
		defer m.StopTimer()
		for range n {
			if err := w.send(question); err != nil {
				return err
			}
			if err := <-answers; err != nil {
				return err
			}
		}
		return nil
	})
}

// askFar has callers wait for answers of one actor. Where something may get lost, one whose question or answer was lost has waited for lostTime, and goes on with the next.
func askFar(ctx context.Context, m contest.Meter, callers, n int) error {
	return withFar(ctx, func(sys *system.System) error {
		receiver, err := sys.Create(ctx, spawnKind)
		if err != nil {
			return err
		}
		var question any = make([]byte, 64)
		if _, err := insist[[]byte](ctx, sys, receiver, question); err != nil {
			return err
		}
		var lost atomic.Int64
		m.ResetTimer()
		err = inParallel(callers, n, func(n int) error {
			for range n {
				_, once, err := askOnce[any](ctx, sys, receiver, question)
				if err != nil {
					return err
				}
				if once {
					lost.Add(1)
				}
			}
			return nil
		})
		m.StopTimer()
		reportLost(ctx, m, int(lost.Load()), n)
		return err
	})
}
