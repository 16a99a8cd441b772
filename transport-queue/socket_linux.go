package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"

	"thespian.dev/transport"
)

// prefix begins the names of all sockets. The @ stands for the abstract namespace, which is that of the network namespace.
const prefix = "@thespian/"

// bufferSize is how many bytes a socket holds that were not read yet, in either direction. The kernel's own limit of an ordinary user is mostly about as much.
const bufferSize = 208 << 10

// listen takes a name that nobody can foresee, unless it is given one, or a port for which one stands.
func listen(ctx context.Context, c transport.Config) (net.Listener, string, error) {
	endpoint := prefix + rand.Text()
	if strings.HasPrefix(c.Listen, prefix) {
		endpoint = c.Listen
	} else if _, port, err := net.SplitHostPort(c.Listen); err == nil && port != "0" {
		endpoint = fmt.Sprintf("%s%d/%s", prefix, os.Getuid(), c.Listen)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", endpoint)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, "", fmt.Errorf("the name %s belongs to another process: %w", endpoint, err)
	}
	if err != nil {
		return nil, "", err
	}
	return &listener{l.(*net.UnixListener)}, endpoint, nil
}

// dial connects to a node of the same user.
func dial(ctx context.Context, endpoint string) (net.Conn, error) {
	if !strings.HasPrefix(endpoint, prefix) {
		return nil, fmt.Errorf("%q is no endpoint of the base queue", endpoint)
	}
	c, err := new(net.Dialer).DialContext(ctx, "unix", endpoint)
	if err != nil {
		return nil, err
	}
	return prepare(c.(*net.UnixConn))
}

// A listener takes connections of the same user.
type listener struct{ *net.UnixListener }

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if known, err := prepare(c); err == nil {
			return known, nil
		}
	}
}

// prepare closes a connection whose other end belongs to another user.
func prepare(c *net.UnixConn) (net.Conn, error) {
	if err := sameUser(c); err != nil {
		_ = c.Close()
		return nil, err
	}
	_ = c.SetWriteBuffer(bufferSize)
	return c, nil
}

func sameUser(c *net.UnixConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var peer *syscall.Ucred
	var failure error
	err = raw.Control(func(fd uintptr) {
		peer, failure = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err = errors.Join(err, failure); err != nil {
		return err
	}
	if uid := os.Getuid(); int(peer.Uid) != uid {
		return fmt.Errorf("a process of user %d is at the other end, this one belongs to user %d", peer.Uid, uid)
	}
	return nil
}
