// Hello starts a system, creates an actor, asks it something and prints the answer.
package main

import (
	"context"
	"fmt"

	"thespian.dev/actor"
	"thespian.dev/integration"
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
	Bases:    integration.Bases(), // without any: everything in this process
	Kinds:    []actor.Kind{{Name: "greeter", New: func() actor.Actor { return actor.Func(greet) }}},
	Messages: message.Types(Greet{}),
}

func main() { app.Main(run) } // in a process that was started to be an Admin or a host, Main does that and never returns

func run(ctx context.Context) error {
	sys, err := app.Start(ctx, nil) // nil: the first base; &system.Options{Base: "simple"}: this process only
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
