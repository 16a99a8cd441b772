//go:build linux

package integration

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

// What is shown in package system for actors of one process holds when each has its own.

var deeds = map[string]deed{
	"introduce": introduce,
	"create":    createOne,
	"fail":      failTimes,
	"count": func(d *doer, ctx *actor.Context, m Do) error {
		d.count++
		d.say(ctx, "", d.count, ctx.Self())
		return nil
	},
	"wake":       wake,
	"work":       work,
	"request":    request,
	"hold":       hold,
	"requests":   requests,
	"watch file": watchFile,
	"watch":      watch,
	"exit":       func(_ *doer, ctx *actor.Context, _ Do) error { ctx.Exit(); return nil },
	"children":   children,
	"capability": capability,
	"shut down":  func(_ *doer, ctx *actor.Context, _ Do) error { ctx.ShutdownSystem(); return nil },
	"log":        logIt,
	"ask status": askStatus,
	"flood":      flood,
	"flooded":    func(d *doer, ctx *actor.Context, m Do) error { d.count++; return nil },
	"received": func(d *doer, ctx *actor.Context, m Do) error {
		ctx.Send(m.Who, Said{"received", d.count, ctx.Self()})
		return nil
	},
	"share":          share,
	"burst":          burst,
	"item":           item,
	"items":          items,
	"long then new":  longThenNew,
	"new":            sendNew,
	"new ones":       newOnes,
	"fill and watch": fillAndWatch,
	"process":        process,
	"answer late":    answerLate,
	"little room":    littleRoom,
}

func introduce(d *doer, ctx *actor.Context, _ Do) error {
	args, _ := d.args.(Numbers)
	d.say(ctx, fmt.Sprint(ctx.Kind(), " ", ctx.GlobalName(), " ", ctx.Capabilities()["GPU"], " ", args.All, " ", ctx.Parent() == d.asker), os.Getpid(), ctx.Self())
	return nil
}

// createOne creates an actor of a kind. With a number it also says what becomes of it.
func createOne(d *doer, ctx *actor.Context, m Do) error {
	asker := d.asker
	if m.N == 0 {
		asker = address.Address{}
	}
	d.hear = func(ctx *actor.Context, msg any) error {
		if m, ok := msg.(message.ChildActorExited); ok && !asker.IsZero() {
			ctx.Send(asker, Said{"child exited: " + m.Reason, 0, m.Child})
		}
		return nil
	}
	d.say(ctx, "created", 0, ctx.Create(m.Text))
	return nil
}

func TestActorKnowsItself(t *testing.T) {
	sys := doers(t, system.Options{Capabilities: actor.Capabilities{"GPU": "two"}})
	a := create(t, sys, "doer", actor.CreateOptions{GlobalName: "me", Args: Numbers{[]int{1, 2}}})
	said := does(t, sys, a, Do{Deed: "introduce"})
	assert.DeepEqual(t, said.What, "doer me two [1 2] false")
	assert.Equal(t, said.Who, a)
	assert.Assert(t, said.N != os.Getpid())
}

func failTimes(d *doer, ctx *actor.Context, m Do) error {
	d.count++
	switch {
	case m.Text == "panic":
		panic("on purpose")
	case m.Text == "permanent":
		return actor.Permanent(errors.New("on purpose"))
	case d.count <= m.N:
		return errors.New("on purpose")
	}
	d.say(ctx, "done", d.count, ctx.Self())
	return nil
}

func TestFailures(t *testing.T) {
	sys := doers(t, system.Options{})
	for _, c := range []struct {
		kind  string
		do    Do
		count int    // how often it was tried
		want  string // in the details of the poison; "": it succeeds
	}{
		{"doer", Do{N: 1}, 2, ""},
		{"doer", Do{N: 9}, 2, "on purpose"},
		{"doer", Do{Text: "panic"}, 2, "integration.failTimes"}, // the stack
		{"doer", Do{Text: "permanent"}, 1, "on purpose"},
		{"patient", Do{N: 9}, 3, "on purpose"},
	} {
		a := create(t, sys, c.kind)
		c.do.Deed = "fail"
		reply, err := sys.Ask(within(t), a, c.do)
		if c.want == "" {
			assert.NilError(t, err)
			assert.Equal(t, reply.(Said).N, c.count)
			continue
		}
		var poison message.PoisonMessage
		assert.Assert(t, errors.As(err, &poison), "%v", err)
		assert.Equal(t, poison.Message, c.do)
		assert.Assert(t, strings.Contains(poison.Details, c.want), poison.Details)
		assert.Equal(t, does(t, sys, a, Do{Deed: "count"}).N, c.count+1, "the same actor goes on, with its state: %+v", c)
	}
}

// wake asks for wake-ups, the last first, cancels one of them, and says in which order the others came.
func wake(d *doer, ctx *actor.Context, _ Do) error {
	var came []string
	d.hear = func(ctx *actor.Context, msg any) error {
		if m, ok := msg.(message.WakeupMessage); ok && ctx.Sender() == ctx.Self() {
			if came = append(came, fmt.Sprint(m.Payload, " after ", m.Delay)); len(came) == 3 {
				d.say(ctx, strings.Join(came, ", "), 0, ctx.Self())
			}
		}
		return nil
	}
	ctx.WakeupAfter(30*time.Millisecond, "third")
	ctx.WakeupAfter(time.Millisecond, "first")
	cancelled := ctx.WakeupAfter(2*time.Millisecond, "never")
	ctx.WakeupAfter(20*time.Millisecond, 2)
	if !cancelled.Cancel() {
		return errors.New("too late")
	}
	return nil
}

// work has something done beside the actor, which speaks from there, too.
func work(d *doer, ctx *actor.Context, m Do) error {
	asker := d.asker
	d.hear = func(ctx *actor.Context, msg any) error {
		if m, ok := msg.(Numbers); ok {
			ctx.Send(asker, Said{"result", len(m.All), ctx.Self()})
		}
		return nil
	}
	ctx.Go(func(context.Context) any {
		ctx.Send(asker, Said{"beside", 0, ctx.Self()})
		return Numbers{make([]int, m.N)}
	})
	return nil
}

// request asks another actor without waiting.
func request(d *doer, ctx *actor.Context, m Do) error {
	asker := d.asker
	ctx.Request(m.Who, Do{Deed: m.Text}, 20*time.Second, func(reply any, err error) error {
		said, _ := reply.(Said)
		ctx.Send(asker, Said{fmt.Sprint(err), said.N, said.Who})
		return nil
	})
	return nil
}

// hold keeps the actor busy until somebody closes the connection that it makes.
func hold(_ *doer, _ *actor.Context, m Do) error {
	conn, err := net.Dial("tcp", m.Text)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, conn)
	return errors.Join(err, conn.Close())
}

// requests asks another actor many times at once, and says how many answers came.
func requests(d *doer, ctx *actor.Context, m Do) error {
	asker, answers, failed := d.asker, 0, "" // the first failure
	for range m.N {
		ctx.Request(m.Who, Do{Deed: "count"}, 20*time.Second, func(_ any, err error) error {
			if answers++; err != nil && failed == "" {
				failed = err.Error()
			}
			if answers == m.N {
				ctx.Send(asker, Said{failed, answers, ctx.Self()})
			}
			return nil
		})
	}
	ctx.Send(asker, Said{"all sent", 0, ctx.Self()})
	return nil
}

// Requests wait, as all messages do, while the other actor takes no more, and none is lost.
func TestRequestsToAnActorThatIsFull(t *testing.T) {
	sys := doers(t, system.Options{Limits: system.Limits{Mark: 10, Resume: 2}})
	busy, asks := create(t, sys, "doer"), create(t, sys, "doer")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NilError(t, err)
	defer l.Close()
	told(t, sys, busy, Do{Deed: "hold", Text: l.Addr().String()})
	conn, err := l.Accept()
	assert.NilError(t, err)
	const n = 5000
	told(t, sys, asks, Do{Deed: "requests", Who: busy, N: n})
	for ctx, full := within(t), false; !full; { // more than its mark: the asker is told to stop
		status, err := sys.Status(ctx)
		assert.NilError(t, err)
		for _, a := range status.Actors {
			full = full || a.Actor == busy && a.Pending > 10
		}
	}
	assert.NilError(t, conn.Close())
	assert.Equal(t, says(t, sys).What, "all sent")
	assert.Equal(t, says(t, sys), Said{"", n, asks})
}

// watchFile says what can be read from a pipe.
func watchFile(d *doer, ctx *actor.Context, m Do) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	d.hear = func(ctx *actor.Context, msg any) error {
		if m, ok := msg.(message.WatchMessage); ok {
			defer r.Close()
			buf := make([]byte, 100)
			n, err := r.Read(buf)
			d.say(ctx, string(buf[:n]), len(m.Ready), ctx.Self())
			return err
		}
		return nil
	}
	if err := ctx.WatchFiles(r); err != nil {
		return err
	}
	_, err = w.WriteString(m.Text)
	return errors.Join(err, w.Close())
}

func TestWhatComesToAnActorFromItself(t *testing.T) {
	sys := doers(t, system.Options{})
	a, b := create(t, sys, "doer"), create(t, sys, "doer")
	assert.Equal(t, does(t, sys, a, Do{Deed: "wake"}).What, "first after 1ms, 2 after 20ms, third after 30ms")

	told(t, sys, a, Do{Deed: "work", N: 7})
	assert.Equal(t, says(t, sys), Said{"beside", 0, a})
	assert.Equal(t, says(t, sys), Said{"result", 7, a})

	assert.Equal(t, does(t, sys, a, Do{Deed: "request", Text: "count", Who: b}), Said{"<nil>", 1, b})
	pid := does(t, sys, b, Do{Deed: "introduce"}).N
	told(t, sys, b, Do{Deed: "exit"})
	ended(t, pid)
	assert.Assert(t, strings.Contains(does(t, sys, a, Do{Deed: "request", Text: "count", Who: b}).What, "cannot be reached"))

	assert.Equal(t, does(t, sys, a, Do{Deed: "watch file", Text: "hello"}), Said{"hello", 1, a})
}

// watch says of actors that they have ended.
func watch(d *doer, ctx *actor.Context, m Do) error {
	asker := d.asker
	d.hear = func(ctx *actor.Context, msg any) error {
		if m, ok := msg.(message.ActorExited); ok {
			ctx.Send(asker, Said{"exited: " + m.Reason, 0, m.Actor})
		}
		return nil
	}
	ctx.Watch(m.Who)
	ctx.Request(m.Who, message.StatusRequest{}, 20*time.Second, func(_ any, err error) error { // behind which the watch is known there
		ctx.Send(asker, Said{fmt.Sprint("watching ", err), 0, m.Who})
		return nil
	})
	return nil
}

func TestExitRequests(t *testing.T) {
	sys := doers(t, system.Options{})
	for _, orphans := range []bool{false, true} {
		parent := create(t, sys, "doer")
		child := does(t, sys, parent, Do{Deed: "create", Text: "doer"}).Who
		grandchild := does(t, sys, child, Do{Deed: "create", Text: "doer"}).Who
		watcher := create(t, sys, "doer")
		for _, a := range []address.Address{parent, child, grandchild} {
			told(t, sys, watcher, Do{Deed: "watch", Who: a})
			assert.Equal(t, says(t, sys).What, "watching <nil>")
		}
		assert.NilError(t, sys.Tell(within(t), parent, message.ActorExitRequest{NotRecursive: orphans}))
		if orphans {
			assert.Equal(t, says(t, sys), Said{"exited: asked to exit", 0, parent})
			does(t, sys, child, Do{Deed: "count"})
			for ctx, status := within(t), (message.ActorStatus{}); status.Parent != sys.Admin(); { // whoever has lost its parent becomes the Admin's, soon
				var err error
				status, err = system.Ask[message.ActorStatus](ctx, sys, child, message.StatusRequest{})
				assert.NilError(t, err)
			}
			assert.NilError(t, sys.Tell(within(t), child, message.ActorExitRequest{}))
			assert.Equal(t, says(t, sys).What, "exited: asked to exit")
			assert.Equal(t, says(t, sys).What, "exited: asked to exit")
			continue
		}
		ended := make(map[address.Address]bool)
		for range 3 {
			said := says(t, sys)
			assert.Equal(t, said.What, "exited: asked to exit")
			ended[said.Who] = true
		}
		assert.Equal(t, len(ended), 3, "each once")
	}
	// The Admin and the program have no end of that kind.
	assert.NilError(t, sys.Tell(within(t), sys.Admin(), message.ActorExitRequest{}))
	assert.NilError(t, sys.Tell(within(t), sys.Address(), message.ActorExitRequest{}))
	does(t, sys, create(t, sys, "doer"), Do{Deed: "count"})
}

// children creates some children that end in different ways, and says of each how often it was told of its end, when all have.
func children(d *doer, ctx *actor.Context, m Do) error {
	asker, told := d.asker, make(map[address.Address]int)
	d.hear = func(ctx *actor.Context, msg any) error {
		if e, ok := msg.(message.ChildActorExited); ok {
			told[e.Child]++
			ctx.Send(asker, Said{e.Reason, told[e.Child], e.Child})
		}
		return nil
	}
	for i := range m.N {
		child := ctx.Create([]string{"doer", "near"}[i%2])
		ctx.Send(child, Do{Deed: "exit"})
		ctx.Send(asker, Said{"created", 0, child})
	}
	return nil
}

func TestEachEndIsToldOnce(t *testing.T) {
	sys := doers(t, system.Options{})
	parent := create(t, sys, "doer")
	const n = 10
	told(t, sys, parent, Do{Deed: "children", N: n})
	created, ended := make(map[address.Address]bool), make(map[address.Address]bool)
	for range 2 * n {
		said := says(t, sys)
		if said.What == "created" {
			created[said.Who] = true
			continue
		}
		assert.Equal(t, said.N, 1, said.What)
		assert.Assert(t, created[said.Who])
		ended[said.Who] = true
	}
	assert.Equal(t, len(ended), n)
	does(t, sys, parent, Do{Deed: "count"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := sys.Listen(ctx)
	assert.ErrorIs(t, err, context.Canceled, "nothing more was said")
}

// answerLate answers twice, when it is told to.
func answerLate(d *doer, ctx *actor.Context, m Do) error {
	asker := d.asker
	ctx.Request(m.Who, Do{Deed: "count"}, 20*time.Second, func(any, error) error {
		ctx.Send(asker, Said{"one", 0, ctx.Self()})
		ctx.Send(asker, Said{"two", 0, ctx.Self()})
		return nil
	})
	return nil
}

func TestEndpointsOfAProgram(t *testing.T) {
	sys := doers(t, system.Options{})
	a, b := create(t, sys, "doer"), create(t, sys, "doer")

	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	hanging := create(t, sys, "doer")
	_, err := sys.Ask(ctx, hanging, Do{Deed: "flooded"}) // which answers nothing
	assert.ErrorIs(t, err, context.DeadlineExceeded)

	assert.Equal(t, does(t, sys, a, Do{Deed: "answer late", Who: b}).What, "one")
	msg, sender, err := sys.Listen(within(t))
	assert.NilError(t, err)
	assert.Equal(t, msg.(Said).What, "two", "what comes too late, or second, is no answer to another question")
	assert.Equal(t, sender, a)

	private := sys.Private()
	defer private.Close()
	assert.NilError(t, private.Tell(within(t), a, Do{Deed: "count", Text: "private"}))
	told(t, sys, a, Do{Deed: "count"})
	assert.Equal(t, says(t, sys).N, 2)
	msg, sender, err = private.Listen(within(t))
	assert.NilError(t, err)
	assert.Equal(t, msg.(Said).N, 1)
	assert.Equal(t, sender, a)
	assert.Assert(t, private.Address() != sys.Address())

	assert.ErrorIs(t, sys.Tell(within(t), address.Address{}, Do{}), system.ErrNoAddress)
	assert.ErrorContains(t, sys.Tell(within(t), a, struct{ Unregistered int }{}), "Unregistered")

	// The program hears nothing of the end of its actors.
	told(t, sys, b, Do{Deed: "exit"})
	for err = error(nil); err == nil; _, err = sys.Ask(within(t), b, message.StatusRequest{}) {
	}
	var undeliverable *system.UndeliverableError
	assert.Assert(t, errors.As(err, &undeliverable), "%v", err)
	told(t, sys, a, Do{Deed: "count"})
	assert.Equal(t, says(t, sys).N, 3)
}

func TestBasesAreKnownByTwoNames(t *testing.T) {
	for _, base := range []string{"", "tcp", "multiprocTCPBase"} {
		sys := doers(t, system.Options{Base: base})
		assert.Equal(t, sys.Capabilities()["Thespian ActorSystem Name"], "multiprocTCPBase")
	}
	_, err := app.Start(within(t), &system.Options{Base: "multiprocSmokeBase"})
	assert.ErrorIs(t, err, system.ErrUnknownBase)
	assert.ErrorContains(t, err, "the bases are: simple, multiprocTCPBase")
}

func TestAddressOfAnotherSystem(t *testing.T) {
	one, two := doers(t, system.Options{}), doers(t, system.Options{})
	_, err := two.Ask(within(t), create(t, one, "doer"), Do{Deed: "count"})
	var undeliverable *system.UndeliverableError
	assert.Assert(t, errors.As(err, &undeliverable), "%v", err)
	assert.ErrorContains(t, err, "another system")
}

func TestSystemIsUsedAfterItsEnd(t *testing.T) {
	sys := doers(t, system.Options{})
	a := create(t, sys, "doer")
	assert.NilError(t, sys.Shutdown(within(t)))
	<-sys.Done()
	for name, use := range map[string]func() error{
		"create": func() error { _, err := sys.Create(within(t), "doer"); return err },
		"tell":   func() error { return sys.Tell(within(t), a, Do{}) },
		"ask":    func() error { _, err := sys.Ask(within(t), a, Do{}); return err },
		"listen": func() error { _, _, err := sys.Listen(within(t)); return err },
		"lookup": func() error { _, err := sys.Lookup(within(t), "x"); return err },
		"status": func() error { _, err := sys.Status(within(t)); return err },
		"update": func() error { return sys.UpdateCapability(within(t), "GPU", true) },
		"kill":   func() error { return sys.Kill(within(t), a) },
	} {
		assert.ErrorIs(t, use(), system.ErrShutdown, name)
	}
	assert.NilError(t, sys.Shutdown(within(t)), "again")
	assert.NilError(t, sys.Close())
}

// picky is the Check of a kind.
func picky(capabilities actor.Capabilities, requirements any) error {
	wants, ok := requirements.(Numbers)
	switch {
	case !ok:
		return errors.New("there are no requirements")
	case len(wants.All) == 0:
		panic("nothing is wanted")
	case capabilities["Cores"] != wants.All[0]:
		return fmt.Errorf("there are %v cores", capabilities["Cores"])
	}
	return nil
}

func TestCheckRunsInTheHost(t *testing.T) {
	sys := doers(t, system.Options{Capabilities: actor.Capabilities{"Cores": 4}})
	for _, c := range []struct {
		requirements any
		want         string
	}{
		{nil, "there are no requirements"}, {Numbers{}, "panic"}, {Numbers{[]int{8}}, "there are 4 cores"},
	} {
		_, err := sys.Create(within(t), "picky", actor.CreateOptions{Requirements: c.requirements})
		assert.ErrorIs(t, err, system.ErrNoCompatibleSystem)
		assert.ErrorContains(t, err, c.want)
	}
	a := create(t, sys, "picky", actor.CreateOptions{Requirements: Numbers{[]int{4}}})
	watcher := create(t, sys, "doer")
	told(t, sys, watcher, Do{Deed: "watch", Who: a})
	assert.Equal(t, says(t, sys).What, "watching <nil>")
	assert.NilError(t, sys.UpdateCapability(within(t), "Cores", 8)) // it does not suit any more
	assert.Equal(t, says(t, sys), Said{"exited: the system offers something else now: there are 8 cores", 0, a})
	parent := create(t, sys, "doer")
	told(t, sys, parent, Do{Deed: "create", Text: "picky", N: 1})
	assert.Equal(t, says(t, sys).What, "created")
	assert.Assert(t, strings.Contains(says(t, sys).What, "there are no requirements"))
}

// capability sets or removes one, and says what the actor sees then.
func capability(d *doer, ctx *actor.Context, m Do) error {
	var value any
	if m.N != 0 {
		value = m.N
	}
	err := ctx.UpdateCapability(m.Text, value)
	d.say(ctx, fmt.Sprint(err, " ", ctx.Capabilities()[m.Text]), 0, ctx.Self())
	return nil
}

func TestCapabilitiesAreTheSameEverywhere(t *testing.T) {
	given := actor.Capabilities{"List": []any{1, "two", 3.5, true}}
	sys := doers(t, system.Options{Capabilities: given})
	given["List"].([]any)[0] = 7
	a, b := create(t, sys, "doer"), create(t, sys, "doer")
	assert.DeepEqual(t, sys.Capabilities()["List"], []any{1, "two", 3.5, true})
	assert.Equal(t, does(t, sys, a, Do{Deed: "capability", Text: "Cores", N: 4}).What, "<nil> 4")
	for name, seen := range map[string]func() string{
		"the program": func() string { return fmt.Sprint(sys.Capabilities()["Cores"]) },
		"an actor":    func() string { return strings.Fields(does(t, sys, b, Do{Deed: "capability", Text: "GPU"}).What)[0] },
	} {
		for seen() != map[string]string{"the program": "4", "an actor": "<nil>"}[name] {
			assert.NilError(t, t.Context().Err())
		}
	}
	status, err := sys.Status(within(t))
	assert.NilError(t, err)
	assert.Equal(t, status.Capabilities["Cores"], 4)
	assert.Equal(t, does(t, sys, a, Do{Deed: "capability", Text: "Cores"}).What, "<nil> <nil>")

	for _, name := range []string{"Go Version", "Thespian Generation", "Thespian Version", "Thespian ActorSystem Name", "Thespian ActorSystem Version", "Thespian Watch Supported"} {
		assert.Assert(t, sys.Capabilities()[name] != nil, name)
		const own = "is the system's own and cannot be set"
		assert.ErrorContains(t, sys.UpdateCapability(within(t), name, 1), own)
		assert.Assert(t, strings.Contains(does(t, sys, a, Do{Deed: "capability", Text: name, N: 1}).What, own))
		_, err := app.Start(within(t), &system.Options{Capabilities: actor.Capabilities{"Admin Port": 0, name: 1}})
		assert.ErrorContains(t, err, own)
	}
	for _, name := range []string{
		"Admin Port", "Admin Routing", "Outbound Only", "Bind Address", "Advertise Address", "Direct Within Host", "Convention Heartbeat", "Convention Registration Miss Max",
		"Convention Grace", "Convention Reregistration Period", "Convention Restart Period",
	} {
		const late = "is read when the system starts"
		assert.ErrorContains(t, sys.UpdateCapability(within(t), name, 1), late)
		assert.Assert(t, strings.Contains(does(t, sys, a, Do{Deed: "capability", Text: name, N: 1}).What, late))
	}
}

func TestActorShutsTheSystemDown(t *testing.T) {
	sys := doers(t, system.Options{})
	a := create(t, sys, "doer")
	pid := does(t, sys, a, Do{Deed: "introduce"}).N
	told(t, sys, a, Do{Deed: "shut down"})
	<-sys.Done()
	ended(t, pid)
	assert.ErrorIs(t, sys.Close(), system.ErrShutdown)
}

func logIt(d *doer, ctx *actor.Context, m Do) error {
	ctx.Logger().Warn(m.Text)
	d.say(ctx, "logged", 0, ctx.Self())
	return nil
}

// logging has an actor log something, and goes on until its input ends.
func logging(ctx context.Context) error {
	sys, err := attach(ctx, system.Options{Lifetime: true})
	if err != nil {
		return err
	}
	a, err := sys.Create(ctx, "doer")
	if err != nil {
		return err
	}
	if _, err := sys.Ask(ctx, a, Do{Deed: "log", Text: "look out"}); err != nil {
		return err
	}
	fmt.Println(a)
	_, _ = io.Copy(io.Discard, os.Stdin)
	return sys.Shutdown(ctx)
}

func TestWhatAnActorLogsReachesItsProgram(t *testing.T) {
	cmd := command(self(t), "logging", 0)
	cmd.Stderr = nil
	stderr, err := cmd.StderrPipe()
	assert.NilError(t, err)
	program, err := begin(t, cmd)
	assert.NilError(t, err)
	line, err := bufio.NewReader(stderr).ReadString('\n')
	assert.NilError(t, err)
	for _, part := range []string{"level=WARN", `msg="look out"`, "actor=" + program.line(t), "kind=doer"} {
		assert.Assert(t, strings.Contains(line, part), line)
	}
	program.end(t)
}

// askStatus asks the Admin for the status of the system.
func askStatus(d *doer, ctx *actor.Context, m Do) error {
	asker := d.asker
	ctx.Request(m.Who, message.StatusRequest{}, 20*time.Second, func(reply any, err error) error {
		s, _ := reply.(message.SystemStatus)
		ctx.Send(asker, Said{fmt.Sprint(err), len(s.Actors), s.Admin})
		return nil
	})
	return nil
}

func TestStatusFromAfar(t *testing.T) {
	sys := doers(t, system.Options{})
	a := create(t, sys, "doer", actor.CreateOptions{GlobalName: "watched"})
	child := does(t, sys, a, Do{Deed: "create", Text: "near"}).Who
	status, err := system.Ask[message.ActorStatus](within(t), sys, a, message.StatusRequest{})
	assert.NilError(t, err)
	assert.Equal(t, status.Actor, a)
	assert.Equal(t, status.Parent, sys.Admin())
	assert.Equal(t, status.Admin, sys.Admin())
	assert.Equal(t, status.Kind+" "+status.GlobalName, "doer watched")
	assert.Equal(t, status.PID, does(t, sys, a, Do{Deed: "introduce"}).N)
	assert.Equal(t, status.Received, uint64(1), "statuses do not count")
	assert.Equal(t, status.Sent, uint64(1))
	assert.Assert(t, slices.Equal(status.Children, []address.Address{child}))
	assert.Equal(t, status.Counters["children created"], uint64(1))
	assert.Equal(t, does(t, sys, a, Do{Deed: "ask status", Who: sys.Admin()}), Said{"<nil>", 2, sys.Admin()})

	whole, err := sys.Status(within(t))
	assert.NilError(t, err)
	assert.Equal(t, whole.Base, "multiprocTCPBase")
	assert.Equal(t, whole.GlobalNames["watched"], a)
	var text strings.Builder
	assert.NilError(t, whole.Format(&text))
	for _, part := range []string{"multiprocTCPBase", a.String(), "\n" + fmt.Sprint(status.PID) + "  ", "  " + child.String(), "near", "program"} {
		assert.Assert(t, strings.Contains(text.String(), part), "%q is not in\n%s", part, text.String())
	}
}

// flood sends many messages to another actor, which then says how many it has got.
func flood(d *doer, ctx *actor.Context, m Do) error {
	for range m.N {
		ctx.Send(m.Who, Do{Deed: "flooded"})
	}
	ctx.Send(m.Who, Do{Deed: "received", Who: d.asker})
	return nil
}

func TestActorsThatFloodEachOtherAcrossProcesses(t *testing.T) {
	sys := doers(t, system.Options{Limits: system.Limits{Mark: 16, Resume: 4}})
	const n, each = 4, 2000
	var all []address.Address
	for range n {
		all = append(all, create(t, sys, "doer"))
	}
	for i, a := range all {
		told(t, sys, a, Do{Deed: "flood", N: each, Who: all[(i+1)%n]})
	}
	for range all { // a ring of actors that wait for each other does not stand still
		assert.Equal(t, says(t, sys).N, each)
	}
	status, err := sys.Status(within(t))
	assert.NilError(t, err)
	assert.Equal(t, status.DeadLetters, uint64(0))
}

// share sends a slice to a child, which changes it, and says what this actor sees then.
func share(d *doer, ctx *actor.Context, m Do) error {
	if m.Text == "" { // the child
		d.hear = func(ctx *actor.Context, msg any) error {
			if m, ok := msg.(Numbers); ok {
				m.All[0]++
			}
			return nil
		}
		d.say(ctx, "", 0, ctx.Self())
		return nil
	}
	asker := d.asker
	child := ctx.Create(m.Text)
	d.numbers = []int{1}
	ctx.Send(child, Do{Deed: "share"})
	ctx.Send(child, Numbers{d.numbers})
	ctx.Request(child, Do{Deed: "count"}, 20*time.Second, func(any, error) error {
		ctx.Send(asker, Said{"", d.numbers[0], ctx.Self()})
		return nil
	})
	return nil
}

func TestMessagesAreSharedWithinAProcessAlone(t *testing.T) {
	sys := doers(t, system.Options{})
	a := create(t, sys, "doer")
	assert.Equal(t, does(t, sys, a, Do{Deed: "share", Text: "near"}).N, 2)
	assert.Equal(t, does(t, sys, a, Do{Deed: "share", Text: "doer"}).N, 1)
}

func TestProcessOfAnActorEndsWithIt(t *testing.T) {
	sys := doers(t, system.Options{})
	parent := create(t, sys, "doer")
	child := does(t, sys, parent, Do{Deed: "create", Text: "doer"}).Who
	pid := does(t, sys, child, Do{Deed: "introduce"}).N
	told(t, sys, child, Do{Deed: "exit"})
	ended(t, pid)
	assert.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH, "it was waited for")
}
