package matrix

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"thespian.dev/actor"
	"thespian.dev/integration"
	"thespian.dev/system"
	"thespian.dev/transport"
)

// A Config is one way to run a system. The behaviour of actors is to be the same in all of them.
type Config struct {
	// Base is its short name.
	Base string
	// Synchronous and CopyMessages are those of system.Options.
	Synchronous, CopyMessages bool
	// Startup is the method by which actors start that say nothing of it; "" on the base simple, where none has a process.
	Startup string
	// AdminRouting and OutboundOnly are the capabilities of these names, which change nothing for one system by itself. The leader of several has the first only: somebody must be there to connect to.
	AdminRouting, OutboundOnly bool
	// Systems is how many there are, in one convention: the program belongs to the leader, and actors without a parent run in the others, if there are any.
	Systems int

	features transport.Features
}

// simple is the base that is always there.
const simple = "simple"

// String returns the settings, the base first: "tcp-forkserver-routing".
func (c Config) String() string {
	s := []string{c.Base}
	for _, setting := range []struct {
		on   bool
		name string
	}{
		{c.Synchronous, "synchronous"}, {c.Startup != "", c.Startup}, {c.CopyMessages, "copies"}, {c.AdminRouting, "routing"}, {c.OutboundOnly, "outbound"},
	} {
		if setting.on {
			s = append(s, setting.name)
		}
	}
	if c.Systems > 1 {
		s = append(s, fmt.Sprint(c.Systems, " systems"))
	}
	return strings.ReplaceAll(strings.Join(s, "-"), " ", "-")
}

// Apart says whether the program and the actors that it creates belong to different systems.
func (c Config) Apart() bool { return c.Systems > 1 }

// Processes says whether the base has processes: an Admin, hosts, programs.
func (c Config) Processes() bool { return c.Base != simple }

// OwnProcess says whether each actor has a process of its own, unless its kind says otherwise.
func (c Config) OwnProcess() bool { return c.Processes() && c.Startup != string(actor.Goroutine) }

// Reliable says whether each message arrives whose receiver lives.
func (c Config) Reliable() bool { return !c.Processes() || c.features.Reliable }

// MaxMessage is the length in bytes of the longest message, encoded.
func (c Config) MaxMessage() int { return cmp.Or(c.features.MaxMessage, transport.DefaultMaxMessage) }

// options returns those of a system for one behaviour alone.
func (c Config) options(capabilities actor.Capabilities) *system.Options {
	o := &system.Options{Base: c.Base, Synchronous: c.Synchronous, CopyMessages: c.CopyMessages, Capabilities: actor.Capabilities{"Admin Port": 0}}
	if c.Startup != "" {
		o.Capabilities["Process Startup Method"] = c.Startup
	}
	if c.AdminRouting {
		o.Capabilities["Admin Routing"] = true
	}
	if c.OutboundOnly {
		o.Capabilities["Outbound Only"] = true
	}
	o.Capabilities[runsActors] = true
	for name, value := range capabilities {
		o.Capabilities[name] = value
	}
	return o
}

// runsActors is the capability that all kinds of the matrix ask for: so the systems are chosen that run them.
const runsActors = "Runs Actors"

// secret is that of conventions. The systems live for a moment, on this machine alone.
const secret = "the behaviours of actors in several systems"

// apart returns the options of a system that can meet others, which know it by the capability "Name".
func (c Config) apart(name string, capabilities actor.Capabilities) *system.Options {
	o := c.options(capabilities)
	o.Capabilities["Name"], o.Capabilities["Direct Within Host"] = name, false
	o.ConventionSecret = secret
	return o
}

// leader returns those of the system of the program, if there are several. It runs actors only if the behaviour asks for that by name.
func (c Config) leader(capabilities actor.Capabilities) *system.Options {
	o := c.apart("leader", capabilities)
	if capabilities[runsActors] == nil {
		delete(o.Capabilities, runsActors)
	}
	delete(o.Capabilities, "Outbound Only")
	return o
}

// member returns those of the others.
func (c Config) member(name, leader string, capabilities actor.Capabilities) *system.Options {
	o := c.apart(name, capabilities)
	o.Capabilities["Convention Address.IPv4"] = leader
	return o
}

// Configs returns all configurations of integration's bases and further ones.
func Configs(further ...transport.Base) []Config {
	bools := []bool{false, true}
	var all []Config
	for _, synchronous := range bools {
		for _, copies := range bools {
			all = append(all, Config{Base: simple, Systems: 1, Synchronous: synchronous, CopyMessages: copies})
		}
	}
	for _, b := range slices.Concat(integration.Bases(), further) {
		name := cmp.Or(b.Short, b.Name)
		for _, startup := range []actor.Startup{actor.Spawn, actor.Forkserver, actor.Goroutine} {
			for _, copies := range bools {
				for _, routing := range bools {
					for _, outbound := range bools {
						for _, systems := range []int{1, 2, 5} {
							meet := b.Network.Dial != nil
							if systems > 1 && !meet || (routing || outbound) && !b.Features.Remote { // systems of other bases never meet
								continue
							}
							all = append(all, Config{Base: name, Startup: string(startup), CopyMessages: copies, AdminRouting: routing, OutboundOnly: outbound, Systems: systems, features: b.Features})
						}
					}
				}
			}
		}
	}
	return all
}

// Pairs returns some of the configurations: every two settings that are together in one of all are together in one of them.
func Pairs(all []Config) []Config {
	open := make(map[[2]string]bool)
	for _, c := range all {
		for _, p := range c.pairs() {
			open[p] = true
		}
	}
	var chosen []Config
	for len(open) > 0 {
		best := slices.MaxFunc(all, func(a, b Config) int { return cmp.Compare(a.gain(open), b.gain(open)) })
		chosen = append(chosen, best)
		for _, p := range best.pairs() {
			delete(open, p)
		}
	}
	slices.SortStableFunc(chosen, func(a, b Config) int { return cmp.Compare(slices.Index(all, a), slices.Index(all, b)) })
	return chosen
}

func (c Config) gain(open map[[2]string]bool) (n int) {
	for _, p := range c.pairs() {
		if open[p] {
			n++
		}
	}
	return n
}

// pairs returns every two settings of the configuration.
func (c Config) pairs() (pairs [][2]string) {
	settings := []string{"base " + c.Base, "startup " + c.Startup, fmt.Sprint("systems ", c.Systems)}
	for name, on := range map[string]bool{"synchronous": c.Synchronous, "copies": c.CopyMessages, "routing": c.AdminRouting, "outbound": c.OutboundOnly} {
		if !on {
			name = "no " + name
		}
		settings = append(settings, name)
	}
	slices.Sort(settings)
	for i, a := range settings {
		for _, b := range settings[:i] {
			pairs = append(pairs, [2]string{b, a})
		}
	}
	return pairs
}
