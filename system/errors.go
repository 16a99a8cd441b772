package system

import (
	"errors"
	"fmt"

	"thespian.dev/address"
)

// The errors that programs branch on.
var (
	// ErrShutdown is returned by whatever is done with a system after its end, and by what still waits then.
	ErrShutdown = errors.New("the system was shut down")

	// ErrClosed is returned by an endpoint that was closed.
	ErrClosed = errors.New("the endpoint was closed")

	// ErrUnknownKind is returned when an actor of a kind is to be created that nobody registered.
	ErrUnknownKind = errors.New("unknown kind")

	// ErrNoCompatibleSystem is returned when no system may run an actor of a kind (Thespian 3.5 feature B17).
	ErrNoCompatibleSystem = errors.New("no compatible system")

	// ErrNoAddress is returned when a message is sent to the zero address.
	ErrNoAddress = errors.New("the zero address names nobody")

	// ErrNoAnswer is returned by Ask and Listen under the synchronous scheduler when nothing is left to do that a message could come from.
	ErrNoAnswer = errors.New("nothing is left to do, and no message came")

	// ErrAdminGone is what ended a system whose Admin has ended without a word, as when it was killed. Its actors end then.
	ErrAdminGone = errors.New("the Admin of the system has gone")

	// ErrNoSystem is returned by Start with Options.Attach when no system runs at the Admin Port.
	ErrNoSystem = errors.New("no system runs")

	// ErrSystemRuns is returned by Start with Options.New when a system runs at the Admin Port.
	ErrSystemRuns = errors.New("a system runs already")

	// ErrNoMain is returned by Start on a base with processes in a program that has not called [App.Main] or [App.TestMain] before: the system would start
	// this program again and again, and each would do the same.
	ErrNoMain = errors.New("a base with processes needs App.Main, or App.TestMain in tests: call it first thing in main, and Start in the function that it runs")

	// ErrUnknownBase is returned by Start when no base has the name in the options.
	ErrUnknownBase = errors.New("unknown base")
)

// An UndeliverableError is returned by Ask when the question became a dead letter.
type UndeliverableError struct {
	Target address.Address
	Reason string
}

// Error says who could not be reached and why.
func (e *UndeliverableError) Error() string {
	return fmt.Sprintf("%v cannot be reached: %s", e.Target, e.Reason)
}
