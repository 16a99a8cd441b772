package main

import (
	"slices"
	"strings"
)

// A rule says what one module may import of its siblings.
type rule struct {
	imports []string // folders of modules; everything: any
	tests   []string // what its _test files may import besides
	private bool     // nobody may import this one, whatever their own rule says
	why     string   // printed with a violation
}

const everything = "everything"

// of returns what files may import that are tests, or are not.
func (r rule) of(tests bool) []string {
	if tests {
		return slices.Concat(r.imports, r.tests)
	}
	return r.imports
}

func (r rule) allows(module string, tests bool) bool {
	may := r.of(tests)
	return slices.Contains(may, everything) || slices.Contains(may, module)
}

// allowed is what the rule allows, in words.
func (r rule) allowed(tests bool) string {
	may := r.of(tests)
	if len(may) == 0 {
		return "none of the other modules"
	}
	return "only " + strings.Join(may, ", ")
}

// rules is the table of modules in docs/design.md, by folder.
var rules = map[string]rule{
	"address": {
		why: "everything else is built on addresses, so they can depend on nothing",
	},
	"message": {
		imports: []string{"address"},
		why:     "what is said between actors must be readable without any runtime",
	},
	"actor": {
		imports: []string{"address", "message"},
		why:     "actors are written against the programming model alone, so that where they run is decided outside of them",
	},
	"transport": {
		imports: []string{"address", "message"},
		why:     "the contract of transports moves envelopes, and knows nothing of the actors behind them",
	},
	"transport-tcp": {
		imports: []string{"address", "message", "transport"},
		why:     "a transport knows the contract that it fulfils, and neither the other transports nor the system",
	},
	"transport-udp": {
		imports: []string{"address", "message", "transport"},
		why:     "a transport knows the contract that it fulfils, and neither the other transports nor the system",
	},
	"transport-queue": {
		imports: []string{"address", "message", "transport"},
		why:     "a transport knows the contract that it fulfils, and neither the other transports nor the system",
	},
	"transport-queue/nats": {
		imports: []string{"address", "message", "transport"},
		tests:   []string{"integration"},
		why:     "a transport knows the contract that it fulfils, and neither the other transports nor the system; its tests run the matrix, as only this module may know the broker",
	},
	"admin": {
		imports: []string{"address", "message"},
		why:     "a pure core takes messages and the time and returns decisions; actors and I/O are the shell's",
	},
	"convention": {
		imports: []string{"address", "message"},
		why:     "a pure core takes messages and the time and returns decisions; actors and I/O are the shell's",
	},
	"troupe": {
		imports: []string{"address", "message", "actor"},
		why:     "a pool of workers is made of plain actors, and so works on every base",
	},
	"sourceload": {
		imports: []string{"address", "message", "actor"},
		why:     "loading code is optional: the system gets it through an interface in its options and does not pay for it otherwise",
	},
	"logging": {
		imports: []string{"address"},
		why:     "log handlers are of use without a running system; all they know of it is who logs",
	},
	"system": {
		imports: []string{"address", "message", "actor", "transport", "admin", "convention", "logging"},
		why:     "the runtime is assembled from the cores and the contracts; transports, troupes and source loading are the program's choice",
	},
	"integration": {
		imports: []string{everything},
		why:     "it tests all modules together",
	},
	"tools": {
		imports: []string{everything},
		why:     "it serves all modules",
	},
	"examples": {
		imports: []string{everything},
		why:     "it shows all modules",
	},
	"benchmarks": {
		imports: []string{everything},
		private: true,
		why:     "benchmarks depend on what they compare with, which nobody else should pay for",
	},
}
