//go:build linux

package conventions

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

func fsGlob(pattern string) ([]string, error) {
	folder := filepath.Join(os.TempDir(), "thespian-"+strconv.Itoa(os.Getuid()))
	if given := os.Getenv("XDG_RUNTIME_DIR"); given != "" {
		folder = filepath.Join(given, "thespian")
	}
	return filepath.Glob(filepath.Join(folder, pattern))
}

func TestActorIsPlacedWhereItsKindCanRun(t *testing.T) {
	leader := start(t, "leader", nil, nil)
	member := start(t, "member", leader, actor.Capabilities{"GPU": true})

	for _, kind := range []string{"gpu", "pooled gpu", "light gpu"} {
		worker := leader.create(t, kind)
		assert.Equal(t, leader.ask(t, worker, Where{}), "member", kind)
	}
	here := member.create(t, "gpu")
	assert.Equal(t, member.ask(t, here, Where{}), "member")
}

// A name given in one system holds there for an actor that another one runs, too (Thespian 3.5 feature C9).
func TestGlobalNameOfAnActorThatAnotherSystemRuns(t *testing.T) {
	leader := start(t, "leader", nil, nil)
	start(t, "member", leader, actor.Capabilities{"GPU": true})
	for _, kind := range []string{"gpu", "light gpu", "picky"} {
		t.Run(kind, func(t *testing.T) {
			options := actor.CreateOptions{GlobalName: "the " + kind, Requirements: "member"}
			made := make(chan address.Address)
			for range 4 { // at the same time
				go func() {
					a, err := leader.Create(within(t), kind, options)
					assert.Check(t, err)
					made <- a
				}()
			}
			first := <-made
			for range 3 {
				assert.Equal(t, <-made, first)
			}
			assert.Equal(t, leader.ask(t, first, Where{}), "member")
			found, err := leader.Lookup(within(t), options.GlobalName)
			assert.NilError(t, err)
			assert.Equal(t, found, first)

			watcher := leader.create(t, "servant")
			leader.ask(t, watcher, Watch{first})
			assert.NilError(t, leader.Tell(within(t), first, message.ActorExitRequest{}))
			leader.ask(t, watcher, Ends{})
			second, err := leader.Create(within(t), kind, options)
			assert.NilError(t, err)
			assert.Assert(t, second != first, "the name is free when its holder's end is told")
			assert.Equal(t, leader.ask(t, second, Where{}), "member")
		})
	}
}

// An actor with a name outlives the program that has created it, also in another system.
func TestNamedActorInAnotherSystemOutlivesItsProgram(t *testing.T) {
	leader := start(t, "leader", nil, nil)
	start(t, "member", leader, actor.Capabilities{"GPU": true})
	program, err := app.Start(within(t), &system.Options{Attach: true, Capabilities: actor.Capabilities{"Admin Port": leader.port}})
	assert.NilError(t, err)
	a, err := program.Create(within(t), "gpu", actor.CreateOptions{GlobalName: "lasting"})
	assert.NilError(t, err)
	_, err = program.Ask(within(t), a, Where{})
	assert.NilError(t, err)
	assert.NilError(t, program.Close())
	again, err := leader.Create(within(t), "gpu", actor.CreateOptions{GlobalName: "lasting"})
	assert.NilError(t, err)
	assert.Equal(t, again, a)
	assert.Equal(t, leader.ask(t, again, Where{}), "member")
}

// Who creates a child hears of its end when nobody runs it, not when the first system does not.
func TestChildIsCreatedWhereItsKindAgrees(t *testing.T) {
	leader := start(t, "leader", nil, nil)
	start(t, "one", leader, nil)
	two := start(t, "two", leader, nil)
	for _, from := range []*member{leader, two} {
		parent := from.create(t, "servant")
		for _, name := range []string{"one", "two", "leader"} {
			child := from.ask(t, parent, Make{Kind: "picky", Requirements: name}).(actorAddress)
			assert.Equal(t, from.ask(t, child, Where{}), name)
		}
		from.ask(t, parent, Make{Kind: "picky", Requirements: "nobody"})
		end := from.ask(t, parent, Ends{}).(string)
		for _, name := range []string{"one", "two", "leader"} {
			assert.Assert(t, strings.Contains(end, "the name is "+name+", not nobody"), end)
		}
		assert.Equal(t, strings.Count(end, "child: "), 1, end)
	}
}
