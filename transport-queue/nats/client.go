package nats

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"thespian.dev/transport"
)

const (
	// connectWithin is how long the first connection to the server may take.
	connectWithin = 10 * time.Second
	// reconnectEvery is how often it is tried again, pingEvery how often the server is asked whether it is there, and writeWithin how long it may take no bytes.
	reconnectEvery = 500 * time.Millisecond
	pingEvery      = 10 * time.Second
	writeWithin    = 5 * time.Second
	// checkEvery is how often a connection that carries nothing is checked.
	checkEvery = 15 * time.Second
)

// client is the connection of a node to the server, and what comes over it.
type client struct {
	nats    *natsgo.Conn
	log     *slog.Logger
	host    string // its number
	secured bool   // connections use TLS between their ends
	inbox   string // the subject of an end of a connection, without its own number

	open sync.WaitGroup // connections
	work sync.WaitGroup // goroutines
	stop chan struct{}

	mu      sync.Mutex
	conns   map[string]*connection
	closed  bool          // there will be no more connections
	changed chan struct{} // closed and replaced when the connection to the server changed
}

// connect connects to the server.
func connect(ctx context.Context, url string, options []natsgo.Option, config transport.Config) (*client, error) {
	host, err := hostNumber()
	if err != nil {
		return nil, err
	}
	c := &client{
		log:     config.Logger,
		host:    host,
		secured: config.TLS != nil,
		inbox:   conns + rand.Text() + ".",
		stop:    make(chan struct{}),
		conns:   make(map[string]*connection),
		changed: make(chan struct{}),
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	o := natsgo.GetDefaultOptions()
	o.Url = url
	o.Name = "thespian " + config.Self.String()
	o.Timeout = connectWithin / 2 // of each server: one under load may take more than the two seconds that are the default
	o.MaxReconnect = -1
	o.ReconnectWait = reconnectEvery
	o.PingInterval = pingEvery
	o.FlusherTimeout = writeWithin
	o.IgnoreAuthErrorAbort = true // as when the server is given other users, and gets ours later
	for _, option := range options {
		if option == nil {
			continue
		}
		if err := option(&o); err != nil {
			return nil, fmt.Errorf("option: %w", err)
		}
	}
	o.ReconnectBufSize = -1 // what is not sent at once is kept by package stream
	c.observe(&o)
	if until, ok := ctx.Deadline(); ok {
		o.Timeout = min(o.Timeout, max(time.Until(until), time.Millisecond))
	}
	if c.nats, err = o.Connect(); err != nil {
		return nil, fmt.Errorf("%s: %w", shown(url), err)
	}
	if err := c.subscribe(ctx, c.inbox+"*", c.arrive); err != nil {
		c.nats.Close()
		return nil, fmt.Errorf("%s: %w", shown(url), err)
	}
	switch {
	case !c.nats.HeadersSupported(): // without them it does not say that nobody is there, either
		err = errors.New("it is older than version 2.2")
	case c.nats.MaxPayload() < int64(headSize+minPiece):
		err = fmt.Errorf("max_payload is %d bytes, at least %d are needed", c.nats.MaxPayload(), headSize+minPiece)
	}
	if err != nil {
		c.nats.Close()
		return nil, fmt.Errorf("the server %s: %w", c.nats.ConnectedUrlRedacted(), err)
	}
	c.spawn(c.checkAll)
	return c, nil
}

// observe has the client told of what happens to its connection to the server, before those that the user named.
func (c *client) observe(o *natsgo.Options) {
	disconnected, disconnectedToo := o.DisconnectedErrCB, o.DisconnectedCB
	o.DisconnectedErrCB = func(nc *natsgo.Conn, err error) {
		c.lose(err)
		switch {
		case disconnected != nil:
			disconnected(nc, err)
		case disconnectedToo != nil:
			disconnectedToo(nc)
		}
	}
	for _, callback := range []*natsgo.ConnHandler{&o.ConnectedCB, &o.ReconnectedCB, &o.ClosedCB} {
		theirs := *callback
		*callback = func(nc *natsgo.Conn) {
			c.change()
			if theirs != nil {
				theirs(nc)
			}
		}
	}
	failed := o.AsyncErrorCB
	o.AsyncErrorCB = func(nc *natsgo.Conn, sub *natsgo.Subscription, err error) {
		c.log.Warn("nats", "error", err)
		if errors.Is(err, natsgo.ErrSlowConsumer) {
			c.lose(err) // messages were dropped, perhaps the last ones, behind which no gap is seen
		}
		if failed != nil {
			failed(nc, sub, err)
		}
	}
}

// serverIsHere says whether the server is on the loopback of this host.
func (c *client) serverIsHere() bool {
	host, _, err := net.SplitHostPort(c.nats.ConnectedAddr())
	return err == nil && isLoopback(host)
}

// subscribe returns when the server sends what comes to a subject.
func (c *client) subscribe(ctx context.Context, subject string, take natsgo.MsgHandler) error {
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	if err := c.connected(ctx); err != nil {
		return err
	}
	if _, err := c.nats.Subscribe(subject, take); err != nil {
		return err
	}
	if err := c.nats.FlushWithContext(ctx); err != nil {
		return err
	}
	if err := c.nats.LastError(); errors.Is(err, natsgo.ErrPermissionViolation) {
		return fmt.Errorf("subscribe to %s: %w", subject, err)
	}
	return nil
}

// connected waits until the server is there.
func (c *client) connected(ctx context.Context) error {
	for {
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		switch c.nats.Status() {
		case natsgo.CONNECTED:
			return nil
		case natsgo.CLOSED:
			return c.why(natsgo.ErrConnectionClosed)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return c.why(fmt.Errorf("the server is not reached: %w", ctx.Err()))
		}
	}
}

// why adds what the client last had to complain of.
func (c *client) why(err error) error {
	if last := c.nats.LastError(); last != nil && !errors.Is(err, last) {
		return fmt.Errorf("%w: %w", err, last)
	}
	return err
}

// change lets those look that wait for the server.
func (c *client) change() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.changed)
	c.changed = make(chan struct{})
}

// lose breaks all connections: messages may have been lost.
func (c *client) lose(why error) {
	c.change()
	if why != nil {
		why = fmt.Errorf("%w: %w", errDisconnected, why)
	} else {
		why = errDisconnected
	}
	for _, conn := range c.all() {
		conn.fail(why)
	}
}

func (c *client) all() []*connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*connection, 0, len(c.conns))
	for _, conn := range c.conns {
		all = append(all, conn)
	}
	return all
}

// checkAll is the goroutine that checks connections that carry nothing.
func (c *client) checkAll() {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-c.stop:
			return
		}
		for _, conn := range c.all() {
			conn.check()
		}
	}
}

// spawn starts a goroutine, unless the client closes.
func (c *client) spawn(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.work.Go(f)
	}
}

// add returns a new end of a connection.
func (c *client) add() (*connection, error) {
	conn := &connection{
		client:   c,
		id:       rand.Text(),
		ready:    make(chan struct{}),
		done:     make(chan struct{}),
		readBy:   newDeadline(),
		writeBy:  newDeadline(),
		readable: make(chan struct{}, 1),
		writable: make(chan struct{}, 1),
		granted:  window(0),
	}
	conn.from = c.inbox + conn.id
	// The server may be another one than that of the last connection.
	conn.self = side{host: c.host, leaves: c.secured || !c.serverIsHere()}
	conn.maxPiece = max(minPiece, min(maxPiece, int(c.nats.MaxPayload())-headSize))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, net.ErrClosed
	}
	c.conns[conn.id] = conn
	c.open.Add(1)
	return conn, nil
}

func (c *client) remove(conn *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.conns, conn.id)
	c.open.Done()
}

// publish sends a message, without waiting for more than the server's socket. An error means that it may not have been sent.
func (c *client) publish(to, from string, data []byte) error {
	return c.nats.PublishRequest(to, from, data)
}

// say is publish for a message without bytes, of which nobody has to know whether it was sent: if it was not, the connection breaks.
func (c *client) say(to, from string, m message) {
	if err := c.publish(to, from, m.append(make([]byte, 0, headSize))); err != nil {
		c.log.Debug("nats: not sent", "to", to, "error", err)
	}
}

// arrive is called with each message for an end of a connection.
func (c *client) arrive(msg *natsgo.Msg) {
	c.mu.Lock()
	conn := c.conns[strings.TrimPrefix(msg.Subject, c.inbox)]
	c.mu.Unlock()
	m, ok := parse(msg.Data)
	switch {
	case nobody(msg):
		if conn != nil {
			conn.gone()
		}
	case !ok:
		c.log.Debug("nats: garbage", "subject", msg.Subject)
	case conn != nil:
		if conn.take(msg.Reply, m) {
			c.say(msg.Reply, msg.Subject, message{kind: kindReset})
		}
	case (m.kind == kindSegment || m.kind == kindAccept) && isConn(msg.Reply):
		c.say(msg.Reply, msg.Subject, message{kind: kindReset})
	}
}

// nobody says whether a message is the server's, that nobody gets what was sent last.
func nobody(msg *natsgo.Msg) bool {
	return len(msg.Data) == 0 && msg.Reply == "" && msg.Header.Get("Status") == "503"
}

// close waits until all connections are closed, then closes the one to the server, when what was written has been handed to it.
func (c *client) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.open.Wait()
	close(c.stop)
	c.work.Wait()
	c.nats.Close()
}
