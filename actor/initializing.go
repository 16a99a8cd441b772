package actor

import (
	"reflect"

	"thespian.dev/message"
)

// An Initialized actor is told when all of its initial messages have come; see [Initializing].
type Initialized interface {
	Actor
	// Initialized is called once, in the turn of the last of the initial messages and after Receive got it.
	Initialized(ctx *Context) error
}

// Initializing returns an actor that behaves like a, but first gets one message of the type of each of the given samples, in any
// order. Other messages are held until all of those were received without error; then they come in their order. Messages of the system are never held.
// (Thespian 3.5 feature G4.)
func Initializing(a Actor, samples ...any) Actor {
	i := &initializing{Actor: a, missing: make(map[reflect.Type]bool), initial: make(map[reflect.Type]bool)}
	for _, sample := range samples {
		i.missing[reflect.TypeOf(sample)] = true
		i.initial[reflect.TypeOf(sample)] = true
	}
	return i
}

type initializing struct {
	Actor
	initial map[reflect.Type]bool
	missing map[reflect.Type]bool
}

func (i *initializing) Start(ctx *Context, args any) error { return Start(ctx, i.Actor, args) }

func (i *initializing) Receive(ctx *Context, msg any) error {
	if len(i.missing) == 0 || message.IsSystem(msg) {
		return i.Actor.Receive(ctx, msg)
	}
	t := reflect.TypeOf(msg)
	if !i.initial[t] {
		ctx.Hold()
		return nil
	}
	if err := i.Actor.Receive(ctx, msg); err != nil {
		return err
	}
	if len(i.missing) > 1 || !i.missing[t] {
		delete(i.missing, t)
		return nil
	}
	if done, ok := i.Actor.(Initialized); ok {
		if err := done.Initialized(ctx); err != nil {
			return err
		}
	}
	delete(i.missing, t)
	ctx.Release()
	return nil
}
