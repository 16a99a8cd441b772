package peers

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"thespian.dev/benchmarks/internal/contest"
	"thespian.dev/benchmarks/internal/second"
)

const (
	natsRole     = "NATS server"
	natsEchoRole = "NATS responder"
	natsSubject  = "echo"
	natsStart    = 10 * time.Second
	natsPending  = 1 << 30 // more than a measurement publishes, or the server would drop a subscriber that is slower than the publisher
)

// serveNATS is a second.Role: the server, through which all goes.
func serveNATS(ctx context.Context, _ string, ready func(string)) error {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, MaxPending: natsPending})
	if err != nil {
		return err
	}
	s.Start()
	defer s.WaitForShutdown()
	defer s.Shutdown()
	if !s.ReadyForConnections(natsStart) {
		return errors.New("the NATS server did not become ready")
	}
	ready(s.ClientURL())
	<-ctx.Done()
	return nil
}

// echoNATS is a second.Role: it answers, by way of the server.
func echoNATS(ctx context.Context, server string, ready func(string)) error {
	c, err := nats.Connect(server)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Subscribe(natsSubject, func(question *nats.Msg) { _ = question.Respond(question.Data) }); err != nil {
		return err
	}
	if err := c.Flush(); err != nil {
		return err
	}
	ready(natsSubject)
	<-ctx.Done()
	return nil
}

func askNATS(ctx context.Context, m contest.Meter, callers, n int) (err error) {
	server, err := second.Start(ctx, natsRole, "")
	if err != nil {
		return err
	}
	defer func() { err = stop(server, err) }()
	responder, err := second.Start(ctx, natsEchoRole, server.Address)
	if err != nil {
		return err
	}
	defer func() { err = stop(responder, err) }()
	client, err := nats.Connect(server.Address)
	if err != nil {
		return err
	}
	defer client.Close()
	question := make([]byte, 64)
	ask := func() error {
		_, err := client.RequestWithContext(ctx, natsSubject, question)
		return err
	}
	if err := ask(); err != nil {
		return err
	}
	m.ResetTimer()
	err = askAll(callers, n, ask)
	m.StopTimer()
	return err
}
