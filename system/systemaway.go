package system

import (
	"context"
	"errors"
	"fmt"
	"time"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/admin"
	"thespian.dev/message"
)

// What a System does on a base with processes, by asking the Admin.

func (s *System) createAway(ctx context.Context, kindName string, options actor.CreateOptions) (address.Address, error) {
	n := s.node
	var none address.Address
	if err := s.open(); err != nil {
		return none, err
	}
	child := n.newAddress()
	request, err := n.creation(child, n.admin.self, kindName, options, true)
	if err != nil {
		return none, err
	}
	answer, err := n.client.call(ctx, request, func(late any) {
		m, ok := late.(admin.Created)
		if ok && m.Failure == (admin.Failure{}) && m.Actor == child { // an actor that others have by its name is not ours to end
			_ = n.deliver(noContext, envelope{message.ActorExitRequest{}, n.admin.self}, child, nil)
		}
	})
	if err != nil {
		return none, err
	}
	m, ok := answer.(admin.Created)
	if !ok {
		return none, fmt.Errorf("the Admin answered with %T", answer)
	}
	return m.Actor, failed(m.Failure)
}

func (s *System) lookupAway(ctx context.Context, name string) (address.Address, error) {
	answer, err := s.node.client.call(ctx, func(number uint64) any { return admin.Lookup{Request: number, Name: name} }, nil)
	if err != nil {
		return address.Address{}, fmt.Errorf("lookup: %w", err)
	}
	m, _ := answer.(admin.Created)
	return m.Actor, nil
}

// shutdownAway ends the whole system. The Admin bounds the time that actors get.
func (s *System) shutdownAway(ctx context.Context) {
	grace := ShutdownGrace
	if deadline, bounded := ctx.Deadline(); bounded {
		grace = max(0, time.Until(deadline))
	} else if ctx.Err() != nil {
		grace = 0
	}
	hurried := context.AfterFunc(s.grace, func() { // by a call that has less time
		_ = s.node.client.line.send(admin.Shutdown{Grace: 0})
	})
	defer hurried()
	wait, cancel := context.WithTimeout(context.Background(), grace+settling+drainTime)
	defer cancel()
	err := s.node.client.shutdownSystem(wait, grace)
	if errors.Is(err, ErrAdminGone) && s.node.client.over { // somebody else was sooner
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("shutdown: %w", err)
	}
	s.leaveAway(err, false)
}

// over is called when the system has ended without this program's doing.
func (s *System) over(why error) {
	if s.node.closing.CompareAndSwap(false, true) {
		s.node.why.Store(&why)
		go s.leaveAway(why, false)
	}
}

// leaveAway ends this program's part in the system. If that lives on, it matters whether what was sent has arrived.
func (s *System) leaveAway(err error, livesOn bool) {
	defer close(s.ended)
	n := s.node
	ctx, cancel := context.WithTimeout(context.Background(), settling)
	defer cancel()
	n.peers.settle(ctx)
	if late := n.peers.shutdown(ctx); late != nil && livesOn {
		err = fmt.Errorf("what was sent last may not have arrived: %w", late)
	}
	n.kill()
	_ = n.peers.close()
	if livesOn {
		n.client.part()
	} else {
		s.output.await(n.client.ended) // what actors have printed in the end comes before
	}
	n.client.leave()
	s.output.await(s.output.done)
	s.err = err
	_ = n.wait(ctx)
}

// Kill ends the process of an actor at once, as the operating system would: the actor learns nothing of it, its parent and who watches do. The error says why it was not done: the
// actor has no process of its own.
func (s *System) Kill(ctx context.Context, actor address.Address) error {
	return s.change(ctx, "kill", func() error {
		if s.node.client == nil {
			return fmt.Errorf("on the base simple no actor has a process of its own: %w", errors.ErrUnsupported)
		}
		_, err := s.node.client.call(ctx, func(number uint64) any { return admin.KillActor{Request: number, Actor: actor} }, nil)
		return err
	})
}
