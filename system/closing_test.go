package system_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

// stuck is a kind whose actors do not return from a text until the channel is closed.
func stuck(open <-chan struct{}) actor.Kind {
	return kind("stuck", func(_ *actor.Context, msg any) error {
		if _, ok := msg.(text); ok {
			<-open
		}
		return nil
	})
}

func TestClosedEndpointKeepsNoMessages(t *testing.T) {
	timed(t, func(t *testing.T, o system.Options) {
		gate := make(chan struct{})
		sys := start(t, o, undertaker, kind("late", func(ctx *actor.Context, msg any) error {
			if m, ok := msg.(text); ok {
				asker := ctx.Sender()
				ctx.Go(func(context.Context) any { <-gate; ctx.Send(asker, m); return nil })
			}
			return nil
		}))
		u, late := create(t, sys, "undertaker"), create(t, sys, "late")
		ask[text](t, sys, u, text{"on"})
		private := sys.Private()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := private.Ask(ctx, late, text{"late answer"})
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		tell(t, sys, private.Address(), text{"not listened to"})
		assert.NilError(t, private.Close())
		assert.Equal(t, deadLetterCount(t, sys), 1)
		close(gate)
		synctest.Wait()
		assert.Equal(t, deadLetterCount(t, sys), 2)
		_, _, err = private.Listen(t.Context())
		assert.ErrorIs(t, err, system.ErrClosed)
		got := ask[text](t, sys, u, text{"got?"}).Text
		assert.Assert(t, is.Contains(got, "{not listened to} to "+private.Address().String()))
		assert.Assert(t, is.Contains(got, "{late answer} to "+private.Address().String()))
		assert.Equal(t, strings.Count(got, ": the endpoint was closed"), 2)
	})
}

func TestCloseOfAnEndpointFailsTheRequestsToIt(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, asking(func(ctx *actor.Context, to address.Address, say func(string, ...any)) {
			ctx.Request(to, text{"?"}, 0, func(_ any, err error) error { say("%v", err); return nil })
			say("asked")
		}))
		private := sys.Private()
		assert.Equal(t, ask[text](t, sys, create(t, sys, "asking"), refer{private.Address()}).Text, "asked")
		assert.NilError(t, private.Close())
		assert.Assert(t, is.Contains(listen[text](t, sys).Text, "cannot be reached: the endpoint was closed"))
	})
}

func TestWatcherIsToldOfAnEndpointsClose(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, watchman)
		private, other := sys.Private(), sys.Private()
		first, second, third := create(t, sys, "watchman"), create(t, sys, "watchman"), create(t, sys, "watchman")
		for _, w := range []address.Address{first, second, third} {
			watching(t, sys, w, private.Address())
			watching(t, sys, w, other.Address())
		}
		assert.Equal(t, ask[text](t, sys, second, written(t, private.Address())).Text, "not watching")
		tell(t, sys, third, message.ActorExitRequest{})
		gone(t, sys, third)
		assert.NilError(t, private.Close())
		msg, sender, err := sys.Listen(within(t))
		assert.NilError(t, err)
		assert.Equal(t, sender, first)
		assert.Equal(t, msg, text{"actor exited: the endpoint was closed"})
		assert.NilError(t, private.Close())
		watching(t, sys, second, private.Address())
		msg, sender, err = sys.Listen(within(t))
		assert.NilError(t, err)
		assert.Equal(t, sender, second, "at once, and nobody else heard anything")
		assert.Equal(t, msg, text{"actor exited: the endpoint was closed"})
		assert.NilError(t, other.Close())
	})
}

func TestShutdownIsCutShort(t *testing.T) {
	for name, cut := range map[string]func(sys *system.System) error{
		"by Close": (*system.System).Close,
		"by a Shutdown that has less time": func(sys *system.System) error {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			return sys.Shutdown(ctx)
		},
		"by a Shutdown that has none": func(sys *system.System) error {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			return sys.Shutdown(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			timed(t, func(t *testing.T, o system.Options) {
				open := make(chan struct{})
				sys := launch(t, o, stuck(open))
				a := create(t, sys, "stuck")
				go func() { _ = sys.Tell(t.Context(), a, text{"wait"}) }()
				synctest.Wait()
				begin := time.Now()
				first := make(chan error)
				go func() {
					ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
					defer cancel()
					first <- sys.Shutdown(ctx)
				}()
				synctest.Wait()
				second := make(chan error)
				go func() { second <- cut(sys) }()
				err := <-first
				assert.ErrorContains(t, err, a.String()+" (stuck)")
				assert.Equal(t, <-second, err)
				assert.Assert(t, time.Since(begin) < 5*time.Second, "%v", time.Since(begin))
				close(open)
			})
		})
	}
}

func TestLaterShutdownWithoutADeadlineCutsNothingShort(t *testing.T) {
	timed(t, func(t *testing.T, o system.Options) {
		open := make(chan struct{})
		sys := launch(t, o, stuck(open))
		a := create(t, sys, "stuck")
		go func() { _ = sys.Tell(t.Context(), a, text{"wait"}) }()
		synctest.Wait()
		time.AfterFunc(time.Minute, func() { close(open) })
		first := make(chan error)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			defer cancel()
			first <- sys.Shutdown(ctx)
		}()
		synctest.Wait()
		assert.NilError(t, sys.Shutdown(context.Background()))
		assert.NilError(t, <-first)
	})
}

func TestShutdownNamesTheActorWhoseWorkIsStuck(t *testing.T) {
	timed(t, func(t *testing.T, o system.Options) {
		open := make(chan struct{})
		sys := launch(t, o, kind("boss", func(ctx *actor.Context, msg any) error {
			if _, ok := msg.(text); ok {
				ctx.Go(func(context.Context) any { <-open; return nil })
			}
			return nil
		}))
		a := create(t, sys, "boss")
		tell(t, sys, a, text{"go"})
		assert.ErrorContains(t, sys.Shutdown(t.Context()), "still at work: a function of Context.Go of "+a.String()+" (boss): ")
		close(open)
	})
}

func TestErrorOfAShutdownThatAnActorBeganIsLogged(t *testing.T) {
	timed(t, func(t *testing.T, o system.Options) {
		open := make(chan struct{})
		var out lockedBuffer
		o.Logger = slog.New(slog.NewTextHandler(&out, nil))
		sys, err := system.App{Kinds: []actor.Kind{kind("ender", func(ctx *actor.Context, msg any) error {
			if _, ok := msg.(text); ok {
				ctx.ShutdownSystem()
				<-open
			}
			return nil
		})}, Messages: testMessages}.Start(t.Context(), &o)
		assert.NilError(t, err)
		a := create(t, sys, "ender")
		go func() { _ = sys.Tell(t.Context(), a, text{"end"}) }()
		<-sys.Done()
		synctest.Wait()
		assert.Assert(t, is.Contains(out.String(), a.String()+" (ender)"))
		assert.Assert(t, is.Contains(out.String(), "level=ERROR"))
		close(open)
	})
}

// A lockedBuffer is a bytes.Buffer for several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Whoever drives the actors of a synchronous system gives up with its context, but not what there is to do.
func TestSynchronousCallsEndWithTheirContextAndOthersGoOn(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, sys *system.System, a address.Address) error{
		"Ask": func(ctx context.Context, sys *system.System, a address.Address) error {
			_, err := sys.Ask(ctx, a, text{"wait"})
			return err
		},
		"Listen": func(ctx context.Context, sys *system.System, a address.Address) error {
			sys.Tell(ctx, a, text{"wait"})
			_, _, err := sys.Listen(ctx)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				open := make(chan struct{})
				sys := start(t, system.Options{Synchronous: true}, stuck(open), echo)
				a, e := create(t, sys, "stuck"), create(t, sys, "echo")
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				begin := time.Now()
				assert.ErrorIs(t, call(ctx, sys, a), context.DeadlineExceeded)
				assert.Equal(t, time.Since(begin), time.Second)
				results := make(chan error, 2)
				go func() { _, err := sys.Create(t.Context(), "echo"); results <- err }()
				go func() { _, err := sys.Ask(t.Context(), e, text{"?"}); results <- err }()
				synctest.Wait()
				assert.Equal(t, len(results), 0, "one actor at a time")
				close(open)
				assert.NilError(t, <-results)
				assert.NilError(t, <-results)
			})
		})
	}
}

func TestSynchronousTellEndsWithItsEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(chan struct{})
		sys := start(t, system.Options{Synchronous: true}, stuck(open))
		a, private := create(t, sys, "stuck"), sys.Private()
		told := make(chan error)
		go func() { told <- private.Tell(context.Background(), a, text{"wait"}) }()
		synctest.Wait()
		assert.NilError(t, private.Close())
		assert.NilError(t, <-told, "the message was sent")
		close(open)
	})
}

func TestSynchronousShutdownGoesOnWhereAnotherCallGaveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(chan struct{})
		sys := launch(t, system.Options{Synchronous: true}, stuck(open), echo)
		create(t, sys, "echo")
		a := create(t, sys, "stuck")
		ctx, giveUp := context.WithCancel(t.Context())
		told := make(chan error)
		go func() { told <- sys.Tell(ctx, a, text{"wait"}) }()
		synctest.Wait()
		begin := time.Now()
		done := make(chan error)
		go func() { done <- sys.Shutdown(context.Background()) }()
		synctest.Wait()
		giveUp()
		assert.NilError(t, <-told)
		close(open)
		assert.NilError(t, <-done)
		assert.Equal(t, time.Since(begin), time.Duration(0))
	})
}

// An answer that is just being written when the context ends is waited for.
func TestSynchronousAnswerAtTheLastMoment(t *testing.T) {
	sys := start(t, system.Options{Synchronous: true}, kind("beside", func(ctx *actor.Context, msg any) error {
		if m, ok := msg.(count); ok {
			asker := ctx.Sender()
			ctx.Go(func(context.Context) any { ctx.Send(asker, m); return nil })
		}
		return nil
	}))
	a := create(t, sys, "beside")
	for i := range 2000 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%100)*time.Microsecond)
		answer, err := sys.Ask(ctx, a, count{i})
		cancel()
		assert.Assert(t, (err == nil) == (answer == count{i}), "%v %v", answer, err)
	}
}
