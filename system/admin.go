package system

import (
	"errors"
	"fmt"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/address/record"
	"thespian.dev/message"
)

// The adminMailbox stands for the system: it is the parent of the actors that have no other, and answers for the whole.
type adminMailbox struct {
	binding record.Binding
	node    *node
	self    address.Address
}

func newAdmin(n *node) *adminMailbox {
	a := &adminMailbox{node: n, self: n.newAddress()}
	a.binding.Mailbox = a
	a.self.Record().Bind(&a.binding)
	return a
}

// receive handles a message to the Admin. It never waits, and an exit request does nothing.
func (a *adminMailbox) receive(e envelope) {
	switch e.msg.(type) {
	case message.StatusRequest:
		if !e.sender.IsZero() {
			_ = a.node.deliver(noContext, envelope{a.node.status(), a.self}, e.sender, nil)
		}
	case message.ActorExitRequest, message.PoisonMessage:
	default:
		a.node.undeliverable(e, a.self, "the Admin takes no such message")
	}
}

// Admin is a method of actor.Runtime.
func (c *cell) Admin(request any) (any, error) {
	n := c.node
	switch r := request.(type) {
	case actor.HandleDeadLetters:
		n.deadLetters.handle(c, r.On)
	case actor.UpdateCapability:
		return nil, n.updateCapability(&c.ctx, r.Name, r.Value)
	case actor.NotifyOnConventionChanges: // there is nobody else to tell of
	case actor.PreRegister, actor.DeRegister:
		return nil, errNoConvention
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
