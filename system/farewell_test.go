package system

import (
	"context"
	"runtime"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/message"
)

// A process that is told to end while its last actor's end is being told waits for that: else others would hear only that the process has ended.
func TestProcessDoesNotLeaveBeforeTheLastWords(t *testing.T) {
	mortal := actor.Kind{Name: "mortal", New: func() actor.Actor { return actor.Func(func(*actor.Context, any) error { return nil }) }}
	sys, err := App{Kinds: []actor.Kind{mortal}}.Start(t.Context(), nil)
	assert.NilError(t, err)
	defer sys.Shutdown(context.Background())
	a, err := sys.Create(t.Context(), "mortal")
	assert.NilError(t, err)
	n := sys.node
	c := n.root.children()[0]
	listener := n.newCell(c.kind, actor.CreateOptions{}, nil, nil) // who is told, and is busy
	c.mu.Lock()
	c.extra().creators = []*cell{listener}
	c.mu.Unlock()
	listener.mu.Lock()
	assert.NilError(t, sys.Tell(t.Context(), a, message.ActorExitRequest{}))
	for n.root.hasChildren() {
		runtime.Gosched()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = n.leave(ctx)
	listener.mu.Unlock()
	assert.ErrorIs(t, err, context.Canceled)
	assert.NilError(t, n.leave(t.Context()))
}
