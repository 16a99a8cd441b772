package memory_test

import (
	"context"
	"fmt"
	"time"

	"thespian.dev/transport"
	"thespian.dev/transport/memory"
)

// printer is a Handler that prints what it is told.
type printer chan struct{}

func (p printer) Deliver(from transport.Node, messages [][]byte) {
	for _, data := range messages {
		fmt.Printf("%s, from %v\n", data, from)
		p <- struct{}{}
	}
}

func (p printer) Undelivered(to transport.Node, data []byte, perhaps bool, why error) {
	fmt.Printf("%s, to %v: %v\n", data, to, why)
	p <- struct{}{}
}

func (p printer) Admit(context.Context, transport.Node) error { return nil }

// Two nodes on a network that is cut for a moment.
func Example() {
	ctx := context.Background()
	network := memory.NewNetwork(1)
	base := network.Base(transport.Features{Ordered: true, Reliable: true})
	events := make(printer, 1)
	alice := transport.Node{System: 1, Process: 0xa}
	bob := transport.Node{System: 1, Process: 0xb}
	a, err := base.Open(ctx, transport.Config{Self: alice, Handler: events})
	if err != nil {
		panic(err)
	}
	defer a.Close()
	b, err := base.Open(ctx, transport.Config{Self: bob, Handler: events, Listen: "north:1900"})
	if err != nil {
		panic(err)
	}
	defer b.Close()

	network.Partition(a.Endpoint(), b.Endpoint())
	if err := a.Peer(bob, b.Endpoint()).Send(ctx, 0, []byte("hello")); err != nil {
		panic(err)
	}
	fmt.Println("sent to", b.Endpoint())
	network.Heal(a.Endpoint(), b.Endpoint())
	<-events
	// Output:
	// sent to north:1900
	// hello, from 0001.000a
}

// A link with the faults of a bad radio network, one way.
func ExampleNetwork_SetLink() {
	network := memory.NewNetwork(1)
	network.SetLink("memory:1", "memory:2", memory.Link{Delay: 80 * time.Millisecond, Jitter: 40 * time.Millisecond, Loss: 0.05})
	fmt.Println(network.Link("memory:1", "memory:2").Delay)
	fmt.Println(network.Link("memory:2", "memory:1").Delay)
	// Output:
	// 80ms
	// 0s
}
