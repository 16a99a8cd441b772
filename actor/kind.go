package actor

import (
	"fmt"

	"thespian.dev/message"
)

// Capabilities say what a system offers, or what an actor wants of one.
type Capabilities = message.Capabilities

// DefaultAttempts is how often a message is tried when its Kind does not say (Thespian 3.5 feature E3).
const DefaultAttempts = 2

// A Kind is a named type of actor. Actors are created by the name of their kind, which means the same in every
// process of a system and in every system of a convention.
type Kind struct {
	// Name names the kind. Required.
	Name string

	// New returns a new actor of the kind. Required. It runs before the actor has a Context, so it can neither send nor
	// create: that is for the actor's Start method. A panic in it is a failed creation.
	New func() Actor

	// Requires lists what a system must offer to run such an actor; see [message.Capabilities.Satisfies] for what matches.
	// Zero: nothing. When a system's capabilities change so that they do not satisfy it any more, its actors of this kind
	// are asked to exit (Thespian 3.5 features A23 and C8).
	Requires Capabilities

	// Check decides in code whether a system may run such an actor, after Requires was satisfied: it gets the
	// system's capabilities and the requirements given to Create, and returns why not, or nil. A panic is a refusal.
	// Zero: no further condition. It may be called from several goroutines at once and must not change what it
	// gets. (Thespian 3.5 features A22 and C4.)
	Check func(capabilities Capabilities, requirements any) error

	// Startup says how the actor's process comes to be on the bases that have processes. Zero: as the system's
	// capability "Process Startup Method" says, else Spawn. The base simple runs every actor in the program's process.
	Startup Startup

	// Attempts is how often a message is tried before it goes back to its sender as PoisonMessage. Zero: DefaultAttempts.
	Attempts int
}

// Startup is a way in which an actor's process comes to be.
type Startup string

// The ways in which an actor's process comes to be.
const (
	Spawn      Startup = "spawn"      // a new process for each actor
	Forkserver Startup = "forkserver" // the same, out of a pool of processes that wait
	Goroutine  Startup = "goroutine"  // in the process of its creator
)

// Validate returns what is wrong with the kind, or nil.
func (k Kind) Validate() error {
	switch {
	case k.Name == "":
		return fmt.Errorf("a kind has no name")
	case k.New == nil:
		return fmt.Errorf("kind %q: New is not set", k.Name)
	case k.Attempts < 0:
		return fmt.Errorf("kind %q: Attempts is %d", k.Name, k.Attempts)
	}
	switch k.Startup {
	case "", Spawn, Forkserver, Goroutine:
	default:
		return fmt.Errorf("kind %q: startup method %q: wanted %q, %q or %q (a Go process cannot fork)", k.Name, k.Startup, Spawn, Forkserver, Goroutine)
	}
	if err := k.Requires.Validate(); err != nil {
		return fmt.Errorf("kind %q: Requires: %w", k.Name, err)
	}
	return nil
}

// CreateOptions say more about an actor to be created than its kind. The zero value is an actor without arguments, name or
// requirements.
type CreateOptions struct {
	// Args is handed to the actor's Start method. Its type must be registered like that of a message.
	Args any

	// GlobalName is a name for the actor within its system. When there already is an actor of that name, Create
	// returns its address and creates nothing; the other arguments are then not looked at. Such an actor is the system's
	// child, not its creator's. It has the name until it begins to end: what is sent to it then is refused, and the name is free.
	// A request to exit that is still in its mailbox is no such beginning, so Create may return an actor that is about to handle
	// one: whoever has asked it to exit and wants another one waits until it refuses a question. (Thespian 3.5 feature C9.)
	GlobalName string

	// Requirements is handed to the kind's Check (Thespian 3.5 feature C6). Its type must be registered like that of a message.
	Requirements any
}
