package convention_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/convention"
	"thespian.dev/message"
)

// dice draw what happens from bytes.
type dice struct{ data []byte }

func (d *dice) roll(n int) int {
	if len(d.data) == 0 {
		return 0
	}
	b := d.data[0]
	d.data = d.data[1:]
	return int(b) % n
}

func pick[T any](d *dice, from ...T) T { return from[d.roll(len(from))] }

// The core of the fuzz test is system 1 at "self".
func (d *dice) number() uint64  { return pick(d, 0, 1, 2, 2, 3, 3, 4, 5, uint64(math.MaxUint64)) }
func (d *dice) address() string { return pick(d, "", "self", "a", "b", "c", "d") }
func (d *dice) taken() uint64   { return pick(d, 0, 1, 2, 3, uint64(math.MaxUint64)) }

func (d *dice) capabilities() message.Capabilities {
	return pick(d, nil, nil, message.Capabilities{"GPU": true}, message.Capabilities{"GPU": nil}, message.Capabilities{"GPU": convention.Ping{}}, message.Capabilities{"GPU": math.NaN()})
}

func (d *dice) system() convention.System {
	number := d.number()
	return convention.System{Number: number, Incarnation: pick(d, number, number, number, 7, 0), Address: d.address(), Routed: d.roll(2) == 0, Capabilities: d.capabilities()}
}

// message draws something that a system might say. sent are the numbers that each connection has used.
func (d *dice) message(sent *uint64) any {
	switch d.roll(16) {
	case 0, 1:
		return convention.Hello{System: d.system(), Of: pick[uint64](d, 0, 1, 100, 7), Taken: d.taken()}
	case 2, 3:
		return convention.Register{Capabilities: d.capabilities()}
	case 4:
		return convention.Registered{Capabilities: d.capabilities()}
	case 5:
		return convention.Invite{}
	case 6:
		return pick[any](d, convention.DeRegister{}, convention.DeRegister{Why: "because"})
	case 7:
		return pick[any](d, convention.Renew{}, nil, "what", convention.Post{}, convention.Send{})
	case 8:
		return convention.Ping{Taken: d.taken()}
	}
	*sent++
	return convention.Numbered{Number: pick(d, *sent, *sent, *sent, *sent, *sent, d.taken()), Taken: d.taken(), Post: convention.Post{
		From: d.number(), To: d.number(), Hops: pick(d, 0, 1, 3, 4, -1, math.MinInt, math.MaxInt),
		Message: pick[any](d, "text", "text", nil, convention.Departed{System: d.number()}, convention.Interest{Systems: []uint64{d.number(), d.number()}}),
	}}
}

// Whatever other systems say and whatever happens, in whatever order: the core does not panic, its tables are in order, and nothing is left of those who are gone.
func FuzzCore(f *testing.F) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		var data []byte
		for range 50 + random.IntN(250) {
			data = binary.LittleEndian.AppendUint64(data, random.Uint64())
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := &dice{data[:min(len(data), 4096)]}
		now, number := epoch, uint64(99)
		var open, dialled []string
		links := make(map[uint64]*uint64) // the number of the last post on each
		var last uint64
		fencing := false
		var core *convention.Core
		perform := func(what any, outputs []convention.Output) {
			for _, o := range outputs {
				switch o := o.(type) {
				case convention.Dial:
					dialled = append(dialled, o.Address)
				case convention.Drop:
					assert.Assert(t, links[o.Link] != nil, "%v: connection %d is dropped, and is not there", what, o.Link)
					delete(links, o.Link)
				case convention.Send:
					assert.Assert(t, links[o.Link] != nil, "%v: %T is said on connection %d, which is not there", what, o.Message, o.Link)
				case convention.Fence:
					assert.Assert(t, !fencing, "%v", what)
					fencing = true
				case convention.Joined:
					assert.NilError(t, o.System.Capabilities.Validate())
				}
			}
			assert.NilError(t, core.Consistent(), "%+v", what)
		}
		pass := func(by time.Duration) {
			for end, ticks := now.Add(by), 0; ; ticks++ {
				at, any := core.Next()
				if !any || at.After(end) {
					now = end
					return
				}
				if at.After(now) {
					now, ticks = at, 0
				}
				assert.Assert(t, ticks < 100, "the core has something to do all the time")
				perform("tick", core.Tick(now))
			}
		}
		core, outputs := convention.New(now, convention.Options{
			Self: convention.System{Number: 1, Address: pick(d, "self", "")}, Leaders: pick(d, nil, nil, []string{"a"}, []string{"a", "self", "a", "b"}),
			Number: func() uint64 { number++; return number }, Size: func(msg any) (int, error) {
				if _, is := msg.(convention.Post); is {
					return convention.MaxKept / 8, nil
				}
				return 10, nil
			},
		})
		perform("new", outputs)
		for len(d.data) > 0 {
			switch d.roll(24) {
			case 0, 1, 2:
				last++
				links[last] = new(uint64)
				address := ""
				if len(dialled) > 0 && d.roll(3) > 0 {
					i := d.roll(len(dialled))
					address = dialled[i]
					dialled = slices.Delete(dialled, i, i+1)
				}
				perform("opened", core.Opened(now, last, address))
				if n := 2 + uint64(d.roll(8)); n < 6 { // most begin as they should
					perform("hello", core.Received(now, last, convention.Hello{System: convention.System{Number: n, Incarnation: n, Address: d.address()}}))
					perform("register", core.Received(now, last, convention.Register{}))
				}
			case 3:
				if len(dialled) > 0 {
					perform("failed", core.Failed(now, dialled[0], pick(d, "refused", "no route"), d.roll(2) == 0))
					dialled = dialled[1:]
				}
			case 4:
				closing := 1 + uint64(d.roll(int(last)+1))
				delete(links, closing)
				perform("closed", core.Closed(now, closing, "it broke"))
			case 5, 6, 7:
				pass(pick(d, 0, time.Millisecond, 300*time.Millisecond, 2*time.Second, 10*time.Second, time.Hour))
			case 8:
				now = now.Add(time.Hour) // the machine stands still
			case 9:
				perform("leaders", core.SetLeaders(now, pick(d, nil, []string{"a"}, []string{"b", "b", "self"}, []string{"self"})))
			case 10:
				address := d.address()
				open = append(open, address)
				perform("preregister", core.PreRegister(now, address))
			case 11:
				outputs, _ := core.DeRegister(now, d.address())
				perform("deregister", outputs)
			case 12:
				perform("capabilities", core.SetCapabilities(now, pick(d, nil, message.Capabilities{"GPU": true})))
			case 13:
				fencing = false
				perform("fenced", core.Fenced(now))
			case 14:
				perform("post", core.Post(now, d.number(), "text"))
			default:
				on := last - uint64(d.roll(4))
				var spare uint64
				sent := links[on]
				if sent == nil {
					sent = &spare
				}
				msg := d.message(sent)
				perform(msg, core.Received(now, on, msg))
			}
		}

		// All others go.
		perform("fenced", core.Fenced(now))
		perform("leaders", core.SetLeaders(now, nil))
		for _, address := range open {
			outputs, _ := core.DeRegister(now, address)
			perform("deregister", outputs)
		}
		for range 2 { // what was dialled to look whether somebody is there is answered as well
			for _, address := range dialled {
				perform("failed", core.Failed(now, address, "refused", true))
			}
			dialled = nil
			for on := range links {
				perform("closed", core.Closed(now, on, "it broke"))
			}
			pass(time.Minute)
		}
		assert.Equal(t, len(core.Members()), 0)
		assert.Equal(t, len(core.Contacts()), 0, "%+v", core.Contacts())
		_, any := core.Next()
		assert.Assert(t, !any, "there is still something to do")
		perform("leave", core.Leave(now))
		perform("after", core.Received(now, 1, convention.Hello{}))
	})
}
