package system_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"thespian.dev/actor"
	"thespian.dev/message"
	"thespian.dev/system"
)

// A Greet asks for a greeting.
type Greet struct{ Name string }

// greet is the Receive of an actor without state.
func greet(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case Greet:
		ctx.Send(ctx.Sender(), "Hello, "+m.Name)
	}
	return nil
}

var app = system.App{
	Kinds:    []actor.Kind{{Name: "greeter", New: func() actor.Actor { return actor.Func(greet) }}},
	Messages: message.Types(Greet{}),
}

func ExampleApp_Start() {
	ctx := context.Background()
	sys, err := app.Start(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sys.Shutdown(ctx)
	greeter, err := sys.Create(ctx, "greeter")
	if err != nil {
		fmt.Println(err)
		return
	}
	reply, err := sys.Ask(ctx, greeter, Greet{Name: "World"})
	fmt.Println(reply, err)
	// Output: Hello, World <nil>
}

// In a unit test, one message at a time in a fixed order makes each run go the same way. Ask then knows when no answer can come any more.
func ExampleApp_Start_synchronous() {
	ctx := context.Background()
	sys, err := app.Start(ctx, &system.Options{Synchronous: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sys.Shutdown(ctx)
	greeter, _ := sys.Create(ctx, "greeter")
	_, err = sys.Ask(ctx, greeter, "greeters do not answer this")
	fmt.Println(errors.Is(err, system.ErrNoAnswer))
	// Output: true
}

func ExampleAsk() {
	ctx := context.Background()
	sys, err := app.Start(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sys.Shutdown(ctx)
	greeter, _ := sys.Create(ctx, "greeter")
	greeting, err := system.Ask[string](ctx, sys, greeter, Greet{Name: "World"})
	fmt.Println(len(greeting), err)
	_, err = system.Ask[int](ctx, sys, greeter, Greet{Name: "World"})
	fmt.Println(err)
	// Output:
	// 12 <nil>
	// the answer is a string, wanted int
}

// Goroutines that send messages with Tell and listen for what comes use an endpoint each.
func ExampleSystem_Private() {
	ctx := context.Background()
	sys, err := app.Start(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sys.Shutdown(ctx)
	greeter, _ := sys.Create(ctx, "greeter")
	done := make(chan any)
	for _, name := range []string{"Ada", "Alan"} {
		go func() {
			me := sys.Private()
			defer me.Close()
			_ = me.Tell(ctx, greeter, Greet{name})
			greeting, _, _ := me.Listen(ctx)
			done <- greeting == "Hello, "+name
		}()
	}
	fmt.Println(<-done, <-done)
	// Output: true true
}

// An actor asks another one without waiting: the answer is handled in a later turn of its own.
func Example_request() {
	app := system.App{Messages: message.Types(Greet{}), Kinds: append([]actor.Kind{{Name: "polite", New: func() actor.Actor {
		return actor.Func(func(ctx *actor.Context, msg any) error {
			m, ok := msg.(Greet)
			if !ok {
				return nil
			}
			asker := ctx.Sender() // to be kept: the function runs when another message is being received
			actor.Request(ctx, ctx.Create("greeter"), m, time.Minute, func(greeting string, err error) error {
				if err != nil {
					return err
				}
				ctx.Send(asker, greeting+", and a nice day")
				return nil
			})
			return nil
		})
	}}}, app.Kinds...)}
	ctx := context.Background()
	sys, err := app.Start(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sys.Shutdown(ctx)
	polite, _ := sys.Create(ctx, "polite")
	fmt.Println(sys.Ask(ctx, polite, Greet{"World"}))
	// Output: Hello, World, and a nice day <nil>
}

// An actor that is not needed for a while ends by itself.
func Example_transient() {
	app := system.App{Messages: message.Types(Greet{}), Kinds: []actor.Kind{{Name: "greeter", New: func() actor.Actor {
		return actor.TransientIdle(actor.Func(greet), time.Millisecond)
	}}}}
	ctx := context.Background()
	sys, err := app.Start(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sys.Shutdown(ctx)
	greeter, _ := sys.Create(ctx, "greeter")
	for {
		if _, err := sys.Ask(ctx, greeter, message.StatusRequest{}); err != nil {
			fmt.Println("it has ended")
			return
		}
		_, _ = sys.Ask(ctx, greeter, Greet{"World"})
		time.Sleep(2 * time.Millisecond)
	}
	// Output: it has ended
}
