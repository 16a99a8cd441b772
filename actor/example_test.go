package actor_test

import (
	"fmt"
	"time"

	"thespian.dev/actor"
	"thespian.dev/address"
)

// A shop asks its warehouse how much is there before it answers, and goes on with other customers meanwhile.
type shop struct {
	warehouse address.Address
	asked     int
}

func (s *shop) Receive(ctx *actor.Context, msg any) error {
	item, ok := msg.(string)
	if !ok {
		return nil
	}
	customer := ctx.Sender() // to be kept: the function below runs when another message is being received
	ctx.Request(s.warehouse, item, time.Minute, func(reply any, err error) error {
		s.asked++ // allowed: it is the actor's own turn
		if err != nil {
			ctx.Send(customer, "ask again later")
			return nil
		}
		ctx.Send(customer, fmt.Sprintf("%v in stock, inquiry no. %d", reply, s.asked))
		return nil
	})
	return nil
}

func ExampleContext_Request() {
	system := newRuntime() // that of an actor under test
	ctx := actor.MakeContext(system)
	s := &shop{}
	fmt.Println(s.Receive(&ctx, "apples"))
	fmt.Println(system.then(7, nil)) // the answer comes
	fmt.Println(system.sent...)
	// Output:
	// <nil>
	// <nil>
	// 7 in stock, inquiry no. 1
}

func ExampleTransient() {
	kind := actor.Kind{Name: "session", New: func() actor.Actor {
		return actor.TransientIdle(&shop{}, 10*time.Minute) // ends when no customer came for that long
	}}
	fmt.Println(kind.Validate())
	// Output: <nil>
}

// Settings are what a worker has to know before it works.
type Settings struct{ Greeting string }

type worker struct{ settings Settings }

func (w *worker) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case Settings:
		w.settings = m
	case string:
		ctx.Send(ctx.Sender(), w.settings.Greeting+", "+m)
	}
	return nil
}

func ExampleInitializing() {
	system := newRuntime()
	ctx := actor.MakeContext(system)
	w := actor.Initializing(&worker{}, Settings{})
	_ = w.Receive(&ctx, "World") // held until the settings came
	_ = w.Receive(&ctx, Settings{"Hello"})
	fmt.Println(system.sent...) // what is released comes next
	_ = w.Receive(&ctx, "World")
	fmt.Println(system.sent[2])
	// Output:
	// hold release
	// Hello, World
}
