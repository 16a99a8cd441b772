package admin_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/address"
	"thespian.dev/address/record"
	"thespian.dev/admin"
	"thespian.dev/message"
)

func address1(process, counter uint64) address.Address {
	return address.Of(record.Intern(record.ID{System: 1, Process: process, Counter: counter}))
}

// dice draw what processes say from bytes.
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

// addDice adds seeds, of at least so many numbers each, and fewer than most.
func addDice(f *testing.F, seeds uint64, least, most int) {
	for seed := range seeds {
		random := rand.New(rand.NewPCG(seed, 1))
		var data []byte
		for range least + random.IntN(most-least) {
			data = binary.LittleEndian.AppendUint64(data, random.Uint64())
		}
		f.Add(data)
	}
}

// address draws one of a few addresses, so that processes mostly speak of actors that there are. It may be none.
func (d *dice) address() address.Address {
	if n := uint64(d.roll(12)); n > 0 {
		return address1(2, n)
	}
	return address.Address{}
}

func (d *dice) failure() admin.Failure {
	return pick(d, admin.Failure{}, admin.Failure{}, admin.Failure{Code: admin.CodeFailed, Text: "no luck"})
}

var kinds = []admin.Kind{
	{Name: "plain"}, {Name: "pooled", Startup: "forkserver"}, {Name: "light", Startup: "goroutine"}, {Name: "picky", Requires: message.Capabilities{"GPU": true}},
}

// forked are kinds that no program should have.
var forked = []admin.Kind{{Name: "plain"}, {Name: "forked", Startup: "fork"}}

func (d *dice) announcement(request uint64) admin.Announce {
	return admin.Announce{
		Request: request, Endpoint: pick(d, "e", "e", "e", ""), Build: pick(d, "b1", "b2"), Kinds: pick(d, kinds[d.roll(3):], kinds, kinds, kinds, forked), Lifetime: d.roll(16) == 1,
		Capabilities: pick(d, nil, nil, nil, message.Capabilities{"GPU": true}),
	}
}

// message draws something that a process might say.
func (d *dice) message(last, request uint64) any {
	process := func() uint64 { return uint64(d.roll(int(last) + 2)) }
	switch d.roll(22) {
	case 0, 1:
		return d.announcement(request)
	case 2, 3, 4, 5:
		return admin.Create{
			Request: request, Child: d.address(), Parent: pick(d, address1(own, 1), d.address()), Kind: pick(d, "plain", "pooled", "light", "picky", "forked", "none"),
			Name: pick(d, "", "", "x", "y"), Wait: d.roll(2) == 0,
		}
	case 6, 7:
		return admin.Running{Child: d.address()}
	case 8, 9:
		return admin.Started{Child: d.address(), Failure: d.failure()}
	case 10:
		if d.roll(2) == 0 {
			return admin.Leaving{Request: request, Actor: d.address()}
		}
		return admin.Ended{Actor: d.address()}
	case 11:
		if d.roll(4) == 0 {
			return admin.Account{DeadLetters: uint64(d.roll(9))}
		}
		return admin.Adopt{Child: d.address()}
	case 12, 13:
		return admin.Locate{Process: process()}
	case 14:
		if d.roll(2) == 0 {
			return admin.Find{Request: request, Actor: d.address()}
		}
		return admin.Lookup{Request: request, Name: pick(d, "", "x", "y")}
	case 15:
		return admin.SetCapability{Request: request, Name: pick(d, "GPU", "Process Startup Method"), Value: pick[any](d, nil, true, "goroutine", "forkserver", "fork", 7, struct{}{})}
	case 16:
		return admin.HandleDeadLetters{Handler: d.address(), On: d.roll(3) > 0}
	case 17:
		return admin.StatusRequest{Request: request}
	case 18:
		var s message.SystemStatus
		for range d.roll(8) {
			s.Actors = append(s.Actors, message.ActorStatus{Actor: d.address(), Parent: d.address()})
		}
		return admin.Status{Request: uint64(d.roll(6)), Status: s}
	case 19:
		return admin.Relay{To: process(), Data: []byte("what")}
	case 20:
		return admin.Parting{Request: request}
	}
	return pick[any](d,
		admin.KillActor{Request: request, Actor: d.address()},
		admin.KillActor{Request: request, Actor: d.address()},
		admin.KillActor{Request: request, Actor: d.address()},
		admin.Shutdown{Request: request, Grace: time.Duration(d.roll(20)-1) * time.Second},
		admin.Failed{Reason: "no room"}, nil, admin.Exit{}, admin.Created{}, // which no process should say
	)
}

// Whatever processes say, in whatever order: the core does not panic, and keeps the rules of the harness.
func FuzzProcesses(f *testing.F) {
	addDice(f, 300, 100, 500)
	f.Fuzz(func(t *testing.T, data []byte) {
		d := &dice{data[:min(len(data), 4096)]}
		h := newHarness(t, admin.Options{Pool: 2, Capabilities: message.Capabilities{"GPU": true}})
		for request := uint64(2); len(d.data) > 0 && !h.finished; request++ {
			switch d.roll(24) {
			case 0, 1:
				h.attach()
			case 2:
				if number := uint64(d.roll(int(h.last) + 2)); number != own {
					h.gone(number, "it was killed")
				}
			case 3:
				h.pass(time.Duration(d.roll(3)) * time.Second)
			default:
				from := uint64(d.roll(int(h.last) + 2))
				if p := h.processes[from]; p != nil && !p.announced && d.roll(4) > 0 { // most begin as they should
					h.receive(from, d.announcement(request))
				} else {
					h.receive(from, d.message(h.last, request))
				}
			}
		}

		// Everything ends: nobody waits in vain.
		h.pass(time.Minute)
		h.shutdown(0)
		h.pass(0)
		for _, number := range h.hosts() {
			assert.Assert(t, h.processes[number].killed)
			h.gone(number, "it was killed")
		}
		assert.Assert(t, h.finished)
		assert.Equal(t, len(h.open), 0, "requests that were never answered: %v", h.open)
		h.receive(own, admin.Create{Request: 1, Child: address1(1, 99), Kind: "plain"})
		h.pass(time.Minute)
		h.gone(2, "the program ended")
		h.shutdown(0)
	})
}
