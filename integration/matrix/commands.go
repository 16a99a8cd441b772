package matrix

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
)

// An outcome is what becomes of a command.
type outcome struct {
	err    error
	output []byte
}

// An outputs tells somebody of each piece of output.
type outputs struct {
	ctx     *actor.Context
	to      address.Address
	started chan struct{} // closed when that was told
	all     []byte
}

func (o *outputs) Write(b []byte) (int, error) {
	<-o.started
	o.ctx.Send(o.to, Said{What: "output", Data: bytes.Clone(b)})
	o.all = append(o.all, b...)
	return len(b), nil
}

func noCommands(Config) string {
	if runtime.GOOS == "windows" {
		return "the commands are those of Unix"
	}
	return ""
}

// An actor runs commands of the operating system with os/exec, beside itself.
var commands = []Behaviour{
	{
		Name:        "commands/an actor runs one and goes on",
		Unsupported: noCommands,
		Deeds: map[string]Deed{
			// Text holds the command, parted by bars; Data its input; N how many milliseconds it has, if that counts. It says what the command's number is, then what its output is, piece by
			// piece, then what came of it.
			"run a command": func(d *Doer, ctx *actor.Context, m Do) error {
				asker := d.Asker
				abort := func() {}
				d.Hear = func(ctx *actor.Context, msg any) error {
					switch m := msg.(type) {
					case string:
						abort()
					case outcome:
						said := Said{What: "success", Data: m.output}
						if m.err != nil {
							said.What = m.err.Error()
						}
						var exit *exec.ExitError
						if errors.As(m.err, &exit) {
							said.N = exit.ExitCode()
						}
						ctx.Send(asker, said)
					}
					return nil
				}
				run, cancel := context.WithCancel(ctx) // it ends with the actor
				abort = cancel
				ctx.Go(func(context.Context) any {
					defer cancel()
					command := strings.Split(m.Text, "|")
					out := &outputs{ctx: ctx, to: asker, started: make(chan struct{})}
					cmd := exec.CommandContext(run, command[0], command[1:]...)
					cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
					cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(m.Data), out, out
					if err := cmd.Start(); err != nil {
						return outcome{err, nil}
					}
					ctx.Send(asker, Said{What: "started", N: cmd.Process.Pid})
					close(out.started)
					if m.N > 0 {
						defer time.AfterFunc(time.Duration(m.N)*time.Millisecond, cancel).Stop()
					}
					err := cmd.Wait()
					return outcome{err, out.all}
				})
				return nil
			},
		},
		Run: func(t *T) {
			a := t.Create("doer")
			const forever = "sleep|1000"
			for _, c := range []struct {
				command, input string
				timeout        int
				abort          bool
				want           string
				status         int
				output         string
			}{
				{command: "echo|hello", want: "success", output: "hello\n"},
				{command: "sh|-c|echo oops >&2; exit 3", want: "exit status 3", status: 3, output: "oops\n"},
				{command: "there is no such command", want: `exec: "there is no such command": executable file not found in $PATH`},
				{command: "cat", want: "success"}, // nothing to read
				{command: "cat", input: "one\ntwo\n", want: "success", output: "one\ntwo\n"},
				{command: "sh|-c|while read line; do echo got $line; done", input: "one\ntwo\n", want: "success", output: "got one\ngot two\n"},
				{command: forever, timeout: 20, want: "signal: terminated", status: -1},
				{command: forever, abort: true, want: "signal: terminated", status: -1},
			} {
				t.Tell(a, Do{Deed: "run a command", Text: c.command, Data: []byte(c.input), N: c.timeout})
				said := t.Hear()
				if said.What == "started" {
					assert.Assert(t, said.N > 0)
					if c.abort {
						assert.Equal(t, statusOf(t, a).Exiting, false, "the actor has time for others")
						t.Tell(a, "abort")
					}
					said = t.Hear()
				}
				var pieces []byte
				for ; said.What == "output"; said = t.Hear() {
					pieces = append(pieces, said.Data...)
				}
				assert.Equal(t, said.What, c.want, c.command)
				assert.Equal(t, said.N, c.status, c.command)
				assert.Equal(t, string(said.Data), c.output, c.command)
				assert.Equal(t, string(pieces), c.output, "what came piece by piece")
			}
		},
	},
}
