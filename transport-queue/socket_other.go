//go:build !linux

package queue

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"

	"thespian.dev/transport"
)

var errNotOffered = fmt.Errorf("the base queue needs Linux, this is %s: %w", runtime.GOOS, errors.ErrUnsupported)

func listen(context.Context, transport.Config) (net.Listener, string, error) {
	return nil, "", errNotOffered
}

func dial(context.Context, string) (net.Conn, error) { return nil, errNotOffered }
