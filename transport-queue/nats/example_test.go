package nats_test

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"

	"thespian.dev/transport"
	"thespian.dev/transport-queue/nats"
)

// printer is a Handler that prints what it gets.
type printer struct{ done chan struct{} }

func (p printer) Deliver(from transport.Node, messages [][]byte) {
	for _, data := range messages {
		fmt.Printf("%s from %v\n", data, from)
	}
	close(p.done)
}
func (p printer) Undelivered(transport.Node, []byte, bool, error) {}
func (p printer) Admit(context.Context, transport.Node) error     { return nil }

func Example() {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true}) // elsewhere it runs by itself
	if err != nil {
		fmt.Println(err)
		return
	}
	s.Start()
	defer s.Shutdown()
	s.ReadyForConnections(10 * time.Second)

	ctx := context.Background()
	key := []byte("what the nodes of the system share")
	base := nats.Base(s.ClientURL(), natsgo.ReconnectWait(time.Second))
	done := make(chan struct{})
	one, err := base.Open(ctx, transport.Config{Self: transport.Node{System: 1, Process: 1}, Handler: printer{}, Key: key})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer one.Close()
	two, err := base.Open(ctx, transport.Config{Self: transport.Node{System: 1, Process: 2}, Handler: printer{done}, Key: key})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer two.Close()
	err = one.Peer(transport.Node{System: 1, Process: 2}, two.Endpoint()).Send(ctx, 0, []byte("hello"))
	<-done
	fmt.Println(err)
	// Output:
	// hello from 0001.0001
	// <nil>
}
