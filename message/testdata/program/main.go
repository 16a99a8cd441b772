// Command program prints how types of its package main are named on the wire.
package main

import (
	"fmt"
	"os"

	"thespian.dev/message"
)

// Greet and Box are messages.
type (
	Greet      struct{ Name string }
	Box[T any] struct{ Value T }
)

func main() {
	sender, err := message.NewRegistry(message.Types(Greet{}, Box[Greet]{}))
	if err != nil {
		fail(err)
	}
	receiver, err := message.NewRegistry()
	if err != nil {
		fail(err)
	}
	for _, msg := range []any{Greet{}, Box[Greet]{}} {
		data, err := sender.Append(nil, msg)
		if err != nil {
			fail(err)
		}
		got, err := receiver.Decode(data)
		if err != nil {
			fail(err)
		}
		fmt.Println(got.(message.Opaque).Name)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
