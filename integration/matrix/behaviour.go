package matrix

import (
	"fmt"
	"slices"

	"thespian.dev/actor"
	"thespian.dev/integration"
	"thespian.dev/message"
	"thespian.dev/system"
	"thespian.dev/transport"
)

// A Behaviour is something that holds in every configuration.
type Behaviour struct {
	// Name begins with what it is about: "failures/poison comes back".
	Name string
	// Capabilities are those of the system, beside those of the configuration.
	Capabilities actor.Capabilities
	// Unsupported returns why the behaviour cannot be had in a configuration; "" if it can. nil: in all.
	Unsupported func(Config) string
	// Alone says why the behaviour concerns one system, whatever others there are; "" if actors may be in several. Where there are several it is unsupported.
	Alone string
	// Deeds are what its actors do when they are told to. Their names are unique among all behaviours.
	Deeds map[string]Deed
	// Kinds are of actors that are no doers, and Messages samples of what they say beside Do and Said.
	Kinds    []actor.Kind
	Messages []any
	// Run shows it.
	Run func(t *T)
}

// Behaviours returns all.
func Behaviours() []Behaviour {
	return slices.Concat(
		addresses,
		asks,
		births,
		commands,
		conventions,
		failures,
		families,
		goroutines,
		handlers,
		letters,
		lives,
		loads,
		names,
		news,
		placement,
		signals,
		sizes,
		statuses,
		sums,
		systems,
		updates,
		wakeups,
	)
}

// App returns the app that every process of the matrix runs, with integration's bases and further ones.
func App(further ...transport.Base) system.App {
	deeds := make(map[string]Deed)
	messages := []any{Do{}, Said{}}
	app := system.App{Bases: slices.Concat(integration.Bases(), further)}
	newDoer := func() actor.Actor { return &Doer{deeds: deeds} }
	app.Kinds = []actor.Kind{
		{Name: "doer", New: newDoer},
		{Name: "doer near", New: newDoer, Startup: actor.Goroutine},
		{Name: "doer apart", New: newDoer, Startup: actor.Spawn},
		{Name: "doer patient", New: newDoer, Attempts: 4},
		{Name: "doer needy", New: newDoer, Requires: actor.Capabilities{"Matrix": "yes"}},
		{Name: "doer somewhere", New: newDoer, Check: isNamed},
		{Name: "doer somewhere apart", New: newDoer, Check: isNamed, Startup: actor.Spawn},
	}
	for _, b := range append(Behaviours(), Behaviour{Deeds: reports}) {
		for name, d := range b.Deeds {
			if deeds[name] != nil {
				panic(fmt.Sprintf("matrix: there are two deeds %q", name))
			}
			deeds[name] = d
		}
		app.Kinds = append(app.Kinds, b.Kinds...)
		messages = append(messages, b.Messages...)
	}
	for i, k := range app.Kinds {
		needs := actor.Capabilities{runsActors: true}
		for name, value := range k.Requires {
			needs[name] = value
		}
		app.Kinds[i].Requires = needs
	}
	app.Messages = message.Types(messages...)
	return app
}
