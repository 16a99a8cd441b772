package actor_test

import (
	"errors"
	"fmt"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/message"
)

type sized interface{ Size() int }

type melon struct{}

func (melon) Eat() string { return "melon" }
func (melon) Size() int   { return 9 }

var errBroken = errors.New("broken on purpose")

// noting returns a handler that notes its name and then returns err.
func noting[T any](got *[]string, name string, err error) func(*actor.Context, T) error {
	return func(_ *actor.Context, msg T) error {
		*got = append(*got, name)
		return err
	}
}

func TestOrderOfHandlers(t *testing.T) {
	for _, c := range []struct {
		name string
		add  func(h *actor.Handlers, got *[]string)
		msg  any
		want []string
		err  error
	}{
		{"the first interface that fits", func(h *actor.Handlers, got *[]string) {
			actor.On(h, noting[sized](got, "sized", nil))
			actor.On(h, noting[fruit](got, "fruit", nil))
		}, melon{}, []string{"sized"}, nil},
		{"and not one that does not", func(h *actor.Handlers, got *[]string) {
			actor.On(h, noting[sized](got, "sized", nil))
			actor.On(h, noting[fruit](got, "fruit", nil))
		}, apple{}, []string{"fruit"}, nil},
		{"passed on by all", func(h *actor.Handlers, got *[]string) {
			actor.On(h, noting[any](got, "any", actor.Pass))
			actor.On(h, noting[melon](got, "melon", actor.Pass))
			actor.On(h, noting[sized](got, "sized", actor.Pass))
			h.Otherwise(noting[any](got, "otherwise", nil))
		}, melon{}, []string{"melon", "any", "sized", "otherwise"}, nil},
		{"an error is no passing on", func(h *actor.Handlers, got *[]string) {
			actor.On(h, noting[melon](got, "first", errBroken))
			actor.On(h, noting[melon](got, "second", nil))
			actor.On(h, noting[sized](got, "sized", nil))
		}, melon{}, []string{"first"}, errBroken},
		{"an error of an interface", func(h *actor.Handlers, got *[]string) {
			actor.On(h, noting[sized](got, "sized", fmt.Errorf("no: %w", errBroken)))
			h.Otherwise(noting[any](got, "otherwise", nil))
		}, melon{}, []string{"sized"}, errBroken},
		{"messages of the system", func(h *actor.Handlers, got *[]string) {
			actor.On(h, noting[message.ActorExitRequest](got, "exit", nil))
		}, message.ActorExitRequest{NotRecursive: true}, []string{"exit"}, nil},
		{"PoisonMessage is an error", func(h *actor.Handlers, got *[]string) {
			actor.On(h, noting[error](got, "error", nil))
		}, message.PoisonMessage{}, []string{"error"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var h actor.Handlers
			var got []string
			c.add(&h, &got)
			assert.ErrorIs(t, h.Receive(nil, c.msg), c.err)
			assert.DeepEqual(t, got, c.want)
		})
	}
}

func TestHandlerGetsTheContext(t *testing.T) {
	var h actor.Handlers
	ctx := actor.MakeContext(newRuntime())
	actor.On(&h, func(got *actor.Context, msg carrot) error {
		if got != &ctx {
			t.Error("it is another one")
		}
		return nil
	})
	assert.NilError(t, h.Receive(&ctx, carrot{}))
}
