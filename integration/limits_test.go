//go:build linux

package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/system"
)

// Hosts listen at the ports that they are given, also for other systems; when there is none left, it is said.
func TestPortsOfProcesses(t *testing.T) {
	lowest := freePort(t)
	if lowest > 65000 {
		lowest = 50000
	}
	const count = 12
	sys, err := app.Start(within(t), &system.Options{LowestPort: lowest, HighestPort: lowest + count - 1, Insecure: true, Capabilities: actor.Capabilities{"Admin Port": 0}})
	assert.NilError(t, err)
	t.Cleanup(func() { _ = sys.Shutdown(context.Background()) })
	for range 2 {
		create(t, sys, "servant")
	}
	status, err := sys.Status(within(t))
	assert.NilError(t, err)
	for _, p := range status.Processes {
		_, text, err := net.SplitHostPort(p.Endpoint)
		assert.NilError(t, err)
		port, err := strconv.Atoi(text)
		assert.NilError(t, err)
		assert.Assert(t, p.Role == "admin" || lowest <= port && port < lowest+count, "%+v", p)
	}
	for range count {
		if _, err = sys.Create(within(t), "servant"); err != nil {
			break
		}
	}
	assert.ErrorContains(t, err, fmt.Sprint(lowest))
}

// The limit of a message is the system's: below and above the default.
func TestLimitOfMessages(t *testing.T) {
	limits := []int{1 << 20, 80 << 20}
	if testing.Short() {
		limits = limits[:1] // the race detector takes its time for the larger one
	}
	for _, limit := range limits {
		sys := doers(t, system.Options{Limits: system.Limits{MaxMessage: limit}})
		a := create(t, sys, "servant")
		text := string(bytes.Repeat([]byte("x"), limit-4096))
		assert.Equal(t, ask(t, sys, a, Say{text}).What, text)
		_, err := sys.Ask(within(t), a, Say{text + text[:8192]})
		var undeliverable *system.UndeliverableError
		assert.Assert(t, errors.As(err, &undeliverable), "%v", err)
	}
}

func TestLimitsThatCannotBe(t *testing.T) {
	for variable, value := range map[string]string{"THESPIAN_MAX_MESSAGE": "12", "THESPIAN_TRANSMIT_TIMEOUT_PERIOD": "soon"} {
		t.Run(variable, func(t *testing.T) {
			t.Setenv(variable, value)
			_, err := app.Start(within(t), &system.Options{Capabilities: actor.Capabilities{"Admin Port": 0}})
			assert.ErrorContains(t, err, value)
		})
	}
	t.Setenv("THESPIAN_TRANSMIT_TIMEOUT_PERIOD", "90")
	port := freePort(t)
	startAt(t, port)
	for unreachable, want := range map[time.Duration]string{90 * time.Second: "", time.Minute: "with Limits.Unreachable 1m30s, this program wants 1m0s"} {
		sys, err := app.Start(within(t), &system.Options{Limits: system.Limits{Unreachable: unreachable}, Capabilities: actor.Capabilities{"Admin Port": port}})
		if want == "" {
			assert.NilError(t, err)
			assert.NilError(t, sys.Close())
		} else {
			assert.ErrorContains(t, err, want)
		}
	}
}
