package tcp_test

import (
	"context"
	"fmt"

	"thespian.dev/transport"
	tcp "thespian.dev/transport-tcp"
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
	ctx := context.Background()
	key := []byte("what the nodes of the system share")
	base := tcp.Base()
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
