package nats

import (
	"context"
	"net"

	"thespian.dev/transport"
)

// stranger is a connection with a client of its own.
type stranger struct {
	net.Conn
	client *client
}

func (s stranger) Close() error {
	err := s.Conn.Close()
	s.client.close()
	return err
}

// DialStranger connects to an endpoint as a stranger does.
func DialStranger(url, endpoint string) (net.Conn, error) {
	c, err := connect(context.Background(), url, nil, transport.Config{})
	if err != nil {
		return nil, err
	}
	conn, err := c.dial(context.Background(), endpoint)
	if err != nil {
		c.close()
		return nil, err
	}
	return stranger{conn, c}, nil
}

// Pair returns both ends of a connection, of two clients. end closes the ends and the clients.
func Pair(url string) (a, b net.Conn, end func(), err error) {
	ctx := context.Background()
	config := transport.Config{}
	ca, err := connect(ctx, url, nil, config)
	if err != nil {
		return nil, nil, nil, err
	}
	_, l, endpoint, err := open(ctx, url, nil, config)
	if err != nil {
		return nil, nil, nil, err
	}
	if a, err = ca.dial(ctx, endpoint); err == nil {
		b, err = l.Accept()
	}
	return a, b, func() {
		_, _, _ = a.Close(), b.Close(), l.Close()
		_, _ = l.Accept() // closes the client
		ca.close()
	}, err
}

// FirstWindow is how much an end takes at first.
const FirstWindow = firstWindow

// Reset returns a message that ends a connection.
func Reset() []byte { return message{kind: kindReset}.append(nil) }

// Bytes returns a message with bytes of a connection.
func Bytes(position, limit uint64, b string) []byte {
	return message{kindSegment, position, limit, []byte(b)}.append(nil)
}
