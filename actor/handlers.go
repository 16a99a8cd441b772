package actor

import (
	"errors"
	"reflect"
)

// Pass is what a typed handler returns to pass its message on to the next handler that matches.
//
//lint:ignore ST1012 it is named for what a handler does with it, like fs.SkipDir
var Pass = errors.New("actor: passed on to the next handler")

// Handlers is an Actor that hands each message to the handler for its type. Embed it in an actor, and add handlers with
// [On] where the actor is made; the zero value has none.
//
// A message goes to the handlers of its own type first, then to those of the interfaces it implements, in the order in which they
// were added; the first that does not return [Pass] ends it. What nobody took goes to the function given to Otherwise, and is
// dropped when there is none. (ActorTypeDispatcher, Thespian 3.5 feature A24, with interfaces for base classes.)
type Handlers struct {
	exact      map[reflect.Type][]Func
	interfaces []Func
	otherwise  Func
}

// On adds a handler for messages of type T. When T is an interface it gets every message that implements it. It must not be
// called once the actor runs.
func On[T any](h *Handlers, handle func(ctx *Context, msg T) error) {
	f := func(ctx *Context, msg any) error {
		m, ok := msg.(T)
		if !ok {
			return Pass
		}
		return handle(ctx, m)
	}
	t := reflect.TypeFor[T]()
	if t.Kind() == reflect.Interface {
		h.interfaces = append(h.interfaces, f)
		return
	}
	if h.exact == nil {
		h.exact = make(map[reflect.Type][]Func)
	}
	h.exact[t] = append(h.exact[t], f)
}

// Otherwise sets what happens to a message that no handler took. It must not be called once the actor runs.
func (h *Handlers) Otherwise(handle func(ctx *Context, msg any) error) { h.otherwise = handle }

// Receive hands the message to its handlers.
func (h *Handlers) Receive(ctx *Context, msg any) error {
	for _, handle := range h.exact[reflect.TypeOf(msg)] {
		if err := handle(ctx, msg); !errors.Is(err, Pass) {
			return err
		}
	}
	for _, handle := range h.interfaces {
		if err := handle(ctx, msg); !errors.Is(err, Pass) {
			return err
		}
	}
	if h.otherwise != nil {
		return h.otherwise(ctx, msg)
	}
	return nil
}
