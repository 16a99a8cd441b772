package system

import (
	"context"
	"errors"
	"fmt"
	"time"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
)

// ShutdownGrace is how long Shutdown waits for actors to exit when its context has no deadline (Thespian 3.5 feature I1).
const ShutdownGrace = 10 * time.Second

// A System is a running actor system, as a program has it. It is itself an [Endpoint]: the one from which the program sends.
//
// All methods may be called from several goroutines at once.
type System struct {
	*Endpoint
	node   *node
	output *output // of what hosts print, on a base with processes
	ended  chan struct{}
	err    error // of the end; set before ended is closed

	grace context.Context         // of the actors, when the system ends
	hurry context.CancelCauseFunc // ends the grace
}

func newSystem(n *node) *System {
	s := &System{Endpoint: newEndpoint(n), node: n, ended: make(chan struct{})}
	s.grace, s.hurry = context.WithCancelCause(context.Background())
	return s
}

// Create creates a top-level actor and waits until it has started. Its parent is the system's Admin, and nobody is told of its end. The error says why there is no
// actor. When ctx is done first the actor is asked to exit. At most one CreateOptions can be given. (Thespian 3.5 feature B5.)
func (s *System) Create(ctx context.Context, kindName string, options ...actor.CreateOptions) (address.Address, error) {
	var a address.Address
	var err error
	if s.node.client != nil {
		a, err = s.createAway(ctx, kindName, actor.One(options))
	} else if c, failure := s.create(ctx, kindName, actor.One(options)); failure != nil {
		err = failure
	} else {
		a = c.self
	}
	if err != nil {
		return address.Address{}, fmt.Errorf("create %q: %w", kindName, err)
	}
	return a, nil
}

func (s *System) create(ctx context.Context, kindName string, options actor.CreateOptions) (*cell, error) {
	if err := s.open(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n := s.node
	if n.closing.Load() {
		return nil, ErrShutdown
	}
	for {
		created := make(chan error, 1)
		c, made := n.create(n.root, kindName, options, created)
		outcome, err := s.await(ctx, created)
		switch {
		case err != nil:
			if made { // an actor that others have by its name is not ours to end
				c.tell(envelope{message.ActorExitRequest{}, n.admin.self})
			}
			return nil, err
		case outcome == errEnded && !made: // who had the name ended before it could say that it lives
		default:
			return c, outcome
		}
	}
}

// await returns what comes out of a creation, or why it was not waited for.
func (s *System) await(ctx context.Context, created chan error) (outcome, err error) {
	if sync := s.node.synchronous; sync != nil {
		err = sync.until(ctx, s.Endpoint.closed, func() bool {
			select {
			case outcome = <-created:
				return true
			default:
				return false
			}
		})
		return outcome, err
	}
	select {
	case outcome = <-created:
		return outcome, nil
	case <-s.node.killed:
		return nil, ErrShutdown
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Lookup returns the actor that has a global name; the zero address when there is none.
func (s *System) Lookup(ctx context.Context, globalName string) (address.Address, error) {
	if err := s.open(); err != nil {
		return address.Address{}, fmt.Errorf("lookup: %w", err)
	}
	if s.node.client != nil {
		return s.lookupAway(ctx, globalName)
	}
	return s.node.names.lookup(globalName), ctx.Err()
}

// Private returns an endpoint of its own, to be closed by whoever asked for it.
func (s *System) Private() *Endpoint { return newEndpoint(s.node) }

// Admin returns the address of the system's Admin.
func (s *System) Admin() address.Address { return s.node.admin.self }

// Status returns what there is to say of the system and of each of its actors. It waits for none of them.
func (s *System) Status(ctx context.Context) (message.SystemStatus, error) {
	if err := s.open(); err != nil {
		return message.SystemStatus{}, fmt.Errorf("status: %w", err)
	}
	if s.node.client != nil {
		return s.node.client.systemStatus(ctx)
	}
	return s.node.status(), ctx.Err()
}

// Capabilities returns a copy of what the system offers now.
func (s *System) Capabilities() actor.Capabilities { return s.node.capabilities.current().Clone() }

// UpdateCapability is [actor.Context.UpdateCapability] for a program (Thespian 3.5 feature B12).
func (s *System) UpdateCapability(ctx context.Context, name string, value any) error {
	return s.change(ctx, "update capability", func() error { return s.node.updateCapability(ctx, name, value) })
}

// PreRegister is [actor.Context.PreRegister] for a program.
func (s *System) PreRegister(ctx context.Context, system string, capabilities actor.Capabilities) error {
	return s.change(ctx, "preregister "+system, func() error { return s.node.preRegister(ctx, system) })
}

// DeRegister is [actor.Context.DeRegister] for a program.
func (s *System) DeRegister(ctx context.Context, system string) error {
	return s.change(ctx, "deregister "+system, func() error { return s.node.deRegister(ctx, system) })
}

// LoadSource is [actor.Context.LoadSource] for a program.
func (s *System) LoadSource(ctx context.Context, info string, archive []byte) (hash string, err error) {
	return "", s.change(ctx, "load source "+info, func() error { return errNoSources })
}

// UnloadSource is [actor.Context.UnloadSource] for a program.
func (s *System) UnloadSource(ctx context.Context, hash string) error {
	return s.change(ctx, "unload source "+hash, func() error { return errNoSources })
}

// change does something to the system, if it still runs.
func (s *System) change(ctx context.Context, what string, do func() error) error {
	err := s.open()
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = do()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Done returns a channel that is closed when the system has ended, whoever ended it.
func (s *System) Done() <-chan struct{} { return s.ended }

// Shutdown ends the system: all actors are asked to exit, with their children, and Shutdown waits until they have. The context bounds the time
// that they get, not whether the system ends: when it is done, actors that are left get no more messages. Without a deadline
// they get [ShutdownGrace]. The error says which actors did not return from Receive. Further calls return the same; one whose context is done sooner ends
// the time sooner. That another program was sooner is no error.
func (s *System) Shutdown(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { s.hurry(ctx.Err()) })
	defer stop()
	if s.node.closing.CompareAndSwap(false, true) {
		if s.node.client != nil {
			s.shutdownAway(ctx)
			return s.err
		}
		if _, bounded := ctx.Deadline(); !bounded {
			defer time.AfterFunc(ShutdownGrace, func() { s.hurry(context.DeadlineExceeded) }).Stop()
		}
		s.end(s.node.leave(s.grace))
	}
	<-s.ended
	if s.err == ErrShutdown { // another program was sooner
		return nil
	}
	return s.err
}

// Close ends the system at once: actors get no more messages, not even a request to exit. (On bases with processes only this
// program leaves.) It may be called again, and after Shutdown, and cuts a Shutdown short that waits. The error is that of Shutdown.
func (s *System) Close() error {
	s.hurry(errClosedSystem)
	if s.node.closing.CompareAndSwap(false, true) {
		if s.node.client != nil {
			s.leaveAway(nil, true)
			return s.err
		}
		s.end(nil)
	}
	<-s.ended
	return s.err
}

var errClosedSystem = errors.New("the system was closed")

// settling is how long actors that are in the middle of a message get to return from it when the system has ended.
const settling = time.Second

// end ends what is left, and waits for it. late is why actors may be left.
func (s *System) end(late error) {
	defer close(s.ended)
	left := len(s.node.root.children())
	s.node.kill()
	ctx, cancel := context.WithTimeout(context.Background(), settling)
	defer cancel()
	if err := s.node.wait(ctx); err != nil {
		s.err = fmt.Errorf("shutdown: %w", err)
	} else if late != nil && left > 0 {
		s.err = fmt.Errorf("shutdown: %d top-level actors had not exited in time and were stopped: %w", left, late)
	}
}
