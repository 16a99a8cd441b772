package system

import (
	"bytes"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"thespian.dev/message"
)

// inherited is the descriptor at which a process that was started to be a part of a system finds its lifeline.
const inherited = 3

// mainRan says that this process asked for its role: only then can it start others, which would do the same. It is a fact about the process.
var mainRan atomic.Bool

// part runs this process as what it was started to be, and never returns then. It returns if the process is a program.
func (a App) part() {
	if mainRan.Swap(true) {
		return
	}
	conn := inheritedLifeline()
	if conn == nil {
		return
	}
	said, err := readControl(conn, controlMessages())
	if err != nil {
		os.Exit(1)
	}
	r, ok := said.(role)
	switch {
	case !ok:
		os.Exit(1)
	case r.Admin == nil:
		_ = unix.Close(inherited + 1) // the executable
		nameProcess("thespian host")
		os.Exit(a.host(conn))
	case r.Admin.Detach:
		_ = unix.Close(inherited + 1)
		os.Exit(detach(conn, r))
	default:
		_ = unix.Close(inheritedAnswer + 1)
		nameProcess("thespian admin")
		os.Exit(a.admin(*r.Admin))
	}
}

// nameProcess gives this process the short name that lists of processes and sockets show; it was run from a descriptor, whose number would be its name.
func nameProcess(name string) {
	_ = os.WriteFile("/proc/self/comm", []byte(name), 0) // if it fails, the arguments say it
}

// inheritedLifeline returns the connection in which this process finds its role, nil when there is none: whoever started it has written the
// role there before, and belongs to the same user.
func inheritedLifeline() net.Conn {
	begin := make([]byte, message.FrameHeader)
	n, _, err := unix.Recvfrom(inherited, begin, unix.MSG_PEEK|unix.MSG_DONTWAIT)
	if err != nil || n < len(begin) || !bytes.HasPrefix(begin, []byte(message.FrameMagic)) || begin[5] != lifelineKind {
		return nil
	}
	unix.CloseOnExec(inherited)
	file := os.NewFile(inherited, "lifeline")
	conn, err := net.FileConn(file)
	_ = file.Close()
	if err != nil || samePeer(conn) != nil {
		return nil
	}
	return conn
}

// exitOnSignals has the signals that ask a process to end run the exit of its actors. Those that come from a terminal, or mean nothing to actors, are logged.
func exitOnSignals(log *slog.Logger, exit func()) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR2)
	go func() { // ends with the process
		for s := range signals {
			log.Info("signal", "signal", s.String())
			switch s {
			case syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGABRT:
				exit()
			}
		}
	}()
}

// detach starts the Admin and ends, so that the Admin is not the child of a program.
func detach(conn net.Conn, r role) int {
	if err := detached(conn, r); err != nil {
		_ = writeControl(conn, controlMessages(), adminReady{Failure: "the Admin could not be started: " + err.Error()})
		return 1
	}
	return 0
}

func detached(conn net.Conn, r role) error {
	ours, theirs, err := socketPair()
	if err != nil {
		return err
	}
	defer ours.Close()
	defer theirs.Close()
	r.Admin.Detach = false
	if err := writeControl(ours, controlMessages(), r); err != nil {
		return err
	}
	answer, err := conn.(*net.UnixConn).File()
	if err != nil {
		return err
	}
	defer answer.Close()
	_, err = startSelf("admin "+r.Admin.Host+":"+strconv.Itoa(r.Admin.Port), os.Stderr, theirs, answer)
	return err
}
