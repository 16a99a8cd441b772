package system_test

import (
	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
)

// starter is a kind whose Start runs a function.
func starter(name string, run func() error) actor.Kind {
	return actor.Kind{Name: name, New: func() actor.Actor { return started{run} }}
}

type started struct{ run func() error }

func (s started) Start(ctx *actor.Context, args any) error  { return s.run() }
func (s started) Receive(ctx *actor.Context, msg any) error { return nil }

// watchman watches whom it is referred to and tells the program of ends.
var watchman = actor.Kind{Name: "watchman", New: func() actor.Actor {
	var program address.Address
	return actor.Func(func(ctx *actor.Context, msg any) error {
		switch m := msg.(type) {
		case refer:
			program = ctx.Sender()
			ctx.Watch(m.To)
			ctx.Send(program, text{"watching"})
		case text:
			ctx.Unwatch(m.at())
			ctx.Send(ctx.Sender(), text{"not watching"})
		case message.ActorExited:
			ctx.Send(program, text{describe(m)})
		}
		return nil
	})
}}

func (m text) at() address.Address {
	a, err := address.Parse(m.Text)
	if err != nil {
		panic(err)
	}
	return a
}
