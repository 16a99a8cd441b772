package system_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

// TestMain fails when a goroutine of the module is left at the end. In a process that app_test.go started it is a program.
func TestMain(m *testing.M) {
	if program := programs[os.Getenv(programVariable)]; program != nil {
		program()
		panic("a program returned")
	}
	code := m.Run()
	deadline := time.Now().Add(5 * time.Second)
	for code == 0 {
		buf := make([]byte, 1<<20)
		stacks := string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(stacks, "thespian.dev/system.(") {
			break
		}
		if time.Now().After(deadline) {
			fmt.Fprintln(os.Stderr, "goroutines are left behind:\n"+stacks)
			code = 1
		}
		runtime.Gosched()
	}
	os.Exit(code)
}

// The messages of the tests.
type (
	text  struct{ Text string }
	count struct{ N int }
	order struct {
		From address.Address
		N    int
	}
	refer   struct{ To address.Address }
	make_   struct{ Kind, Name string }
	unknown struct{ X int } // never registered
	holder  struct{ Any any }
)

var testMessages = message.Types(text{}, count{}, order{}, refer{}, make_{}, holder{}, ball{}, job{})

// schedulers runs a test on each scheduler of the base simple, and with messages that are copied.
func schedulers(t *testing.T, test func(t *testing.T, o system.Options)) {
	for name, o := range map[string]system.Options{
		"concurrent":  {},
		"synchronous": {Synchronous: true},
		"copies":      {CopyMessages: true},
	} {
		t.Run(name, func(t *testing.T) { test(t, o) })
	}
}

// timed is schedulers with virtual time.
func timed(t *testing.T, test func(t *testing.T, o system.Options)) {
	schedulers(t, func(t *testing.T, o system.Options) {
		synctest.Test(t, func(t *testing.T) { test(t, o) })
	})
}

// gone waits until an actor has ended.
func gone(t testing.TB, sys *system.System, a address.Address) {
	t.Helper()
	for {
		_, err := sys.Ask(within(t), a, message.StatusRequest{})
		if undeliverable := (*system.UndeliverableError)(nil); errors.As(err, &undeliverable) {
			return
		}
		assert.NilError(t, err)
	}
}

// eventually waits until something has happened that nobody is told of.
func eventually(t testing.TB, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !happened(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// start starts a system that ends with the test.
func start(t testing.TB, o system.Options, kinds ...actor.Kind) *system.System {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	sys, err := system.App{Kinds: kinds, Messages: testMessages}.Start(t.Context(), &o)
	assert.NilError(t, err)
	t.Cleanup(func() {
		if err := sys.Shutdown(context.Background()); err != nil {
			t.Errorf("%v", err)
		}
	})
	return sys
}

func create(t testing.TB, sys *system.System, kind string, options ...actor.CreateOptions) address.Address {
	t.Helper()
	a, err := sys.Create(within(t), kind, options...)
	assert.NilError(t, err)
	return a
}

// within is the context of a step that must not hang.
func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func tell(t testing.TB, sys interface {
	Tell(context.Context, address.Address, any) error
}, to address.Address, msg any) {
	t.Helper()
	assert.NilError(t, sys.Tell(within(t), to, msg))
}

// ask asks for an answer of type T.
func ask[T any](t testing.TB, sys *system.System, to address.Address, msg any) T {
	t.Helper()
	reply, err := system.Ask[T](within(t), sys, to, msg)
	assert.NilError(t, err)
	return reply
}

// listen returns the next message to the program, of type T.
func listen[T any](t testing.TB, sys *system.System) T {
	t.Helper()
	msg, _, err := sys.Listen(within(t))
	assert.NilError(t, err)
	typed, err := actor.As[T](msg)
	assert.NilError(t, err)
	return typed
}

// kind is a kind of actors without state.
func kind(name string, receive func(ctx *actor.Context, msg any) error) actor.Kind {
	return actor.Kind{Name: name, New: func() actor.Actor { return actor.Func(receive) }}
}

// echo answers every message with itself.
var echo = kind("echo", func(ctx *actor.Context, msg any) error {
	if !message.IsSystem(msg) {
		ctx.Send(ctx.Sender(), msg)
	}
	return nil
})

// describe returns a text for a message of the system.
func describe(msg any) string {
	switch m := msg.(type) {
	case message.ChildActorExited:
		return "child exited: " + m.Reason
	case message.ActorExited:
		return "actor exited: " + m.Reason
	case message.ActorExitRequest:
		return "exit"
	case message.PoisonMessage:
		return "poison: " + strings.Split(m.Details, "\n")[0]
	case message.DeadEnvelope:
		return fmt.Sprintf("dead: %v: %s", m.Message, m.Reason)
	case message.WakeupMessage:
		return fmt.Sprintf("wakeup: %v", m.Payload)
	case text:
		return m.Text
	}
	return fmt.Sprintf("%T", msg)
}

var errBroken = errors.New("broken on purpose")
