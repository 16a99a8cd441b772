package matrix

import (
	"context"
	"errors"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/system"
)

// Outage shows what becomes of actors while what carries their messages is away, as a broker can be: messages wait for as long as the system's limit says, then they are dead letters; when it is back, the actors are
// there as they were. It is called by the tests of bases where that can happen.
func Outage(t *testing.T, app system.App, base string, away, back func()) {
	t.Helper()
	sys, err := app.Start(t.Context(), &system.Options{
		Base: base, Limits: system.Limits{Unreachable: time.Second}, Capabilities: actor.Capabilities{"Admin Port": 0, runsActors: true},
	})
	assert.NilError(t, err)
	t.Cleanup(func() { _ = sys.Shutdown(context.Background()) })
	a, err := sys.Create(t.Context(), "doer")
	assert.NilError(t, err)
	ask := func() (Said, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		return system.Ask[Said](ctx, sys, a, Do{Deed: "introduce"})
	}
	before, err := ask()
	assert.NilError(t, err)

	away()
	_, err = ask()
	var undeliverable *system.UndeliverableError
	assert.Assert(t, errors.As(err, &undeliverable), "%v", err)
	status, err := sys.Status(t.Context())
	assert.NilError(t, err)
	assert.Assert(t, status.DeadLetters > 0)

	back()
	for deadline := time.Now().Add(time.Minute); ; { // until all have connected again, each question may be a dead letter
		after, err := ask()
		if err == nil {
			assert.Equal(t, after.Who, before.Who)
			return
		}
		assert.Assert(t, errors.As(err, &undeliverable) && time.Now().Before(deadline), "%v", err)
	}
}
