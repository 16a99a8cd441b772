package admin

import "fmt"

// The ways in which an actor's process comes to be: what a kind's Startup, and the capability "Process Startup Method", can say.
const (
	spawn      = "spawn"
	forkserver = "forkserver"
	goroutine  = "goroutine"
)

// CheckStartup returns an error, which names the methods there are, unless the value is one for the capability "Process Startup Method": Python's fork has no meaning
// for a Go process (Thespian 3.5 feature C3).
func CheckStartup(value any) error {
	switch value {
	case spawn, forkserver, goroutine:
		return nil
	}
	is := fmt.Sprintf("%#v", value)
	if _, text := value.(string); !text {
		is += fmt.Sprintf(" (a %T, not a string)", value)
	}
	return fmt.Errorf(`capability "Process Startup Method" is %s: wanted %q, %q or %q (a Go process cannot fork)`, is, spawn, forkserver, goroutine)
}

// startup returns how actors of the kind start; "" means spawn.
func (c *Core) startup(kind Kind) string {
	if kind.Startup != "" {
		return kind.Startup
	}
	method, _ := c.offers["Process Startup Method"].(string)
	return method
}

// startable returns why there is no way to start actors of one of the kinds. Programs that are ours have made sure of it before.
func startable(kinds []Kind) error {
	for _, k := range kinds {
		if k.Startup != "" && CheckStartup(k.Startup) != nil {
			return fmt.Errorf("kind %q: startup method %q: wanted %q, %q or %q (a Go process cannot fork)", k.Name, k.Startup, spawn, forkserver, goroutine)
		}
	}
	return nil
}
