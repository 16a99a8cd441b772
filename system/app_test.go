package system_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"thespian.dev/actor"
	"thespian.dev/message"
	"thespian.dev/system"
)

type secretive struct{ secret int }

func TestStartRefuses(t *testing.T) {
	_ = secretive{secret: 1}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx     context.Context
		app     system.App
		options *system.Options
		want    []string
		is      error
	}{
		"a cancelled context":         {ctx: cancelled, is: context.Canceled},
		"an unknown base":             {options: &system.Options{Base: "quantum"}, is: system.ErrUnknownBase, want: []string{`unknown base "quantum"`, "simple"}},
		"a capability without value":  {options: &system.Options{Capabilities: actor.Capabilities{"x": nil}}, want: []string{`capability "x"`}},
		"a capability that is a func": {options: &system.Options{Capabilities: actor.Capabilities{"x": func() {}}}, want: []string{`capability "x"`}},
		"an unexported field":         {app: system.App{Messages: message.Types(secretive{})}, want: []string{"secretive", "secret"}},
		"a type twice":                {app: system.App{Messages: message.Types(message.Named("x", text{}), message.Named("x", count{}))}, want: []string{`"x"`}},
		"Resume above Mark":           {options: &system.Options{Limits: system.Limits{Mark: 5, Resume: 6}}, want: []string{"1 <= Resume <= Mark <= Hard", "6, 5"}},
		"Mark above Hard":             {options: &system.Options{Limits: system.Limits{Mark: 5, Hard: 4}}, want: []string{"1 <= Resume <= Mark <= Hard"}},
		"a limit below zero":          {options: &system.Options{Limits: system.Limits{Mark: -1}}, want: []string{"1 <= Resume <= Mark <= Hard"}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := c.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			sys, err := c.app.Start(ctx, c.options)
			assert.ErrorContains(t, err, "start: ")
			assert.Assert(t, sys == nil)
			if c.is != nil {
				assert.ErrorIs(t, err, c.is)
			}
			for _, want := range c.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}

func TestLimitsComeFromTheEnvironment(t *testing.T) {
	for _, variable := range []string{"THESPIAN_MAX_QUEUED_TRANSMITS", "THESPIAN_QUEUED_TRANSMIT_UNBLOCK_THRESHOLD", "THESPIAN_DROP_TRANSMITS_LEVEL"} {
		for _, value := range []string{"many", "0", "-1", "1.5", "99999999999999999999"} {
			t.Run(variable+"="+value, func(t *testing.T) {
				t.Setenv(variable, value)
				_, err := system.App{}.Start(t.Context(), nil)
				assert.ErrorContains(t, err, variable)
				assert.ErrorContains(t, err, fmt.Sprintf("%q", value))

				// What is set in the program is not looked up.
				sys, err := system.App{}.Start(t.Context(), &system.Options{Limits: system.Limits{Mark: 3, Resume: 2, Hard: 4}})
				assert.NilError(t, err)
				assert.NilError(t, sys.Shutdown(t.Context()))
			})
		}
	}
	t.Run("good ones", func(t *testing.T) {
		t.Setenv("THESPIAN_MAX_QUEUED_TRANSMITS", "2")
		t.Setenv("THESPIAN_DROP_TRANSMITS_LEVEL", "3")
		sys := start(t, system.Options{}, echo)
		for i := range 5 { // an endpoint never makes anybody wait
			tell(t, sys, sys.Address(), count{i})
		}
		assert.Equal(t, deadLetterCount(t, sys), 2)
	})
}

func TestOptionsAreNotNeeded(t *testing.T) {
	for _, options := range []*system.Options{nil, {}, {Base: "simple"}, {Base: "simpleSystemBase"}} {
		sys, err := system.App{Kinds: []actor.Kind{echo}, Messages: testMessages}.Start(t.Context(), options)
		assert.NilError(t, err)
		assert.Equal(t, ask[text](t, sys, create(t, sys, "echo"), text{"x"}).Text, "x")
		assert.NilError(t, sys.Shutdown(t.Context()))
	}
}

func TestStartContextBoundsTheStartAlone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	sys, err := system.App{Kinds: []actor.Kind{echo}, Messages: testMessages}.Start(ctx, nil)
	assert.NilError(t, err)
	cancel()
	assert.Equal(t, ask[text](t, sys, create(t, sys, "echo"), text{"x"}).Text, "x")
	assert.NilError(t, sys.Shutdown(t.Context()))
}

func TestLoggerNamesTheActorAndKeepsMessagesSecret(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		var out bytes.Buffer
		o.Logger = slog.New(slog.NewTextHandler(&out, nil))
		sys := start(t, o, clumsy("clumsy", 0), kind("writer", func(ctx *actor.Context, msg any) error {
			if _, ok := msg.(text); ok {
				ctx.Logger().Info("written by an actor")
				ctx.Send(ctx.Sender(), msg)
			}
			return nil
		}))
		writer, failing := create(t, sys, "writer"), create(t, sys, "clumsy")
		ask[text](t, sys, writer, text{"confidential"})
		_, err := sys.Ask(within(t), failing, text{"permanent"})
		assert.Assert(t, err != nil)
		assert.NilError(t, sys.Shutdown(t.Context()))
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		assert.Equal(t, len(lines), 2, out.String())
		for _, want := range []string{"written by an actor", "actor=" + writer.String(), "kind=writer"} {
			assert.Assert(t, is.Contains(lines[0], want))
		}
		for _, want := range []string{"level=WARN", "actor=" + failing.String(), "kind=clumsy", "broken on purpose", "system_test.text"} {
			assert.Assert(t, is.Contains(lines[1], want))
		}
		assert.Assert(t, !strings.Contains(out.String(), "confidential") && !strings.Contains(out.String(), "permanent"), out.String())
	})
}

// program is what this test binary does instead of its tests when the variable says so: see TestMain.
const programVariable = "THESPIAN_TEST_PROGRAM"

var programs = map[string]func(){
	"good": func() { system.App{}.Main(func(context.Context) error { fmt.Println("done"); return nil }) },
	"bad":  func() { system.App{}.Main(func(context.Context) error { return errors.New("no luck today") }) },
	"waiting": func() {
		system.App{Kinds: []actor.Kind{echo}, Messages: testMessages}.Main(func(ctx context.Context) error {
			sys, err := system.App{Kinds: []actor.Kind{echo}, Messages: testMessages}.Start(ctx, nil)
			if err != nil {
				return err
			}
			fmt.Println("ready")
			<-ctx.Done()
			return sys.Shutdown(context.Background())
		})
	},
	"stubborn": func() {
		system.App{}.Main(func(ctx context.Context) error {
			fmt.Println("ready")
			<-ctx.Done()
			for range 500 { // until a further signal ends it
				fmt.Println("stopping")
				time.Sleep(10 * time.Millisecond)
			}
			return nil
		})
	},
	"tests that pass": func() { system.App{}.TestMain(tests(0)) },
	"tests that fail": func() { system.App{}.TestMain(tests(3)) },
}

// tests is a *testing.M.
type tests int

func (status tests) Run() int { return int(status) }

// run runs one of the programs, sends it the signal after each line that it prints, and returns which different lines these were.
func run(t *testing.T, name string, signal os.Signal) (status *os.ProcessState, out, errs string) {
	t.Helper()
	self, err := os.Executable()
	assert.NilError(t, err)
	cmd := exec.CommandContext(within(t), self)
	cmd.Env = append(os.Environ(), programVariable+"="+name)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	assert.NilError(t, err)
	assert.NilError(t, cmd.Start())
	var lines []string
	for s := bufio.NewScanner(stdout); s.Scan(); {
		lines = append(lines, s.Text())
		if signal != nil {
			assert.NilError(t, cmd.Process.Signal(signal))
		}
	}
	_ = cmd.Wait() // the status tells
	return cmd.ProcessState, strings.Join(slices.Compact(lines), " "), stderr.String()
}

func TestMainEndsTheProcess(t *testing.T) {
	for _, c := range []struct {
		program string
		signal  os.Signal
		status  string
		out     string
		errs    string
	}{
		{"good", nil, "exit status 0", "done", ""},
		{"bad", nil, "exit status 1", "", "error: no luck today\n"},
		{"waiting", os.Interrupt, "exit status 0", "ready", ""},
		{"waiting", syscall.SIGTERM, "exit status 0", "ready", ""},
		{"stubborn", os.Interrupt, "signal: interrupt", "ready stopping", ""},
		{"stubborn", syscall.SIGTERM, "signal: terminated", "ready stopping", ""},
		{"tests that pass", nil, "exit status 0", "", ""},
		{"tests that fail", nil, "exit status 3", "", ""},
	} {
		t.Run(fmt.Sprint(c.program, " ", c.signal), func(t *testing.T) {
			status, out, errs := run(t, c.program, c.signal)
			assert.Equal(t, status.String(), c.status)
			assert.Equal(t, out, c.out)
			assert.Equal(t, errs, c.errs)
		})
	}
}
