package nats

import (
	"context"
	"net"
	"sync"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"thespian.dev/transport"
)

// lookEvery is how often it is looked whether the node that is to answer is still there.
const lookEvery = 100 * time.Millisecond

// dial connects to the node at an endpoint.
func (c *client) dial(ctx context.Context, endpoint string) (net.Conn, error) {
	subject, err := c.subject(endpoint)
	if err != nil {
		return nil, err
	}
	if err := c.connected(ctx); err != nil {
		return nil, err
	}
	conn, err := c.add()
	if err != nil {
		return nil, err
	}
	if err := c.request(ctx, conn, subject); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// An alone connection has a client of its own, which ends with it.
type alone struct {
	*connection
	ended sync.Once
}

func (a *alone) Close() error {
	err := a.connection.Close()
	a.ended.Do(a.client.close)
	return err
}

// dialAlone connects to the node at an endpoint for somebody who has no client.
func dialAlone(ctx context.Context, url string, options []natsgo.Option, endpoint string) (net.Conn, error) {
	c, err := connect(ctx, url, options, transport.Config{})
	if err != nil {
		return nil, err
	}
	conn, err := c.dial(ctx, endpoint)
	if err != nil {
		c.close()
		return nil, err
	}
	return &alone{connection: conn.(*connection)}, nil
}

// request asks for a connection, and waits for the answer.
func (c *client) request(ctx context.Context, conn *connection, subject string) error {
	if err := c.publish(subject, conn.from, message{kindConnect, 0, window(0), conn.self.append(nil)}.append(nil)); err != nil {
		return err
	}
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-conn.ready:
			return conn.unmet()
		case <-look.C: // the node may have ended before it answered: then the server says that nobody gets this
			c.say(subject, conn.from, message{kind: kindSegment})
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
