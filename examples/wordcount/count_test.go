package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"thespian.dev/actor"
	"thespian.dev/message"
	"thespian.dev/system"
)

// all is more words than there are in any tree of the tests.
const all = 1 << 20

// forest makes a folder with all kinds of files, enough for a good many batches.
func forest(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	for i := range 600 {
		write(t, filepath.Join(root, fmt.Sprint("d", i%7), fmt.Sprint("e", i%11), fmt.Sprint(i)), fmt.Sprintf("File %d of Many, %d\n", i, i%50))
	}
	write(t, filepath.Join(root, "empty"), "")
	write(t, filepath.Join(root, "binary"), "words\x00words")
	write(t, filepath.Join(root, "invalid"), "words \xff\xfe words")
	write(t, filepath.Join(root, "invalid later"), strings.Repeat("fine ", headBytes)+"\xff words")
	write(t, filepath.Join(root, "one line"), strings.Repeat("größer ", 200_000))
	write(t, filepath.Join(root, "one word"), strings.Repeat("Aé", 100_000))
	var distinct strings.Builder
	for i := range deliverWords + 100 {
		fmt.Fprintln(&distinct, "w", i)
	}
	write(t, filepath.Join(root, "many words"), distinct.String())
	write(t, filepath.Join(root, "a", "b", "c", "deep"), "deep")
	write(t, filepath.Join(root, "name\n ö"), "name")

	// What follows is not possible everywhere.
	_ = os.WriteFile(filepath.Join(root, "no text \xff"), []byte("name"), 0o666)
	_ = os.Symlink(root, filepath.Join(root, "a", "loop"))
	_ = os.Symlink("deep", filepath.Join(root, "a", "b", "c", "link"))
	_ = os.Symlink("nowhere", filepath.Join(root, "broken link"))
	write(t, filepath.Join(root, "secret"), "secret") // root can read these two
	write(t, filepath.Join(root, "closed", "x"), "secret")
	assert.NilError(t, os.Chmod(filepath.Join(root, "secret"), 0))
	assert.NilError(t, os.Chmod(filepath.Join(root, "closed"), 0))
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(root, "closed"), 0o700) })
	return root
}

// schedulers runs a test on each scheduler of the base simple, and with messages that are copied.
func schedulers(t *testing.T, test func(t *testing.T, o system.Options)) {
	for name, o := range map[string]system.Options{
		"concurrent":         {},
		"synchronous":        {Synchronous: true},
		"copies":             {CopyMessages: true},
		"synchronous copies": {Synchronous: true, CopyMessages: true},
	} {
		t.Run(name, func(t *testing.T) { test(t, o) })
	}
}

// start starts a system of the program, with another actor for a worker if one is given.
func start(t testing.TB, o system.Options, newWorker func() actor.Actor) *system.System {
	t.Helper()
	o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	a := system.App{Kinds: append([]actor.Kind(nil), app.Kinds...), Messages: app.Messages}
	for i := range a.Kinds {
		if a.Kinds[i].Name == "worker" && newWorker != nil {
			a.Kinds[i].New = newWorker
		}
	}
	sys, err := a.Start(t.Context(), &o)
	assert.NilError(t, err)
	t.Cleanup(func() { assert.Check(t, sys.Shutdown(context.Background())) })
	return sys
}

// mustCount counts with actors.
func mustCount(t testing.TB, sys *system.System, what Count) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	result, err := count(ctx, sys, what, func(p Progress) {
		assert.Check(t, p.Done <= p.Found, "progress is %+v", p)
	})
	assert.NilError(t, err)
	return result
}

func mustCountPlainly(t testing.TB, root string) Result {
	t.Helper()
	result, err := countPlainly(t.Context(), root, all)
	assert.NilError(t, err)
	return result
}

// naive counts as simply as it can be said, without the numbers of what could not be read.
func naive(t *testing.T, root string) Result {
	var total tally
	assert.NilError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		if !isText(text) {
			total.stats.Binary++
			return nil
		}
		total.stats.Files++
		total.stats.Bytes += int64(len(text))
		for _, w := range naiveWords(string(text)) {
			total.stats.Words++
			total.table.add(WordCount{w, 1})
		}
		return nil
	}))
	return total.result(all)
}

// same fails the test when two results differ. (To have all differences shown would take minutes.)
func same(t testing.TB, got, want Result) {
	t.Helper()
	gotWords, wantWords := got.Top, want.Top
	got.Top, want.Top = nil, nil
	assert.DeepEqual(t, got, want)
	assert.Equal(t, len(gotWords), len(wantWords))
	for i := range wantWords {
		if gotWords[i] != wantWords[i] {
			t.Fatalf("word %d is %+v, wanted %+v", i, gotWords[i], wantWords[i])
		}
	}
}

func TestPlainLoop(t *testing.T) {
	root := forest(t)
	got := mustCountPlainly(t, root)
	if os.Geteuid() != 0 && runtime.GOOS != "windows" {
		assert.Equal(t, got.Stats.Unreadable, 2)
		assert.Equal(t, len(got.Stats.Problems), 2)
	}
	got.Stats.Unreadable, got.Stats.Problems = 0, nil
	same(t, got, naive(t, root))
	assert.Equal(t, got.Stats.Binary, 2)
}

func TestActorsCountLikeThePlainLoop(t *testing.T) {
	root := forest(t)
	want := mustCountPlainly(t, root)
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, nil)
		for _, workers := range []int{1, 2, 7} {
			got := mustCount(t, sys, Count{Root: []byte(root), Workers: workers, Top: all})
			same(t, got, want)
		}
		three := mustCount(t, sys, Count{Root: []byte(root), Workers: 2, Top: 3})
		assert.DeepEqual(t, three.Top, want.Top[:3])
	})
}

func TestEmptyFolder(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, nil)
		got := mustCount(t, sys, Count{Root: []byte(t.TempDir()), Workers: 3, Top: 3})
		assert.DeepEqual(t, got, Result{})
	})
}

// A mortal is a worker that dies when it gets a certain batch.
type mortal struct {
	worker
	left int // batches until it dies
	die  func(ctx *actor.Context, w *worker, m Batch) error
}

func (w *mortal) Receive(ctx *actor.Context, msg any) error {
	if m, ok := msg.(Batch); ok {
		if w.left--; w.left == 0 {
			return w.die(ctx, &w.worker, m)
		}
	}
	return w.worker.Receive(ctx, msg)
}

// However workers die, each file is counted exactly once.
func TestWorkersThatDie(t *testing.T) {
	root := forest(t)
	want := mustCountPlainly(t, root)
	for name, die := range map[string]func(ctx *actor.Context, w *worker, m Batch) error{
		"asked to exit": func(ctx *actor.Context, w *worker, m Batch) error {
			ctx.Send(ctx.Self(), message.ActorExitRequest{})
			return w.Receive(ctx, m)
		},
		"before the batch": func(ctx *actor.Context, w *worker, m Batch) error {
			ctx.Exit()
			return nil
		},
		"after the batch": func(ctx *actor.Context, w *worker, m Batch) error {
			ctx.Exit()
			return w.Receive(ctx, m)
		},
		"after a delivery": func(ctx *actor.Context, w *worker, m Batch) error {
			err := w.Receive(ctx, m)
			w.deliver(ctx, ctx.Sender())
			ctx.Exit()
			return err
		},
		"in a delivery": func(ctx *actor.Context, w *worker, m Batch) error {
			ctx.Send(ctx.Sender(), Words{Words: []WordCount{{"never", 1}}, More: true})
			ctx.Exit()
			return nil
		},
		"by a panic in the batch": func(ctx *actor.Context, w *worker, m Batch) error {
			assert.NilError(t, w.file(ctx, string(m.Files[0]), nobody))
			entries := w.table.entries
			defer func() { w.table.entries = entries }() // another try would go well, and count the file twice
			w.table.entries = nil                        // so that the first word is out of range
			return w.Receive(ctx, m)
		},
		"failing": func(ctx *actor.Context, w *worker, m Batch) error {
			return actor.Permanent(errors.New("on purpose"))
		},
		"with its goroutine": func(ctx *actor.Context, w *worker, m Batch) error {
			_ = w.Receive(ctx, m)
			runtime.Goexit()
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			schedulers(t, func(t *testing.T, o system.Options) {
				var made, died atomic.Int32
				sys := start(t, o, func() actor.Actor {
					n := made.Add(1)
					if n > 5 {
						return newWorker()
					}
					return &mortal{left: int(n+1) / 2, die: func(ctx *actor.Context, w *worker, m Batch) error {
						died.Add(1)
						return die(ctx, w, m)
					}}
				})
				got := mustCount(t, sys, Count{Root: []byte(root), Workers: 2, Top: all})
				same(t, got, want)
				assert.Assert(t, died.Load() > 0)
				assert.Assert(t, made.Load() > 2)
			})
		})
	}
}

// Somebody else ends a worker while it is in the middle of a batch and has others waiting.
func TestWorkerEndedFromOutside(t *testing.T) {
	root := forest(t)
	want := mustCountPlainly(t, root)
	schedulers(t, func(t *testing.T, o system.Options) {
		var sys *system.System
		var made atomic.Int32
		sys = start(t, o, func() actor.Actor {
			if made.Add(1) > 1 {
				return newWorker()
			}
			return &mortal{left: 2, die: func(ctx *actor.Context, w *worker, m Batch) error {
				told := make(chan error)
				go func() { told <- sys.Tell(ctx, ctx.Self(), message.ActorExitRequest{}) }()
				assert.Check(t, <-told)
				return w.Receive(ctx, m)
			}}
		})
		got := mustCount(t, sys, Count{Root: []byte(root), Workers: 1, Top: all})
		same(t, got, want)
		assert.Equal(t, made.Load(), int32(2))
	})
}

func TestWorkersThatCannotBe(t *testing.T) {
	root := forest(t)
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, func() actor.Actor { panic("no worker today") })
		_, err := count(t.Context(), sys, Count{Root: []byte(root), Workers: 2}, func(Progress) {})
		assert.ErrorContains(t, err, "no worker today")
	})
}

// A file that is gone when its turn comes is reported.
func TestFileThatDisappears(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		root := t.TempDir()
		doomed := filepath.Join(root, "doomed")
		write(t, doomed, "gone")
		write(t, filepath.Join(root, "kept"), "kept")
		sys := start(t, o, func() actor.Actor {
			return &mortal{left: 1, die: func(ctx *actor.Context, w *worker, m Batch) error {
				assert.Check(t, os.Remove(doomed))
				return w.Receive(ctx, m)
			}}
		})
		got := mustCount(t, sys, Count{Root: []byte(root), Workers: 1, Top: all})
		assert.Equal(t, got.Stats.Files, 1)
		assert.Equal(t, got.Stats.Unreadable, 1)
		assert.Assert(t, is.Contains(got.Stats.Problems[0], "doomed"))
	})
}

func TestFolderThatDoesNotExist(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, nil)
		_, err := count(t.Context(), sys, Count{Root: []byte(filepath.Join(t.TempDir(), "none")), Workers: 2}, func(Progress) {})
		assert.ErrorContains(t, err, "none")
	})
}

func TestCoordinatorTakesOneCount(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, func() actor.Actor { return actor.Func(func(*actor.Context, any) error { return nil }) })
		coordinator, err := sys.Create(t.Context(), "coordinator")
		assert.NilError(t, err)
		what := Count{Root: []byte(forest(t)), Workers: 1}
		assert.NilError(t, sys.Tell(t.Context(), coordinator, what)) // which its workers never do
		_, err = sys.Ask(t.Context(), coordinator, what)
		assert.ErrorContains(t, err, "has a count already")
	})
}

func TestCountInterrupted(t *testing.T) {
	root := forest(t)
	schedulers(t, func(t *testing.T, o system.Options) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		sys := start(t, o, func() actor.Actor {
			return &mortal{left: 2, die: func(_ *actor.Context, _ *worker, m Batch) error {
				cancel()
				return nil // and never a word about the batch
			}}
		})
		_, err := count(ctx, sys, Count{Root: []byte(root), Workers: 2}, func(Progress) {})
		assert.ErrorIs(t, err, context.Canceled)
	})
}

// BenchmarkCount counts the source of the Go installation.
func BenchmarkCount(b *testing.B) {
	root, err := folder(b.Context(), "")
	if err != nil {
		b.Skip(err)
	}
	b.Run("plain", func(b *testing.B) {
		for b.Loop() {
			b.SetBytes(mustCountPlainly(b, root).Stats.Bytes)
		}
	})
	for _, workers := range []int{1, 2, 4} {
		b.Run(fmt.Sprint("workers=", workers), func(b *testing.B) {
			sys := start(b, system.Options{}, nil)
			for b.Loop() {
				b.SetBytes(mustCount(b, sys, Count{Root: []byte(root), Workers: workers, Top: 20}).Stats.Bytes)
			}
		})
	}
}
