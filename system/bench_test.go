package system_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

// A ball is the small message of the benchmarks.
type ball struct{ Left, Right int }

// A job is a message that somebody waits for.
type job struct{ Done int }

func benchSystem(b *testing.B, kinds ...actor.Kind) *system.System {
	b.Helper()
	app := system.App{Kinds: kinds, Messages: message.Types(ball{}, job{})}
	sys, err := app.Start(b.Context(), &system.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = sys.Shutdown(context.Background()) })
	return sys
}

func benchCreate(b *testing.B, sys *system.System, kind string, options ...actor.CreateOptions) address.Address {
	b.Helper()
	a, err := sys.Create(b.Context(), kind, options...)
	if err != nil {
		b.Fatal(err)
	}
	return a
}

// counter is a kind that closes done when it has got n messages.
func counter(n int, done chan struct{}) actor.Kind {
	return actor.Kind{Name: "counter", New: func() actor.Actor {
		got := 0
		return actor.Func(func(ctx *actor.Context, msg any) error {
			if _, ok := msg.(ball); ok {
				if got++; got == n {
					close(done)
				}
			}
			return nil
		})
	}}
}

func BenchmarkTell(b *testing.B) {
	for _, senders := range []int{1, 8} {
		b.Run(fmt.Sprint(senders), func(b *testing.B) {
			done := make(chan struct{})
			each := (b.N + senders - 1) / senders
			sys := benchSystem(b, counter(each*senders, done))
			to := benchCreate(b, sys, "counter")
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for range senders {
				wg.Go(func() {
					for i := range each {
						if err := sys.Tell(b.Context(), to, ball{i, i}); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			<-done
		})
	}
}

func BenchmarkAsk(b *testing.B) {
	sys := benchSystem(b, actor.Kind{Name: "echo", New: func() actor.Actor {
		return actor.Func(func(ctx *actor.Context, msg any) error {
			ctx.Send(ctx.Sender(), msg)
			return nil
		})
	}})
	to := benchCreate(b, sys, "echo")
	b.ReportAllocs()
	for i := range b.N {
		if _, err := sys.Ask(b.Context(), to, ball{i, i}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBounce(b *testing.B) {
	done := make(chan struct{})
	sys := benchSystem(b, actor.Kind{Name: "player", New: func() actor.Actor {
		return actor.Func(func(ctx *actor.Context, msg any) error {
			switch m := msg.(type) {
			case *job:
			case ball:
				if m.Left == 0 {
					close(done)
					return nil
				}
				ctx.Send(ctx.Sender(), ball{m.Left - 1, 0})
			case job:
				other := ctx.Create("player")
				ctx.Send(other, ball{m.Done, 0})
			}
			return nil
		})
	}})
	to := benchCreate(b, sys, "player")
	b.ReportAllocs()
	b.ResetTimer()
	if err := sys.Tell(b.Context(), to, job{b.N}); err != nil {
		b.Fatal(err)
	}
	<-done
}

func BenchmarkSpawn(b *testing.B) {
	var started sync.WaitGroup
	sys := benchSystem(b, actor.Kind{Name: "parent", New: func() actor.Actor {
		return actor.Func(func(ctx *actor.Context, msg any) error {
			if m, ok := msg.(job); ok {
				for range m.Done {
					ctx.Create("child")
				}
			}
			return nil
		})
	}}, actor.Kind{Name: "child", New: func() actor.Actor {
		started.Done()
		return actor.Func(func(*actor.Context, any) error { return nil })
	}})
	to := benchCreate(b, sys, "parent")
	started.Add(b.N)
	b.ReportAllocs()
	b.ResetTimer()
	if err := sys.Tell(b.Context(), to, job{b.N}); err != nil {
		b.Fatal(err)
	}
	started.Wait()
}
