// Package actor is the programming model: what an actor is, what it can do, and how it is described to a system.
//
// An [Actor] has one method, Receive, which gets one message at a time and runs to its end before the next. An
// actor shares nothing with others: it owns its fields, and speaks to other actors through its [Context]
// by their addresses. Where it runs (a goroutine, a process of its own, another host) is chosen outside of it.
//
// # Messages
//
// A message belongs to its receiver once it was sent: within one process it is passed by reference, so the sender
// must not change it any more. Messages from one actor to another arrive in the order in which they were
// sent; messages from different senders have no order between them. Every type of message must be registered
// (package thespian.dev/message).
//
// # Failure
//
// Receive fails by returning an error or by a panic. The message is then tried once more ([Kind].Attempts), with
// the same actor and whatever state the first try left; an error marked with [Permanent] is not tried again. When
// the last attempt fails, the sender gets a [thespian.dev/message.PoisonMessage] with the reason, and the actor goes on with its
// next message. (Thespian 3.5 features E3 and I13.) runtime.Goexit ends the actor, as leaving the interpreter does in
// Thespian (feature I3).
//
// # Ends
//
// An actor ends when somebody sends it a [thespian.dev/message.ActorExitRequest], when it calls [Context.Exit], when its creation fails, or
// when its process dies. It gets the request like any message, so that it can clean up, and ends whatever it does about
// it. Its parent then gets exactly one [thespian.dev/message.ChildActorExited], after the last message that the child
// sent it.
package actor

import (
	"errors"
	"fmt"
)

// An Actor receives messages, one at a time.
type Actor interface {
	// Receive handles one message. It is never called twice at once for one actor. The sender of the message is
	// ctx.Sender(). An error or a panic means that the message was not handled: see the package's "Failure".
	Receive(ctx *Context, msg any) error
}

// Func is an Actor without state of its own.
type Func func(ctx *Context, msg any) error

// Receive calls f.
func (f Func) Receive(ctx *Context, msg any) error { return f(ctx, msg) }

// A Starter is an Actor that wants to do something before its first message.
type Starter interface {
	Actor
	// Start is called once, before the first message, with the arguments that were given to Create (nil when there
	// were none). When it fails the actor never was: its error is the reason in ChildActorExited, and
	// messages that were sent to it go back to their senders as PoisonMessage.
	Start(ctx *Context, args any) error
}

// ErrNoArguments is the reason for which an actor without a Start method cannot be created with arguments.
var ErrNoArguments = errors.New("arguments were given, but the actor has no Start method to take them")

// Start starts an actor with the arguments of its creation. Actors that wrap another one start it with this.
func Start(ctx *Context, a Actor, args any) error {
	if s, ok := a.(Starter); ok {
		return s.Start(ctx, args)
	}
	if args != nil {
		return fmt.Errorf("%w: %T", ErrNoArguments, args)
	}
	return nil
}

// Permanent marks an error that another attempt at the message would meet again, so that none is made. It
// returns nil for nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanent{err}
}

// IsPermanent reports whether err, or an error it wraps, was marked with [Permanent].
func IsPermanent(err error) bool {
	var p *permanent
	return errors.As(err, &p)
}

type permanent struct{ err error }

func (p *permanent) Error() string { return p.err.Error() }
func (p *permanent) Unwrap() error { return p.err }
