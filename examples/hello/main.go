// Hello starts a system, creates an actor, asks it something and prints the answer.
package main

import (
	"context"
	"fmt"

	"thespian.dev/actor"
	"thespian.dev/message"
	"thespian.dev/system"
)

type Greet struct{ Name string }

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

func main() { app.Main(run) }

func run(ctx context.Context) error {
	sys, err := app.Start(ctx, nil) // nil: the defaults, which run everything in this process
	if err != nil {
		return err
	}
	defer sys.Shutdown(ctx)
	greeter, err := sys.Create(ctx, "greeter")
	if err != nil {
		return err
	}
	reply, err := sys.Ask(ctx, greeter, Greet{Name: "World"})
	fmt.Println(reply, err)
	return err
}
