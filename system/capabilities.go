package system

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"thespian.dev/actor"
	"thespian.dev/admin"
	"thespian.dev/convention"
	"thespian.dev/message"
)

// capabilities is what the system offers.
type capabilities struct {
	mu     sync.Mutex
	offers message.Capabilities // replaced, never changed: who has it may read it
}

// own are the capabilities that every system has and nobody can set (Thespian 3.5 feature C2).
func own(base string, started time.Time) message.Capabilities {
	return message.Capabilities{
		"Go Version":                   runtime.Version(),
		"Thespian Generation":          []any{3, 5},
		"Thespian Version":             fmt.Sprint(started.UnixMilli()),
		"Thespian ActorSystem Name":    base,
		"Thespian ActorSystem Version": 2,
		"Thespian Watch Supported":     watchSupported,
	}
}

func (cs *capabilities) init(base string, given message.Capabilities) error {
	if err := given.Validate(); err != nil {
		return fmt.Errorf("capabilities: %w", err)
	}
	if err := processStartup(given); err != nil { // an Admin is given them by another process
		return err
	}
	cs.offers = own(base, time.Now())
	for name, value := range given.Clone() {
		if _, fixed := cs.offers[name]; fixed {
			return fmt.Errorf("capability %q is the system's own and cannot be set", name)
		}
		cs.offers[name] = value
	}
	return checkSize(cs.offers)
}

// checkSize returns an error if capabilities are more than can be told to others.
func checkSize(c message.Capabilities) error {
	data, err := controlMessages().Append(nil, admin.Capabilities{Offers: c})
	if err == nil && len(data) > message.MaxCapabilities {
		err = fmt.Errorf("they take %d bytes together, the limit is %d", len(data), message.MaxCapabilities)
	}
	if err != nil {
		return fmt.Errorf("capabilities: %w", err)
	}
	return nil
}

// current returns what the system offers now. It must not be changed.
func (cs *capabilities) current() message.Capabilities {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.offers
}

// changes reports whether a value, nil to take it away, is another one than what there is.
func (cs *capabilities) changes(name string, value any) (bool, error) {
	if given := (message.Capabilities{name: value}); value != nil {
		if err := processStartup(given); err != nil {
			return false, err
		}
		if err := given.Validate(); err != nil {
			return false, err
		}
	}
	if _, fixed := own("", time.Time{})[name]; fixed {
		return false, fmt.Errorf("capability %q is the system's own and cannot be set", name)
	}
	offers := cs.current()
	if value != nil {
		all := maps.Clone(offers)
		all[name] = value
		if err := checkSize(all); err != nil {
			return false, err
		}
	}
	old, there := offers[name]
	if there == (value != nil) && reflect.DeepEqual(old, value) {
		return false, nil
	}
	if slices.Contains(steering, name) {
		return false, fmt.Errorf("capability %q is read when the system starts and cannot be changed later: end the system, and start it with another value in Options.Capabilities", name)
	}
	return true, nil
}

// steering are the capabilities that say how the system is started (Thespian 3.5 feature C3): a change would have no effect. On the base simple they have none in any case, but a program
// that runs here runs elsewhere.
var steering = append([]string{"Admin Port", adminRouting, outboundOnly, bindAddress, advertiseAddress, directWithinHost}, convention.TimingCapabilities()...)

func (cs *capabilities) set(name string, value any) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	offers := cs.offers.Clone()
	if value == nil {
		delete(offers, name)
	} else {
		offers[name] = message.Capabilities{name: value}.Clone()[name]
	}
	cs.offers = offers
}

// updateCapability sets a capability, and has each actor look whether it still suits the system (Thespian 3.5 feature C8).
func (n *node) updateCapability(ctx context.Context, name string, value any) error {
	changes, err := n.capabilities.changes(name, value)
	if err != nil || !changes {
		return err
	}
	if name == conventionAddress {
		if _, err := leadersOf(message.Capabilities{name: value}); err != nil && value != nil {
			return err
		}
	}
	if n.client != nil { // before it answers, the Admin tells all processes, and so this one
		_, err := n.client.call(ctx, func(number uint64) any { return admin.SetCapability{Request: number, Name: name, Value: value} }, nil)
		return err
	}
	n.capabilities.set(name, value)
	n.check()
	n.drive(ctx, nil)
	return nil
}

// setCapabilities is called when the Admin says what the system offers now.
func (n *node) setCapabilities(offers message.Capabilities) {
	n.capabilities.mu.Lock()
	n.capabilities.offers = offers
	n.capabilities.mu.Unlock()
	n.check()
}

// check has each actor exit that does not suit the system any more.
func (n *node) check() {
	n.walk(func(c *cell) {
		if len(c.kind.Requires) == 0 && c.kind.Check == nil {
			return
		}
		c.tell(envelope{msg: control(func(c *cell) {
			if c.phase.Load() != running {
				return
			}
			if err := c.suits(); err != nil {
				c.mu.Lock()
				c.extra().unsuited = "the system offers something else now: " + strings.TrimPrefix(err.Error(), fmt.Sprintf("%v for kind %q: ", ErrNoCompatibleSystem, c.kind.Name))
				c.mu.Unlock()
				c.tell(envelope{message.ActorExitRequest{}, n.admin.self})
			}
		})})
	})
}

// suits returns why the system may not run the actor, or nil (Thespian 3.5 features A22, A23 and C4).
func (c *cell) suits() (err error) {
	k := c.kind
	if len(k.Requires) == 0 && k.Check == nil {
		return nil
	}
	offers := c.node.capabilities.current()
	if err := offers.Satisfies(k.Requires); err != nil {
		return fmt.Errorf("%w for kind %q: %w", ErrNoCompatibleSystem, k.Name, err)
	}
	if k.Check == nil {
		return nil
	}
	var requirements any
	c.mu.Lock()
	if c.more != nil {
		requirements = c.more.requirements
	}
	c.mu.Unlock()
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("%w for kind %q: its Check panicked: %v", ErrNoCompatibleSystem, k.Name, value)
		}
	}()
	if err := k.Check(offers.Clone(), requirements); err != nil {
		return fmt.Errorf("%w for kind %q: %w", ErrNoCompatibleSystem, k.Name, err)
	}
	return nil
}

// Capabilities is a method of actor.Runtime.
func (c *cell) Capabilities() actor.Capabilities { return c.node.capabilities.current().Clone() }

// processStartup is checked although the base simple has no processes, so that a program that runs here runs elsewhere.
func processStartup(given message.Capabilities) error {
	method, ok := given["Process Startup Method"]
	if !ok {
		return nil
	}
	return admin.CheckStartup(method)
}
