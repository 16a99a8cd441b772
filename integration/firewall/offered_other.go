//go:build !linux

package firewall

import (
	"fmt"
	"runtime"
)

func offered() error { return fmt.Errorf("that takes Linux, and is not offered on %s", runtime.GOOS) }
