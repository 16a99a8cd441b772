//go:build unix

package system_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

// A guard is an actor that watches files by the names that the test gave them. It says which were ready, and what it read from each.
type guard struct {
	files map[string]file
	asked []string
	got   []string
}

type file interface {
	syscall.Conn
	Read([]byte) (int, error)
}

func (g *guard) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case text:
		command, names, _ := strings.Cut(m.Text, " ")
		switch command {
		case "watch":
			g.asked = strings.Fields(names)
			var files []syscall.Conn
			for _, name := range g.asked {
				files = append(files, g.files[name])
			}
			err := ctx.WatchFiles(files...)
			ctx.Send(ctx.Sender(), text{fmt.Sprint(err)})
		case "got":
			ctx.Send(ctx.Sender(), text{strings.Join(g.got, "; ")})
		}
	case message.WatchMessage:
		if ctx.Sender() != ctx.Self() {
			return errors.New("a WatchMessage from somebody else")
		}
		var ready []string
		for _, f := range m.Ready {
			for _, name := range g.asked {
				if g.files[name] == f {
					buf := make([]byte, 100)
					n, err := f.(file).Read(buf)
					ready = append(ready, fmt.Sprintf("%s: %q %v", name, buf[:n], err))
				}
			}
		}
		g.got = append(g.got, strings.Join(ready, ", "))
	}
	return nil
}

func guards(files map[string]file) actor.Kind {
	return actor.Kind{Name: "guard", New: func() actor.Actor { return &guard{files: files} }}
}

func watchFiles(t *testing.T, sys *system.System, g address.Address, names string) {
	t.Helper()
	assert.Equal(t, ask[text](t, sys, g, text{"watch " + names}).Text, "<nil>")
}

// readiness waits until the guard has got something, and checks that it is this.
func readiness(t *testing.T, sys *system.System, g address.Address, want string) {
	t.Helper()
	var got string
	eventually(t, want, func() bool {
		got = ask[text](t, sys, g, text{"got"}).Text
		return len(got) >= len(want)
	})
	assert.Equal(t, got, want)
}

// pipes returns the ends of a few pipes: a to d.
func pipes(t *testing.T) (readers map[string]file, writers map[string]*os.File) {
	t.Helper()
	readers, writers = make(map[string]file), make(map[string]*os.File)
	for _, name := range []string{"a", "b", "c", "d"} {
		r, w, err := os.Pipe()
		assert.NilError(t, err)
		t.Cleanup(func() { _, _ = r.Close(), w.Close() })
		readers[name], writers[name] = r, w
	}
	return readers, writers
}

func write(t *testing.T, to interface{ Write([]byte) (int, error) }, what string) {
	t.Helper()
	_, err := to.Write([]byte(what))
	assert.NilError(t, err)
}

func TestWatchedFileIsReportedOnceUntilItIsWatchedAgain(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		readers, writers := pipes(t)
		sys := start(t, o, guards(readers))
		g := create(t, sys, "guard")
		watchFiles(t, sys, g, "a")
		write(t, writers["a"], "one")
		readiness(t, sys, g, `a: "one" <nil>`)
		write(t, writers["a"], "two") // nobody watches
		watchFiles(t, sys, g, "b")
		write(t, writers["b"], "three")
		readiness(t, sys, g, `a: "one" <nil>; b: "three" <nil>`)
		watchFiles(t, sys, g, "a") // it has something to read already
		readiness(t, sys, g, `a: "one" <nil>; b: "three" <nil>; a: "two" <nil>`)
		watchFiles(t, sys, g, "a")
		assert.NilError(t, writers["a"].Close())
		readiness(t, sys, g, `a: "one" <nil>; b: "three" <nil>; a: "two" <nil>; a: "" EOF`)
	})
}

func TestSeveralFilesAreWatched(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		readers, writers := pipes(t)
		sys := start(t, o, guards(readers))
		g := create(t, sys, "guard")
		write(t, writers["a"], "first")
		write(t, writers["c"], "third")
		watchFiles(t, sys, g, "a b c")
		readiness(t, sys, g, `a: "first" <nil>, c: "third" <nil>`)
		watchFiles(t, sys, g, "a b c")
		write(t, writers["b"], "second")
		readiness(t, sys, g, `a: "first" <nil>, c: "third" <nil>; b: "second" <nil>`)
	})
}

func TestEachCallReplacesWhatIsWatched(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		readers, writers := pipes(t)
		sys := start(t, o, guards(readers))
		g := create(t, sys, "guard")
		watchFiles(t, sys, g, "a b")
		watchFiles(t, sys, g, "c")
		watchFiles(t, sys, g, "") // nothing any more
		for _, name := range []string{"a", "b", "c"} {
			write(t, writers[name], "unseen")
		}
		watchFiles(t, sys, g, "d")
		write(t, writers["d"], "seen")
		readiness(t, sys, g, `d: "seen" <nil>`)
	})
}

func TestSocketIsWatched(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		assert.NilError(t, err)
		defer listener.Close()
		near, err := net.Dial("tcp", listener.Addr().String())
		assert.NilError(t, err)
		defer near.Close()
		far, err := listener.Accept()
		assert.NilError(t, err)
		defer far.Close()
		sys := start(t, o, guards(map[string]file{"socket": near.(*net.TCPConn)}))
		g := create(t, sys, "guard")
		watchFiles(t, sys, g, "socket")
		write(t, far, "hello")
		readiness(t, sys, g, `socket: "hello" <nil>`)
		watchFiles(t, sys, g, "socket")
		assert.NilError(t, far.Close())
		readiness(t, sys, g, `socket: "hello" <nil>; socket: "" EOF`)
	})
}

func TestFileThatCannotBeWatched(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		readers, writers := pipes(t)
		assert.NilError(t, readers["b"].(*os.File).Close())
		sys := start(t, o, guards(readers))
		g := create(t, sys, "guard")
		watchFiles(t, sys, g, "a")
		answer := ask[text](t, sys, g, text{"watch c b"}).Text
		assert.Assert(t, strings.Contains(answer, "watching file 1") && strings.Contains(answer, "closed"), answer)
		watchFiles(t, sys, g, "d")
		write(t, writers["d"], "seen")
		readiness(t, sys, g, `d: "seen" <nil>`)
	})
}

// The goroutines that watch end with the actor (TestMain looks), and the files stay open.
func TestWatchEndsWithTheActor(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		readers, writers := pipes(t)
		sys := start(t, o, guards(readers))
		for _, end := range []func(a address.Address){
			func(a address.Address) { tell(t, sys, a, message.ActorExitRequest{}); gone(t, sys, a) },
			func(address.Address) { assert.NilError(t, sys.Shutdown(t.Context())) },
		} {
			g := create(t, sys, "guard")
			watchFiles(t, sys, g, "a b")
			end(g)
			write(t, writers["a"], "still open")
			buf := make([]byte, 100)
			n, err := readers["a"].Read(buf)
			assert.NilError(t, err)
			assert.Equal(t, string(buf[:n]), "still open")
		}
	})
}

// Whoever shares the file, as a shell shares its terminal, would find it changed.
func TestWatchedFileStaysBlocking(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		var ends [2]int
		assert.NilError(t, syscall.Pipe(ends[:]))
		r, w := os.NewFile(uintptr(ends[0]), "r"), os.NewFile(uintptr(ends[1]), "w")
		defer r.Close()
		defer w.Close()
		sys := start(t, o, guards(map[string]file{"a": r}))
		g := create(t, sys, "guard")
		watchFiles(t, sys, g, "a")
		flags, err := unix.FcntlInt(uintptr(ends[0]), unix.F_GETFL, 0)
		assert.NilError(t, err)
		assert.Equal(t, flags&unix.O_NONBLOCK, 0)
		write(t, w, "one")
		readiness(t, sys, g, `a: "one" <nil>`)
	})
}

func TestListenWaitsWhileAFileIsWatched(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		r, w, err := os.Pipe()
		assert.NilError(t, err)
		defer r.Close()
		defer w.Close()
		var program address.Address
		sys := start(t, o, kind("reporter", func(ctx *actor.Context, msg any) error {
			switch m := msg.(type) {
			case refer:
				program = m.To
				return ctx.WatchFiles(r)
			case message.WatchMessage:
				ctx.Send(program, text{"ready"})
			}
			return nil
		}))
		tell(t, sys, create(t, sys, "reporter"), refer{sys.Address()})
		go func() { _, _ = w.Write([]byte("x")) }()
		assert.Equal(t, listen[text](t, sys).Text, "ready")
	})
}
