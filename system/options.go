package system

import (
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"thespian.dev/actor"
	"thespian.dev/admin"
	"thespian.dev/transport"
)

// Options say how a system is started. The zero value, and a nil *Options, is the app's first base with defaults for all else.
type Options struct {
	// Base names the base: one of the app's, or "simple" (or "simpleSystemBase", as Thespian has it), which runs everything in this process. A system that runs on another base is an error then. Zero: the app's
	// first base, simple if it has none; a system that runs at its Admin Port is attached to whatever its base is.
	Base  string
	named bool // Base was given

	// Lifetime ties the life of the system to that of this program: when the program ends or closes the System, the system shuts down. Without it a system on a base with
	// processes lives until somebody shuts it down. A system with "Admin Port" 0, which is this program's alone, is tied to it in any case.
	Lifetime bool

	// Attach has Start attach to a system that runs, and return [ErrNoSystem] if there is none, instead of starting it.
	Attach bool

	// New has Start start a system, and return [ErrSystemRuns] if there is one already, instead of attaching to it.
	New bool

	// Host is where the processes of the system listen, as a name or number that this host has. Zero: "127.0.0.1", which other hosts do not reach.
	Host string

	// LowestPort and HighestPort bound the ports of the system's processes, but for the Admin Port. Zero: any that is free. To attach to a system with others is an error, as it is
	// for capabilities and limits.
	LowestPort, HighestPort int

	// ConventionSecret is what systems share that meet over a network: whoever has it belongs to the convention. "thespian convention secret" makes one; short ones are refused. Without it, or one of the next
	// three, the system meets no others. A program that attaches need not say it; one that says another than the system was started with gets an error.
	ConventionSecret string

	// ConventionSecretFile names a file that holds the secret.
	ConventionSecretFile string

	// TLS names the system's own certificate, in place of a secret.
	TLS *TLSFiles

	// Insecure has the system meet whoever asks for the same. Everybody who can connect to it can run its actors: it is for experiments.
	Insecure bool

	// Capabilities are what the system offers to actors. "Admin Port" is the port by which programs find the system on a base with processes (zero: a system for this
	// program alone, at any free port). "Convention Address.IPv4" is where the leader of the convention is, or several behind commas, "Bind Address" and "Advertise Address" are where other systems find this
	// one (zero: Host), "Admin Routing" says that they reach its Admin Port only, "Outbound Only" that they reach nothing of it. docs/conventions.md has more.
	Capabilities actor.Capabilities

	// Synchronous has the base simple run one message at a time, in the order in which they were sent, inside of the program's calls of
	// Tell, Ask, Listen, Create and Shutdown: for tests that must go the same way each time. Wake-ups come inside of those calls, too. Nobody waits for
	// a full mailbox then. Zero: actors run concurrently.
	Synchronous bool

	// CopyMessages sends every message through the codec, as if it went to another process, to find code that relies on sharing. The arguments and requirements
	// of actors go there as well; what never leaves an actor does not, and stays shared: results of Context.Go and payloads of wake-ups.
	CopyMessages bool

	// Limits bound the mailboxes.
	Limits Limits

	// Logger gets what the system has to say in this process, and on the base simple is what Context.Logger writes to. Zero: slog.Default(). On a base with processes those of actors write text to their
	// standard error, which comes to the standard error of the attached programs.
	Logger *slog.Logger
}

// TLSFiles are files with certificates, as PEM. They are read by the system's processes, and again when they have changed.
type TLSFiles struct {
	// Certificate and Key are the system's own. Names in it mean nothing, but it must be good for servers and clients.
	Certificate, Key string
	// Authorities holds the certificates of those whose certificates the other systems show. Who has one of them belongs to the convention.
	Authorities string
}

// Limits bound each mailbox, and what goes between processes. A field that is zero is taken from the environment variable that is named with it, else it is the default. The names are
// Thespian's (feature M), where they bound the queues of a process.
type Limits struct {
	// Mark is how many messages a mailbox may hold before senders wait for it.
	// THESPIAN_MAX_QUEUED_TRANSMITS; default 4096.
	Mark int

	// Resume is how many of them may be left when the waiting senders go on.
	// THESPIAN_QUEUED_TRANSMIT_UNBLOCK_THRESHOLD; default 1024.
	Resume int

	// Hard is how many messages a mailbox holds at most, for there are senders that must not wait. What comes then is a
	// dead letter with the reason "overloaded". THESPIAN_DROP_TRANSMITS_LEVEL; default 1,048,576.
	Hard int

	// MaxMessage is how many bytes a message between processes may have, at most 1 GiB. What is longer is a dead letter. On the base udp a message has to fit a datagram, whatever this says. THESPIAN_MAX_MESSAGE; default
	// 67,108,864.
	MaxMessage int

	// Unreachable is how long a message waits for a process that lives and is not reached, as when a broker is away. Then it is a dead letter. THESPIAN_TRANSMIT_TIMEOUT_PERIOD, in seconds or with a unit; default five
	// minutes.
	Unreachable time.Duration
}

// The defaults are larger than Thespian's 950, 780 and 1050: a message in the queue costs 24 bytes here, and a wait of a sender
// costs as much as a hundred messages.
var defaultLimits = Limits{Mark: 4096, Resume: 1024, Hard: 1 << 20, MaxMessage: transport.DefaultMaxMessage, Unreachable: transport.DefaultUnreachable}

// mostMessage is the highest that Limits.MaxMessage can be: lengths and positions of what waits are counted with it.
const mostMessage = 1 << 30

func (l Limits) complete() (Limits, error) {
	err := limit(&l.Mark, "THESPIAN_MAX_QUEUED_TRANSMITS", defaultLimits.Mark)
	if err == nil {
		err = limit(&l.Resume, "THESPIAN_QUEUED_TRANSMIT_UNBLOCK_THRESHOLD", min(defaultLimits.Resume, l.Mark))
	}
	if err == nil {
		err = limit(&l.Hard, "THESPIAN_DROP_TRANSMITS_LEVEL", max(defaultLimits.Hard, l.Mark))
	}
	if err == nil {
		err = limit(&l.MaxMessage, "THESPIAN_MAX_MESSAGE", defaultLimits.MaxMessage)
	}
	if err == nil {
		err = l.completeUnreachable()
	}
	if err == nil && (l.MaxMessage < 1<<10 || l.MaxMessage > mostMessage || l.Unreachable < 0) {
		err = fmt.Errorf("limits: wanted a MaxMessage from 1024 to %d and an Unreachable above zero, they are %d and %v", mostMessage, l.MaxMessage, l.Unreachable)
	}
	if err == nil && (l.Resume < 1 || l.Resume > l.Mark || l.Mark > l.Hard) {
		err = fmt.Errorf("limits: wanted 1 <= Resume <= Mark <= Hard, they are %d, %d and %d", l.Resume, l.Mark, l.Hard)
	}
	return l, err
}

// completeUnreachable completes a limit that is a time.
func (l *Limits) completeUnreachable() error {
	const variable = "THESPIAN_TRANSMIT_TIMEOUT_PERIOD"
	text := os.Getenv(variable)
	switch {
	case l.Unreachable != 0:
	case text == "":
		l.Unreachable = defaultLimits.Unreachable
	default:
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			text += "s"
		}
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return fmt.Errorf("environment variable %s is %q: wanted a time, such as 90 or 1m30s", variable, os.Getenv(variable))
		}
		l.Unreachable = d
	}
	return nil
}

// limit completes one limit. It is called for one after the other, as the defaults follow from what was set before.
func limit(value *int, variable string, standard int) error {
	if *value != 0 {
		return nil
	}
	*value = standard
	text := os.Getenv(variable)
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return fmt.Errorf("environment variable %s is %q: wanted a number of messages", variable, text)
	}
	*value = n
	return nil
}

// suits returns an error when the options want something that a running system has otherwise. What they leave out may be anything.
func (o *Options) suits(a App, w admin.Welcome) error {
	if o.named {
		if base, err := a.base(o.Base); err == nil && base.Name != w.Base {
			return fmt.Errorf("the system is running on base %s, this program wants %s: leave it out of the options, or start another system with another \"Admin Port\"", w.Base, base.Name)
		}
	}
	known, given, err := o.credentials()
	if err != nil {
		return err
	}
	if given && known.Mark() != w.Credentials {
		running := "with another convention secret or certificate"
		if w.Credentials == "" {
			running = "without a convention secret or certificate"
		}
		return fmt.Errorf("the system is running %s than this program's: leave it out of the options, or start another system with another \"Admin Port\"", running)
	}
	for _, c := range []struct {
		name       string
		want, have int
	}{
		{"Limits.Mark", o.Limits.Mark, w.Limits.Mark}, {"Limits.Resume", o.Limits.Resume, w.Limits.Resume}, {"Limits.Hard", o.Limits.Hard, w.Limits.Hard},
		{"Limits.MaxMessage", o.Limits.MaxMessage, w.Limits.MaxMessage},
		{"LowestPort", o.LowestPort, w.LowestPort}, {"HighestPort", o.HighestPort, w.HighestPort},
	} {
		if c.want != 0 && c.want != c.have {
			return fmt.Errorf("the system is running with %s %d, this program wants %d: leave it out of the options, or start another system with another \"Admin Port\"", c.name, c.have, c.want)
		}
	}
	if want, have := o.Limits.Unreachable, w.Limits.Unreachable; want != 0 && want != have {
		return fmt.Errorf("the system is running with Limits.Unreachable %v, this program wants %v: leave it out of the options, or start another system with another \"Admin Port\"", have, want)
	}
	return nil
}

// startTime bounds how long a process gets to become a part of a system, drainTime how long what was sent gets to arrive, cutTime how long that of a process gets whose system is gone.
const (
	startTime = 10 * time.Second
	drainTime = 5 * time.Second
	cutTime   = 200 * time.Millisecond
)
