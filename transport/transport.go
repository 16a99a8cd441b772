// Package transport is the contract between the nodes of actor systems and what carries messages between them.
//
// A [Transport] is opened for one node: a process, as far as one system is concerned. It takes encoded messages to other nodes and hands what
// comes from them to a [Handler]. It knows nothing of actors: a message is bytes, and where it leads is in them.
//
// What a transport cannot promise it declares in [Features]; package transporttest checks that it keeps what it declares.
package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"
)

// A Node names a process of a system: the first two parts of the identity of each actor that it creates. It is drawn at random and never used again,
// so a new process at the endpoint of an old one is another node.
type Node struct {
	System, Process uint64
}

// String returns a short form for people: parts of both numbers.
func (n Node) String() string { return fmt.Sprintf("%04x.%04x", uint16(n.System), uint16(n.Process)) }

// A Base is a transport that a program can choose. It is a value that a process finds again by name, so it must not depend on what the program did before.
type Base struct {
	// Name is how the base is chosen and found again in other processes, such as "multiprocTCPBase".
	Name string
	// Short is another name for it, such as "tcp".
	Short string
	// AdminPort is the port at which the Admin of a system listens unless it is told otherwise.
	AdminPort int
	Features  Features
	// Open opens the transport of one node. It returns when others can reach the node. ctx bounds the opening alone.
	Open func(ctx context.Context, config Config) (Transport, error)
	// Network makes the connections between systems. Without one, systems on the base do not meet others.
	Network Network
}

// A Network makes connections. All its fields are needed, or none.
type Network struct {
	// Listen returns where others are taken, and the endpoint by which they find it.
	Listen func(ctx context.Context, config Config) (listener net.Listener, endpoint string, err error)
	// Dial connects to an endpoint. It returns soon after ctx is done.
	Dial func(ctx context.Context, endpoint string) (net.Conn, error)
	// Leaves says whether a connection leads to another host. Both its ends find the same.
	Leaves func(net.Conn) bool
}

// Features is what a transport promises. The zero value promises nothing.
type Features struct {
	// Ordered: of the messages from one node to another, those that arrive come in the order in which they were sent, each once. Only a transport that is neither
	// ordered nor reliable may deliver one twice.
	Ordered bool
	// Reliable: each message that Send took arrives, unless its receiver or its sender ends before it could, or is unreachable for the
	// configured time; it is reported then.
	Reliable bool
	// MaxMessage is the length in bytes of the longest message, 0 if only the configuration limits it.
	MaxMessage int
	// Remote: it reaches nodes of other hosts.
	Remote bool
}

// Defaults of a [Config].
const (
	DefaultMaxMessage  = 64 << 20
	DefaultWindow      = 4 << 20
	DefaultIdle        = 20 * time.Minute
	DefaultUnreachable = 5 * time.Minute
)

// LongMessage is the length in bytes above which a message may travel in pieces, between which others go.
const LongMessage = 256 << 10

// Config is what a transport is opened with. Self and Handler are needed; the zero value of each other field works.
type Config struct {
	Self    Node
	Handler Handler

	// Listen is the endpoint where the node is to be reached, in the transport's own form, without a port or with port 0 for any that is free.
	// "" stands for a free one that this host alone can reach.
	Listen string
	// LowestPort and HighestPort bound what a free port may be. 0: the operating system chooses.
	LowestPort, HighestPort int

	// Key is what the nodes of the system share. Whoever connects has to prove that it knows the key, without showing it, before it can make a node take
	// memory or time for it. An empty key is known by nobody: only Handler.Admit and TLS decide.
	Key []byte
	// TLS, if there is one, is used for connections that leave the host, and both sides must show certificates.
	TLS *tls.Config

	// Guest takes connections on which something else is said than what the transport's nodes say to each other, if there is one: they share its port. It is called on a goroutine of the transport for
	// each. Until it returns, the connection counts as a stranger's, of which there are not many; then it is Guest's alone. Only transports whose Base has a Network have guests.
	Guest func(net.Conn)

	// MaxMessage is the limit in bytes for one message, either way. What is above the limit of its receiver alone is refused or taken back, with
	// [ErrTooLarge], and does no harm to other messages. 0: [DefaultMaxMessage].
	MaxMessage int
	// Window is how many bytes may be kept for one peer that were not confirmed yet; one message that is longer fits by itself. A transport may count some bytes more for each
	// message, so that empty ones are bounded, too. 0: [DefaultWindow].
	Window int
	// Idle is how long a connection stays open that carries nothing. 0: [DefaultIdle]; below 0: for ever.
	Idle time.Duration
	// Unreachable is how long a message is kept for a peer that cannot be reached, from when it was sent or the peer got out of reach, whichever was later.
	// 0: [DefaultUnreachable]; below 0: for ever.
	Unreachable time.Duration

	// Released is called with messages longer than [LongMessage] that Send or Assure took, when the transport needs their memory no more: once for each that was delivered, unless that was only known from a
	// later connection, at most once for each that is reported: others are left to the garbage collector. It is called with locks held, and returns at once.
	Released func(data []byte)

	// Logger gets what nobody is told of, such as strangers' connections. nil: nothing is logged.
	Logger *slog.Logger
}

// WithDefaults returns c with the defaults in the place of zeros, and MaxMessage within the features.
func (c Config) WithDefaults(f Features) Config {
	if c.MaxMessage <= 0 {
		c.MaxMessage = DefaultMaxMessage
	}
	if f.MaxMessage > 0 && c.MaxMessage > f.MaxMessage {
		c.MaxMessage = f.MaxMessage
	}
	if c.Window <= 0 {
		c.Window = DefaultWindow
	}
	if c.Idle == 0 {
		c.Idle = DefaultIdle
	}
	if c.Unreachable == 0 {
		c.Unreachable = DefaultUnreachable
	}
	if c.Released == nil {
		c.Released = func([]byte) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// A Handler is what a transport tells of what happens. Its methods are called from goroutines of the transport, which wait for them: Deliver and Undelivered for one
// peer one after the other, those for different peers, and Admit, at once. They keep nothing of what they are given after they return, but for a message that is longer than [LongMessage], which Deliver gets by itself and may keep, and may call Send and Forget of any peer with a
// context that is bounded, but neither Shutdown nor Close, which wait for them.
type Handler interface {
	// Deliver takes messages from another node, one or several that came together, in their order. It returns soon: what comes from that node waits behind it.
	// When the transport confirms messages, it does so after Deliver has returned.
	Deliver(from Node, messages [][]byte)

	// Undelivered takes back a message that Send took and that did not reach its node; or, if perhaps, of which
	// nobody knows whether it did. A transport that is not reliable takes back what never left; it does not know more. A message is taken back at most once, and no message that Deliver got for certain. why is what to tell people.
	Undelivered(to Node, data []byte, perhaps bool, why error)

	// Admit decides whether a node may connect that has proven all that the configuration asks for. It is asked at the accepting end, at each connection, and may take
	// its time until ctx is done, at the latest when the transport is closed. It refuses nodes that have ended; a transport need not remember those for ever. The error is
	// logged, and the stranger learns only that it was refused.
	Admit(ctx context.Context, from Node) error
}

// A Transport carries messages for one node. All methods may be called from several goroutines at once.
type Transport interface {
	// Endpoint returns where other nodes reach this one, in the transport's own form. It does not change.
	Endpoint() string

	// Peer returns what sends to a node: always the same while the node was not forgotten. endpoint is where the node listens; "" if that is not known, as of a node that
	// connects by itself: it is reached once it has, and then where it said that it listens. A later call with another endpoint changes it. Nothing is connected before there is something to send.
	// After Close, and for a node that was forgotten, it returns a peer that refuses all messages.
	Peer(to Node, endpoint string) Peer

	// Lost returns how many messages to this node are known to have got lost on their way. A reliable transport loses none.
	Lost() uint64

	// Shutdown takes no more messages, brings those that Send took to their nodes as far as it can before ctx is done, and says goodbye to the peers, so that
	// they know that nothing was lost. What arrives meanwhile is delivered. It then closes. The error is that of ctx if there was more to bring.
	Shutdown(ctx context.Context) error

	// Close closes at once. What was not confirmed is reported to Handler.Undelivered. When it returns, no goroutine of the transport is left
	// and the Handler is not called any more. It may be called again, and after Shutdown.
	Close() error
}

// A Peer sends to one node. All methods may be called from several goroutines at once.
type Peer interface {
	// Send takes a message to the node. On an ordered transport it comes behind what was sent before; only a message longer than [LongMessage] may be
	// overtaken, by messages of other flows: a flow is any number that the caller gives to messages that must stay in order, such as one for each sending actor. data is
	// the caller's again when Send returns, unless it was taken and is longer than [LongMessage]: then it is the transport's until [Config.Released] is called. While the window is full, Send waits until ctx is done; a nil ctx means that it must not wait, as is
	// needed for messages of the system: then the window may grow beyond its limit, by no more than it has. An error means that the message was not taken, wraps [ErrTooLarge], [ErrForgotten], [ErrFull], [ErrClosed] or
	// that of ctx, and nothing else will be heard of it.
	Send(ctx context.Context, flow uint64, data []byte) error

	// Assure is Send for what must not get lost, as the messages of the system itself. On a reliable transport it is the same. On another one such messages are confirmed and sent again until they
	// arrive, each once and in the order in which they were sent; what is kept for a peer counts towards its window, and is reported as on a reliable transport.
	Assure(ctx context.Context, flow uint64, data []byte) error

	// Forget says that the node has ended for ever. What it had sent is read to its end and handed to the Handler, then what is left for it is reported to
	// Handler.Undelivered, and then Forget returns. When the ctx of the first call is done, the reading stops and Forget returns at once; the reports follow, before Close
	// returns at the latest. New messages are refused from the first call on. Further calls wait for it, until their own ctx is done. The node cannot connect again.
	Forget(ctx context.Context)
}

// An Attendable is a Peer of which whoever waits for something from the node can take what comes, on its own goroutine: that saves waking it. Not every transport has them.
//
// There is a goroutine of the transport that reads as long as nobody attends. Asked by Attend, it makes way when what is waited for has come, and comes back
// when nobody has attended for a few milliseconds, or an eighth of a second if somebody did again and again. So who asks again and again attends, but for the first time.
type Attendable interface {
	Peer

	// Attend takes what comes from the node and hands it to the Handler, which may thus be called on the goroutine that called Attend, until done says so: it is asked before each wait and after each call of the
	// Handler, not while any of the transport's locks is held. Attend returns sooner, when what comes is for the transport's goroutine to take. It returns false at once if that reads now, which then asks done
	// now and then, from its own goroutine, until done says so; or if somebody else attends, who then does not leave the node unread.
	Attend(done func() bool) bool

	// Interrupt has whoever attends ask done.
	Interrupt()

	// Release has the transport's goroutine read again, at the latest when nobody attends any more: somebody waits for something from there who does not attend.
	Release()
}

// The errors of Send.
var (
	ErrTooLarge  = errors.New("the message is larger than the transport's limit")
	ErrForgotten = errors.New("the process of the receiver has ended")
	ErrFull      = errors.New("too much waits for the process of the receiver")
	ErrClosed    = errors.New("the transport is closed")
)
