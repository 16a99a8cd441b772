package message

import (
	"fmt"
	"strings"
	"syscall"
	"time"

	"thespian.dev/address"
)

// ActorExitRequest asks an actor to end. Anybody may send it, also the actor to itself; the system sends it when
// it shuts down, when a parent exits, and when the system lost a capability that the actor requires. The actor sees
// it once and then exits, whatever its Receive does (Thespian 3.5 feature E1).
type ActorExitRequest struct {
	// NotRecursive lets the actor's children live on. Without it they get the request too, and the actor
	// ends after them.
	NotRecursive bool
}

// ChildActorExited tells a parent that a child is no more. For each child it comes exactly once, and never before the
// last message that the child sent to the parent. The parents of top-level actors and of actors with a global name get
// none (Thespian 3.5 feature E2, which may repeat the message and gives no reason).
type ChildActorExited struct {
	// Child is the address that Create returned.
	Child address.Address
	// Reason says in words why the child ended, or why it never began.
	Reason string
}

// ActorExited tells an actor that an actor which it watches is no more. It comes once for each Watch, at once when the
// watched actor had ended before. Thespian 3.5 has nothing like it.
type ActorExited struct {
	// Actor is the address that was watched.
	Actor address.Address
	// Reason says in words why the actor ended.
	Reason string
}

// PoisonMessage gives a message back to its sender: its receiver failed on it each time that it tried, or it could
// not be encoded, or its receiver could not be created (Thespian 3.5 feature E3). It is an error, so that a
// program can return it as one.
type PoisonMessage struct {
	// Message is what was sent.
	Message any
	// Details says what went wrong; the first line is a summary, a stack may follow.
	Details string
}

// Error names the type of the message, without its content, and the first line of the details.
func (p PoisonMessage) Error() string {
	summary, _, _ := strings.Cut(p.Details, "\n")
	if p.Message == nil {
		return summary
	}
	return fmt.Sprintf("the receiver failed on a %T: %s", p.Message, summary)
}

// DeadEnvelope carries a message that could not be delivered to those who handle dead letters (Thespian 3.5
// features E4 and A11). No DeadEnvelope, ChildActorExited or ActorExited is ever put into another one.
type DeadEnvelope struct {
	// Message is what was sent.
	Message any
	// Target is whom it was sent to, Sender who sent it.
	Target, Sender address.Address
	// Reason says in words why it could not be delivered.
	Reason string
}

// WakeupMessage comes to an actor when a time that it asked for is over (Thespian 3.5 features E5 and A10). Its
// sender is the actor itself.
type WakeupMessage struct {
	// Delay is the time that was asked for. The message comes no sooner.
	Delay time.Duration
	// Payload is what the actor gave along, nil if nothing.
	Payload any
}

// WatchMessage tells an actor which of the files that it watches can be read from (Thespian 3.5 features E6 and
// A25). It means something only in the process of the actor, so it cannot be sent on: [Registry.Check] and
// [Registry.Append] refuse it with an error that wraps [ErrLocalOnly].
type WatchMessage struct {
	// Ready are the watched connections that have something to read, or are at their end.
	Ready []syscall.Conn
}

// ConventionUpdate tells those who asked for it that another system joined or left the convention (Thespian 3.5
// features E10 and A16).
type ConventionUpdate struct {
	// Admin is the other system's Admin.
	Admin address.Address
	// Capabilities are what the other system offers, as far as known.
	Capabilities Capabilities
	// Added says that it joined; false, that it left or was lost.
	Added bool
}

// ValidateSource asks the Source Authority whether a source may be loaded (Thespian 3.5 feature E7).
type ValidateSource struct {
	// Hash names the source; it is the hash of Data.
	Hash string
	// Data is the archive as it was given, perhaps encrypted or signed.
	Data []byte
	// Info says for people what it is, such as its file's name.
	Info string
}

// ValidatedSource is the Source Authority's answer to a [ValidateSource] (Thespian 3.5 feature E8).
type ValidatedSource struct {
	// Hash is that of the question.
	Hash string
	// Zip is the plain archive to load, nil to refuse the source.
	Zip []byte
	// Info says for people what it is.
	Info string
}

// LoadedSource tells those who asked for it that a source can now be used in this system (Thespian 3.5 features E9
// and A15).
type LoadedSource struct{ Hash, Info string }

// UnloadedSource tells those who asked for it that a source is no more to be had (Thespian 3.5 features E9 and A15).
type UnloadedSource struct{ Hash, Info string }

// StatusRequest asks an actor for its [ActorStatus] or a system's Admin for its [SystemStatus]. The runtime answers
// it; an actor never sees it (Thespian 3.5 feature E11).
type StatusRequest struct{}

// IsSystem reports whether msg is one of the messages that the system says (Thespian 3.5 features E1 to E11).
// Pointers to them are not.
func IsSystem(msg any) bool {
	switch msg.(type) {
	case ActorExitRequest, ChildActorExited, ActorExited, PoisonMessage, DeadEnvelope, WakeupMessage, WatchMessage,
		ConventionUpdate, ValidateSource, ValidatedSource, LoadedSource, UnloadedSource,
		StatusRequest, ActorStatus, SystemStatus:
		return true
	}
	return false
}

// ForProgram reports whether a program outside of all actors is shown msg: everything but the messages of the
// system, and of those the two statuses and a PoisonMessage that gives back a message of the program's own (Thespian 3.5
// feature B9).
func ForProgram(msg any) bool {
	switch m := msg.(type) {
	case PoisonMessage:
		return !IsSystem(m.Message)
	case ActorStatus, SystemStatus:
		return true
	}
	return !IsSystem(msg)
}

// systemTypes are in every registry. WatchMessage is not: it stays in its process.
var systemTypes = []any{
	ActorExitRequest{}, ChildActorExited{}, ActorExited{}, PoisonMessage{}, DeadEnvelope{}, WakeupMessage{}, ConventionUpdate{},
	ValidateSource{}, ValidatedSource{}, LoadedSource{}, UnloadedSource{}, StatusRequest{}, ActorStatus{}, SystemStatus{},
}
