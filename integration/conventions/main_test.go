//go:build linux

// Package conventions tests what several systems do together, with real processes.
package conventions

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/convention/authority"
	"thespian.dev/integration/leftovers"
	"thespian.dev/message"
	"thespian.dev/system"
	"thespian.dev/transport"
	tcp "thespian.dev/transport-tcp"
)

type (
	// Where asks for the names of an actor's system and kind.
	Where struct{}
	// Make has an actor create a child, or ask for one; the answer is its address, or what came of it.
	Make struct {
		Kind         string
		Args         any
		Requirements string
	}
	// Pass has an actor ask somebody else where it is.
	Pass struct{ To address.Address }
	// Ends asks for the ends of children, and Watch has an actor watched.
	Ends  struct{}
	Watch struct{ Actor address.Address }
	// Updates asks for what an actor was told of the convention.
	Updates struct{}
	// Flood has an actor send so many numbers to another one, which Count asks for what came.
	Flood struct {
		To address.Address
		N  int
	}
	Count  struct{}
	Number int
	// Invite has an actor pre-register a system, or take that back.
	Invite struct {
		At  string
		Off bool
	}
	// Drop is taken and counted, Dropped asks how many were.
	Drop    int
	Dropped struct{}
)

// A servant does what the tests ask for.
type servant struct {
	ends    []string
	updates []string
	waiting address.Address // for the next end
	got     []int
	dropped int
}

func (s *servant) Receive(ctx *actor.Context, msg any) error {
	switch m := msg.(type) {
	case Where:
		ctx.Send(ctx.Sender(), fmt.Sprint(ctx.Capabilities()["Name"]))
	case Make:
		ctx.Send(ctx.Sender(), ctx.Create(m.Kind, actor.CreateOptions{Args: m.Args, Requirements: m.Requirements}))
	case Pass:
		asker := ctx.Sender()
		ctx.Request(m.To, Where{}, 10*time.Second, func(reply any, err error) error {
			if err != nil {
				reply = "error: " + err.Error()
			}
			ctx.Send(asker, reply)
			return nil
		})
	case Invite:
		err := ctx.PreRegister(m.At, nil)
		if m.Off {
			err = ctx.DeRegister(m.At)
		}
		if err != nil {
			ctx.Send(ctx.Sender(), err.Error())
			return nil
		}
		ctx.Send(ctx.Sender(), "done")
	case Watch:
		ctx.Watch(m.Actor)
		ctx.Send(ctx.Sender(), "watched")
	case Ends:
		s.waiting = ctx.Sender()
		s.tell(ctx)
	case Updates:
		ctx.NotifyOnConventionChanges(true)
		s.waiting = ctx.Sender()
		s.tell(ctx)
	case message.ConventionUpdate:
		word := "left"
		if m.Added {
			word = "joined"
		}
		s.updates = append(s.updates, fmt.Sprint(m.Capabilities["Name"], " ", word))
		s.tell(ctx)
	case message.ChildActorExited:
		s.ends = append(s.ends, "child: "+m.Reason)
		s.tell(ctx)
	case message.ActorExited:
		s.ends = append(s.ends, "watched: "+m.Reason)
		s.tell(ctx)
	case Flood:
		for i := range m.N {
			ctx.Send(m.To, Number(i))
		}
		ctx.Send(ctx.Sender(), "sent")
	case Number:
		s.got = append(s.got, int(m))
	case Drop:
		s.dropped++
	case Dropped:
		ctx.Send(ctx.Sender(), s.dropped)
	case Count:
		for i, n := range s.got {
			if n != i {
				ctx.Send(ctx.Sender(), fmt.Sprintf("%d came as number %d", n, i))
				return nil
			}
		}
		ctx.Send(ctx.Sender(), fmt.Sprint(len(s.got)))
	}
	return nil
}

// tell answers who waits with what has happened since.
func (s *servant) tell(ctx *actor.Context) {
	news := append(s.ends, s.updates...)
	if s.waiting.IsZero() || len(news) == 0 {
		return
	}
	ctx.Send(s.waiting, strings.Join(news, "\n"))
	s.waiting, s.ends, s.updates = address.Address{}, nil, nil
}

// A picky actor runs only in the system that its requirements name.
func picky(c actor.Capabilities, requirements any) error {
	if c["Name"] != requirements {
		return fmt.Errorf("the name is %v, not %v", c["Name"], requirements)
	}
	return nil
}

func newServant() actor.Actor { return &servant{} }

var app = system.App{
	Bases: []transport.Base{tcp.Base()},
	Kinds: []actor.Kind{
		{Name: "servant", New: newServant},
		{Name: "gpu", New: newServant, Requires: actor.Capabilities{"GPU": true}},
		{Name: "pooled gpu", New: newServant, Requires: actor.Capabilities{"GPU": true}, Startup: actor.Forkserver},
		{Name: "light gpu", New: newServant, Requires: actor.Capabilities{"GPU": true}, Startup: actor.Goroutine},
		{Name: "light", New: newServant, Startup: actor.Goroutine},
		{Name: "disk", New: newServant, Requires: actor.Capabilities{"Disk": true}},
		{Name: "picky", New: newServant, Check: picky},
	},
	Messages: message.Types(Where{}, Make{}, Pass{}, Ends{}, Watch{}, Updates{}, Flood{}, Count{}, Number(0), Drop(0), Dropped{}, Invite{}),
}

// A runner runs the tests, or is a program of theirs.
type runner struct{ m *testing.M }

func (r runner) Run() int {
	if os.Getenv(remoteVariable) != "" {
		return serveRemote()
	}
	return leftovers.Check(r.m.Run)
}

func TestMain(m *testing.M) { app.TestMain(runner{m}) }

// secret is that of the tests.
var secret = authority.NewSecret()

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NilError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// A member is a system of a convention, with an actor that does what it is asked.
type member struct {
	*system.System
	port int
	name string
}

// start starts a system. It leads itself unless a leader is given.
func start(t testing.TB, name string, leader *member, more actor.Capabilities) *member {
	t.Helper()
	return startWith(t, name, leader, more, system.Options{ConventionSecret: secret})
}

// startWith is start with other options.
func startWith(t testing.TB, name string, leader *member, more actor.Capabilities, o system.Options) *member {
	t.Helper()
	m := &member{port: freePort(t), name: name}
	c := actor.Capabilities{"Admin Port": m.port, "Name": name}
	if leader != nil {
		c["Convention Address.IPv4"] = fmt.Sprintf("127.0.0.1:%d", leader.port)
	}
	for name, value := range more {
		c[name] = value
	}
	o.Capabilities = c
	sys, err := app.Start(within(t), &o)
	assert.NilError(t, err)
	m.System = sys
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = sys.Shutdown(ctx)
		if t.Failed() {
			log, _ := os.ReadFile(logOf(m.port))
			t.Logf("log of %s:\n%s", name, log)
		}
	})
	return m
}

func (m *member) ask(t *testing.T, to address.Address, msg any) any {
	t.Helper()
	reply, err := m.Ask(within(t), to, msg)
	assert.NilError(t, err)
	return reply
}

func (m *member) create(t *testing.T, kind string) address.Address {
	t.Helper()
	a, err := m.Create(within(t), kind)
	assert.NilError(t, err)
	return a
}

// logOf returns where the Admin at a port writes its log.
func logOf(port int) string {
	matches, _ := fsGlob(fmt.Sprintf("*-%d.log", port))
	if len(matches) == 0 {
		return ""
	}
	return matches[0]
}

type actorAddress = address.Address

// adminPID returns the number of a system's Admin process.
func adminPID(t *testing.T, m *member) int {
	t.Helper()
	status, err := m.Status(within(t))
	assert.NilError(t, err)
	return status.Processes[0].PID
}

// actorsOf returns the actors that a system runs.
func actorsOf(t *testing.T, m *member) (all []address.Address) {
	t.Helper()
	status, err := m.Status(within(t))
	assert.NilError(t, err)
	for _, a := range status.Actors {
		all = append(all, a.Actor)
	}
	return all
}
