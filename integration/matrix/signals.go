//go:build unix

package matrix

import (
	"os"
	"syscall"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
)

// Signals to the process of an actor concern that actor alone.
var signals = []Behaviour{
	{
		Name: "signals/some change nothing",
		Deeds: map[string]Deed{
			"process": func(d *Doer, ctx *actor.Context, _ Do) error {
				d.Say(ctx, Said{What: "process", N: os.Getpid()})
				return nil
			},
			"signal yourself": func(d *Doer, ctx *actor.Context, m Do) error {
				if err := syscall.Kill(os.Getpid(), syscall.Signal(m.N)); err != nil {
					return actor.Permanent(err)
				}
				d.Say(ctx, Said{What: "process", N: os.Getpid()})
				return nil
			},
		},
		Run: func(t *T) {
			parent := t.Create("doer apart")
			t.Do(parent, Do{Deed: "report"})
			child := t.Do(parent, Do{Deed: "create", Text: "doer apart"}).Who
			harmless := []syscall.Signal{syscall.SIGCONT, syscall.SIGWINCH}
			if t.Processes() { // the others end the process of a program, which is not the system's
				harmless = append(harmless, syscall.SIGHUP, syscall.SIGINT, syscall.SIGUSR1, syscall.SIGUSR2)
			}
			for _, a := range []address.Address{parent, child} {
				pid := t.Do(a, Do{Deed: "process"}).N
				assert.Equal(t, t.Processes(), pid != os.Getpid())
				for _, s := range harmless {
					assert.Equal(t, t.Do(a, Do{Deed: "signal yourself", N: int(s)}).N, pid, s)
					assert.NilError(t, syscall.Kill(pid, s))
					assert.Equal(t, t.Do(a, Do{Deed: "process"}).N, pid, s)
				}
			}
			calm(t, parent, child)
		},
	},
	{
		Name: "signals/some end an actor, of which its parent hears",
		Unsupported: func(c Config) string {
			if !c.Processes() {
				return "all actors run in the program's process, and what becomes of signals is the program's matter"
			}
			return ""
		},
		Run: func(t *T) {
			parent := t.Create("doer")
			t.Do(parent, Do{Deed: "report"})
			for _, c := range []struct {
				signal syscall.Signal
				asked  bool
				reason string
			}{
				{syscall.SIGTERM, true, "asked to exit"}, {syscall.SIGQUIT, true, "asked to exit"}, {syscall.SIGABRT, true, "asked to exit"},
				{syscall.SIGKILL, false, "signal: killed"},
			} {
				child := t.Do(parent, Do{Deed: "create", Text: "doer apart"}).Who
				t.Do(child, Do{Deed: "report"})
				assert.NilError(t, syscall.Kill(t.Do(child, Do{Deed: "process"}).N, c.signal))
				news := []Said{{What: "child exited: " + c.reason, Who: child}}
				if c.asked {
					news = append(news, Said{What: "asked to exit", Who: child})
				}
				hear(t, news...)
				calm(t, parent)
			}
		},
	},
}
