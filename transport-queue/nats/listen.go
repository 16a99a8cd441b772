package nats

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"thespian.dev/transport"
	"thespian.dev/transport/ports"
)

const (
	// maxWaiting is how many connections may wait for Accept.
	maxWaiting = 128
	// answerWithin is how long the node at an endpoint has to say that it is there.
	answerWithin = 200 * time.Millisecond
)

// listener takes the connections of a node. Accept has to be called until it returns an error: it closes the client then, once all connections are closed.
type listener struct {
	client  *client
	at      addr
	waiting chan *connection
	closed  chan struct{} // closed by Close
	once    sync.Once

	mu   sync.Mutex
	over bool // waiting is closed
}

// open connects to the server and listens.
func open(ctx context.Context, url string, options []natsgo.Option, config transport.Config) (*client, net.Listener, string, error) {
	c, err := connect(ctx, url, options, config)
	if err != nil {
		return nil, nil, "", err
	}
	l, err := c.listen(ctx, config)
	if err != nil {
		c.close()
		return nil, nil, "", err
	}
	return c, l, string(l.at), nil
}

// listen takes the endpoint that the configuration asks for. Ports are numbers alone, chosen as those of sockets are.
func (c *client) listen(ctx context.Context, config transport.Config) (*listener, error) {
	if config.LowestPort <= 0 && config.HighestPort <= 0 {
		config.LowestPort = 1
	}
	return ports.Listen(config, func(address string) (*listener, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		number, err := strconv.Atoi(port)
		if err != nil {
			return nil, err
		}
		if isLoopback(host) {
			host = c.host
		} else if ip := net.ParseIP(host); ip != nil {
			host, _, _ = net.SplitHostPort(ports.Endpoint(ip, number))
		}
		return c.listenAt(ctx, net.JoinHostPort(host, port))
	})
}

// listenAt takes an endpoint, if nobody is there. Of two that take the same one at once, both get it: whoever connects notices, and tries again.
func (c *client) listenAt(ctx context.Context, endpoint string) (*listener, error) {
	subject, err := c.subject(endpoint)
	if err != nil {
		return nil, err
	}
	probe, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	conn, err := c.dial(probe, endpoint)
	if err == nil {
		_ = conn.Close()
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err == nil || errors.Is(err, errReset):
		return nil, fmt.Errorf("%s: %w", endpoint, syscall.EADDRINUSE)
	case !errors.Is(err, errNobody) && !errors.Is(err, context.DeadlineExceeded): // somebody who only listens in keeps the server from saying that nobody is there
		return nil, err
	}
	l := &listener{client: c, at: addr(endpoint), waiting: make(chan *connection, maxWaiting), closed: make(chan struct{})}
	return l, c.subscribe(ctx, subject, l.arrive)
}

// arrive is called with each message to the node.
func (l *listener) arrive(msg *natsgo.Msg) {
	c := l.client
	m, ok := parse(msg.Data)
	other, ok2 := parseSide(m.body)
	if !ok || !ok2 || m.kind != kindConnect || !isConn(msg.Reply) {
		c.log.Debug("nats: garbage", "subject", msg.Subject)
		return
	}
	conn := l.take(msg.Reply, m, other)
	if conn == nil {
		c.say(msg.Reply, msg.Subject, message{kind: kindReset})
		return
	}
	if err := c.publish(msg.Reply, conn.from, message{kindAccept, 0, window(0), conn.self.append(nil)}.append(nil)); err != nil {
		conn.fail(err)
	}
}

// take returns a new end of a connection, which Accept returns, too; nil if there is no room for one.
func (l *listener) take(to string, m message, other side) *connection {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over || len(l.waiting) == cap(l.waiting) {
		return nil
	}
	conn, err := l.client.add()
	if err != nil {
		return nil
	}
	conn.mu.Lock()
	conn.meet(to, m, other)
	conn.mu.Unlock()
	l.waiting <- conn // which nobody else fills
	return conn
}

// Accept waits for a connection.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
	default:
		select {
		case conn := <-l.waiting:
			return conn, nil
		case <-l.closed:
		}
	}
	l.mu.Lock()
	l.over = true
	close(l.waiting)
	l.mu.Unlock()
	for conn := range l.waiting {
		_ = conn.Close()
	}
	l.client.close()
	return nil, net.ErrClosed
}

// Close takes no more connections.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr returns the endpoint.
func (l *listener) Addr() net.Addr { return l.at }
