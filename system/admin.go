package system

import (
	"errors"
	"fmt"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/address/record"
	"thespian.dev/admin"
	"thespian.dev/message"
)

// The adminMailbox stands for the system: it is the parent of the actors that have no other, and answers for the whole.
type adminMailbox struct {
	binding record.Binding
	node    *node
	self    address.Address
}

// newAdmin returns the mailbox of the Admin, which has the address; or what stands for it, when it is another process.
func newAdmin(n *node, self address.Address) *adminMailbox {
	a := &adminMailbox{node: n, self: self}
	if self.IsZero() {
		a.self = n.newAddress()
	}
	if n.id.Process == a.self.Record().ID().Process {
		n.counter.Store(1) // which is its number
		a.binding.Mailbox = a
		a.self.Record().Bind(&a.binding)
	}
	return a
}

// receive handles a message to the Admin. It never waits, and an exit request does nothing.
func (a *adminMailbox) receive(e envelope) {
	switch e.msg.(type) {
	case message.StatusRequest:
		a.report(e.sender)
	case message.ActorExitRequest, message.PoisonMessage:
	default:
		a.node.undeliverable(e, a.self, "the Admin takes no such message")
	}
}

// report answers with the status of the system.
func (a *adminMailbox) report(to address.Address) {
	n := a.node
	switch {
	case to.IsZero():
	case n.client == nil:
		_ = n.deliver(noContext, envelope{n.status(), a.self}, to, nil)
	default:
		n.client.ask(func(number uint64) any { return admin.StatusRequest{Request: number} }, func(answer any) {
			if s, ok := answer.(admin.Status); ok {
				_ = n.deliver(noContext, envelope{s.Status, a.self}, to, nil)
			}
		})
	}
}

// Admin is a method of actor.Runtime.
func (c *cell) Admin(request any) (any, error) {
	n := c.node
	switch r := request.(type) {
	case actor.HandleDeadLetters:
		return nil, c.handleDeadLetters(r.On)
	case actor.UpdateCapability:
		return nil, n.updateCapability(&c.ctx, r.Name, r.Value)
	case actor.NotifyOnConventionChanges:
		if n.client != nil { // else there is nobody else to tell of
			return nil, n.client.line.send(admin.NotifyConvention{Watcher: c.self, On: r.On})
		}
	case actor.PreRegister:
		return nil, n.preRegister(&c.ctx, r.System)
	case actor.DeRegister:
		return nil, n.deRegister(&c.ctx, r.System)
	case actor.ShutdownSystem:
		n.shutdownSoon()
	case actor.RegisterSourceAuthority, actor.LoadSource, actor.UnloadSource, actor.NotifyOnSources:
		return nil, errNoSources
	default:
		return nil, fmt.Errorf("the Admin knows no request %T", request)
	}
	return nil, nil
}

var (
	errNoConvention = fmt.Errorf("the base simple has no conventions: %w", errors.ErrUnsupported)
	errNoSources    = fmt.Errorf("this system was not set up to load sources: %w", errors.ErrUnsupported)
)
