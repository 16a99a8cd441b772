package actor

import (
	"context"
	"log/slog"
	"syscall"
	"time"

	"thespian.dev/address"
)

// Runtime is what a [Context] asks of the system that runs its actor; the methods of Context of the same names say what
// each does. It is implemented by systems, and by whoever tests an actor without one. All methods but
// Sender, Hold and Release may be called from any goroutine, at once; none but Send and Request may wait, and only for a receiver's full mailbox.
type Runtime interface {
	Self() address.Address
	Parent() address.Address
	Kind() string
	GlobalName() string
	Capabilities() Capabilities
	Logger() *slog.Logger

	Sender() address.Address
	Hold()
	Release()
	Exit()

	Send(to address.Address, msg any)
	Create(kind string, options CreateOptions) address.Address
	Request(to address.Address, msg any, timeout time.Duration, then func(reply any, err error) error)
	Go(work func(context.Context) any)
	WakeupAfter(delay time.Duration, payload any) Wakeup
	Watch(actor address.Address, on bool)
	WatchFiles(files []syscall.Conn) error

	// Admin hands one of the requests of this package (such as [UpdateCapability]) to the system's Admin.
	Admin(request any) (answer any, err error)

	Done() <-chan struct{}
	Err() error
	AfterFunc(f func()) (stop func() bool)
}

// A Wakeup is a wake-up that an actor asked for.
type Wakeup interface {
	// Cancel takes the wake-up back. It reports whether it did: false means that the WakeupMessage was sent already, or
	// that the wake-up was cancelled before.
	Cancel() bool
}

// The requests that a Context hands to its system's Admin; the methods of Context of the same names say what each does.
type (
	HandleDeadLetters         struct{ On bool }
	NotifyOnConventionChanges struct{ On bool }
	UpdateCapability          struct {
		Name  string
		Value any
	}
	PreRegister struct {
		System       string
		Capabilities Capabilities
	}
	DeRegister              struct{ System string }
	RegisterSourceAuthority struct{}
	LoadSource              struct {
		Info    string
		Archive []byte
	}
	UnloadSource    struct{ Hash string }
	NotifyOnSources struct{ On bool }
	ShutdownSystem  struct{}
)
