package matrix

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/system"
)

// patience is how long a behaviour has.
const patience = time.Minute

// A T is a behaviour that runs in a configuration, with a system of its own. It suits the assertions of gotest.tools; a failed one ends the behaviour. Its methods are for
// the goroutine that runs the behaviour, but for Log and Fail.
type T struct {
	Config
	// System is the one that was started for it.
	System *system.System

	app     system.App
	ctx     context.Context
	started []*system.System

	leaderAt string           // where others reach the first system
	members  []*system.System // those that follow it from the beginning

	mu     sync.Mutex
	failed bool
	said   []string
}

// run runs a behaviour and returns why it failed.
func run(ctx context.Context, app system.App, b Behaviour, c Config) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	t := &T{Config: c, app: app, ctx: ctx}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer t.end()
		defer func() {
			if p := recover(); p != nil {
				stack := make([]byte, 16<<10)
				t.Log(fmt.Sprintf("panic: %v\n%s", p, stack[:runtime.Stack(stack, false)]))
				t.Fail()
			}
		}()
		t.System = t.begin(b.Capabilities)
		b.Run(t)
	}()
	<-done
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed {
		return errors.New(strings.Join(t.said, "\n"))
	}
	return nil
}

// begin starts the systems of the configuration, and returns the program's: the leader, if there are others.
func (t *T) begin(capabilities actor.Capabilities) *system.System {
	if !t.Apart() {
		return t.Start(capabilities)
	}
	leader := t.start(t.leader(capabilities))
	t.leaderAt = t.endpoint(leader)
	for i := range t.Systems - 1 {
		t.members = append(t.members, t.Join(fmt.Sprint("member ", i+1), capabilities))
	}
	return leader
}

// Join starts one more system that follows the program's.
func (t *T) Join(name string, capabilities actor.Capabilities) *system.System {
	return t.start(t.member(name, t.leaderAt, capabilities))
}

// endpoint returns where others reach a system.
func (t *T) endpoint(sys *system.System) string {
	at, err := sys.Status(t.ctx)
	assert.NilError(t, err)
	return at.Processes[0].Endpoint
}

// Start starts one more system, by itself. It is ended after the behaviour.
func (t *T) Start(capabilities actor.Capabilities) *system.System {
	return t.start(t.options(capabilities))
}

func (t *T) start(o *system.Options) *system.System {
	o.Logger = slog.New(slog.NewTextHandler(logWriter{t}, nil))
	sys, err := t.app.Start(t.ctx, o)
	assert.NilError(t, err)
	t.started = append(t.started, sys)
	return sys
}

// DeadLetters returns how many there were in all systems.
func (t *T) DeadLetters() (n uint64) {
	for _, sys := range t.started {
		status, err := sys.Status(t.ctx)
		assert.NilError(t, err)
		n += status.DeadLetters
	}
	return n
}

func (t *T) end() {
	for _, sys := range slices.Backward(t.started) { // members before their leader, which brings what they say to each other
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		if err := sys.Shutdown(ctx); err != nil {
			t.Log(fmt.Sprint("shutdown: ", err))
			t.Fail()
		}
		cancel()
	}
}

// Context is done when the behaviour has taken too long.
func (t *T) Context() context.Context { return t.ctx }

// Log keeps what is shown if the behaviour fails.
func (t *T) Log(args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.said = append(t.said, strings.TrimSpace(fmt.Sprintln(args...)))
}

// A logWriter keeps what systems log.
type logWriter struct{ t *T }

func (l logWriter) Write(b []byte) (int, error) {
	l.t.Log(string(b))
	return len(b), nil
}

// Fail notes that the behaviour does not hold.
func (t *T) Fail() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed = true
}

// FailNow does so and ends it.
func (t *T) FailNow() {
	t.Fail()
	runtime.Goexit()
}

// Helper is for assertions.
func (t *T) Helper() {}

// Create creates an actor from the program.
func (t *T) Create(kind string, o ...actor.CreateOptions) address.Address {
	a, err := t.System.Create(t.ctx, kind, o...)
	assert.NilError(t, err)
	return a
}

// Do has a doer do something, and returns what it answers.
func (t *T) Do(who address.Address, m Do) Said {
	said, err := system.Ask[Said](t.ctx, t.System, who, m)
	assert.NilError(t, err, "%s of %s", m.Deed, who)
	return said
}

// Ask asks, and returns the answer.
func (t *T) Ask(who address.Address, msg any) any {
	answer, err := t.System.Ask(t.ctx, who, msg)
	assert.NilError(t, err)
	return answer
}

// Refused asks an actor that has ended, and returns how the system says so.
func (t *T) Refused(who address.Address, msg any) *system.UndeliverableError {
	var refused *system.UndeliverableError
	err := t.Unanswered(who, msg)
	assert.Assert(t, errors.As(err, &refused), "%v", err)
	return refused
}

// Unanswered asks who cannot answer, and returns why there is no answer. Where messages get lost, one may be lost with the process: it is asked again.
func (t *T) Unanswered(who address.Address, msg any) error {
	for {
		ctx, cancel := t.ctx, func() {}
		if !t.Reliable() {
			ctx, cancel = context.WithTimeout(t.ctx, 500*time.Millisecond)
		}
		_, err := t.System.Ask(ctx, who, msg)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) && t.ctx.Err() == nil {
			continue
		}
		assert.Assert(t, err != nil, "nobody is there to answer")
		return err
	}
}

// Tell sends a message from the program.
func (t *T) Tell(who address.Address, msg any) {
	assert.NilError(t, t.System.Tell(t.ctx, who, msg))
}

// Listen returns the next message to the program, and its sender.
func (t *T) Listen() (any, address.Address) {
	msg, from, err := t.System.Listen(t.ctx)
	assert.NilError(t, err)
	return msg, from
}

// Hear returns the next message to the program, which is something that a doer said.
func (t *T) Hear() Said {
	msg, _ := t.Listen()
	said, err := actor.As[Said](msg)
	assert.NilError(t, err)
	return said
}
