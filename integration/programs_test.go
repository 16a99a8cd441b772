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
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/message"
	"thespian.dev/system"
	"thespian.dev/transport"
)

// Programs of their own are this test's executable with a variable that says which.
const (
	programVariable = "THESPIAN_TEST_PROGRAM"
	portVariable    = "THESPIAN_TEST_PORT"
)

// attach attaches a program to the system at the port that it was given.
func attach(ctx context.Context, o system.Options) (*system.System, error) {
	port, err := strconv.Atoi(os.Getenv(portVariable))
	if err != nil {
		return nil, err
	}
	o.Capabilities = o.Capabilities.Clone()
	if o.Capabilities == nil {
		o.Capabilities = actor.Capabilities{}
	}
	o.Capabilities["Admin Port"] = port
	o.Base = baseHere()
	return app.Start(ctx, &o)
}

var programs = map[string]func(ctx context.Context) error{
	// admin says which system it attached to, and goes on when its input ends.
	"admin": func(ctx context.Context) error {
		sys, err := attach(ctx, system.Options{})
		if err != nil {
			return err
		}
		fmt.Println(sys.Admin())
		_, _ = io.Copy(io.Discard, os.Stdin)
		return sys.Close()
	},
	// name creates an actor with a name, which outlives the program.
	"name": func(ctx context.Context) error {
		sys, err := attach(ctx, system.Options{})
		if err != nil {
			return err
		}
		a, err := sys.Create(ctx, "servant", actor.CreateOptions{GlobalName: "left behind"})
		if err != nil {
			return err
		}
		told, err := system.Ask[Told](ctx, sys, a, Order{What: "who"})
		if err != nil {
			return err
		}
		fmt.Println(told.PID)
		return sys.Close()
	},
	// print has an actor print, and waits for the end of its input.
	"print": func(ctx context.Context) error {
		sys, err := attach(ctx, system.Options{})
		if err != nil {
			return err
		}
		a, err := sys.Create(ctx, "servant")
		if err != nil {
			return err
		}
		if _, err := sys.Ask(ctx, a, Order{What: "print"}); err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, os.Stdin)
		return sys.Close()
	},
	// says has an actor say what this program was started to say, and goes on when its input ends.
	"says": func(ctx context.Context) error {
		sys, err := attach(ctx, system.Options{})
		if err != nil {
			return err
		}
		a, err := sys.Create(ctx, "servant")
		if err != nil {
			return err
		}
		told, err := system.Ask[Told](ctx, sys, a, Order{What: "says"})
		if err != nil {
			return err
		}
		fmt.Println(told.What)
		_, _ = io.Copy(io.Discard, os.Stdin)
		return sys.Close()
	},
	// private says which process the Admin of its own system is, and goes on when its input ends.
	"private": func(ctx context.Context) error {
		sys, err := app.Start(ctx, &system.Options{Capabilities: actor.Capabilities{"Admin Port": 0}})
		if err != nil {
			return err
		}
		status, err := sys.Status(ctx)
		if err != nil {
			return err
		}
		fmt.Println(status.Processes[0].PID)
		_, _ = io.Copy(io.Discard, os.Stdin)
		return sys.Shutdown(ctx)
	},
	// talk has an actor print so much that all who pass it on are full, and once more in the end.
	"talk": func(ctx context.Context) error {
		sys, err := app.Start(ctx, &system.Options{Capabilities: actor.Capabilities{"Admin Port": 0}})
		if err != nil {
			return err
		}
		a, err := sys.Create(ctx, "servant")
		if err != nil {
			return err
		}
		told, err := system.Ask[Told](ctx, sys, a, Order{What: "who"})
		if err != nil {
			return err
		}
		fmt.Println(told.PID)
		for _, order := range []Order{{What: "print much", N: talk / 1000}, {What: "print"}} {
			if _, err := sys.Ask(ctx, a, order); err != nil {
				return err
			}
		}
		return sys.Shutdown(ctx)
	},
	// pooled has an actor from the pool for a while, and another one in the shared host.
	"pooled": func(ctx context.Context) error {
		sys, err := attach(ctx, system.Options{})
		if err != nil {
			return err
		}
		for _, kind := range []string{"pooled", "thread"} {
			a, err := sys.Create(ctx, kind)
			if err != nil {
				return err
			}
			if err := sys.Tell(ctx, a, message.ActorExitRequest{}); err != nil {
				return err
			}
		}
		fmt.Println("created")
		_, _ = io.Copy(io.Discard, os.Stdin)
		return sys.Close()
	},
	// dies ends in the middle of Start, when the Admin runs already.
	"dies": func(ctx context.Context) error {
		base := Bases()[0]
		base.Open = func(context.Context, transport.Config) (transport.Transport, error) {
			os.Exit(1)
			return nil, nil
		}
		dying := app
		dying.Bases = []transport.Base{base}
		port, err := strconv.Atoi(os.Getenv(portVariable))
		if err != nil {
			return err
		}
		_, err = dying.Start(ctx, &system.Options{Capabilities: actor.Capabilities{"Admin Port": port}})
		return err
	},
	// idle has an actor, and a connection to the Admin, and waits for the end of its input.
	"idle": func(ctx context.Context) error {
		sys, err := attach(ctx, system.Options{})
		if err != nil {
			return err
		}
		if _, err := sys.Create(ctx, "servant", actor.CreateOptions{GlobalName: "idle"}); err != nil {
			return err
		}
		if _, err := sys.Ask(ctx, sys.Admin(), message.StatusRequest{}); err != nil {
			return err
		}
		fmt.Println("idle")
		_, _ = io.Copy(io.Discard, os.Stdin)
		return sys.Close()
	},
	// capable expects what the system is not.
	"capable": func(ctx context.Context) error {
		_, err := attach(ctx, system.Options{Capabilities: actor.Capabilities{"GPU": true}})
		return err
	},
	"logging": logging,
	"knock":   func(context.Context) error { return knock() },
	"pose":    func(context.Context) error { return pose() },
	// lifetime has a system of its own, which ends with it.
	"lifetime": func(ctx context.Context) error {
		sys, err := attach(ctx, system.Options{Lifetime: true})
		if err != nil {
			return err
		}
		a, err := sys.Create(ctx, "servant")
		if err != nil {
			return err
		}
		told, err := system.Ask[Told](ctx, sys, a, Order{What: "who"})
		if err != nil {
			return err
		}
		fmt.Println(told.PID)
		select {}
	},
}

// A running program is one that a test has started.
type running struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// run starts a program from an executable.
func run(t *testing.T, exe, name string, port int) *running {
	t.Helper()
	r, err := begin(t, command(exe, name, port))
	assert.NilError(t, err)
	return r
}

func command(exe, name string, port int) *exec.Cmd {
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), programVariable+"="+name, portVariable+"="+strconv.Itoa(port))
	cmd.Stderr = os.Stderr
	return cmd
}

func begin(t *testing.T, cmd *exec.Cmd) (*running, error) {
	t.Helper()
	in, err := cmd.StdinPipe()
	assert.NilError(t, err)
	out, err := cmd.StdoutPipe()
	assert.NilError(t, err)
	return &running{cmd, in, bufio.NewReader(out)}, cmd.Start()
}

func (r *running) line(t *testing.T) string {
	t.Helper()
	line, err := r.out.ReadString('\n')
	assert.NilError(t, err)
	return strings.TrimSuffix(line, "\n")
}

// end has the program go on to its end.
func (r *running) end(t *testing.T) string {
	t.Helper()
	_ = r.in.Close()
	rest, err := io.ReadAll(r.out)
	assert.NilError(t, err)
	_ = r.Wait()
	return string(rest)
}

func self(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	assert.NilError(t, err)
	return exe
}

// freePort returns a port that nobody listens at now.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NilError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// startAt starts a system at a port that others can know.
func startAt(t *testing.T, port int) *system.System {
	t.Helper()
	sys, err := app.Start(within(t), &system.Options{Base: baseHere(), Capabilities: actor.Capabilities{"Admin Port": port}})
	assert.NilError(t, err)
	t.Cleanup(func() { _ = sys.Shutdown(context.Background()) })
	return sys
}

// ended waits for the end of a process.
func ended(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); alive(pid); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("process %d does not end", pid)
		}
	}
}

func pidOf(t *testing.T, sys *system.System, role string) int {
	t.Helper()
	status, err := sys.Status(within(t))
	assert.NilError(t, err)
	for _, p := range status.Processes {
		if p.Role == role {
			return p.PID
		}
	}
	t.Fatalf("no process is the %s: %v", role, status.Processes)
	return 0
}

func TestProgramsShareASystem(t *testing.T) {
	onEachBase(t, func(t *testing.T) {
		port := freePort(t)
		sys := startAt(t, port)
		other := run(t, self(t), "name", port)
		pid, err := strconv.Atoi(other.line(t))
		assert.NilError(t, err)
		assert.Equal(t, other.end(t), "")
		a, err := sys.Lookup(within(t), "left behind")
		assert.NilError(t, err)
		assert.Equal(t, ask(t, sys, a, Order{What: "who"}).PID, pid, "the actor outlives the program that created it")
	})
}

func TestProgramsThatStartAtOnceGetOneAdmin(t *testing.T) {
	onEachBase(t, func(t *testing.T) {
		port := freePort(t)
		var all []*running
		for range 6 {
			all = append(all, run(t, self(t), "admin", port))
		}
		admins := make(map[string]bool)
		for _, r := range all {
			admins[r.line(t)] = true
		}
		assert.Equal(t, len(admins), 1, "%v", admins)
		for _, r := range all {
			assert.Equal(t, r.end(t), "")
		}
		sys := startAt(t, port)
		assert.Assert(t, admins[sys.Admin().String()], "it lives on without a program")
	})
}

// Somebody else holds a port as the base's nodes do: it is a number for each of them.
func TestPortThatSomebodyElseHolds(t *testing.T) {
	onEachBase(t, func(t *testing.T) {
		base := Bases()[slices.IndexFunc(Bases(), func(b transport.Base) bool { return b.Name == baseHere() })]
		port := freePort(t)
		holder, err := base.Open(t.Context(), transport.Config{Self: transport.Node{System: 1, Process: 1}, Handler: struct{ transport.Handler }{}, Listen: fmt.Sprint("127.0.0.1:", port)})
		assert.NilError(t, err)
		defer holder.Close()
		_, err = app.Start(within(t), &system.Options{Base: baseHere(), Capabilities: actor.Capabilities{"Admin Port": port}})
		assert.ErrorContains(t, err, fmt.Sprint(port))
		assert.ErrorContains(t, err, "address already in use")
		assert.ErrorContains(t, err, "not in "+filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "thespian"))
		assert.Equal(t, len(leftAt(t, port)), 0, "%v", leftAt(t, port))
	})
}

func TestStartThatIsRefusedLeavesNoSystem(t *testing.T) {
	port := freePort(t)
	type unsendable struct{ F func() }
	servant := actor.Kind{Name: "servant", New: newServant}
	for name, c := range map[string]struct {
		app    system.App
		limits system.Limits
		more   actor.Capabilities
	}{
		"a kind without a constructor": {app: system.App{Kinds: []actor.Kind{{Name: "nothing"}}}},
		"a startup method":             {app: system.App{Kinds: []actor.Kind{{Name: "forked", New: newServant, Startup: "fork"}}}},
		"a kind twice":                 {app: system.App{Kinds: []actor.Kind{servant, servant}}},
		"a message":                    {app: system.App{Messages: message.Types(unsendable{})}},
		"limits":                       {limits: system.Limits{Mark: 1, Resume: 2}},
		"a capability":                 {more: actor.Capabilities{"GPU": unsendable{}}},
		"the method of the system":     {more: actor.Capabilities{"Process Startup Method": "fork"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.app.Bases = Bases()
			o := &system.Options{Limits: c.limits, Capabilities: actor.Capabilities{"Admin Port": port}}
			for name, value := range c.more {
				o.Capabilities[name] = value
			}
			_, err := c.app.Start(within(t), o)
			assert.Assert(t, err != nil)
			_, err = app.Start(within(t), at(port))
			assert.ErrorIs(t, err, system.ErrNoSystem)
		})
	}
}

// A system that was started for a program which never became a part of it ends.
func TestStartThatFailsLateLeavesNoSystem(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NilError(t, err)
	defer l.Close()
	taken := l.Addr().(*net.TCPAddr).Port
	for name, start := range map[string]func(port int){
		"there is no port for the program": func(port int) {
			_, err := app.Start(within(t), &system.Options{LowestPort: taken, HighestPort: taken, Capabilities: actor.Capabilities{"Admin Port": port}})
			assert.ErrorContains(t, err, "address already in use")
		},
		"the program dies": func(port int) { run(t, self(t), "dies", port).end(t) },
	} {
		t.Run(name, func(t *testing.T) {
			port := freePort(t)
			start(port)
			for ctx := within(t); ; runtime.Gosched() {
				conn, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", port))
				if err != nil {
					break
				}
				_ = conn.Close()
				assert.NilError(t, ctx.Err(), "the Admin holds its port")
			}
		})
	}
}

func TestAdminIsKilled(t *testing.T) {
	onEachBase(t, func(t *testing.T) {
		port := freePort(t)
		sys := startAt(t, port)
		a := create(t, sys, "servant")
		pids := []int{ask(t, sys, a, Order{What: "who"}).PID}
		child := ask(t, sys, a, Order{What: "create"}).Who
		pids = append(pids, ask(t, sys, child, Order{What: "who"}).PID)
		hanging := create(t, sys, "servant")
		pids = append(pids, ask(t, sys, hanging, Order{What: "hang"}).PID)
		assert.NilError(t, syscall.Kill(pidOf(t, sys, "admin"), syscall.SIGKILL))
		<-sys.Done()
		assert.Assert(t, errors.Is(sys.Close(), system.ErrAdminGone))
		_, err := sys.Ask(within(t), a, Say{"anybody?"})
		assert.ErrorIs(t, err, system.ErrAdminGone)
		for _, pid := range pids {
			ended(t, pid)
		}
		again := startAt(t, port) // whatever the dead one has left
		assert.Equal(t, ask(t, again, create(t, again, "servant"), Say{"x"}).What, "x")
	})
}

// What is asked while the Admin dies fails with the reason.
func TestAsksWhileTheAdminIsKilled(t *testing.T) {
	onEachBase(t, func(t *testing.T) {
		sys := startAt(t, freePort(t))
		a := create(t, sys, "servant")
		assert.NilError(t, syscall.Kill(pidOf(t, sys, "admin"), syscall.SIGKILL))
		for {
			if _, err := sys.Ask(within(t), a, Say{"anybody?"}); err != nil {
				assert.ErrorIs(t, err, system.ErrAdminGone)
			}
			select {
			case <-sys.Done():
				return
			default:
			}
		}
	})
}

func TestFolderThatIsTooLongForASocket(t *testing.T) {
	folder := filepath.Join(t.TempDir(), strings.Repeat("d", 90))
	assert.NilError(t, os.Mkdir(folder, 0o700))
	t.Setenv("XDG_RUNTIME_DIR", folder)
	for _, port := range []int{0, freePort(t)} {
		_, err := app.Start(within(t), &system.Options{Capabilities: actor.Capabilities{"Admin Port": port}})
		assert.ErrorContains(t, err, "set XDG_RUNTIME_DIR to a folder with a shorter path")
	}
}

// leftAt returns the files in the runtime folder that belong to a port.
func leftAt(t *testing.T, port int) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "thespian", fmt.Sprintf("*-%d.*", port)))
	assert.NilError(t, err)
	return files
}

// A host has several names, and the system there is one.
func TestHostThatIsSpeltInAnotherWay(t *testing.T) {
	port := freePort(t)
	sys := startAt(t, port)
	for _, host := range []string{"localhost", "127.0.0.1", "::ffff:127.0.0.1"} {
		o := at(port)
		o.Host = host
		other, err := app.Start(within(t), o)
		assert.NilError(t, err)
		assert.Equal(t, other.Admin().String(), sys.Admin().String(), host)
		assert.NilError(t, other.Close())
	}
	_, err := app.Start(within(t), &system.Options{Attach: true, Host: "127.0.0.2", Capabilities: actor.Capabilities{"Admin Port": port}})
	assert.ErrorIs(t, err, system.ErrNoSystem)
	assert.ErrorContains(t, err, "XDG_RUNTIME_DIR")
}

// Nobody comes back to the port of a system that had it for itself: the next system, whichever it is, removes the socket of one that was killed.
func TestSocketsOfAdminsThatWereKilled(t *testing.T) {
	sys, err := app.Start(within(t), &system.Options{Capabilities: actor.Capabilities{"Admin Port": 0}})
	assert.NilError(t, err)
	sockets := func() []string {
		all, err := filepath.Glob(filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "thespian", "*.sock"))
		assert.NilError(t, err)
		return all
	}
	before := sockets()
	assert.Assert(t, len(before) > 0)
	assert.NilError(t, syscall.Kill(pidOf(t, sys, "admin"), syscall.SIGKILL))
	<-sys.Done()
	old := time.Now().Add(-time.Hour)
	for _, socket := range before {
		assert.NilError(t, os.Chtimes(socket, old, old))
	}
	start(t, nil)
	for _, socket := range before {
		_, err := os.Lstat(socket)
		assert.ErrorIs(t, err, os.ErrNotExist)
	}
}

func TestProgramIsKilled(t *testing.T) {
	onEachBase(t, func(t *testing.T) {
		port := freePort(t)
		sys := startAt(t, port)
		other := run(t, self(t), "admin", port)
		assert.Equal(t, other.line(t), sys.Admin().String())
		assert.NilError(t, other.Process.Kill())
		_ = other.Wait()
		assert.Equal(t, ask(t, sys, create(t, sys, "servant"), Say{"x"}).What, "x")
	})
}

func TestOtherCapabilitiesAreAnError(t *testing.T) {
	port := freePort(t)
	startAt(t, port)
	_, err := app.Start(within(t), &system.Options{Capabilities: actor.Capabilities{"Admin Port": port, "GPU": struct{}{}}})
	assert.ErrorContains(t, err, `capability "GPU": a struct {} is no value that capabilities can have`)
	out := run(t, self(t), "capable", port).end(t)
	assert.Assert(t, strings.Contains(out, "the system is running without GPU, this program wants true"), out)
}

func TestOtherOptionsAreAnError(t *testing.T) {
	port := freePort(t)
	startAt(t, port)
	for _, c := range []struct {
		o    system.Options
		want string
	}{
		{system.Options{Limits: system.Limits{Mark: 7}}, "with Limits.Mark 4096, this program wants 7"},
		{system.Options{Limits: system.Limits{Mark: 4096, Hard: 1 << 19}}, "with Limits.Hard 1048576, this program wants 524288"},
		{system.Options{LowestPort: 20000, HighestPort: 20100}, "with LowestPort 0, this program wants 20000"},
		{system.Options{Limits: system.Limits{Mark: 4096, Resume: 1024, Hard: 1 << 20}}, ""},
		{system.Options{Base: "queue"}, "on base multiprocTCPBase, this program wants multiprocQueueBase"},
		{system.Options{Base: "tcp"}, ""},
		{system.Options{Insecure: true}, "without a convention secret or certificate"},
	} {
		c.o.Capabilities = actor.Capabilities{"Admin Port": port}
		sys, err := app.Start(within(t), &c.o)
		if c.want == "" {
			assert.NilError(t, err)
			assert.NilError(t, sys.Close())
			continue
		}
		assert.ErrorContains(t, err, c.want)
	}
}

func TestCapabilityChangesWhenTheAdminHasAgreed(t *testing.T) {
	sys := start(t, nil)
	admin := pidOf(t, sys, "admin")
	assert.NilError(t, syscall.Kill(admin, syscall.SIGSTOP))
	for !stands(admin) { // which takes a moment
		runtime.Gosched()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := sys.UpdateCapability(ctx, "GPU", true)
	_, there := sys.Capabilities()["GPU"]
	assert.NilError(t, syscall.Kill(admin, syscall.SIGCONT))
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Assert(t, !there)
	assert.NilError(t, sys.UpdateCapability(within(t), "GPU", true))
	assert.Equal(t, sys.Capabilities()["GPU"], true)
}

// stands reports whether all threads of a process are stopped.
func stands(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if _, state, _ := strings.Cut(string(text), ") "); err != nil || !strings.HasPrefix(state, "T") {
			return false
		}
	}
	return len(threads) > 0
}

// Actors' processes have the environment of the program of their executable that came last, though another one has started the system.
func TestEnvironmentOfTheLastProgram(t *testing.T) {
	port := freePort(t)
	startAt(t, port)
	for _, word := range []string{"one", "two"} {
		cmd := command(self(t), "says", port)
		cmd.Env = append(cmd.Env, "THESPIAN_TEST_SAYS="+word)
		program, err := begin(t, cmd)
		assert.NilError(t, err)
		assert.Equal(t, program.line(t), word)
		defer program.end(t)
	}
}

func TestSystemEndsWithItsProgram(t *testing.T) {
	onEachBase(t, func(t *testing.T) {
		port := freePort(t)
		program := run(t, self(t), "lifetime", port)
		pid, err := strconv.Atoi(program.line(t))
		assert.NilError(t, err)
		assert.NilError(t, program.Process.Kill())
		_ = program.Wait()
		ended(t, pid)
	})
}

func TestShutdownByAnotherProgram(t *testing.T) {
	onEachBase(t, func(t *testing.T) {
		port := freePort(t)
		one, two := startAt(t, port), startAt(t, port)
		assert.NilError(t, two.Shutdown(within(t)))
		<-one.Done()
		assert.Assert(t, errors.Is(one.Close(), system.ErrShutdown))
	})
}

func TestExecutableThatIsGone(t *testing.T) {
	port := freePort(t)
	data, err := os.ReadFile(self(t))
	assert.NilError(t, err)
	exe := filepath.Join(t.TempDir(), "program")
	assert.NilError(t, os.WriteFile(exe, data, 0o700))
	program := run(t, exe, "print", port)
	assert.Equal(t, program.line(t), "printed by an actor")
	assert.NilError(t, os.Remove(exe))
	sys := startAt(t, port) // whose own build knows the kinds, too
	assert.Equal(t, ask(t, sys, create(t, sys, "servant"), Say{"x"}).What, "x")
	program.end(t)
}

// While nobody is there who would see what actors print it goes to a log, which does not grow for ever.
func TestLogIsBounded(t *testing.T) {
	port := freePort(t)
	sys := startAt(t, port)
	data, err := os.ReadFile(self(t))
	assert.NilError(t, err)
	exe := filepath.Join(t.TempDir(), "program") // of another build than this one
	assert.NilError(t, os.WriteFile(exe, data, 0o700))
	run(t, exe, "name", port).end(t)
	a, err := sys.Lookup(within(t), "left behind")
	assert.NilError(t, err)
	const printed = 10 << 20
	assert.Equal(t, ask(t, sys, a, Order{What: "print much", N: printed / 1000}).What, "printed")
	assert.Equal(t, ask(t, sys, a, Order{What: "print"}).What, "printed")
	log := strings.TrimSuffix(socketOf(t, port), "sock") + "log"
	for ctx := within(t); ; runtime.Gosched() {
		text, _ := os.ReadFile(log) // it may be about to begin anew
		last := strings.TrimSpace(string(text[max(0, len(text)-100):]))
		if strings.HasSuffix(last, `printed by an actor"`) { // perhaps behind others in one record
			break
		}
		assert.NilError(t, ctx.Err(), "the log ends with %q", last)
	}
	size := int64(0)
	for _, file := range leftAt(t, port) {
		is, err := os.Stat(file)
		assert.NilError(t, err)
		size += is.Size()
	}
	assert.Assert(t, 1<<20 < size && size < printed*9/10, "%d bytes in %v", size, leftAt(t, port))
	assert.NilError(t, sys.Shutdown(within(t)))
	for ctx := within(t); len(leftAt(t, port)) > 0; runtime.Gosched() {
		assert.NilError(t, ctx.Err(), "%v", leftAt(t, port))
	}
}

func TestStartWithoutMain(t *testing.T) {
	out := run(t, self(t), "without main", 0).end(t)
	assert.Assert(t, strings.Contains(out, system.ErrNoMain.Error()), out)
}

func TestTitlesOfProcesses(t *testing.T) {
	onEachBase(t, func(t *testing.T) {
		sys := start(t, nil)
		a := create(t, sys, "servant")
		title, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", ask(t, sys, a, Order{What: "who"}).PID))
		assert.NilError(t, err)
		assert.Equal(t, strings.Split(string(title), "\x00")[0], "thespian: servant "+a.String())
	})
}

func TestManyProgramsUseOneActor(t *testing.T) {
	port := freePort(t)
	sys := startAt(t, port)
	a := create(t, sys, "servant")
	var wg sync.WaitGroup
	for range 4 {
		other := startAt(t, port)
		wg.Go(func() {
			for i := range 50 {
				told, err := system.Ask[Told](within(t), other, a, Say{strconv.Itoa(i)})
				if err != nil || told.What != strconv.Itoa(i) {
					t.Errorf("%v %v", told, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// What a program of an older build had the Admin keep goes with the program, once a newer one has its kinds.
func TestBuildsThatAreReplaced(t *testing.T) {
	port := freePort(t)
	data, err := os.ReadFile(self(t))
	assert.NilError(t, err)
	var sys *system.System
	for i := range 3 {
		exe := filepath.Join(t.TempDir(), "program")
		assert.NilError(t, os.WriteFile(exe, data, 0o700))
		program := run(t, exe, "pooled", port)
		assert.Equal(t, program.line(t), "created")
		if i == 0 {
			sys = startAt(t, port)
		}
		assert.Equal(t, program.end(t), "")
	}
	admin := pidOf(t, sys, "admin")
	for deadline := time.Now().Add(20 * time.Second); ; runtime.Gosched() {
		status, err := sys.Status(within(t))
		assert.NilError(t, err)
		builds := 0 // of which the Admin holds the executable
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", admin))
		assert.NilError(t, err)
		for _, f := range files {
			if to, err := os.Readlink(f); err == nil && strings.Contains(to, t.Name()) {
				builds++
			}
		}
		if hosts := status.Counters["hosts"]; hosts == 1 && builds == 1 { // those of the newest: another program may want its kinds
			return
		} else if time.Now().After(deadline) {
			t.Fatalf("%d hosts of programs that have gone, %d builds", hosts, builds)
		}
	}
}
