package actor_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/address/record"
	"thespian.dev/message"
)

// runtime is an actor.Runtime that does what a test of an actor needs: it keeps what is sent.
type runtime struct {
	self, sender address.Address
	sent         []any
	requests     []any // to the Admin
	then         func(any, error) error
	options      actor.CreateOptions
}

func newRuntime() *runtime {
	return &runtime{
		self:   address.Of(record.New(record.ID{System: 1, Process: 1, Counter: 1})),
		sender: address.Of(record.New(record.ID{System: 1, Process: 1, Counter: 2})),
	}
}

func (r *runtime) Self() address.Address            { return r.self }
func (r *runtime) Parent() address.Address          { return address.Address{} }
func (r *runtime) Kind() string                     { return "kind" }
func (r *runtime) GlobalName() string               { return "name" }
func (r *runtime) Capabilities() actor.Capabilities { return actor.Capabilities{"GPU": true} }
func (r *runtime) Logger() *slog.Logger             { return slog.New(slog.DiscardHandler) }
func (r *runtime) Sender() address.Address          { return r.sender }
func (r *runtime) Hold()                            { r.sent = append(r.sent, "hold") }
func (r *runtime) Release()                         { r.sent = append(r.sent, "release") }
func (r *runtime) Exit()                            { r.sent = append(r.sent, "exit") }
func (r *runtime) Send(to address.Address, msg any) { r.sent = append(r.sent, msg) }
func (r *runtime) Create(kind string, options actor.CreateOptions) address.Address {
	r.options = options
	return r.self
}
func (r *runtime) Request(to address.Address, msg any, timeout time.Duration, then func(any, error) error) {
	r.then = then
}
func (r *runtime) Go(work func(context.Context) any)                         {}
func (r *runtime) WakeupAfter(delay time.Duration, payload any) actor.Wakeup { return nil }
func (r *runtime) Watch(who address.Address, on bool)                        {}
func (r *runtime) WatchFiles(files []syscall.Conn) error                     { return nil }
func (r *runtime) Done() <-chan struct{}                                     { return nil }
func (r *runtime) Err() error                                                { return nil }
func (r *runtime) AfterFunc(func()) (stop func() bool)                       { return func() bool { return true } }
func (r *runtime) Admin(request any) (any, error) {
	r.requests = append(r.requests, request)
	return "answer", errAdmin
}

var errAdmin = errors.New("the Admin's error")

type (
	apple  struct{ Weight int }
	pear   struct{ Weight int }
	carrot struct{}
)

func (apple) Eat() string { return "apple" }
func (pear) Eat() string  { return "pear" }

type fruit interface{ Eat() string }

func TestHandlersTakeMessagesByTypeThenByInterfaceThenTheRest(t *testing.T) {
	var log []string
	say := func(what string, err error) error {
		log = append(log, what)
		return err
	}
	var h actor.Handlers
	actor.On(&h, func(ctx *actor.Context, m fruit) error { return say("fruit "+m.Eat(), nil) })
	actor.On(&h, func(ctx *actor.Context, m apple) error {
		if m.Weight > 100 {
			return say("too heavy", actor.Pass)
		}
		return say("apple", nil)
	})
	actor.On(&h, func(ctx *actor.Context, m apple) error {
		if m.Weight > 200 {
			return say("much too heavy", fmt.Errorf("no: %w", actor.Pass))
		}
		return say("second apple", nil)
	})
	actor.On(&h, func(ctx *actor.Context, m *pear) error { return say("pointer to pear", nil) })
	boom := errors.New("boom")
	h.Otherwise(func(ctx *actor.Context, msg any) error { return say(fmt.Sprintf("rest %T", msg), boom) })

	for _, c := range []struct {
		msg  any
		want []string
		err  error
	}{
		{apple{1}, []string{"apple"}, nil},
		{apple{150}, []string{"too heavy", "second apple"}, nil},
		{apple{250}, []string{"too heavy", "much too heavy", "fruit apple"}, nil},
		{pear{1}, []string{"fruit pear"}, nil},
		{&pear{1}, []string{"pointer to pear"}, nil},
		{carrot{}, []string{"rest actor_test.carrot"}, boom},
		{"text", []string{"rest string"}, boom},
	} {
		log = nil
		err := h.Receive(nil, c.msg)
		assert.DeepEqual(t, log, c.want)
		assert.Equal(t, err, c.err)
	}
}

func TestHandlersDropWhatNobodyTakes(t *testing.T) {
	var h actor.Handlers
	assert.NilError(t, h.Receive(nil, carrot{}))
	actor.On(&h, func(ctx *actor.Context, m carrot) error { return actor.Pass })
	assert.NilError(t, h.Receive(nil, carrot{}))
}

func TestPermanentErrorIsKnownAsSuch(t *testing.T) {
	cause := errors.New("cause")
	marked := fmt.Errorf("wrapped: %w", actor.Permanent(cause))
	assert.Assert(t, actor.IsPermanent(marked))
	assert.Assert(t, errors.Is(marked, cause))
	assert.Equal(t, marked.Error(), "wrapped: cause")
	assert.Assert(t, !actor.IsPermanent(cause))
	assert.Assert(t, !actor.IsPermanent(nil))
	assert.NilError(t, actor.Permanent(nil))
}

func TestKindValidate(t *testing.T) {
	construct := func() actor.Actor { return nil }
	for _, c := range []struct {
		kind actor.Kind
		want string // "": valid
	}{
		{actor.Kind{Name: "x", New: construct}, ""},
		{actor.Kind{Name: "x", New: construct, Startup: actor.Forkserver, Attempts: 7, Requires: actor.Capabilities{"GPU": true}}, ""},
		{actor.Kind{New: construct}, "a kind has no name"},
		{actor.Kind{Name: "x"}, `kind "x": New is not set`},
		{actor.Kind{Name: "x", New: construct, Attempts: -1}, `kind "x": Attempts is -1`},
		{actor.Kind{Name: "x", New: construct, Startup: "fork"}, `kind "x": startup method "fork": wanted "spawn", "forkserver" or "goroutine"`},
		{actor.Kind{Name: "x", New: construct, Requires: actor.Capabilities{"f": func() {}}}, `kind "x": Requires: capability "f"`},
	} {
		err := c.kind.Validate()
		if c.want == "" {
			assert.NilError(t, err)
			continue
		}
		assert.ErrorContains(t, err, c.want)
	}
}

type starter struct{ args any }

func (s *starter) Start(ctx *actor.Context, args any) error  { s.args = args; return nil }
func (s *starter) Receive(ctx *actor.Context, msg any) error { return nil }

func TestStartHandsArgumentsOnlyToWhoTakesThem(t *testing.T) {
	var s starter
	assert.NilError(t, actor.Start(nil, &s, "args"))
	assert.Equal(t, s.args, "args")
	plain := actor.Func(func(*actor.Context, any) error { return nil })
	assert.NilError(t, actor.Start(nil, plain, nil))
	assert.ErrorIs(t, actor.Start(nil, plain, "args"), actor.ErrNoArguments)

	// Actors that wrap another one hand the arguments on.
	for name, wrap := range map[string]func(actor.Actor) actor.Actor{
		"transient":      func(a actor.Actor) actor.Actor { return actor.Transient(a, 0) },
		"transient idle": func(a actor.Actor) actor.Actor { return actor.TransientIdle(a, 0) },
		"initializing":   func(a actor.Actor) actor.Actor { return actor.Initializing(a, "") },
	} {
		s.args = nil
		assert.NilError(t, actor.Start(nil, wrap(&s), "args"))
		assert.Equal(t, s.args, "args", name)
		assert.ErrorIs(t, actor.Start(nil, wrap(plain), "args"), actor.ErrNoArguments, name)
	}
}

func TestContextHandsRequestsToTheAdmin(t *testing.T) {
	r := newRuntime()
	ctx := actor.MakeContext(r)
	ctx.HandleDeadLetters(true)
	ctx.NotifyOnConventionChanges(true)
	assert.ErrorIs(t, ctx.UpdateCapability("a", 1), errAdmin)
	assert.ErrorIs(t, ctx.PreRegister("host:1", actor.Capabilities{"a": 1}), errAdmin)
	assert.ErrorIs(t, ctx.DeRegister("host:1"), errAdmin)
	assert.ErrorIs(t, ctx.RegisterSourceAuthority(), errAdmin)
	hash, err := ctx.LoadSource("info", []byte("zip"))
	assert.Equal(t, hash, "answer")
	assert.ErrorIs(t, err, errAdmin)
	assert.ErrorIs(t, ctx.UnloadSource("hash"), errAdmin)
	assert.ErrorIs(t, ctx.NotifyOnSources(true), errAdmin)
	ctx.ShutdownSystem()
	assert.DeepEqual(t, r.requests, []any{
		actor.HandleDeadLetters{On: true}, actor.NotifyOnConventionChanges{On: true}, actor.UpdateCapability{Name: "a", Value: 1},
		actor.PreRegister{System: "host:1", Capabilities: actor.Capabilities{"a": 1}}, actor.DeRegister{System: "host:1"}, actor.RegisterSourceAuthority{},
		actor.LoadSource{Info: "info", Archive: []byte("zip")}, actor.UnloadSource{Hash: "hash"}, actor.NotifyOnSources{On: true}, actor.ShutdownSystem{},
	})
}

func TestCreateTakesOneOptionsAtMost(t *testing.T) {
	r := newRuntime()
	ctx := actor.MakeContext(r)
	ctx.Create("x")
	assert.DeepEqual(t, r.options, actor.CreateOptions{})
	ctx.Create("x", actor.CreateOptions{GlobalName: "n"})
	assert.Equal(t, r.options.GlobalName, "n")
	defer func() { assert.Assert(t, recover() != nil) }()
	ctx.Create("x", actor.CreateOptions{}, actor.CreateOptions{})
}

func TestTypedRequest(t *testing.T) {
	r := newRuntime()
	ctx := actor.MakeContext(r)
	var got apple
	var gotErr error
	actor.Request(&ctx, r.self, "?", time.Second, func(m apple, err error) error {
		got, gotErr = m, err
		return nil
	})
	assert.NilError(t, r.then(apple{3}, nil))
	assert.Equal(t, got, apple{3})
	assert.NilError(t, gotErr)

	assert.NilError(t, r.then("no apple", nil))
	_, err := actor.As[int](message.Opaque{Name: "example.com/fam.Report", Shape: "{Lines []string}", Here: "{Lines []string; V int}"})
	assert.Error(t, err, "the answer is no int: example.com/fam.Report has another shape at its sender: there it is {Lines []string}, here {Lines []string; V int}")
	var unexpected *actor.UnexpectedReply
	assert.Assert(t, errors.As(gotErr, &unexpected))
	assert.Equal(t, unexpected.Reply, "no apple")
	assert.Equal(t, gotErr.Error(), "the answer is a string, wanted actor_test.apple")

	assert.NilError(t, r.then(nil, context.DeadlineExceeded))
	assert.ErrorIs(t, gotErr, context.DeadlineExceeded)
}

func ExampleHandlers() {
	type deposit struct{ Amount int }
	type account struct {
		actor.Handlers
		balance int
	}
	a := &account{}
	actor.On(&a.Handlers, func(ctx *actor.Context, m deposit) error {
		a.balance += m.Amount
		return nil
	})
	a.Otherwise(func(ctx *actor.Context, msg any) error {
		return actor.Permanent(fmt.Errorf("an account takes no %T", msg))
	})
	fmt.Println(a.Receive(nil, deposit{100}), a.balance)
	fmt.Println(a.Receive(nil, "hello"))
	// Output:
	// <nil> 100
	// an account takes no string
}
