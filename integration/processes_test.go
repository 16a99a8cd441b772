//go:build linux

package integration

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/integration/leftovers"
	"thespian.dev/message"
	"thespian.dev/system"
	"thespian.dev/transport"
)

// The messages of the tests.
type (
	Say   struct{ Text string }
	Order struct {
		What string
		N    int
		Who  address.Address
	}
	Told struct {
		What string
		PID  int
		Who  address.Address
	}
)

// A servant does what it is told, and answers with its process id. What it hears of others it tells its master.
type servant struct {
	master address.Address
	herald bool // its end
	heard  []string
	kept   address.Address
}

func (s *servant) Start(ctx *actor.Context, args any) error {
	if m, ok := args.(Say); ok && m.Text != "" {
		return errors.New(m.Text)
	}
	return nil
}

func (s *servant) Receive(ctx *actor.Context, msg any) error {
	told := func(what string, who address.Address) { ctx.Send(ctx.Sender(), Told{what, os.Getpid(), who}) }
	switch m := msg.(type) {
	case Say:
		told(m.Text, address.Address{})
	case Order:
		switch m.What {
		case "who":
			told(ctx.Kind(), ctx.Parent())
		case "serve": // the sender hears from now on what happens
			s.master = ctx.Sender()
			told("served", ctx.Self())
		case "herald":
			s.master, s.herald = ctx.Sender(), true
			told("heralding", ctx.Self())
		case "create":
			child := ctx.Create("servant")
			s.master = ctx.Sender()
			told("created", child)
		case "start by": // a number, or "goroutine"
			var method any = "goroutine"
			if m.N > 0 {
				method = m.N
			}
			what := ""
			if err := ctx.UpdateCapability("Process Startup Method", method); err != nil {
				what = err.Error()
			}
			told(what, address.Address{})
		case "create stillborn":
			child := ctx.Create("servant", actor.CreateOptions{Args: Say{"stillborn"}})
			s.master = ctx.Sender()
			ctx.Send(child, Say{"too late"})
			told("created", child)
		case "create goroutine":
			told("created", ctx.Create("thread"))
		case "processors":
			what := fmt.Sprint(runtime.GOMAXPROCS(0))
			if by := os.Getenv("GOMAXPROCS") + os.Getenv("THESPIAN_ONE_PROCESSOR"); by != "" {
				what += " by " + by
			}
			told(what, ctx.Self())
		case "work":
			ctx.Go(func(context.Context) any { return nil })
			told("working", ctx.Self())
		case "name":
			told("named", ctx.Create("servant", actor.CreateOptions{GlobalName: "the servant"}))
		case "watch":
			s.master = ctx.Sender()
			ctx.Watch(m.Who)
			told("watching", m.Who)
		case "forward":
			ctx.Send(m.Who, Order{What: "answer", Who: ctx.Sender()})
		case "leave": // somebody else keeps the address of a child
			child := ctx.Create("servant")
			ctx.Send(m.Who, Order{What: "keep", Who: child})
			told("left", child)
		case "keep":
			s.kept = m.Who
		case "poke":
			ctx.Send(s.kept, Order{What: "answer", Who: ctx.Sender()})
		case "answer":
			ctx.Send(m.Who, Told{"answered", os.Getpid(), ctx.Self()})
		case "flood":
			for i := range m.N {
				ctx.Send(m.Who, Order{What: "count", N: i})
			}
			ctx.Send(m.Who, Order{What: "counted", Who: ctx.Sender()})
		case "count":
			if m.N != len(s.heard) {
				return fmt.Errorf("got %d after %d", m.N, len(s.heard))
			}
			s.heard = append(s.heard, "")
		case "counted":
			ctx.Send(m.Who, Told{"counted", len(s.heard), ctx.Self()})
		case "last words":
			for i := range m.N {
				ctx.Send(ctx.Parent(), Say{strconv.Itoa(i)})
			}
			os.Exit(3)
		case "exit status":
			os.Exit(m.N)
		case "panic":
			go func() { panic("on purpose") }()
			select {}
		case "dead letters":
			s.master = ctx.Sender()
			ctx.HandleDeadLetters(true)
			told("handling", ctx.Self())
		case "says": // what the program was started to say
			told(os.Getenv("THESPIAN_TEST_SAYS"), ctx.Self())
		case "print":
			fmt.Println("printed by an actor")
			told("printed", ctx.Self())
		case "print much":
			for range m.N {
				fmt.Println(strings.Repeat("much ", 200))
			}
			told("printed", ctx.Self())
		case "fail":
			return errors.New("failed on purpose")
		case "hang":
			told("hanging", ctx.Self())
			select {}
		}
	case Told:
		if !s.master.IsZero() {
			ctx.Send(s.master, m)
		}
	case message.ActorExitRequest:
		if s.herald {
			ctx.Send(s.master, Told{"exiting", os.Getpid(), ctx.Self()})
		}
	case message.ChildActorExited:
		ctx.Send(s.master, Told{"child exited: " + m.Reason, 0, m.Child})
	case message.ActorExited:
		ctx.Send(s.master, Told{"actor exited: " + m.Reason, 0, m.Actor})
	case message.PoisonMessage:
		ctx.Send(s.master, Told{"poison: " + strings.Split(m.Details, "\n")[0], 0, ctx.Sender()})
	case message.DeadEnvelope:
		ctx.Send(s.master, Told{fmt.Sprintf("dead: %v", m.Message), 0, m.Target})
	}
	return nil
}

// A parent that counts what its child said before it ended.
type listener struct {
	master     address.Address
	said, ends int
	disorder   string
}

func (l *listener) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case Order:
		if m.What == "counts" {
			ctx.Send(ctx.Sender(), Told{fmt.Sprintf("%d ends, disorder %q", l.ends, l.disorder), l.said, ctx.Self()})
			return nil
		}
		l.master = ctx.Sender()
		ctx.Send(ctx.Create("servant"), m)
	case Say:
		if m.Text != strconv.Itoa(l.said) {
			l.disorder = m.Text
		}
		l.said++
	case message.ChildActorExited:
		l.ends++
		ctx.Send(l.master, Told{m.Reason, l.said, m.Child})
	}
	return nil
}

func newServant() actor.Actor { return &servant{} }

var app = system.App{
	Bases: Bases(),
	Kinds: append([]actor.Kind{
		{Name: "servant", New: newServant},
		{Name: "listener", New: func() actor.Actor { return &listener{} }},
		{Name: "thread", New: newServant, Startup: actor.Goroutine},
		{Name: "pooled", New: newServant, Startup: actor.Forkserver},
		{Name: "sower", New: func() actor.Actor { return &sower{} }},
		{Name: "testator", New: func() actor.Actor { return &testator{} }},
		{Name: "notary", New: func() actor.Actor { return &notary{} }},
		{Name: "seed", New: func() actor.Actor { return &seed{} }},
		{Name: "pooled seed", New: func() actor.Actor { return &seed{} }, Startup: actor.Forkserver},
		{Name: "sink", New: func() actor.Actor { return &sink{} }},
		{Name: "waiting", New: func() actor.Actor { return patient{} }},
		{Name: "slow", New: func() actor.Actor { return &slow{} }},
		{Name: "gpu", New: newServant, Requires: actor.Capabilities{"GPU": true}},
	}, doerKinds...),
	Messages: message.Types(Say{}, Order{}, Told{}, Do{}, Said{}, Numbers{}, Sow{}, Reaped{}, Bequest{}, Witness{}),
}

// A runner runs the tests, or a program of theirs.
type runner struct{ m *testing.M }

func (r runner) Run() int {
	if program := programs[os.Getenv(programVariable)]; program != nil {
		if err := program(context.Background()); err != nil {
			fmt.Println("error:", err)
			return 1
		}
		return 0
	}
	return leftovers.Check(r.m.Run)
}

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) == "without main" {
		_, err := app.Start(context.Background(), nil)
		fmt.Println(err)
		return
	}
	app.TestMain(runner{m})
}

// baseVariable is the environment variable that tells tests and their programs which base systems have; without it, it is the first.
const baseVariable = "THESPIAN_TEST_BASE"

// onEachBase runs a test on every base that has processes.
func onEachBase(t *testing.T, test func(t *testing.T)) {
	for _, b := range Bases() {
		t.Run(b.Short, func(t *testing.T) {
			t.Setenv(baseVariable, b.Name)
			test(t)
		})
	}
}

// baseHere returns the name of the base that systems have now.
func baseHere() string { return cmp.Or(os.Getenv(baseVariable), Bases()[0].Name) }

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// start starts a system for one test.
func start(t testing.TB, capabilities actor.Capabilities) *system.System {
	t.Helper()
	given := actor.Capabilities{"Admin Port": 0}
	for name, value := range capabilities {
		given[name] = value
	}
	sys, err := app.Start(within(t), &system.Options{Base: baseHere(), Capabilities: given})
	assert.NilError(t, err)
	t.Cleanup(func() { assert.NilError(t, sys.Shutdown(context.Background())) })
	return sys
}

func create(t testing.TB, sys *system.System, kind string, options ...actor.CreateOptions) address.Address {
	t.Helper()
	a, err := sys.Create(within(t), kind, options...)
	assert.NilError(t, err)
	return a
}

func ask(t testing.TB, sys *system.System, to address.Address, msg any) Told {
	t.Helper()
	told, err := system.Ask[Told](within(t), sys, to, msg)
	assert.NilError(t, err)
	return told
}

// heard returns the next message to the program.
func heard(t testing.TB, sys *system.System) Told {
	t.Helper()
	msg, _, err := sys.Listen(within(t))
	assert.NilError(t, err)
	told, err := actor.As[Told](msg)
	assert.NilError(t, err)
	return told
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func TestEachActorHasItsOwnProcess(t *testing.T) {
	sys := start(t, nil)
	pids := map[int]bool{os.Getpid(): true}
	for range 3 {
		a := create(t, sys, "servant")
		told := ask(t, sys, a, Order{What: "who"})
		assert.Equal(t, told.What, "servant")
		assert.Equal(t, told.Who, sys.Admin())
		assert.Assert(t, !pids[told.PID])
		pids[told.PID] = true
		child := ask(t, sys, a, Order{What: "create"}).Who
		told = ask(t, sys, child, Order{What: "who"})
		assert.Equal(t, told.Who, a, "the parent")
		assert.Assert(t, !pids[told.PID])
		pids[told.PID] = true
	}
}

// What many creations bring at once goes through the Admin to a single process that takes its time: they wait for it.
func TestManyActorsWithLargeArguments(t *testing.T) {
	if testing.Short() {
		t.Skip("it moves half a gigabyte, for which the race detector takes a minute")
	}
	sys := start(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	large := Order{What: strings.Repeat("a", 45<<20)}
	failures := make(chan error)
	const many = 12
	for range many {
		go func() {
			_, err := sys.Create(ctx, "thread", actor.CreateOptions{Args: large})
			failures <- err
		}()
	}
	for range many {
		assert.Check(t, <-failures)
	}
}

func TestStartupMethods(t *testing.T) {
	sys := start(t, nil)
	one, two := create(t, sys, "thread"), create(t, sys, "thread")
	host := ask(t, sys, one, Order{What: "who"}).PID
	assert.Equal(t, ask(t, sys, two, Order{What: "who"}).PID, host, "actors of programs share a host")
	within := ask(t, sys, one, Order{What: "create goroutine"}).Who
	assert.Equal(t, ask(t, sys, within, Order{What: "who"}).PID, host)
	spawned := create(t, sys, "servant")
	pid := ask(t, sys, spawned, Order{What: "who"}).PID
	thread := ask(t, sys, spawned, Order{What: "create goroutine"}).Who
	assert.Equal(t, ask(t, sys, thread, Order{What: "who"}).PID, pid, "others are in their creator's")
	pids := map[int]bool{}
	for range 12 { // more than the pool holds
		pids[ask(t, sys, create(t, sys, "pooled"), Order{What: "who"}).PID] = true
	}
	assert.Equal(t, len(pids), 12)
}

// The process of one actor has one processor, and all once there is more that can run at once, unless the program says otherwise. What an actor starts has the program's environment.
func TestProcessorsOfAProcess(t *testing.T) {
	all := fmt.Sprint(runtime.NumCPU())
	given := os.Getenv("GOMAXPROCS")
	restore := func() { assert.NilError(t, os.Setenv("GOMAXPROCS", given)) }
	if given == "" {
		restore = func() { assert.NilError(t, os.Unsetenv("GOMAXPROCS")) }
	}
	assert.NilError(t, os.Unsetenv("GOMAXPROCS"))
	defer restore()
	sys := start(t, nil)
	processors := func(a address.Address) string { return ask(t, sys, a, Order{What: "processors"}).What }
	parent, worker := create(t, sys, "servant"), create(t, sys, "servant")
	assert.Equal(t, processors(parent), "1")
	ask(t, sys, parent, Order{What: "create"})
	assert.Equal(t, processors(parent), "1", "its child has a process of its own")
	ask(t, sys, parent, Order{What: "create goroutine"})
	assert.Equal(t, processors(parent), all)
	assert.Equal(t, processors(worker), "1")
	ask(t, sys, worker, Order{What: "work"})
	assert.Equal(t, processors(worker), all)
	assert.Equal(t, processors(create(t, sys, "thread")), all)
	assert.NilError(t, sys.Shutdown(within(t)))

	t.Setenv("GOMAXPROCS", "3")
	sys = start(t, nil)
	assert.Equal(t, processors(create(t, sys, "servant")), "3 by 3")
	assert.Equal(t, processors(create(t, sys, "thread")), "3 by 3")
}

func TestStartupMethodThatIsNone(t *testing.T) {
	sys := start(t, nil)
	const wanted = `wanted "spawn", "forkserver" or "goroutine"`
	for _, method := range []any{"fork", "forkservr", "", 3, true, actor.Forkserver} {
		given := actor.Capabilities{"Admin Port": 0, "Process Startup Method": method}
		_, err := app.Start(within(t), &system.Options{Capabilities: given})
		assert.ErrorContains(t, err, wanted, "%v", method)
		assert.ErrorContains(t, sys.UpdateCapability(within(t), "Process Startup Method", method), wanted, "%v", method)
		if method, is := method.(string); is && method != "" {
			other := app
			other.Kinds = []actor.Kind{{Name: "other", New: newServant, Startup: actor.Startup(method)}}
			_, err = other.Start(within(t), &system.Options{Capabilities: actor.Capabilities{"Admin Port": 0}})
			assert.ErrorContains(t, err, wanted, "%v", method)
		}
	}
	updater := create(t, sys, "servant")
	assert.Assert(t, strings.Contains(ask(t, sys, updater, Order{What: "start by", N: 3}).What, wanted))
	assert.Equal(t, ask(t, sys, updater, Order{What: "start by"}).What, "", "goroutine")
	one, two := create(t, sys, "servant"), create(t, sys, "servant")
	assert.Equal(t, ask(t, sys, one, Order{What: "who"}).PID, ask(t, sys, two, Order{What: "who"}).PID, "they share a host")
}

func TestEndsOfProcesses(t *testing.T) {
	onEachBase(t, func(t *testing.T) {
		for _, c := range []struct {
			order  Order
			signal syscall.Signal
			want   string
		}{
			{Order{What: "exit status", N: 3}, 0, "child exited: exit status 3"},
			{Order{What: "panic"}, 0, "child exited: panic: on purpose in thespian.dev/integration.(*servant).Receive.func"},
			{Order{}, syscall.SIGKILL, "child exited: signal: killed"},
			{Order{}, syscall.SIGSEGV, "child exited: "},
			{Order{}, syscall.SIGTERM, "child exited: asked to exit"},
			{Order{}, syscall.SIGQUIT, "child exited: asked to exit"},
			{Order{}, syscall.SIGABRT, "child exited: asked to exit"},
		} {
			t.Run(c.order.What+" "+c.signal.String(), func(t *testing.T) {
				sys := start(t, nil)
				parent := create(t, sys, "servant")
				created := ask(t, sys, parent, Order{What: "create"})
				assert.Equal(t, created.What, "created")
				tell := Order{What: "serve"}
				pid := ask(t, sys, created.Who, tell).PID
				// the master of the parent must be an address that stays
				assert.NilError(t, sys.Tell(within(t), parent, Order{What: "serve"}))
				assert.Equal(t, heard(t, sys).What, "served")
				if c.signal != 0 {
					assert.NilError(t, syscall.Kill(pid, c.signal))
				} else {
					assert.NilError(t, sys.Tell(within(t), created.Who, c.order))
				}
				told := heard(t, sys)
				assert.Assert(t, strings.HasPrefix(told.What, c.want), "%s", told.What)
				assert.Equal(t, told.Who, created.Who)
				assert.Equal(t, ask(t, sys, parent, Say{"still here"}).What, "still here")
				err := askTheDead(t, sys, created.Who)
				var undeliverable *system.UndeliverableError
				assert.Assert(t, errors.As(err, &undeliverable), "%v", err)
			})
		}
	})
}

// askTheDead asks an actor that has ended, and returns the error. On a base that may lose messages a question is lost that goes to a process of whose end the asker has not heard: it asks again.
func askTheDead(t *testing.T, sys *system.System, dead address.Address) error {
	t.Helper()
	reliable := slices.ContainsFunc(Reliable(), func(b transport.Base) bool { return b.Name == baseHere() })
	for all := within(t); ; {
		one, cancel := all, context.CancelFunc(func() {})
		if !reliable {
			one, cancel = context.WithTimeout(all, 200*time.Millisecond)
		}
		_, err := sys.Ask(one, dead, Say{"anybody?"})
		cancel()
		if all.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
}

func TestNoticeOfAnEndComesAfterTheLastMessage(t *testing.T) {
	sys := start(t, nil)
	for range 5 {
		l := create(t, sys, "listener")
		told := ask(t, sys, l, Order{What: "last words", N: 1000})
		assert.Equal(t, told.What, "exit status 3")
		t.Logf("%d of 1000 were sent before the process ended", told.PID)
		ask(t, sys, create(t, sys, "servant"), Order{What: "who"}) // in the meantime more could come
		counts := ask(t, sys, l, Order{What: "counts"})
		assert.Equal(t, counts.What, `1 ends, disorder ""`)
		assert.Equal(t, counts.PID, told.PID, "nothing came behind the notice")
	}
}

func TestChildrenOfAKilledParentExit(t *testing.T) {
	onEachBase(t, func(t *testing.T) {
		sys := start(t, nil)
		parent := create(t, sys, "servant")
		pid := ask(t, sys, parent, Order{What: "who"}).PID
		child := ask(t, sys, parent, Order{What: "create"}).Who
		watcher := create(t, sys, "servant")
		assert.NilError(t, sys.Tell(within(t), watcher, Order{What: "watch", Who: child}))
		assert.Equal(t, heard(t, sys).What, "watching")
		ask(t, sys, watcher, Order{What: "forward", Who: child}) // the watch is known there
		assert.NilError(t, syscall.Kill(pid, syscall.SIGKILL))
		told := heard(t, sys)
		assert.Equal(t, told.What, "actor exited: asked to exit")
		assert.Equal(t, told.Who, child)
	})
}

// A child that outlives its parent stays, even if it has only just been created, and is reached by who has its address from then.
func TestChildrenThatOutliveTheirParentsAreReached(t *testing.T) {
	sys := start(t, nil)
	for range 10 {
		keeper, parent := create(t, sys, "servant"), create(t, sys, "servant")
		left := ask(t, sys, parent, Order{What: "leave", Who: keeper})
		assert.NilError(t, sys.Tell(within(t), parent, message.ActorExitRequest{NotRecursive: true}))
		for alive(left.PID) {
			runtime.Gosched()
		}
		assert.Equal(t, ask(t, sys, keeper, Order{What: "poke"}).Who, left.Who)
	}
}

func TestWatchersHearOfAKilledProcess(t *testing.T) {
	sys := start(t, nil)
	watched, watcher := create(t, sys, "servant"), create(t, sys, "servant")
	pid := ask(t, sys, watched, Order{What: "who"}).PID
	assert.NilError(t, sys.Tell(within(t), watcher, Order{What: "watch", Who: watched}))
	assert.Equal(t, heard(t, sys).What, "watching")
	assert.NilError(t, syscall.Kill(pid, syscall.SIGKILL))
	assert.DeepEqual(t, heard(t, sys).What, "actor exited: signal: killed")
}

func TestStillbornChild(t *testing.T) {
	sys := start(t, nil)
	parent := create(t, sys, "servant")
	assert.NilError(t, sys.Tell(within(t), parent, Order{What: "create stillborn"}))
	child := heard(t, sys)
	assert.Equal(t, child.What, "created")
	got := map[string]bool{heard(t, sys).What: true, heard(t, sys).What: true}
	assert.DeepEqual(t, got, map[string]bool{"child exited: stillborn": true, "poison: child aborted: stillborn": true})
	_, err := sys.Create(within(t), "servant", actor.CreateOptions{Args: Say{"stillborn"}})
	assert.ErrorContains(t, err, `create "servant": stillborn`)
}

func TestGlobalNames(t *testing.T) {
	sys := start(t, nil)
	one := create(t, sys, "servant", actor.CreateOptions{GlobalName: "the servant"})
	two := create(t, sys, "servant", actor.CreateOptions{GlobalName: "the servant"})
	assert.Equal(t, one, two)
	three, err := sys.Lookup(within(t), "the servant")
	assert.NilError(t, err)
	assert.Equal(t, one, three)
	assert.Equal(t, ask(t, sys, create(t, sys, "servant"), Order{What: "name"}).Who, one)
	nobody, err := sys.Lookup(within(t), "nobody")
	assert.NilError(t, err)
	assert.Assert(t, nobody.IsZero())
}

func TestAnswersGoPastTheOneWhoForwarded(t *testing.T) {
	sys := start(t, nil)
	one, two := create(t, sys, "servant"), create(t, sys, "servant")
	told := ask(t, sys, one, Order{What: "forward", Who: two})
	assert.Equal(t, told.What, "answered")
	assert.Equal(t, told.Who, two)
}

func TestFloodKeepsOrderAndLosesNothing(t *testing.T) {
	sys := start(t, nil)
	one, two := create(t, sys, "servant"), create(t, sys, "servant")
	const n = 50_000
	told := ask(t, sys, one, Order{What: "flood", N: n, Who: two})
	assert.Equal(t, told.PID, n)
}

func TestCapabilitiesOfTheSystem(t *testing.T) {
	sys := start(t, nil)
	_, err := sys.Create(within(t), "gpu")
	assert.Assert(t, errors.Is(err, system.ErrNoCompatibleSystem), "%v", err)
	assert.NilError(t, sys.UpdateCapability(within(t), "GPU", true))
	gpu := create(t, sys, "gpu")
	watcher := create(t, sys, "servant")
	assert.NilError(t, sys.Tell(within(t), watcher, Order{What: "watch", Who: gpu}))
	heard(t, sys)
	ask(t, sys, watcher, Order{What: "forward", Who: gpu}) // the watch is known there
	assert.NilError(t, sys.UpdateCapability(within(t), "GPU", nil))
	assert.Equal(t, heard(t, sys).What, `actor exited: the system offers something else now: capability "GPU" is required to be true, and is not there`)
}

func TestUnknownKind(t *testing.T) {
	sys := start(t, nil)
	_, err := sys.Create(within(t), "nobody")
	assert.Assert(t, errors.Is(err, system.ErrUnknownKind))
	var names []string
	for _, k := range app.Kinds {
		names = append(names, k.Name)
	}
	slices.Sort(names)
	assert.ErrorContains(t, err, "the kinds are: "+strings.Join(names, ", "))
}

func TestDeadLettersOfAllProcesses(t *testing.T) {
	sys := start(t, nil)
	handler, other, dead := create(t, sys, "servant"), create(t, sys, "servant"), create(t, sys, "servant")
	assert.NilError(t, sys.Tell(within(t), handler, Order{What: "dead letters"}))
	heard(t, sys)
	pid := ask(t, sys, dead, Order{What: "who"}).PID
	assert.NilError(t, syscall.Kill(pid, syscall.SIGKILL))
	for alive(pid) {
		runtime.Gosched()
	}
	assert.NilError(t, sys.Tell(within(t), other, Order{What: "forward", Who: dead}))
	told := heard(t, sys)
	if strings.HasPrefix(told.What, "dead: {who") { // which was perhaps delivered, as far as the transport knows
		told = heard(t, sys)
	}
	assert.Assert(t, strings.HasPrefix(told.What, "dead: {answer"), told.What)
	assert.Equal(t, told.Who, dead)
}

// The host of an actor that has ended lives on: what comes later from a third process is a dead letter, and does not go to and fro.
func TestDeadLettersOfAHostThatLives(t *testing.T) {
	sys := start(t, nil)
	handler, other := create(t, sys, "servant"), create(t, sys, "servant")
	dead, neighbour := create(t, sys, "thread"), create(t, sys, "thread")
	assert.NilError(t, sys.Tell(within(t), handler, Order{What: "dead letters"}))
	heard(t, sys)
	ask(t, sys, other, Order{What: "forward", Who: dead}) // which knows it now
	assert.NilError(t, sys.Tell(within(t), dead, message.ActorExitRequest{}))
	ask(t, sys, neighbour, Order{What: "who"})
	_, err := sys.Ask(within(t), dead, Order{What: "who"})
	var undeliverable *system.UndeliverableError
	assert.Assert(t, errors.As(err, &undeliverable), "%v", err)
	heard(t, sys)
	assert.NilError(t, sys.Tell(within(t), other, Order{What: "forward", Who: dead}))
	told := heard(t, sys)
	assert.Assert(t, strings.HasPrefix(told.What, "dead: {answer"), told.What)
	assert.Equal(t, told.Who, dead)
}

// What a process has counted is not forgotten with the process.
func TestDeadLettersOfAProcessThatHasEnded(t *testing.T) {
	sys := start(t, nil)
	dead, a := create(t, sys, "servant"), create(t, sys, "servant")
	pid := ask(t, sys, a, Order{What: "who"}).PID
	assert.NilError(t, sys.Tell(within(t), dead, message.ActorExitRequest{}))
	var undeliverable *system.UndeliverableError
	for err := error(nil); !errors.As(err, &undeliverable); {
		_, err = sys.Ask(within(t), dead, Order{What: "who"})
	}
	enough := within(t)
	letters := func(until func(message.SystemStatus) bool) uint64 {
		for {
			status, err := sys.Status(enough)
			assert.NilError(t, err)
			if until(status) {
				return status.DeadLetters
			}
		}
	}
	before := letters(func(message.SystemStatus) bool { return true })
	assert.NilError(t, sys.Tell(within(t), a, Order{What: "forward", Who: dead}))
	letters(func(s message.SystemStatus) bool { return s.DeadLetters > before })
	assert.NilError(t, sys.Tell(within(t), a, message.ActorExitRequest{}))
	gone := func(s message.SystemStatus) bool {
		return !slices.ContainsFunc(s.Processes, func(p message.ProcessStatus) bool { return p.PID == pid })
	}
	assert.Equal(t, letters(gone), before+1)
}

// A handler that has ended is taken off everywhere, also when its process lives on.
func TestHandlersOfDeadLettersThatHaveEnded(t *testing.T) {
	sys := start(t, nil)
	for range 3 {
		a := create(t, sys, "thread")
		assert.Equal(t, ask(t, sys, a, Order{What: "dead letters"}).What, "handling")
		assert.NilError(t, sys.Tell(within(t), a, message.ActorExitRequest{}))
	}
	for {
		status, err := sys.Status(within(t))
		assert.NilError(t, err)
		if len(status.Actors) == 0 && len(status.DeadLetterHandlers) == 0 {
			break
		}
		runtime.Gosched()
	}
}

// Processes of a system are known by a name, not by the number of the descriptor from which they were run.
func TestNamesOfProcesses(t *testing.T) {
	onEachBase(t, func(t *testing.T) {
		sys := start(t, nil)
		for pid, want := range map[int]string{pidOf(t, sys, "admin"): "thespian admin", ask(t, sys, create(t, sys, "servant"), Order{What: "who"}).PID: "thespian host"} {
			name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
			assert.NilError(t, err)
			assert.Equal(t, strings.TrimSpace(string(name)), want)
		}
	})
}

func TestPoisonComesBack(t *testing.T) {
	sys := start(t, nil)
	_, err := sys.Ask(within(t), create(t, sys, "servant"), Order{What: "fail"})
	assert.ErrorContains(t, err, "failed on purpose")
}

func TestStatusShowsAllProcesses(t *testing.T) {
	sys := start(t, nil)
	parent := create(t, sys, "servant")
	child := ask(t, sys, parent, Order{What: "create"}).Who
	ask(t, sys, child, Order{What: "who"})
	status, err := sys.Status(within(t))
	assert.NilError(t, err)
	assert.Equal(t, len(status.Actors), 2)
	assert.Equal(t, status.Actors[0].Actor, parent)
	assert.Equal(t, status.Actors[1].Parent, parent)
	assert.Equal(t, status.Counters["hosts"], uint64(2))
	assert.Equal(t, len(status.Processes), 4)
	assert.Equal(t, status.Processes[0].Role, "admin")
	others := status.Processes[1:]
	assert.Assert(t, slices.IsSortedFunc(others, func(a, b message.ProcessStatus) int { return a.PID - b.PID }), "%v", others)
}

func TestShutdownKillsWhoDoesNotExit(t *testing.T) {
	onEachBase(t, func(t *testing.T) {
		sys, err := app.Start(within(t), &system.Options{Base: baseHere(), Capabilities: actor.Capabilities{"Admin Port": 0}})
		assert.NilError(t, err)
		a := create(t, sys, "servant")
		pid := ask(t, sys, a, Order{What: "who"}).PID
		assert.Equal(t, ask(t, sys, a, Order{What: "hang"}).What, "hanging")
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		assert.ErrorContains(t, sys.Shutdown(ctx), "actors had not exited in time and were killed: ")
		assert.Assert(t, !alive(pid))
		_, err = sys.Create(within(t), "servant")
		assert.Assert(t, errors.Is(err, system.ErrShutdown), "%v", err)
	})
}
