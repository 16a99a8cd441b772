//go:build !linux

package main

import (
	"errors"
	"fmt"
)

// Conventions are there on Linux alone, so the vigil ends before it comes to these.
func kill(int) error    { return fmt.Errorf("vigil: %w", errors.ErrUnsupported) }
func suspend(int) error { return fmt.Errorf("vigil: %w", errors.ErrUnsupported) }

type times struct{}

func readTimes() times            { return times{} }
func (times) since(times) float64 { return 0 }
