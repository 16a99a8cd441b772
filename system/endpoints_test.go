package system_test

import (
	"context"
	"errors"
	"fmt"
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

func TestAskGetsTheAnswerToItsOwnQuestion(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, echo)
		actors := []address.Address{create(t, sys, "echo"), create(t, sys, "echo"), create(t, sys, "echo")}
		ctx := within(t)
		var wg sync.WaitGroup
		for asker := range 8 {
			wg.Go(func() {
				for i := range 100 {
					question := text{fmt.Sprintf("question %d of %d", i, asker)}
					reply, err := sys.Ask(ctx, actors[(i+asker)%len(actors)], question)
					if err != nil || reply != question {
						t.Errorf("%v got %v, %v", question, reply, err)
						return
					}
				}
			})
		}
		wg.Wait()
	})
}

// An answer that comes too late never answers the next question: Thespian's ask returns it.
func TestLateAnswerGoesToListen(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		var giveUp context.CancelFunc
		var asker address.Address
		sys := start(t, o, kind("slow", func(ctx *actor.Context, msg any) error {
			switch msg {
			case text{"first"}:
				asker = ctx.Sender()
				giveUp()
			case text{"second"}:
				ctx.Send(asker, text{"answer to the first"})
				ctx.Send(ctx.Sender(), text{"answer to the second"})
			}
			return nil
		}))
		slow := create(t, sys, "slow")
		ctx, cancel := context.WithCancel(within(t))
		giveUp = cancel
		_, err := sys.Ask(ctx, slow, text{"first"})
		assert.Assert(t, errors.Is(err, context.Canceled) || errors.Is(err, system.ErrNoAnswer), "%v", err)

		assert.Equal(t, ask[text](t, sys, slow, text{"second"}).Text, "answer to the second")
		msg, sender, err := sys.Listen(within(t))
		assert.NilError(t, err)
		assert.Equal(t, msg, text{"answer to the first"})
		assert.Equal(t, sender, slow)
	})
}

func TestAskTimesOutAtItsDeadline(t *testing.T) {
	timed(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, kind("slow", func(ctx *actor.Context, msg any) error {
			switch m := msg.(type) {
			case text:
				ctx.WakeupAfter(3*time.Second, ctx.Sender())
			case message.WakeupMessage:
				ctx.Send(m.Payload.(address.Address), text{"at last"})
			}
			return nil
		}))
		slow := create(t, sys, "slow")
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := sys.Ask(ctx, slow, text{"?"})
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Since(begin), time.Second)
		assert.Equal(t, listen[text](t, sys).Text, "at last")
		assert.Equal(t, time.Since(begin), 3*time.Second)
	})
}

func TestSecondAnswerGoesToListen(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, kind("twice", func(ctx *actor.Context, msg any) error {
			if m, ok := msg.(text); ok {
				ctx.Send(ctx.Sender(), text{m.Text + " once"})
				ctx.Send(ctx.Sender(), text{m.Text + " twice"})
			}
			return nil
		}))
		twice := create(t, sys, "twice")
		assert.Equal(t, ask[text](t, sys, twice, text{"a"}).Text, "a once")
		assert.Equal(t, ask[text](t, sys, twice, text{"b"}).Text, "b once")
		assert.Equal(t, listen[text](t, sys).Text, "a twice")
		assert.Equal(t, listen[text](t, sys).Text, "b twice")
	})
}

func TestQuestionMayBeAnsweredBySomebodyElse(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		// Each of a chain of actors hands the question on, with the address that wants the answer in it.
		sys := start(t, o, kind("link", func(ctx *actor.Context, msg any) error {
			m, ok := msg.(order)
			if !ok {
				return nil
			}
			if m.From.IsZero() {
				m.From = ctx.Sender()
			}
			if m.N == 0 {
				ctx.Send(m.From, refer{ctx.Self()})
				return nil
			}
			ctx.Send(ctx.Create("link"), order{m.From, m.N - 1})
			return nil
		}))
		link := create(t, sys, "link")
		assert.Equal(t, ask[refer](t, sys, link, order{N: 0}).To, link)
		last := ask[refer](t, sys, link, order{N: 5}).To
		assert.Assert(t, last != link && !last.IsZero())
	})
}

func TestAskOfADeadActorFailsAtOnce(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, echo)
		a := create(t, sys, "echo")
		tell(t, sys, a, message.ActorExitRequest{})
		gone(t, sys, a)
		_, err := sys.Ask(context.Background(), a, text{"anybody?"})
		var undeliverable *system.UndeliverableError
		assert.Assert(t, errors.As(err, &undeliverable), "%v", err)
		assert.Equal(t, undeliverable.Target, a)
		assert.Equal(t, undeliverable.Reason, "the actor has ended")
		assert.ErrorContains(t, err, a.String()+" cannot be reached: the actor has ended")
	})
}

func TestAskFailsWhenTheActorEndsBeforeTheQuestion(t *testing.T) {
	timed(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, kind("busy", func(ctx *actor.Context, msg any) error {
			switch msg.(type) {
			case text:
				if !o.Synchronous {
					time.Sleep(time.Minute) // the question waits in the mailbox
				}
				ctx.Exit()
			case count:
				ctx.Send(ctx.Sender(), msg)
			}
			return nil
		}))
		a := create(t, sys, "busy")
		tell(t, sys, a, text{"work"})
		_, err := sys.Ask(context.Background(), a, count{1})
		var undeliverable *system.UndeliverableError
		assert.Assert(t, errors.As(err, &undeliverable), "%v", err)
	})
}

func TestProgramDoesNotSeeMessagesOfTheSystem(t *testing.T) {
	var nobody address.Address
	hidden := []any{
		message.ActorExitRequest{}, message.ChildActorExited{Child: nobody}, message.ActorExited{}, message.DeadEnvelope{Message: text{"x"}},
		message.WakeupMessage{}, message.ConventionUpdate{}, message.ValidateSource{}, message.ValidatedSource{}, message.LoadedSource{},
		message.UnloadedSource{}, message.StatusRequest{}, message.PoisonMessage{Message: message.ActorExitRequest{}},
	}
	shown := []any{message.PoisonMessage{Message: text{"x"}}, message.ActorStatus{Kind: "k"}, message.SystemStatus{Base: "b"}, text{"end"}}
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, kind("talker", func(ctx *actor.Context, msg any) error {
			if msg == (text{"go"}) {
				for _, m := range append(append([]any(nil), hidden...), shown...) {
					ctx.Send(ctx.Sender(), m)
				}
			}
			return nil
		}))
		talker := create(t, sys, "talker")
		tell(t, sys, talker, text{"go"})
		for _, want := range shown {
			got, sender, err := sys.Listen(within(t))
			assert.NilError(t, err)
			assert.DeepEqual(t, fmt.Sprintf("%T", got), fmt.Sprintf("%T", want))
			assert.Equal(t, sender, talker)
		}
		// Neither are they answers: the first that is one is the PoisonMessage.
		_, err := sys.Ask(within(t), talker, text{"go"})
		var poison message.PoisonMessage
		assert.Assert(t, errors.As(err, &poison), "%v", err)
		assert.Equal(t, poison.Message, text{"x"})
	})
}

func TestPrivateEndpointsDoNotTakeEachOthersMessages(t *testing.T) {
	for _, goroutines := range []int{1, 10, 100} {
		t.Run(fmt.Sprint(goroutines), func(t *testing.T) {
			schedulers(t, func(t *testing.T, o system.Options) {
				sys := start(t, o, echo)
				to := create(t, sys, "echo")
				ctx := within(t)
				var wg sync.WaitGroup
				for g := range goroutines {
					wg.Go(func() {
						private := sys.Private()
						defer private.Close()
						for i := range 10 {
							asked, told := text{fmt.Sprint("asked ", g, i)}, text{fmt.Sprint("told ", g, i)}
							if err := private.Tell(ctx, to, told); err != nil {
								t.Errorf("%v: %v", told, err)
							}
							if reply, err := private.Ask(ctx, to, asked); err != nil || reply != asked {
								t.Errorf("%v got %v, %v", asked, reply, err)
							}
							if got, sender, err := private.Listen(ctx); err != nil || got != told || sender != to {
								t.Errorf("%v got %v from %v, %v", told, got, sender, err)
							}
						}
					})
				}
				wg.Wait()
			})
		})
	}
}

func TestEndpointHasAnAddress(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, echo, kind("who", func(ctx *actor.Context, msg any) error {
			if m, ok := msg.(refer); ok {
				ctx.Send(m.To, refer{ctx.Sender()})
			}
			return nil
		}))
		private := sys.Private()
		defer private.Close()
		assert.Assert(t, private.Address() != sys.Address())
		who := create(t, sys, "who")
		tell(t, sys, who, refer{private.Address()})
		msg, sender, err := private.Listen(within(t))
		assert.NilError(t, err)
		assert.Equal(t, sender, who)
		assert.Equal(t, msg, refer{sys.Address()})
		// From one endpoint to another.
		tell(t, private, sys.Address(), text{"hello"})
		assert.Equal(t, listen[text](t, sys).Text, "hello")
	})
}

// idler is a kind that takes everything and answers nothing. Under the synchronous scheduler the wake-up that it waits for keeps
// programs waiting, too.
var idler = actor.Kind{Name: "idler", New: func() actor.Actor { return idle{} }}

type idle struct{}

func (idle) Start(ctx *actor.Context, args any) error {
	ctx.WakeupAfter(100*time.Hour, nil)
	return nil
}

func (idle) Receive(*actor.Context, any) error { return nil }

// waits are the calls of an endpoint that wait.
var waits = map[string]func(ctx context.Context, e *system.Endpoint, to address.Address) error{
	"Ask": func(ctx context.Context, e *system.Endpoint, to address.Address) error {
		_, err := e.Ask(ctx, to, text{"?"})
		return err
	},
	"Listen": func(ctx context.Context, e *system.Endpoint, to address.Address) error {
		_, _, err := e.Listen(ctx)
		return err
	},
}

func TestClosedEndpointWakesItsCallers(t *testing.T) {
	for name, wait := range waits {
		t.Run(name, func(t *testing.T) {
			timed(t, func(t *testing.T, o system.Options) {
				sys := start(t, o, idler)
				to := create(t, sys, "idler")
				private := sys.Private()
				results := make(chan error, 3)
				for range cap(results) {
					go func() { results <- wait(t.Context(), private, to) }()
				}
				synctest.Wait()
				begin := time.Now()
				assert.NilError(t, private.Close())
				for range cap(results) {
					assert.ErrorIs(t, <-results, system.ErrClosed)
				}
				assert.Equal(t, time.Since(begin), time.Duration(0))
				assert.NilError(t, private.Close(), "it may be called again")

				// The system's own endpoint is another one.
				tell(t, sys, sys.Address(), text{"still here"})
				assert.Equal(t, listen[text](t, sys).Text, "still here")
			})
		})
	}
}

func TestEndOfTheSystemWakesCallers(t *testing.T) {
	for end, stop := range map[string]func(*system.System) error{
		"Shutdown": func(sys *system.System) error { return sys.Shutdown(context.Background()) },
		"Close":    (*system.System).Close,
	} {
		for name, wait := range waits {
			t.Run(end+"/"+name, func(t *testing.T) {
				timed(t, func(t *testing.T, o system.Options) {
					sys := start(t, o, idler)
					to := create(t, sys, "idler")
					results := make(chan error, 3)
					for range cap(results) {
						go func() { results <- wait(t.Context(), sys.Endpoint, to) }()
					}
					synctest.Wait()
					assert.NilError(t, stop(sys))
					for range cap(results) {
						assert.ErrorIs(t, <-results, system.ErrShutdown)
					}
				})
			})
		}
	}
}

func TestCancelledContextEndsTheWait(t *testing.T) {
	for name, wait := range waits {
		t.Run(name, func(t *testing.T) {
			timed(t, func(t *testing.T, o system.Options) {
				sys := start(t, o, idler)
				to := create(t, sys, "idler")
				ctx, cancel := context.WithCancel(t.Context())
				result := make(chan error)
				go func() { result <- wait(ctx, sys.Endpoint, to) }()
				synctest.Wait()
				cancel()
				assert.ErrorIs(t, <-result, context.Canceled)
			})
		})
	}
}

// calls are all methods of a system that can fail.
var calls = map[string]func(ctx context.Context, sys *system.System, to address.Address) error{
	"Tell": func(ctx context.Context, sys *system.System, to address.Address) error {
		return sys.Tell(ctx, to, text{"x"})
	},
	"Ask": func(ctx context.Context, sys *system.System, to address.Address) error {
		_, err := sys.Ask(ctx, to, text{"x"})
		return err
	},
	"typed Ask": func(ctx context.Context, sys *system.System, to address.Address) error {
		_, err := system.Ask[text](ctx, sys, to, text{"x"})
		return err
	},
	"Listen": func(ctx context.Context, sys *system.System, to address.Address) error {
		_, _, err := sys.Listen(ctx)
		return err
	},
	"Create": func(ctx context.Context, sys *system.System, to address.Address) error {
		_, err := sys.Create(ctx, "echo")
		return err
	},
	"Create with a name": func(ctx context.Context, sys *system.System, to address.Address) error {
		_, err := sys.Create(ctx, "echo", actor.CreateOptions{GlobalName: "echo"})
		return err
	},
	"Lookup": func(ctx context.Context, sys *system.System, to address.Address) error {
		_, err := sys.Lookup(ctx, "name")
		return err
	},
	"Status": func(ctx context.Context, sys *system.System, to address.Address) error {
		_, err := sys.Status(ctx)
		return err
	},
	"UpdateCapability": func(ctx context.Context, sys *system.System, to address.Address) error {
		return sys.UpdateCapability(ctx, "x", true)
	},
	"PreRegister": func(ctx context.Context, sys *system.System, to address.Address) error {
		return sys.PreRegister(ctx, "127.0.0.1:1900", nil)
	},
	"DeRegister": func(ctx context.Context, sys *system.System, to address.Address) error {
		return sys.DeRegister(ctx, "127.0.0.1:1900")
	},
	"LoadSource": func(ctx context.Context, sys *system.System, to address.Address) error {
		_, err := sys.LoadSource(ctx, "x.zip", []byte("x"))
		return err
	},
	"UnloadSource": func(ctx context.Context, sys *system.System, to address.Address) error {
		return sys.UnloadSource(ctx, "hash")
	},
	"Private().Tell": func(ctx context.Context, sys *system.System, to address.Address) error {
		return sys.Private().Tell(ctx, to, text{"x"})
	},
	"Private().Ask": func(ctx context.Context, sys *system.System, to address.Address) error {
		_, err := sys.Private().Ask(ctx, to, text{"x"})
		return err
	},
	"Private().Listen": func(ctx context.Context, sys *system.System, to address.Address) error {
		_, _, err := sys.Private().Listen(ctx)
		return err
	},
}

func TestSystemIsUsedAfterItsEnd(t *testing.T) {
	for end, stop := range map[string]func(*system.System) error{
		"Shutdown": func(sys *system.System) error { return sys.Shutdown(context.Background()) },
		"Close":    (*system.System).Close,
	} {
		t.Run(end, func(t *testing.T) {
			schedulers(t, func(t *testing.T, o system.Options) {
				sys := start(t, o, echo)
				to := create(t, sys, "echo")
				assert.NilError(t, stop(sys))
				for name, call := range calls {
					assert.ErrorIs(t, call(within(t), sys, to), system.ErrShutdown, name)
				}
				assert.Equal(t, len(sys.Private().Address().String()) > 0, true)
				assert.Equal(t, sys.Capabilities()["Thespian ActorSystem Name"], "simple")
				assert.Assert(t, !sys.Admin().IsZero())
				assert.NilError(t, sys.Shutdown(context.Background()))
				assert.NilError(t, sys.Close())
				<-sys.Done()
			})
		})
	}
}

func TestCallsWithACancelledContextDoNothing(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		got := make(chan any, 100)
		sys := start(t, o, kind("echo", func(ctx *actor.Context, msg any) error {
			got <- msg
			return nil
		}))
		to := create(t, sys, "echo")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for name, call := range calls {
			assert.ErrorIs(t, call(ctx, sys, to), context.Canceled, name)
		}
		status, err := sys.Status(within(t))
		assert.NilError(t, err)
		assert.Equal(t, len(status.Actors), 1, "nothing was created")
		assert.Equal(t, len(got), 0, "nothing was sent")
		_, changed := sys.Capabilities()["x"]
		assert.Assert(t, !changed)
	})
}

func TestTypedAsk(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, echo)
		to := create(t, sys, "echo")
		number, err := system.Ask[count](within(t), sys, to, count{3})
		assert.NilError(t, err)
		assert.Equal(t, number, count{3})

		other, err := system.Ask[count](within(t), sys, to, text{"three"})
		assert.Equal(t, other, count{})
		var unexpected *actor.UnexpectedReply
		assert.Assert(t, errors.As(err, &unexpected), "%v", err)
		assert.Equal(t, unexpected.Reply, text{"three"})
		assert.Equal(t, unexpected.Wanted, "system_test.count")

		private := sys.Private()
		defer private.Close()
		number, err = system.Ask[count](within(t), private, to, count{4})
		assert.NilError(t, err)
		assert.Equal(t, number, count{4})
	})
}

func TestTellWaitsForAFullMailboxWithItsContext(t *testing.T) {
	for name, o := range map[string]system.Options{"concurrent": {}, "copies": {CopyMessages: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o.Limits = system.Limits{Mark: 4}
				gate := make(chan struct{})
				sys := start(t, o, kind("slow", func(ctx *actor.Context, msg any) error {
					switch msg.(type) {
					case text:
						<-gate
					case count:
						ctx.Send(ctx.Sender(), msg)
					}
					return nil
				}))
				slow := create(t, sys, "slow")
				tell(t, sys, slow, text{"wait"})
				synctest.Wait() // it waits, and its mailbox is empty
				for i := range 4 {
					tell(t, sys, slow, count{i})
				}
				begin := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				assert.ErrorIs(t, sys.Tell(ctx, slow, count{-1}), context.DeadlineExceeded)
				assert.Equal(t, time.Since(begin), time.Minute)

				told := make(chan error)
				go func() { told <- sys.Tell(t.Context(), slow, count{4}) }()
				synctest.Wait()
				select {
				case <-told:
					t.Fatal("a mailbox above its mark took a message")
				default:
				}
				close(gate)
				assert.NilError(t, <-told)
				for i := range 5 {
					assert.Equal(t, listen[count](t, sys).N, i)
				}
			})
		})
	}
}

func TestTellThatWaitsIsWoken(t *testing.T) {
	for _, c := range []struct {
		name string
		by   func(sys *system.System, private *system.Endpoint, to address.Address)
		want error
	}{
		{"Close of the endpoint", func(sys *system.System, private *system.Endpoint, to address.Address) { _ = private.Close() }, system.ErrClosed},
		{"Close of the system", func(sys *system.System, private *system.Endpoint, to address.Address) { go sys.Close() }, system.ErrShutdown},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := make(chan struct{})
				sys := start(t, system.Options{Limits: system.Limits{Mark: 1}}, kind("slow", func(ctx *actor.Context, msg any) error {
					<-gate
					return nil
				}))
				slow := create(t, sys, "slow")
				tell(t, sys, slow, text{"wait"})
				synctest.Wait()
				tell(t, sys, slow, text{"full"})
				private := sys.Private()
				told := make(chan error, 1)
				go func() { told <- private.Tell(t.Context(), slow, text{"too much"}) }()
				synctest.Wait()
				assert.Equal(t, len(told), 0)
				c.by(sys, private, slow)
				synctest.Wait()
				assert.Equal(t, len(told), 1, "it still waits")
				close(gate)
				assert.ErrorIs(t, <-told, c.want)
			})
		})
	}
}

func TestFullEndpointIsADeadLetter(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		o.Limits = system.Limits{Mark: 3, Hard: 3}
		sys := start(t, o, echo)
		for i := range 5 {
			tell(t, sys, sys.Address(), count{i})
		}
		for i := range 3 {
			assert.Equal(t, listen[count](t, sys).N, i)
		}
		status, err := sys.Status(within(t))
		assert.NilError(t, err)
		assert.Equal(t, status.DeadLetters, uint64(2))
	})
}

func TestErrorsSayWhatFailed(t *testing.T) {
	sys := start(t, system.Options{}, echo)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for call, err := range map[string]error{
		"tell: ":   sys.Tell(ctx, sys.Address(), text{}),
		"listen: ": func() error { _, _, err := sys.Listen(ctx); return err }(),
		"ask: ":    func() error { _, err := sys.Ask(ctx, sys.Address(), text{}); return err }(),
	} {
		assert.Assert(t, is.ErrorContains(err, call))
		assert.Assert(t, strings.HasPrefix(err.Error(), call), err.Error())
	}
}
