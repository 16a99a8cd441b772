package system_test

import (
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/system"
)

// Code that relies on sharing works in one process and fails in several: CopyMessages shows it.
func TestMessageIsSharedWithinAProcessUnlessItIsCopied(t *testing.T) {
	for name, c := range map[string]struct {
		o    system.Options
		want int
	}{
		"concurrent":  {system.Options{}, 2},
		"synchronous": {system.Options{Synchronous: true}, 2},
		"copies":      {system.Options{CopyMessages: true}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			sys := start(t, c.o, kind("changer", func(ctx *actor.Context, msg any) error {
				if m, ok := msg.([]int); ok {
					m[0] = 2
					ctx.Send(ctx.Sender(), "changed")
				}
				return nil
			}))
			shared := []int{1}
			ask[string](t, sys, create(t, sys, "changer"), shared)
			assert.Equal(t, shared[0], c.want)
		})
	}
}

// insider is an actor that changes what it was created with.
type insider struct{}

func (insider) Start(_ *actor.Context, args any) error {
	args.([]int)[0] = 2
	return nil
}

func (insider) Receive(*actor.Context, any) error { return nil }

func TestArgumentsAreSharedWithinAProcessUnlessTheyAreCopied(t *testing.T) {
	schedulers(t, func(t *testing.T, o system.Options) {
		sys := start(t, o, actor.Kind{Name: "insider", New: func() actor.Actor { return insider{} },
			Check: func(_ actor.Capabilities, requirements any) error {
				requirements.([]int)[0] = 2
				return nil
			}})
		want := 2
		if o.CopyMessages {
			want = 1
		}
		args, requirements := []int{1}, []int{1}
		create(t, sys, "insider", actor.CreateOptions{Args: args, Requirements: requirements})
		assert.Equal(t, args[0], want)
		assert.Equal(t, requirements[0], want)
	})
}
