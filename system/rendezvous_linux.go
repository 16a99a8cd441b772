package system

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A rendezvous is where the programs of a user find the Admin of a system: a Unix socket in a folder that is the user's alone. Its name says in which network
// namespace, at which host and port the system is, so that containers with a common folder do not meet by mistake.
type rendezvous struct{ path string }

func newRendezvous(host string, port int) (rendezvous, error) {
	at, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(host, "0")) // as it may be spelt in several ways
	if err != nil {
		return rendezvous{}, fmt.Errorf("host %q: %w", host, err)
	}
	folder, err := runtimeFolder()
	if err != nil {
		return rendezvous{}, err
	}
	var namespace unix.Stat_t
	if err := unix.Stat("/proc/self/ns/net", &namespace); err != nil {
		return rendezvous{}, fmt.Errorf("network namespace: %w", err)
	}
	name := fmt.Sprintf("%x-%s-%d", namespace.Ino, at.AddrPort().Addr().Unmap(), port)
	r := rendezvous{filepath.Join(folder, name)}
	if length := len(r.socket()); length > maxSocket {
		return rendezvous{}, fmt.Errorf("the path of the system's socket, %s, has %d bytes, a socket can have %d: set XDG_RUNTIME_DIR to a folder with a shorter path", r.socket(), length, maxSocket)
	}
	return r, nil
}

// maxSocket is how long the path of a socket can be.
const maxSocket = len(unix.RawSockaddrUnix{}.Path) - 1

// runtimeFolder returns the user's own folder for sockets, and makes it if need be.
func runtimeFolder() (string, error) {
	uid := os.Getuid()
	folder := filepath.Join(os.TempDir(), "thespian-"+strconv.Itoa(uid))
	if given := os.Getenv("XDG_RUNTIME_DIR"); given != "" {
		folder = filepath.Join(given, "thespian")
	}
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	var is unix.Stat_t
	if err := unix.Lstat(folder, &is); err != nil {
		return "", fmt.Errorf("%s: %w", folder, err)
	}
	if is.Mode&unix.S_IFMT != unix.S_IFDIR || is.Uid != uint32(uid) || is.Mode&0o077 != 0 {
		return "", fmt.Errorf("%s is not a folder of user %d alone (mode %o, owner %d): remove it, or set XDG_RUNTIME_DIR", folder, uid, is.Mode&0o777, is.Uid)
	}
	return folder, nil
}

// folder returns where it was looked for: others of the same user look somewhere else if their environment says so.
func (r rendezvous) folder() string { return filepath.Dir(r.path) }

func (r rendezvous) socket() string { return r.path + ".sock" }
func (r rendezvous) log() string    { return r.path + ".log" }

// lock keeps others from starting an Admin at the same place, until the file is closed.
func (r rendezvous) lock() (*os.File, error) {
	f, err := os.OpenFile(r.path+".lock", os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil && r.isLock(f):
			return f, nil
		case err == nil: // an Admin that ended has removed it meanwhile
			_ = f.Close()
			return r.lock()
		case errors.Is(err, unix.EWOULDBLOCK):
			_ = f.Close()
			return nil, errLocked
		case !errors.Is(err, unix.EINTR):
			_ = f.Close()
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
}

// isLock reports whether the file is the one that others would lock.
func (r rendezvous) isLock(f *os.File) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(f.Name())
	return err == nil && os.SameFile(mine, there)
}

// tidy removes what is left of a system that has ended in order, and gives up the lock.
func (r rendezvous) tidy(lock *os.File) {
	_ = os.Remove(r.log())
	_ = os.Remove(before(r.log()))
	_ = os.Remove(lock.Name())
	_ = lock.Close()
}

var errLocked = errors.New("another program is starting the system, or the one before is ending")

// dial connects to the Admin, if there is one.
func (r rendezvous) dial() (net.Conn, error) { return dialAt(r.socket()) }

func dialAt(socket string) (net.Conn, error) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil, err
	}
	if err := samePeer(conn); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// listen takes the place. A socket that a dead Admin has left behind is replaced; that there is none alive was made sure of before, by holding the port.
func (r rendezvous) listen() (net.Listener, error) {
	if err := os.Remove(r.socket()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	r.sweep()
	return net.Listen("unix", r.socket())
}

// fresh is how old a socket is at least that can be a dead Admin's: one that was made just now may not listen yet.
const fresh = time.Minute

// sweep removes the sockets of Admins that were killed. Nobody else would look at those of systems that had a port to themselves.
func (r rendezvous) sweep() {
	sockets, _ := filepath.Glob(filepath.Join(r.folder(), "*.sock"))
	for _, socket := range sockets {
		is, err := os.Lstat(socket)
		if err != nil || is.Mode().Type() != fs.ModeSocket || time.Since(is.ModTime()) < fresh {
			continue
		}
		conn, err := net.Dial("unix", socket)
		if err == nil {
			_ = conn.Close()
		} else if errors.Is(err, syscall.ECONNREFUSED) {
			_ = os.Remove(socket)
		}
	}
}

// samePeer returns an error unless the process at the other end belongs to this user.
func samePeer(conn net.Conn) error {
	peer, err := credentials(conn)
	if err != nil {
		return err
	}
	if uid := uint32(os.Getuid()); peer.Uid != uid {
		return fmt.Errorf("the process at the other end of the lifeline belongs to user %d, this one to %d", peer.Uid, uid)
	}
	return nil
}

func credentials(conn net.Conn) (*unix.Ucred, error) {
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, fmt.Errorf("a lifeline that is a %T", conn)
	}
	raw, err := unixConn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var peer *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) { peer, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return nil, err
	}
	return peer, credErr
}
