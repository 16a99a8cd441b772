package system

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/admin"
	"thespian.dev/message"
	"thespian.dev/transport"
	simulated "thespian.dev/transport/memory"
)

// What real processes cannot show at will: whole systems in one process and in virtual time.

type (
	ping  struct{ N int }
	pong  struct{ N int }
	speak struct { // N messages to somebody
		To address.Address
		N  int
	}
	have   struct{ Kind string } // a child
	watch  struct{ Who address.Address }
	handed struct { // of the child: that it was created, or how it ended
		Child  address.Address
		Reason string
	}
)

// A relative is a parent or a child. It passes on to its master what its children say.
type relative struct{ master address.Address }

func (r *relative) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case ping: // answered as often as it says
		for i := range m.N {
			ctx.Send(ctx.Sender(), pong{i})
		}
	case speak:
		for i := range m.N {
			ctx.Send(m.To, pong{i})
		}
		ctx.Send(ctx.Sender(), ping{})
	case watch:
		ctx.Watch(m.Who)
		ctx.Send(ctx.Sender(), ping{})
	case pong:
		ctx.Send(r.master, m)
	case have:
		r.master = ctx.Sender()
		child := ctx.Create(m.Kind)
		ctx.Send(r.master, handed{Child: child})
		ctx.Send(child, ping{1})
	case message.ChildActorExited:
		ctx.Send(r.master, handed{m.Child, m.Reason})
	case message.ActorExited:
		if !r.master.IsZero() {
			ctx.Send(r.master, handed{m.Actor, "watched: " + m.Reason})
		}
	}
	return nil
}

func newRelative() actor.Actor { return &relative{} }

var worldApp = App{
	Kinds: []actor.Kind{
		{Name: "parent", New: newRelative}, {Name: "child", New: newRelative}, {Name: "pooled", New: newRelative, Startup: actor.Forkserver},
	},
	Messages: message.Types(ping{}, pong{}, speak{}, have{}, watch{}, handed{}),
}

// inWorld runs a test in a world with one program.
func inWorld(t *testing.T, o admin.Options, test func(t *testing.T, w *world, sys *System)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldApp, o)
		sys := w.program()
		defer func() {
			assert.Check(t, sys.Shutdown(context.Background()))
			<-w.over
		}()
		test(t, w, sys)
	})
}

// next returns the next message to the program, nil if there is none in an hour.
func next(t *testing.T, sys *System) any {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	msg, _, err := sys.Listen(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		assert.NilError(t, err)
	}
	return msg
}

func made(t *testing.T, sys *System, kind string) address.Address {
	t.Helper()
	a, err := sys.Create(t.Context(), kind)
	assert.NilError(t, err)
	return a
}

func TestHostDiesAtEachStepOfACreation(t *testing.T) {
	for _, kind := range []string{"child", "pooled"} {
		for _, step := range []any{admin.Run{}, admin.Announce{}, admin.Running{}, admin.Started{}} {
			for _, when := range []verdict{dieBefore, dieAfter} {
				typ := reflect.TypeOf(step)
				t.Run(fmt.Sprintf("%s %s %s", kind, map[verdict]string{dieBefore: "before", dieAfter: "after"}[when], typ.Name()), func(t *testing.T) {
					inWorld(t, admin.Options{Pool: 1}, func(t *testing.T, w *world, sys *System) {
						p := made(t, sys, "parent")
						dies := func(h *hereHost, msg any) bool {
							return reflect.TypeOf(msg) == typ && !strings.HasPrefix(h.title, "parent")
						}
						w.setHooks(func(h *hereHost, msg any) verdict {
							if dies(h, msg) {
								return when
							}
							return goOn
						}, func(h *hereHost, msg any) {
							if _, run := msg.(admin.Run); run && dies(h, msg) {
								h.kill()
							}
						})

						a, err := sys.Create(t.Context(), kind)
						if typ.Name() == "Started" && when == dieAfter {
							assert.NilError(t, err)
							_, err = sys.Ask(t.Context(), a, ping{1})
							var undeliverable *UndeliverableError
							assert.Assert(t, errors.As(err, &undeliverable), "%v", err)
						} else {
							assert.ErrorContains(t, err, "signal: killed")
						}

						assert.NilError(t, sys.Tell(t.Context(), p, have{kind}))
						created := next(t, sys).(handed)
						assert.Equal(t, created.Reason, "")
						notice := next(t, sys)
						if notice == (pong{0}) { // its last word
							notice = next(t, sys)
						}
						assert.Equal(t, notice, handed{created.Child, "signal: killed"})
						assert.Equal(t, next(t, sys), nil, "the parent is told once, and nothing comes after it")

						w.setHooks(nil, nil)
						reply, err := sys.Ask(t.Context(), made(t, sys, kind), ping{1})
						assert.NilError(t, err)
						assert.Equal(t, reply, pong{0}, "the next one lives")
					})
				})
			}
		}
	}
}

// family returns a parent with a child whose process has its endpoint, and the parent's.
func family(t *testing.T, w *world, sys *System) (parent, child address.Address, here, there string) {
	t.Helper()
	parent = made(t, sys, "parent")
	assert.NilError(t, sys.Tell(t.Context(), parent, have{"child"}))
	child = next(t, sys).(handed).Child
	assert.Equal(t, next(t, sys), pong{0})
	synctest.Wait() // the child's process keeps messages until those before have gone: what it keeps ends with it
	return parent, child, w.endpoint(w.host("parent").process), w.endpoint(w.host("child").process)
}

func TestEndIsToldBehindTheLastMessage(t *testing.T) {
	const n = 100
	for name, slow := range map[string]struct{ link, word time.Duration }{
		"the Admin's word is first":         {link: time.Second},
		"the last message is first":         {word: time.Second},
		"both come at once":                 {},
		"the Admin's word is first by half": {link: time.Second, word: time.Second / 2},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, admin.Options{}, func(t *testing.T, w *world, sys *System) {
				parent, child, here, there := family(t, w, sys)
				w.setHooks(nil, func(_ *hereHost, msg any) {
					if _, gone := msg.(admin.Gone); gone {
						time.Sleep(slow.word)
					}
				})
				w.network.SetLink(there, here, simulated.Link{Delay: slow.link})
				_, err := sys.Ask(t.Context(), child, speak{parent, n})
				assert.NilError(t, err)
				w.host("child").kill()
				for i := range n {
					assert.Equal(t, next(t, sys), pong{i})
				}
				assert.Equal(t, next(t, sys), handed{child, "signal: killed"})
				assert.Equal(t, next(t, sys), nil)
			})
		})
	}
}

func TestPoolIsFilledAgain(t *testing.T) {
	const pool = 4
	inWorld(t, admin.Options{Pool: pool}, func(t *testing.T, w *world, sys *System) {
		processes := make(map[uint64]bool)
		for i := range 3 * pool {
			a := made(t, sys, "pooled")
			status, err := Ask[message.ActorStatus](t.Context(), sys, a, message.StatusRequest{})
			assert.NilError(t, err)
			assert.Equal(t, status.Actor, a)
			synctest.Wait()
			ready := w.waiting()
			assert.Assert(t, len(ready) > pool/2 && len(ready) <= pool, "%d processes are ready after %d creations", len(ready), i+1)
			for _, h := range w.taken() {
				processes[h.process] = true
			}
			assert.Equal(t, len(processes), i, "each but the first, for which there was no pool yet, got one that had waited")
		}
		for _, h := range w.waiting() { // the pool dies while nobody looks
			h.kill()
		}
		synctest.Wait()
		assert.Equal(t, len(w.waiting()), 0)
		made(t, sys, "pooled")
		synctest.Wait()
		assert.Equal(t, len(w.waiting()), pool)
	})
}

func TestPartitionOfTwoHosts(t *testing.T) {
	const n = 100
	partition := func(t *testing.T, test func(t *testing.T, w *world, sys *System, parent, child address.Address, here, there string)) {
		inWorld(t, admin.Options{}, func(t *testing.T, w *world, sys *System) {
			parent, child, here, there := family(t, w, sys)
			synctest.Wait() // so that what was said is confirmed, too
			w.network.Partition(here, there)
			_, err := sys.Ask(t.Context(), child, speak{parent, n}) // the program reaches both
			assert.NilError(t, err)
			_, err = sys.Ask(t.Context(), parent, speak{child, n})
			assert.NilError(t, err)
			synctest.Wait()
			test(t, w, sys, parent, child, here, there)
		})
	}
	silent := func(t *testing.T, sys *System, d time.Duration) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		msg, _, err := sys.Listen(ctx)
		assert.ErrorIs(t, err, context.DeadlineExceeded, "%v", msg)
	}
	t.Run("that heals", func(t *testing.T) {
		partition(t, func(t *testing.T, w *world, sys *System, parent, child address.Address, here, there string) {
			silent(t, sys, time.Minute)
			w.network.Heal(here, there)
			for i := range n {
				assert.Equal(t, next(t, sys), pong{i}, "nothing is lost, and the order holds")
			}
			reply, err := sys.Ask(t.Context(), parent, ping{1})
			assert.NilError(t, err)
			assert.Equal(t, reply, pong{0})
			assert.Equal(t, next(t, sys), nil, "nobody has ended")
			status, err := sys.Status(t.Context())
			assert.NilError(t, err)
			assert.Equal(t, status.DeadLetters, uint64(0))
		})
	})
	t.Run("in which one dies", func(t *testing.T) {
		partition(t, func(t *testing.T, w *world, sys *System, parent, child address.Address, here, there string) {
			began := time.Now()
			w.host("child").kill()
			assert.Equal(t, next(t, sys), handed{child, "signal: killed"}, "although its last words never come")
			assert.Assert(t, time.Since(began) <= drainTime)
			w.network.Heal(here, there)
			assert.Equal(t, next(t, sys), nil)
			status, err := sys.Status(t.Context())
			assert.NilError(t, err)
			assert.Equal(t, status.DeadLetters, uint64(n), "what the parent had sent")
		})
	})
	t.Run("that never ends", func(t *testing.T) {
		partition(t, func(t *testing.T, w *world, sys *System, parent, child address.Address, here, there string) {
			silent(t, sys, transport.DefaultUnreachable+time.Minute)
			status, err := sys.Status(t.Context())
			assert.NilError(t, err)
			assert.Equal(t, status.DeadLetters, uint64(2*n), "each is given up, and reported")
			for _, a := range []address.Address{parent, child} {
				reply, err := sys.Ask(t.Context(), a, ping{1})
				assert.NilError(t, err)
				assert.Equal(t, reply, pong{0}, "both live")
			}
		})
	})
}

// An actor that lives long is watched from many processes, and forgets those that end.
func TestProcessesThatWatchedAreForgotten(t *testing.T) {
	inWorld(t, admin.Options{}, func(t *testing.T, w *world, sys *System) {
		watched := made(t, sys, "parent")
		synctest.Wait()
		h := w.host("parent")
		h.mu.Lock()
		node := h.node
		h.mu.Unlock()
		c := node.root.children()[0]
		count := func() int {
			synctest.Wait()
			c.mu.Lock()
			defer c.mu.Unlock()
			return len(c.extra().observers)
		}
		for range 3 {
			_, err := sys.Ask(t.Context(), made(t, sys, "child"), watch{watched})
			assert.NilError(t, err)
			assert.Equal(t, count(), 1)
			w.host("child").kill()
			time.Sleep(time.Hour)
			assert.Equal(t, count(), 0)
		}
		_, err := sys.Ask(t.Context(), made(t, sys, "child"), watch{watched})
		assert.NilError(t, err)
		assert.Equal(t, count(), 1) // the program's request to exit must not overtake the watch
		assert.NilError(t, sys.Tell(t.Context(), watched, message.ActorExitRequest{}))
		time.Sleep(time.Hour)
		h = w.host("child")
		h.mu.Lock()
		p := node.peers.find(node.in(0, h.process))
		h.mu.Unlock()
		p.mu.Lock()
		defer p.mu.Unlock()
		assert.Equal(t, len(p.watched), 0)
	})
}

// Whoever learns that an actor ends finds its name free, though the Admin does not know yet that it has ended, or it waits for its children.
func TestNameIsFreeBeforeAnybodyLearnsOfTheEnd(t *testing.T) {
	for name, withChild := range map[string]bool{"by itself": false, "with a child that does not end": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, admin.Options{}, func(t *testing.T, w *world, sys *System) {
				w.setHooks(func(_ *hereHost, msg any) verdict {
					if _, ended := msg.(admin.Ended); ended {
						time.Sleep(time.Second)
					}
					return goOn
				}, nil)
				named := actor.CreateOptions{GlobalName: "mortal"}
				first, err := sys.Create(t.Context(), "parent", named)
				assert.NilError(t, err)
				if withChild {
					assert.NilError(t, sys.Tell(t.Context(), first, have{"child"}))
					next(t, sys)
					assert.Equal(t, next(t, sys), pong{0})
					here, there := w.endpoint(w.host("parent").process), w.endpoint(w.host("child").process)
					w.network.Partition(here, there)
					defer w.network.Heal(here, there)
				}
				assert.NilError(t, sys.Tell(t.Context(), first, message.ActorExitRequest{}))
				_, err = sys.Ask(t.Context(), first, ping{1})
				var undeliverable *UndeliverableError
				assert.Assert(t, errors.As(err, &undeliverable), "%v", err)
				found, err := sys.Lookup(t.Context(), "mortal")
				assert.NilError(t, err)
				assert.Assert(t, found.IsZero())
				second, err := sys.Create(t.Context(), "parent", named)
				assert.NilError(t, err)
				assert.Assert(t, second != first)
				time.Sleep(time.Minute) // the end of the first is no end of the second's name
				found, err = sys.Lookup(t.Context(), "mortal")
				assert.NilError(t, err)
				assert.Equal(t, found, second)
			})
		})
	}
}

// A process says itself to the one that has created its actor that it runs it: nobody waits for the Admin, who hears of it as well.
func TestMailDoesNotWaitForTheAdmin(t *testing.T) {
	for _, kind := range []string{"child", "pooled"} {
		t.Run(kind, func(t *testing.T) {
			inWorld(t, admin.Options{Pool: 1}, func(t *testing.T, w *world, sys *System) {
				p := made(t, sys, "parent")
				const late = time.Minute
				w.setHooks(func(h *hereHost, msg any) verdict {
					if _, running := msg.(admin.Running); running {
						time.Sleep(late)
					}
					return goOn
				}, nil)
				for range 2 { // of a pool, the second has waited
					began := time.Now()
					assert.NilError(t, sys.Tell(t.Context(), p, have{kind}))
					child := next(t, sys).(handed).Child
					assert.Equal(t, next(t, sys), any(pong{0}))
					assert.Assert(t, time.Since(began) < late)

					time.Sleep(2 * late) // the Admin has heard of it, and nothing comes of that
					assert.NilError(t, sys.Tell(t.Context(), child, message.ActorExitRequest{}))
					assert.Equal(t, next(t, sys).(handed).Child, child)
				}
			})
		})
	}
}

// Others hear of a process from the one that had it run an actor, perhaps before the Admin has heard where it is.
func TestProcessIsLookedForBeforeTheAdminKnowsWhereItIs(t *testing.T) {
	inWorld(t, admin.Options{}, func(t *testing.T, w *world, sys *System) {
		p := made(t, sys, "parent")
		w.setHooks(func(h *hereHost, msg any) verdict {
			if _, announces := msg.(admin.Announce); announces {
				time.Sleep(10 * time.Millisecond)
			}
			return goOn
		}, nil)
		assert.NilError(t, sys.Tell(t.Context(), p, have{"child"}))
		_, err := sys.Ask(t.Context(), next(t, sys).(handed).Child, ping{1})
		assert.NilError(t, err)
	})
}

// A hasty actor speaks to its parent before it has started, and its process ends before it has. The parent, a maker, tells its master what it hears.
type (
	hasty struct{}
	maker struct{ master address.Address }
)

func (hasty) Start(ctx *actor.Context, _ any) error {
	ctx.Send(ctx.Parent(), pong{7})
	return nil
}

func (hasty) Receive(*actor.Context, any) error { return nil }

func (m *maker) Receive(ctx *actor.Context, msg any) error {
	switch msg := msg.(type) {
	case ping:
		m.master = ctx.Sender()
		ctx.Create("hasty")
	case pong:
		ctx.Send(m.master, msg)
	case message.ChildActorExited:
		ctx.Send(m.master, handed{msg.Child, msg.Reason})
	}
	return nil
}

// What an actor has said comes before the notice of its end also when its process dies at once, and the network is slow.
func TestLastWordsOfAProcessThatDiesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := worldApp
		app.Kinds = append([]actor.Kind{{Name: "maker", New: func() actor.Actor { return &maker{} }}, {Name: "hasty", New: func() actor.Actor { return hasty{} }}}, app.Kinds...)
		w := newWorld(t, app, admin.Options{})
		sys := w.program()
		defer func() {
			assert.Check(t, sys.Shutdown(context.Background()))
			<-w.over
		}()
		m := made(t, sys, "maker")
		here := w.endpoint(w.host("maker").process)
		w.setHooks(func(h *hereHost, msg any) verdict {
			if !strings.HasPrefix(h.title, "hasty") {
				return goOn
			}
			switch msg.(type) {
			case admin.Announce:
				w.network.SetLink(w.endpoint(h.process), here, simulated.Link{Delay: 100 * time.Millisecond})
			case admin.Started: // it has spoken, and is heard when it is dead
				time.Sleep(450 * time.Millisecond)
				return dieBefore
			}
			return goOn
		}, nil)
		assert.NilError(t, sys.Tell(t.Context(), m, ping{}))
		assert.Equal(t, next(t, sys), any(pong{7}))
		assert.Equal(t, next(t, sys).(handed).Reason, "signal: killed")
		time.Sleep(time.Minute) // the goroutines of the dead end
	})
}

// A parent that watches its child before it is known where that runs, and once more afterwards, is told of its end once as a watcher.
func TestChildIsWatchedBeforeAndAfterItsPlaceIsKnown(t *testing.T) {
	inWorld(t, admin.Options{}, func(t *testing.T, w *world, sys *System) {
		p := made(t, sys, "parent")
		const late = 5 * time.Second
		w.setHooks(nil, func(_ *hereHost, msg any) {
			if _, run := msg.(admin.Run); run {
				time.Sleep(late)
			}
		})
		assert.NilError(t, sys.Tell(t.Context(), p, have{"child"}))
		child := next(t, sys).(handed).Child
		watches := func() {
			_, err := sys.Ask(t.Context(), p, watch{child})
			assert.NilError(t, err)
		}
		watches()
		assert.Equal(t, next(t, sys), any(pong{0})) // it runs
		watches()
		assert.NilError(t, sys.Tell(t.Context(), child, message.ActorExitRequest{}))
		var heard []string
		for msg := next(t, sys); msg != nil; msg = next(t, sys) {
			heard = append(heard, msg.(handed).Reason)
		}
		slices.Sort(heard)
		assert.DeepEqual(t, heard, []string{"asked to exit", "watched: asked to exit"})
	})
}
