package admin

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"thespian.dev/address"
	"thespian.dev/message"
)

// What the processes of a system and its Admin say to each other. It travels on the lifeline of each process, in order.

// Messages returns the types of the protocol, for the registry that encodes them.
func Messages() message.TypeSet {
	return message.Types(
		Announce{}, Failed{}, Create{}, Running{}, Started{}, Leaving{}, Ended{}, Account{}, Adopt{}, Relay{}, Relayed{}, Parting{}, Locate{}, Lookup{}, Find{}, SetCapability{}, HandleDeadLetters{}, StatusRequest{}, Status{}, Shutdown{}, KillActor{},
		NotifyConvention{}, PreRegister{}, DeRegister{}, AwaitLeader{}, Met{},
		Meet{}, Part{}, Orphaned{}, ConventionUpdate{},
		Welcome{}, Run{}, Approach{}, Adopted{}, Created{}, Located{}, Gone{}, Capabilities{}, Handlers{}, Done{}, Exit{}, Retire{}, Ending{}, Print{}, Printed{},
	)
}

// A Kind is what the Admin knows of a kind of actors.
type Kind struct {
	Name     string
	Requires message.Capabilities
	Checks   bool   // it looks by itself whether a system suits it
	Startup  string // "", "spawn", "forkserver" or "goroutine"
}

// An Outside is what a process needs to meet nodes of other systems.
type Outside struct {
	Incarnation             uint64
	Credentials             Credentials
	Listen                  string
	LowestPort, HighestPort int
	Gate                    string // where this system's Admin takes connections that are to be brought on
	Pass                    []byte // what it wants to hear then
}

// Credentials are what systems know each other by: a secret, or files with a certificate, its key and the authorities of the others'. They go over lifelines alone.
type Credentials struct {
	Secret                 string
	Certificate, Key, Root string
}

// Mark stands for credentials where they are compared, and shows nothing of a secret. It is "" if there are none.
func (c Credentials) Mark() string {
	if c == (Credentials{}) {
		return ""
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{"thespian credentials", strings.TrimSpace(c.Secret), c.Certificate, c.Key, c.Root}, "\x00")))
	return hex.EncodeToString(sum[:])
}

// Limits bound the mailboxes of all processes: above Mark senders wait, until Resume are left; above Hard messages are dead letters. A message may have MaxMessage bytes, and waits Unreachable for a process that is not reached.
type Limits struct {
	Mark, Resume, Hard int
	MaxMessage         int
	Unreachable        time.Duration
}

// A Failure says why something was not done. The zero value says that it was.
type Failure struct {
	Code string // what programs branch on, one of the constants below
	Text string
}

// The codes of failures.
const (
	CodeUnknownKind = "unknown kind"
	CodeNoSystem    = "no compatible system"
	CodeShutdown    = "shutdown"
	CodeFailed      = "failed"
)

// From a process to the Admin.
type (
	// Announce is the first thing that a process says: it is ready to take messages at the endpoint. The kinds are those of its executable; processes of one build have the same.
	// The answer is Done.
	Announce struct {
		Request      uint64
		Endpoint     string
		PID          int
		Build        string
		Kinds        []Kind
		Attach       bool                 // a program that starts no system: it may look at one that is ending
		Lifetime     bool                 // the system ends with this program
		Capabilities message.Capabilities // what a program expects of the system; those that are not named may be anything
		Directory    string
		Arguments    []string
		Variables    []string // its environment
	}

	// Create asks for an actor in a process of its own, or by name. The address is the creator's to give.
	Create struct {
		Request       uint64
		Child, Parent address.Address
		Kind, Name    string
		Args          []byte // an encoded message; empty: none
		Requirements  []byte
		Wait          bool // the answer is to come when the actor has started, not when it can take messages
	}

	// Running says that the actor of a Run takes messages now, Started how its start ended.
	Running struct{ Child address.Address }
	Started struct {
		Child   address.Address
		Failure Failure
	}

	// Leaving says that an actor which has a global name is about to end. The answer is Done: the name is free.
	Leaving struct {
		Request uint64
		Actor   address.Address
	}

	// Ended says that an actor which the Admin had this process run has ended.
	Ended struct{ Actor address.Address }

	// Account is what a process says last, if it has counted dead letters: the status of the system is to go on counting them.
	Account struct{ DeadLetters uint64 }

	// Adopt says that an actor which outlives its parent is a child of the Admin now. The actor's host hears the same as Adopted.
	Adopt   struct{ Child address.Address }
	Adopted struct{ Child address.Address }

	// Relay has something brought to another process that a host can say in no other way, as its transport closes already. It arrives there as Relayed; if that process has ended, or takes no more, at the
	// Admin's, with the reason: it knows what to do with what was not delivered.
	Relay struct {
		System, To uint64
		Data       []byte
	}
	Relayed struct {
		Data        []byte
		Undelivered string
	}

	// Parting says that a process ends, and takes nothing more that others have relayed. The answer, Done, is behind all that there was.
	Parting struct{ Request uint64 }

	// Approach has a host that waits for its actor connect to a process that will perhaps have it run one.
	Approach struct {
		Process  uint64
		Endpoint string
	}

	// Failed says why a host cannot become a part of the system: it ends then.
	Failed struct{ Reason string }

	// Locate asks where a process can be reached; the answer is Located or Gone. Who asks is told of the end of the process, too. System is 0, here and elsewhere, for this one.
	Locate struct{ System, Process uint64 }

	// Lookup asks for the actor of a global name; the answer is Created, without a failure in any case.
	Lookup struct {
		Request uint64
		Name    string
	}

	// Find asks where an actor is that its creator cannot be asked for any more; the answer is Created, once the actor runs.
	Find struct {
		Request uint64
		Actor   address.Address
	}

	// NotifyConvention says whether an actor wants to be told of the systems that join and leave.
	NotifyConvention struct {
		Watcher address.Address
		On      bool
	}

	// PreRegister has the system at an address invited, DeRegister not any more; instead of the address, a system's Admin may be given. The answers are Done.
	PreRegister struct {
		Request uint64
		Address string
	}
	DeRegister struct {
		Request uint64
		Address string
		Admin   address.Address
	}

	// AwaitLeader asks to be told when the convention has a leader. The answer is Done.
	AwaitLeader struct{ Request uint64 }

	// Met says where nodes of other systems reach this process, or why it cannot be reached.
	Met struct {
		Endpoint string
		Failure  Failure
	}

	// SetCapability changes what the system offers; a nil value takes it away. The answer is Done.
	SetCapability struct {
		Request uint64
		Name    string
		Value   any
	}

	// HandleDeadLetters says whether an actor takes dead letters.
	HandleDeadLetters struct {
		Handler address.Address
		On      bool
	}

	// StatusRequest asks for the status of the whole system, or, when the Admin says it, for that of one process. The answer is Status.
	StatusRequest struct{ Request uint64 }
	Status        struct {
		Request uint64
		Status  message.SystemStatus
	}

	// Shutdown ends the system. The grace is how long actors get to exit. The answer is Done, when all hosts have ended.
	Shutdown struct {
		Request uint64
		Grace   time.Duration
	}

	// KillActor ends the process of an actor at once. The answer is Done.
	KillActor struct {
		Request uint64
		Actor   address.Address
	}
)

// From the Admin to a process.
type (
	// Welcome is the first thing that the Admin says to a process.
	Welcome struct {
		System, Process uint64
		Admin           address.Address
		AdminProcess    uint64
		AdminEndpoint   string
		Base            string
		Key             []byte
		Capabilities    message.Capabilities
		Handlers        []address.Address
		Listen          string // where hosts and programs listen, and at which ports; "" and 0: the transport decides
		LowestPort      int
		HighestPort     int
		Limits          Limits
		Credentials     string // the mark of those by which the system knows others
		Shared          bool   // the host runs actors of several creators, and stays when it has none
	}

	// Run has a host run an actor. The parent is an actor of the process at the endpoint; it is the Admin's own process for actors without another.
	Run struct {
		Child, Parent  address.Address
		ParentSystem   uint64
		ParentProcess  uint64
		ParentEndpoint string
		Kind, Name     string
		Args           []byte
		Requirements   []byte
		Awaited        bool // the parent hears from the Admin if the actor does not start, as it may do so somewhere else
	}

	// Created answers Create, Lookup and Find: the actor and where it is, or why it is not.
	Created struct {
		Request  uint64
		Actor    address.Address
		System   uint64
		Process  uint64
		Endpoint string
		Failure  Failure
	}

	// Located says where a process can be reached, Gone that it has ended and how. One of another system is reached in its present incarnation, perhaps by way of this system's Admin.
	Located struct {
		System      uint64
		Incarnation uint64
		Process     uint64
		Endpoint    string
		Via         bool
	}
	Gone struct {
		System  uint64
		Process uint64
		Reason  string
		Cut     bool // the process may live, as its system is the one that is gone: what it sends does not come to an end
	}

	// Meet has a process open what leads to other systems; the answer is Met. Part has it close that.
	Meet struct{ Outside Outside }
	Part struct{}

	// Orphaned says that the parent of an actor is out of reach for ever, as its system is: the actor is to exit.
	Orphaned struct{ Child address.Address }

	// ConventionUpdate is for an actor that wants to be told of the systems that join and leave.
	ConventionUpdate struct {
		Watcher      address.Address
		Admin        address.Address
		Capabilities message.Capabilities
		Added        bool
	}

	// Capabilities and Handlers say what the system offers now, and who takes dead letters.
	Capabilities struct{ Offers message.Capabilities }
	Handlers     struct{ DeadLetters []address.Address }

	// Done answers what has no other answer.
	Done struct {
		Request uint64
		Failure Failure
	}

	// Exit has a host ask its actors to exit, and end when they have.
	Exit struct{}

	// Retire has a host end once it has no actors, also one that is shared: it gets no more.
	Retire struct{}

	// Ending tells a program that the system has ended.
	Ending struct{ Reason string }

	// Print is what a process of the system wrote to its standard output, or standard error. Printed is the answer of a program that has written so many bytes of it: there is room for more.
	Print struct {
		Error bool
		Text  []byte
	}
	Printed struct{ Bytes int }
)
