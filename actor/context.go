package actor

import (
	"context"
	"fmt"
	"log/slog"
	"syscall"
	"time"

	"thespian.dev/address"
)

// A Context is an actor's connection to its system. It is made by the system, stays the same for the actor's
// whole life, and must not be copied.
//
// It is also a [context.Context] that is done when the actor has ended, so it can be handed to whatever the actor calls.
//
// All methods but [Context.Sender], [Context.Hold] and [Context.Release] may be called from any goroutine. What an actor does after its end has no effect: its
// messages become dead letters.
type Context struct {
	rt Runtime
}

var _ context.Context = (*Context)(nil)

// MakeContext returns the Context of an actor that rt runs. It is for systems and for tests of actors.
func MakeContext(rt Runtime) Context { return Context{rt} }

// Self returns the actor's own address.
func (c *Context) Self() address.Address { return c.rt.Self() }

// Parent returns the address of the actor that created this one. The parent of an actor that a program created,
// or that has a global name, is the system's Admin.
func (c *Context) Parent() address.Address { return c.rt.Parent() }

// Kind returns the name of the actor's kind.
func (c *Context) Kind() string { return c.rt.Kind() }

// GlobalName returns the name under which the actor was created, "" if it has none (Thespian 3.5 feature A5).
func (c *Context) GlobalName() string { return c.rt.GlobalName() }

// Capabilities returns a copy of what the actor's system offers now.
func (c *Context) Capabilities() Capabilities { return c.rt.Capabilities() }

// Logger returns a logger that says with each record which actor wrote it.
func (c *Context) Logger() *slog.Logger { return c.rt.Logger() }

// Sender returns where the message came from that is being received. To answer later, or from another goroutine,
// keep it first:
//
//	asker := ctx.Sender()
//	ctx.Go(func(context.Context) any {
//		ctx.Send(asker, slowAnswer())
//		return nil
//	})
//
// It must only be called inside Receive, and is the zero address inside Start.
func (c *Context) Sender() address.Address { return c.rt.Sender() }

// Send sends a message. It returns at once, but for one case: while the receiver's mailbox is above its mark and the actor's own
// is below, Send waits, so that a fast sender does not run away from a slow receiver. A message to an actor
// that has ended becomes a dead letter. A message that cannot be sent at all (nil, an unregistered type, a value that cannot be
// encoded, the zero address) comes back to this actor as a PoisonMessage that says why (Thespian 3.5 feature A6).
func (c *Context) Send(to address.Address, msg any) { c.rt.Send(to, msg) }

// Create creates a child and returns its address at once; messages can be sent to it from then on. When the creation
// fails, the actor gets a ChildActorExited with the reason, and what was sent to the child comes back as a PoisonMessage ("child aborted"). At most one CreateOptions can be given.
//
// With a global name it returns the actor that has the name, and creates it only when there is none. That actor is the system's child: its creators get a
// ChildActorExited when it could not start, but not when it ends later ([Context.Watch] tells of that).
func (c *Context) Create(kind string, options ...CreateOptions) address.Address {
	return c.rt.Create(kind, One(options))
}

// One returns the only element of options, the zero value if there is none. It panics when there are several.
func One(options []CreateOptions) CreateOptions {
	switch len(options) {
	case 0:
		return CreateOptions{}
	case 1:
		return options[0]
	}
	panic(fmt.Sprintf("actor: Create takes one CreateOptions, not %d", len(options)))
}

// Request sends a message and has its answer handled by a function, which runs in the actor's own turn, as if
// it were a part of Receive: it may use the actor's fields. It gets the first answer, or an error: context.DeadlineExceeded when
// there was none within the timeout (0 or less: no timeout), a PoisonMessage when the receiver failed, or the reason for which the message could not be
// delivered. An error that then returns, or a panic, is logged. Later answers become dead letters. Sending waits as [Context.Send] does. Once the actor is about
// to end the function is not called any more.
func (c *Context) Request(to address.Address, msg any, timeout time.Duration, then func(reply any, err error) error) {
	c.rt.Request(to, msg, timeout, then)
}

// Go runs a function beside the actor, which goes on with its messages. What the function returns comes to the actor as
// a message from itself, unless it is nil; it need not be of a registered type. A panic comes as a PoisonMessage without a message.
// The function should return when its context is done, which is when the actor ends. A process of one actor uses one processor until Go is called in it.
func (c *Context) Go(work func(context.Context) any) { c.rt.Go(work) }

// WakeupAfter has a WakeupMessage with the payload sent to the actor when the delay has passed. Those that are due
// at the same time come in the order in which they were asked for. They end with the actor. (Thespian 3.5 feature A10.)
func (c *Context) WakeupAfter(delay time.Duration, payload any) Wakeup {
	return c.rt.WakeupAfter(delay, payload)
}

// Watch has one ActorExited sent to this actor when the other one has ended, at once when it does not live any more. A
// parent need not watch its children. Watching twice is watching once. The address can be that of a program's endpoint, which
// ends when it is closed.
func (c *Context) Watch(actor address.Address) { c.rt.Watch(actor, true) }

// Unwatch takes a Watch back. An ActorExited that is already on its way still comes.
func (c *Context) Unwatch(actor address.Address) { c.rt.Watch(actor, false) }

// WatchFiles has one WatchMessage sent to the actor as soon as one or several of the files or connections have something to
// read, or are at their end. It then has to be called again to go on. Each call replaces what is watched; without
// arguments nothing is. The files stay the actor's: nothing is read from them, and they must not be closed while they are watched.
// The error wraps [errors.ErrUnsupported] where the system cannot do it (capability "Thespian Watch Supported").
// (ThespianWatch, Thespian 3.5 feature A25.)
func (c *Context) WatchFiles(files ...syscall.Conn) error { return c.rt.WatchFiles(files) }

// Hold puts the message that is being received aside, when Receive returns without an error. Its sender hears nothing of it. It has no effect outside of Receive, and for the messages that
// come at an actor's end.
func (c *Context) Hold() { c.rt.Hold() }

// Release has all messages that were put aside come next, in the order in which they came first.
func (c *Context) Release() { c.rt.Release() }

// Exit ends the actor when Receive returns. Its children are asked to exit first; what is left in its mailbox becomes dead letters.
func (c *Context) Exit() { c.rt.Exit() }

// HandleDeadLetters has this actor get a DeadEnvelope for each message that could not be delivered in its system, or
// no longer. Several actors may do so; each gets every dead letter. (Thespian 3.5 feature A11 has only one.)
func (c *Context) HandleDeadLetters(on bool) { _, _ = c.rt.Admin(HandleDeadLetters{on}) }

// NotifyOnConventionChanges has this actor get a ConventionUpdate for each system that is in the convention, joins it or
// leaves it, or no longer. A base without conventions has no members to tell of. (Thespian 3.5 feature A16.)
func (c *Context) NotifyOnConventionChanges(on bool) {
	_, _ = c.rt.Admin(NotifyOnConventionChanges{on})
}

// UpdateCapability sets what the actor's system offers under a name; nil takes it away. Actors whose kinds the system does not
// satisfy any more are asked to exit, which can be the caller. All that a system offers takes at most [message.MaxCapabilities] bytes:
// more is an error, and so is a change of what is read when a system starts, such as "Admin Port". (Thespian 3.5 feature A17.)
func (c *Context) UpdateCapability(name string, value any) error {
	_, err := c.rt.Admin(UpdateCapability{name, value})
	return err
}

// PreRegister makes the actor's system the convention leader of the system whose Admin is at the given "host:port", and
// has it invited until it joins. The error wraps [errors.ErrUnsupported] on a base without conventions. (Thespian 3.5 feature A18.)
func (c *Context) PreRegister(system string, capabilities Capabilities) error {
	_, err := c.rt.Admin(PreRegister{system, capabilities})
	return err
}

// DeRegister takes a PreRegister back. Instead of the "host:port", system may be the text of its Admin's address, as [address.Address.MarshalText] writes it. (Thespian 3.5 feature A19.)
func (c *Context) DeRegister(system string) error {
	_, err := c.rt.Admin(DeRegister{system})
	return err
}

// RegisterSourceAuthority makes this actor the one that decides which sources its system loads. The error wraps
// [errors.ErrUnsupported] when the system was not set up to load sources. (Thespian 3.5 feature A12.)
func (c *Context) RegisterSourceAuthority() error {
	_, err := c.rt.Admin(RegisterSourceAuthority{})
	return err
}

// LoadSource hands an archive of sources to the system and returns its hash at once, before the Source Authority has decided
// about it. The info is free text for people, such as the file's name. The error wraps [errors.ErrUnsupported] when the system
// was not set up to load sources. (Thespian 3.5 feature A13.)
func (c *Context) LoadSource(info string, archive []byte) (hash string, err error) {
	answer, err := c.rt.Admin(LoadSource{info, archive})
	hash, _ = answer.(string)
	return hash, err
}

// UnloadSource takes a loaded source away: no new actors come from it, those that there are go on. (Thespian 3.5 feature A14.)
func (c *Context) UnloadSource(hash string) error {
	_, err := c.rt.Admin(UnloadSource{hash})
	return err
}

// NotifyOnSources has this actor get a LoadedSource for each source that is or becomes available, and an UnloadedSource for each that
// is taken away, or no longer. (Thespian 3.5 feature A15.)
func (c *Context) NotifyOnSources(on bool) error {
	_, err := c.rt.Admin(NotifyOnSources{on})
	return err
}

// ShutdownSystem asks the actor's system to end, this actor included. (Thespian 3.5 feature A20.)
func (c *Context) ShutdownSystem() { _, _ = c.rt.Admin(ShutdownSystem{}) }

// Deadline is a method of [context.Context]: an actor has none.
func (c *Context) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done is a method of [context.Context]: the channel is closed when the actor has ended.
func (c *Context) Done() <-chan struct{} { return c.rt.Done() }

// AfterFunc has f called in a goroutine of its own when the actor has ended, unless stop is called before, which reports whether it was. With it the contexts that are
// derived from this one (context.WithCancel and the like) need no goroutine each; for functions of your own use [context.AfterFunc].
func (c *Context) AfterFunc(f func()) (stop func() bool) { return c.rt.AfterFunc(f) }

// Err is a method of [context.Context]: it is context.Canceled once the actor has ended.
func (c *Context) Err() error { return c.rt.Err() }

// Value is a method of [context.Context]: an actor has no values.
func (c *Context) Value(any) any { return nil }
