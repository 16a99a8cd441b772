//go:build !linux

package system

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"thespian.dev/transport"
)

// part returns: this process is a program.
func (a App) part() {}

// attach refuses: hosts are started by descriptors of executables and known by credentials, which is written for Linux alone so far.
func (a App) attach(context.Context, *Options, transport.Base) (*System, error) {
	return nil, fmt.Errorf(`bases with processes are not offered on %s yet, the base "simple" is: %w`, runtime.GOOS, errors.ErrUnsupported)
}
