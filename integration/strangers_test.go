//go:build linux

package integration

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/message"
	"thespian.dev/system"
)

// nobody is the user that strangers run as.
const nobody = 65534

// A stranger's XDG_RUNTIME_DIR and executable are open descriptors, since the folders above them may be closed to it.
const (
	strangerExe    = "/proc/self/fd/3"
	strangerFolder = "/proc/self/fd/4"
)

// runAsNobody runs one of the programs as another user, with a folder of the test's as its XDG_RUNTIME_DIR.
func runAsNobody(t *testing.T, name, folder string, port int) *running {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can start a program as another user")
	}
	exe, err := os.Open("/proc/self/exe")
	assert.NilError(t, err)
	defer exe.Close()
	dir, err := os.Open(folder)
	assert.NilError(t, err)
	defer dir.Close()
	cmd := command(strangerExe, name, port)
	cmd.Env = append(cmd.Env, "XDG_RUNTIME_DIR="+strangerFolder, "GORACE=atexit_sleep_ms=0") // it cannot write where the others report races
	cmd.ExtraFiles = []*os.File{exe, dir}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	r, err := begin(t, cmd)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EINVAL) {
		t.Skipf("no program can be started as user %d here: %v", nobody, err)
	}
	assert.NilError(t, err)
	return r
}

// runtimeFolder sets a folder as XDG_RUNTIME_DIR for the test. Its path is short, as those of sockets have to be.
func runtimeFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "run")
	assert.NilError(t, err)
	t.Cleanup(func() { assert.NilError(t, os.RemoveAll(folder)) })
	t.Setenv("XDG_RUNTIME_DIR", folder)
	return folder
}

// knock connects to the Admin's socket without any check of its own, and says how many bytes the Admin has for it.
func knock() error {
	sockets, err := filepath.Glob(filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "thespian", "*.sock"))
	if err != nil || len(sockets) != 1 {
		return fmt.Errorf("sockets: %v %v", sockets, err)
	}
	conn, err := net.Dial("unix", sockets[0])
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second)) // or it would wait in the place of the one who knocks
	said, err := io.ReadAll(conn)
	fmt.Printf("the Admin said %d bytes: %v\n", len(said), err)
	return nil
}

// pose listens where a program of the user's might look for an Admin, until its input ends.
func pose() error {
	l, err := net.Listen("unix", filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "posing"))
	if err != nil {
		return err
	}
	fmt.Println("posing")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return l.Close()
}

func TestProgramsOfOtherUsersAreRefused(t *testing.T) {
	folder := runtimeFolder(t)
	port := freePort(t)
	sys := startAt(t, port)

	assert.NilError(t, os.Chmod(folder, 0o755))
	out := runAsNobody(t, "admin", folder, port).end(t)
	assert.Assert(t, strings.Contains(out, "thespian is not a folder of user 65534 alone (mode 700, owner 0)"), out)

	own := t.TempDir()
	assert.NilError(t, os.Chown(own, nobody, nobody))
	out = runAsNobody(t, "admin", own, port).end(t)
	assert.Assert(t, strings.Contains(out, fmt.Sprintf("the Admin Port %d: ", port)) && strings.Contains(out, "address already in use"), out)

	// All that keeps a stranger away is taken down but for its credentials.
	inner := filepath.Join(folder, "thespian")
	assert.NilError(t, os.Chmod(inner, 0o755))
	sockets, err := filepath.Glob(inner + "/*.sock")
	assert.NilError(t, err)
	assert.Equal(t, len(sockets), 1)
	assert.NilError(t, os.Chmod(sockets[0], 0o777))
	out = runAsNobody(t, "knock", folder, port).end(t)
	assert.Assert(t, strings.HasPrefix(out, "the Admin said 0 bytes"), out)
	logged(t, port, "belongs to user 65534, this one to 0")
	assert.Equal(t, ask(t, sys, create(t, sys, "servant"), Say{"x"}).What, "x")

	_, err = app.Start(within(t), at(port))
	assert.ErrorContains(t, err, "thespian is not a folder of user 0 alone (mode 755, owner 0)")
	assert.NilError(t, os.Chmod(inner, 0o700))
}

func at(port int) *system.Options {
	return &system.Options{Base: baseHere(), Attach: true, Capabilities: actor.Capabilities{"Admin Port": port}}
}

// socketOf returns where a program looks for the Admin at a port, below XDG_RUNTIME_DIR.
func socketOf(t *testing.T, port int) string {
	t.Helper()
	namespace, err := os.Readlink("/proc/self/ns/net")
	assert.NilError(t, err)
	inode, err := strconv.ParseUint(strings.Trim(namespace, "net:[]"), 10, 64)
	assert.NilError(t, err)
	folder := filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "thespian")
	assert.NilError(t, os.MkdirAll(folder, 0o700))
	return filepath.Join(folder, fmt.Sprintf("%x-127.0.0.1-%d.sock", inode, port))
}

func TestAdminOfAnotherUserIsRefused(t *testing.T) {
	folder := runtimeFolder(t)
	assert.NilError(t, os.Chown(folder, os.Getuid(), nobody))
	assert.NilError(t, os.Chmod(folder, 0o775))
	port := freePort(t)
	stranger := runAsNobody(t, "pose", folder, port)
	assert.Equal(t, stranger.line(t), "posing")
	assert.NilError(t, os.Rename(filepath.Join(folder, "posing"), socketOf(t, port)))
	_, err := app.Start(within(t), at(port))
	assert.ErrorContains(t, err, fmt.Sprintf("the system at port %d: the process at the other end of the lifeline belongs to user 65534, this one to 0", port))
	stranger.end(t)
}

func TestSystemOfAnotherVersionIsRefused(t *testing.T) {
	onEachBase(t, func(t *testing.T) {
		runtimeFolder(t)
		frame, err := message.AppendFrame(nil, message.Frame{Kind: 'L'})
		assert.NilError(t, err)
		frame[len(message.FrameMagic)]++ // the version
		for _, c := range []struct {
			says []byte
			want string
		}{
			{frame, fmt.Sprintf("the frame has version %d, this side knows %d", message.FrameVersion+1, message.FrameVersion)},
			{[]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), "the Admin did not say welcome"},
		} {
			port := freePort(t)
			l, err := net.Listen("unix", socketOf(t, port))
			assert.NilError(t, err)
			served := make(chan error, 1)
			go func() {
				conn, err := l.Accept()
				if err == nil {
					_, err = conn.Write(c.says)
					_, _ = io.Copy(io.Discard, conn)
					_ = conn.Close()
				}
				served <- err
			}()
			_, err = app.Start(within(t), at(port))
			assert.ErrorContains(t, err, c.want)
			assert.NilError(t, <-served)
			assert.NilError(t, l.Close())
		}
	})
}

// A program that speaks another version than the system is out of it, and does no harm.
func TestProgramOfAnotherVersionIsRefused(t *testing.T) {
	onEachBase(t, func(t *testing.T) {
		port := freePort(t)
		sys := startAt(t, port)
		conn, err := net.Dial("unix", socketOf(t, port))
		assert.NilError(t, err)
		defer conn.Close()
		frame, err := message.AppendFrame(nil, message.Frame{Kind: 'L'})
		assert.NilError(t, err)
		frame[len(message.FrameMagic)]++
		_, err = conn.Write(frame)
		assert.NilError(t, err)
		_, err = io.Copy(io.Discard, conn) // the Admin's welcome, then the end
		assert.NilError(t, err)
		assert.Equal(t, ask(t, sys, create(t, sys, "servant"), Say{"x"}).What, "x")
	})
}
