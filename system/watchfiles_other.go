//go:build !unix

package system

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
)

const watchSupported = false

// fileWatch is not offered here.
type fileWatch struct{}

func (*fileWatch) stop() {}

// WatchFiles is a method of actor.Runtime.
func (c *cell) WatchFiles(files []syscall.Conn) error {
	if len(files) == 0 {
		return nil
	}
	return fmt.Errorf("watching files is not offered on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
