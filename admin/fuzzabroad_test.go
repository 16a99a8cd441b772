package admin_test

import (
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/address"
	"thespian.dev/address/record"
	"thespian.dev/admin"
	"thespian.dev/message"
)

func addressIn(system, process, counter uint64) address.Address {
	return address.Of(record.Intern(record.ID{System: system, Process: process, Counter: counter}))
}

// The core of the fuzz test is system 1, the others are 5 to 7.
func (d *dice) system() uint64 { return pick[uint64](d, 5, 5, 6, 6, 7, 1, 0) }

func (d *dice) place() admin.Place {
	return admin.Place{
		System: d.system(), Incarnation: d.system(), Process: pick[uint64](d, 0, 1, 2, 3, 50, 51, 52, 60, 61, 70), Endpoint: pick(d, "", "e", "/p1.2", "["), Local: pick(d, "", "l"),
		Host: pick(d, "", "here"), Admin: pick(d, "", "a"), Routed: d.roll(2) == 0, Outbound: d.roll(4) == 0,
	}
}

func (d *dice) actorOf() address.Address {
	if d.roll(2) == 0 {
		return d.address()
	}
	return addressIn(pick[uint64](d, 5, 5, 6, 7), 50, uint64(d.roll(4)))
}

func (d *dice) refusals() (all []admin.Refusal) {
	for range d.roll(4) {
		all = append(all, admin.Refusal{System: d.system(), Name: "name", Why: "because"})
	}
	return all
}

func (d *dice) fromSystem(request uint64) any {
	failure := pick(d, admin.Failure{}, admin.Failure{}, admin.Failure{Code: admin.CodeFailed}, admin.Failure{Code: admin.CodeNoSystem}, admin.Failure{Code: admin.CodeUnknownKind})
	process := uint64(d.roll(8))
	switch d.roll(16) {
	case 0, 1:
		return admin.Seek{Request: request, Process: process, From: d.place()}
	case 2, 3:
		return admin.Sought{Request: request, Place: d.place(), Failure: failure}
	case 4, 5, 6, 7:
		return admin.PlaceActor{
			Request: request, Origin: d.system(), From: d.place(), Parent: d.place(), Tried: d.refusals(), On: d.roll(2) == 0,
			Create: admin.Create{Child: d.actorOf(), Parent: pick(d, d.actorOf(), address1(own, 1)), Kind: pick(d, "plain", "pooled", "light", "light", "picky", "none"), Name: pick(d, "", "x")},
		}
	case 8, 9:
		return admin.Placed{Request: request, Place: d.place(), Tried: d.refusals(), Failure: failure}
	case 10:
		return admin.ActorEnded{Actor: d.actorOf()}
	case 11:
		return admin.ProcessEnded{Process: pick[uint64](d, 0, 1, 2, 50, 51, 60, 70), Reason: pick(d, "", "because")}
	case 12:
		return admin.FindActor{Request: request, Actor: d.actorOf(), From: d.place()}
	case 13:
		return pick[any](d, admin.RelayTo{Process: process, Data: []byte("data")}, admin.AdoptActor{Actor: d.actorOf()})
	case 14:
		return admin.KillPlaced{Request: request, Actor: d.actorOf()}
	}
	return pick[any](d, admin.KilledPlaced{Request: request, Failure: failure}, admin.Hosted{Actor: d.actorOf()}, nil, admin.Create{}, "what")
}

// Whatever Admins of other systems say, in whatever order, to a system that does what it should: the core does not panic, its tables are in order, and nothing is left of the others
// when they are gone.
func FuzzFromSystem(f *testing.F) {
	addDice(f, 200, 50, 300)
	f.Fuzz(func(t *testing.T, data []byte) {
		d := &dice{data[:min(len(data), 4096)]}
		last, now := uint64(own), time.Unix(0, 0)
		core := admin.New(now, admin.Options{
			System: 1, Process: own, Admin: address1(own, 1), Endpoint: "e1", Pool: 2, Meets: true, Number: func() uint64 { last++; return last },
			Here: admin.Place{System: 1, Incarnation: 1, Host: "here", Admin: "a1"}, Capabilities: message.Capabilities{"Disk": true},
		})
		alive := map[uint64]bool{own: true}
		waits := make(map[uint64][]any) // what each process has to say
		type question struct{ to, request uint64 }
		var questions []question // that were put to others
		perform := func(what any, outputs []admin.Output) {
			for _, o := range outputs {
				switch o := o.(type) {
				case admin.Launch:
					alive[o.Process] = true
					waits[o.Process] = append(waits[o.Process], admin.Announce{Endpoint: "e"})
				case admin.Kill:
					waits[o.Process] = append(waits[o.Process], nil)
				case admin.Post:
					switch m := o.Message.(type) {
					case admin.Seek:
						questions = append(questions, question{o.To, m.Request})
					case admin.FindActor:
						questions = append(questions, question{o.To, m.Request})
					case admin.PlaceActor:
						questions = append(questions, question{o.To, m.Request})
					case admin.KillPlaced:
						questions = append(questions, question{o.To, m.Request})
					}
					assert.Assert(t, o.To != 1 && o.To != 0, "%+v: %T is posted to %d", what, o.Message, o.To)
				case admin.Tell:
					assert.Assert(t, alive[o.To], "%+v: %T is told to %d, which is gone", what, o.Message, o.To)
					say := func(more ...any) { waits[o.To] = append(waits[o.To], more...) }
					switch m := o.Message.(type) {
					case admin.Meet:
						say(pick(d, admin.Met{Endpoint: "o"}, admin.Met{Endpoint: "o"}, admin.Met{Failure: admin.Failure{Code: admin.CodeFailed}}))
					case admin.Run:
						say(admin.Running{Child: m.Child}, admin.Started{Child: m.Child, Failure: d.failure()})
					case admin.Orphaned:
						say(admin.Ended{Actor: m.Child})
					case admin.Exit, admin.Retire:
						say(nil)
					case admin.Located:
						assert.Assert(t, m.System != 1 && (m.System != 0 || alive[m.Process]), "%+v: %+v", what, m)
					case admin.Created:
						assert.Assert(t, m.Failure != (admin.Failure{}) || m.System != 1, "%+v: %+v", what, m)
					}
				}
			}
			assert.NilError(t, core.Consistent(), "%+v", what)
		}
		// speak has a process say what it has to, or end.
		speak := func(process uint64) {
			if len(waits[process]) == 0 {
				return
			}
			msg := waits[process][0]
			waits[process] = waits[process][1:]
			if msg == nil {
				delete(alive, process)
				delete(waits, process)
				perform("gone", core.Gone(now, process, "it was killed"))
				return
			}
			perform(msg, core.Received(now, process, msg))
		}
		_, outputs := core.Attached()
		alive[2] = true
		perform("attach", outputs)
		perform("announce", core.Received(now, 2, admin.Announce{Endpoint: "e2", Build: "b", Kinds: append([]admin.Kind{{Name: "checked", Checks: true}}, kinds...)}))
		fenced := false
		for request := uint64(2); len(d.data) > 0; request++ {
			system := pick[uint64](d, 5, 5, 6, 7)
			switch d.roll(24) {
			case 0, 1:
				perform("joined", core.Joined(system, address.Address{}, "name", pick(d, nil, message.Capabilities{"GPU": true})))
			case 2:
				perform("left", core.Left(now, system, "it was lost"))
			case 3:
				perform("led", core.Led(pick(d, 0, 1, system)))
			case 4:
				if !fenced {
					perform("fence", core.Fence(now, 1000+request, "it is cut off"))
				}
				fenced = !fenced
				for {
					at, any := core.Next()
					if !any {
						break
					}
					now = at
					perform("tick", core.Tick(now))
				}
			case 5, 6:
				create := admin.Create{Request: request, Child: addressIn(1, 2, 100+request), Parent: pick(d, address1(own, 1), address1(2, 1)), Kind: pick(d, "picky", "picky", "none", "checked", "plain"), Name: pick(d, "", "", "x")}
				perform(create, core.Received(now, 2, create))
			case 7:
				locate := admin.Locate{System: d.system(), Process: uint64(d.roll(70))}
				perform(locate, core.Received(now, 2, locate))
			case 8:
				find := pick[any](d, admin.Find{Request: request, Actor: d.actorOf()}, admin.KillActor{Request: request, Actor: addressIn(1, 2, 100+uint64(d.roll(64)))}, admin.Adopt{Child: addressIn(1, 2, 100+uint64(d.roll(64)))})
				perform(find, core.Received(now, 2, find))
			case 9:
				host := 3 + uint64(d.roll(int(last)))
				if alive[host] && d.roll(4) == 0 {
					waits[host] = []any{nil}
				}
			case 10, 11, 12, 13, 14:
				for process := uint64(1); process <= last; process++ {
					speak(process)
				}
			default:
				from, to := pick(d, system, system, system, 0, 1), uint64(d.roll(8))
				if i := len(questions) - 1 - d.roll(4); i >= 0 { // most answers are to a question
					from, to = questions[i].to, questions[i].request
				}
				msg := d.fromSystem(to)
				perform(msg, core.FromSystem(now, from, msg))
			}
		}

		// All others go, and what the processes have to say is said.
		all := func() {
			for process := uint64(1); process <= last; process++ {
				for len(waits[process]) > 0 {
					speak(process)
				}
			}
		}
		all()
		for system := range uint64(10) {
			perform("left", core.Left(now, system, "it was lost"))
		}
		all()
		for system := range uint64(10) { // whom it has asked for meanwhile
			perform("left", core.Left(now, system, "it was lost"))
		}
		all()
		assert.Equal(t, core.Abroad(), [5]int{})
	})
}
