//go:build linux

package soak_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/integration/soak"
)

// A runner runs a visitor instead of the tests in a process that was started to be one.
type runner struct{ m *testing.M }

func (r runner) Run() int {
	visited, err := soak.Visit(context.Background())
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	case visited:
		return 0
	}
	return r.m.Run()
}

func TestMain(m *testing.M) { soak.App().TestMain(runner{m}) }

// A short soak does some of everything, and finds everything in order. That nothing is left behind it sees itself.
func TestShortSoak(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	assert.NilError(t, err)
	defer null.Close()
	stderr := os.Stderr
	os.Stderr = null // what the workers' processes print, which fail on purpose
	defer func() { os.Stderr = stderr }()
	r, err := soak.Run(t.Context(), soak.Options{For: 3 * time.Second, Base: "tcp", Seed: 2, Problem: func(text string) { t.Error(text) }})
	assert.NilError(t, err)
	assert.NilError(t, r.Err())
	assert.Assert(t, r.Rounds > 0 && r.Delivered > 0 && len(r.Growth) > 0)
	var text strings.Builder
	assert.NilError(t, r.Write(&text))
	t.Log("\n" + text.String())
}

func TestRunRefuses(t *testing.T) {
	_, err := soak.Run(t.Context(), soak.Options{Base: "pigeon"})
	assert.ErrorContains(t, err, "pigeon")
}
