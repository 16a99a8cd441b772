package second

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

var roles = map[string]Role{
	"waiting": func(ctx context.Context, argument string, ready func(string)) error {
		ready(fmt.Sprintf("%s by %d", argument, os.Getpid()))
		<-ctx.Done()
		return nil
	},
	"failing":  func(context.Context, string, func(string)) error { return errors.New("lost its way") },
	"mute":     func(ctx context.Context, _ string, _ func(string)) error { <-ctx.Done(); return nil },
	"crashing": func(_ context.Context, _ string, ready func(string)) error { ready(""); os.Exit(3); return nil },
}

func TestMain(m *testing.M) {
	Serve(context.Background(), roles)
	os.Exit(m.Run())
}

func TestStartAndStop(t *testing.T) {
	p, err := Start(t.Context(), "waiting", "here")
	assert.NilError(t, err)
	assert.Equal(t, p.Address, fmt.Sprintf("here by %d", p.PID))
	assert.NilError(t, p.Stop())
}

func TestNotReady(t *testing.T) {
	for _, role := range []string{"failing", "unknown"} {
		_, err := Start(t.Context(), role, "")
		assert.ErrorContains(t, err, role+"): it did not become ready")
	}
}

func TestCancelledStart(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := Start(ctx, "mute", "")
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestCrash(t *testing.T) {
	p, err := Start(t.Context(), "crashing", "")
	assert.NilError(t, err)
	assert.ErrorContains(t, p.Stop(), "exit status 3")
}
