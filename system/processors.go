package system

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
)

// processors says whether the process of an actor uses one processor. An actor handles one message after the other, and the system has the other processors for its other processes: with one, a message
// goes from the goroutine that reads it to the actor without waking a thread, and the process needs less memory. As soon as more can run in the process than that actor, a second one or a function of Context.Go, it uses all.
//
// Who says otherwise is heeded: the variable GOMAXPROCS of the program's environment, and runtime.GOMAXPROCS, which an actor calls that computes on goroutines of which the system does not know.
type processors struct{ one atomic.Bool }

// In the environment of a host, the first is the runtime's, which heeds it before it takes memory for each processor, and the second says that it is not the program's.
const (
	processorsVariable = "GOMAXPROCS"
	ownVariable        = "THESPIAN_ONE_PROCESSOR"
)

// withOneProcessor adds to the environment of a program what has a host use one processor.
func withOneProcessor(variables []string) []string {
	if slices.ContainsFunc(variables, func(v string) bool { return strings.HasPrefix(v, processorsVariable+"=") }) {
		return variables
	}
	return append(slices.Clip(variables), processorsVariable+"=1", ownVariable+"=1")
}

// usesOne says whether this host uses one processor, and hides how it was told: what an actor starts is to have the environment of the program.
func usesOne() bool {
	if os.Getenv(ownVariable) == "" {
		return false
	}
	_ = os.Unsetenv(ownVariable)
	_ = os.Unsetenv(processorsVariable)
	return true
}

// useAll is called when more is to run than the one actor: another, or a function beside it.
func (n *node) useAll() {
	if !n.processors.one.Load() || !n.processors.one.CompareAndSwap(true, false) {
		return
	}
	if runtime.GOMAXPROCS(0) == 1 {
		runtime.SetDefaultGOMAXPROCS()
	}
	s := &n.scheduler
	s.mu.Lock()
	s.limit = runtime.GOMAXPROCS(0)
	s.mu.Unlock()
}
