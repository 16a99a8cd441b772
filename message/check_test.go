package message_test

import (
	"strings"
	"sync"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/message"
)

type stranger struct{ A int }

func deepCrate(n int) Crate {
	if n == 0 {
		return Crate{Any: stranger{}}
	}
	inner := deepCrate(n - 1)
	return Crate{Inner: &inner}
}

func TestCheckRefuses(t *testing.T) {
	r := newRegistry(t, samples())
	ring := &List{Value: 1}
	ring.Next = ring
	self := []any{nil}
	self[0] = self
	cyclicTree := &Tree{}
	cyclicTree.Left = cyclicTree
	const here = "thespian.dev/message_test."
	long := strings.Repeat("l", 10_000)
	for name, c := range map[string]struct {
		msg  any
		is   error
		says []string
	}{
		"nil":                          {nil, message.ErrNilMessage, nil},
		"unregistered":                 {stranger{}, message.ErrUnregistered, []string{"message_test.stranger", "message.Types"}},
		"pointer to a registered type": {&Line{}, message.ErrUnregistered, []string{"*message_test.Line"}},
		"unregistered in any":          {Crate{Any: stranger{}}, message.ErrUnregistered, []string{"Crate.Any", "message_test.stranger"}},
		"unregistered in a slice":      {Crate{Slice: []any{1, stranger{}}}, message.ErrUnregistered, []string{"Crate.Slice[1]"}},
		"unregistered in a map":        {Crate{Map: map[string]any{"k": stranger{}}}, message.ErrUnregistered, []string{"Crate.Map[k]"}},
		"unregistered far down":        {Crate{Inner: &Crate{Crates: []Crate{{Any: []any{stranger{}}}}}}, message.ErrUnregistered, []string{"Crate.Inner.Crates[0].Any[0]"}},
		"unregistered in poison":       {message.PoisonMessage{Message: stranger{}}, message.ErrUnregistered, []string{"PoisonMessage.Message"}},
		"unregistered very far down":   {deepCrate(40), message.ErrUnregistered, []string{here + "Crate.Inner.Inner", "…", "Inner.Inner.Any", "message_test.stranger"}},
		"unregistered under long keys": {Crate{Map: map[string]any{long: []any{stranger{}}}}, message.ErrUnregistered, []string{here + "Crate.Map[lll", "lll][0]: "}},
		"local":                        {message.WatchMessage{}, message.ErrLocalOnly, []string{"WatchMessage"}},
		"local in any":                 {[]any{message.WatchMessage{}}, message.ErrLocalOnly, []string{"WatchMessage"}},
		"opaque of nothing":            {message.Opaque{}, message.ErrMalformed, nil},
		"ring of pointers":             {*ring, message.ErrTooDeep, []string{here + "List.Next.Next"}},
		"slice in itself":              {self, message.ErrTooDeep, nil},
		"tree in itself":               {*cyclicTree, message.ErrTooDeep, nil},
	} {
		t.Run(name, func(t *testing.T) {
			err := r.Check(c.msg)
			assert.ErrorIs(t, err, c.is)
			for _, text := range c.says {
				assert.ErrorContains(t, err, text)
			}
			assert.Assert(t, len(err.Error()) < 1000)
			_, err = r.Append(nil, c.msg)
			assert.ErrorIs(t, err, c.is)
		})
	}
}

// What Check lets pass is decoded again, up to the deepest value.
func TestDepthIsTheSameEverywhere(t *testing.T) {
	r := newRegistry(t, samples())
	for name, grow := range map[string]func(any) any{
		"list":  func(m any) any { l, _ := m.(List); return List{&l, 1} },
		"tree":  func(m any) any { l, _ := m.(Tree); return Tree{1, &l, nil} },
		"kids":  func(m any) any { l, _ := m.(Tree); return Tree{Kids: []Tree{l}} },
		"any":   func(m any) any { return []any{m} },
		"map":   func(m any) any { return map[string]any{"m": m} },
		"crate": func(m any) any { l, _ := m.(Crate); return Crate{Any: Crate{Inner: &l}} },
	} {
		t.Run(name, func(t *testing.T) {
			msg := grow(1)
			refused := 0
			for range 2 * message.MaxDepth {
				data, err := r.Append(nil, msg)
				if checked := r.Check(msg); checked != nil {
					assert.ErrorIs(t, checked, message.ErrTooDeep)
					assert.ErrorIs(t, err, message.ErrTooDeep)
					refused++
				} else {
					assert.NilError(t, err)
					assert.Equal(t, refused, 0)
					got, err := r.Decode(data)
					assert.NilError(t, err)
					same(t, got, msg)
				}
				msg = grow(msg)
			}
			assert.Assert(t, refused > 0, "no limit")
		})
	}
}

func TestCheckDoesNotAllocate(t *testing.T) {
	r := newRegistry(t, samples())
	for _, msg := range []any{Greet{"x"}, &Greet{"x"}, "text", 1 << 40, actorAt(1), message.ActorExitRequest{}} {
		assert.NilError(t, r.Check(msg))
		assert.Equal(t, testing.AllocsPerRun(100, func() { _ = r.Check(msg) }), 0.0, "%T", msg)
	}
}

func TestRegistryIsSafeForConcurrentUse(t *testing.T) {
	r := newRegistry(t, samples())
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				for _, msg := range []any{Greet{"x"}, Count(1), "s", Crate{Any: Greet{"y"}}, Point{1, 2}, Order{}, []any{1, "x"}} {
					if r.Check(msg) != nil || r.Check(stranger{}) == nil {
						t.Error("Check went wrong")
						return
					}
					got, err := r.Decode(encode(t, r, msg))
					if err != nil {
						t.Error(err)
						return
					}
					same(t, got, msg)
				}
			}
		})
	}
	all.Wait()
}
