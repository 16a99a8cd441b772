package matrix

import (
	"fmt"
	"slices"
	"strings"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

// severalSystems says why a behaviour of systems that meet cannot be had in a configuration.
func severalSystems(c Config) string {
	switch {
	case c.Apart():
		return ""
	case !c.Processes():
		return "a system of the base simple is inside of its program, where no other one meets it"
	case !c.features.Remote:
		return "systems of this base never meet: it has no addresses that others could reach"
	}
	return "there is one system, and nobody to meet"
}

// everywhere has actors run in the leader, too.
var everywhere = actor.Capabilities{runsActors: true}

// there creates an actor in the system of a name.
func there(t *T, place string) address.Address {
	return t.Create("doer somewhere", actor.CreateOptions{Requirements: place})
}

// childThere has an actor create one, with a process, in the system of a name: without one it would run in its creator's, or not at all.
func childThere(t *T, parent address.Address, place string) address.Address {
	return t.Do(parent, Do{Deed: "create somewhere", Data: []byte(place)}).Who
}

// place returns the name of the system of an actor.
func place(t *T, a address.Address) string { return t.Do(a, Do{Deed: "tell the place"}).What }

// places returns the names of all systems, the leader's first.
func places(t *T) []string {
	all := []string{"leader"}
	for i := range t.members {
		all = append(all, fmt.Sprint("member ", i+1))
	}
	return all
}

// isNamed is the check of kinds that run in the system that their requirements name.
func isNamed(c actor.Capabilities, requirements any) error {
	if c["Name"] != requirements {
		return fmt.Errorf("its name is %v, not %v", c["Name"], requirements)
	}
	return nil
}

// namesAll asserts that each system says once why it does not run an actor.
func namesAll(t *T, text string) {
	for _, name := range places(t) {
		assert.Equal(t, strings.Count(text, "its name is "+name+", not nobody"), 1, "%s: %s", name, text)
	}
}

// Systems that meet act as one.
var conventions = []Behaviour{
	{
		Name:         "conventions/who asks for it hears of systems that come and go",
		Unsupported:  severalSystems,
		Capabilities: everywhere,
		Deeds: map[string]Deed{
			"hear of systems": func(d *Doer, ctx *actor.Context, m Do) error {
				asker := d.Asker
				d.Hear = func(ctx *actor.Context, msg any) error {
					if u, ok := msg.(message.ConventionUpdate); ok {
						word := "left"
						if u.Added {
							word = "joined"
						}
						ctx.Send(asker, Said{What: fmt.Sprint(u.Capabilities["Name"], " ", word), Who: u.Admin})
					}
					return nil
				}
				if m.N == 0 { // it hears nothing more when it has said so
					ctx.NotifyOnConventionChanges(false)
				}
				d.Say(ctx, Said{What: "understood"})
				if m.N > 0 { // it says so before it hears of those that are there
					ctx.NotifyOnConventionChanges(true)
				}
				return nil
			},
		},
		Run: func(t *T) {
			var here []Said
			for i, m := range t.members {
				here = append(here, Said{What: fmt.Sprintf("member %d joined", i+1), Who: m.Admin()})
			}
			first, second := there(t, "leader"), there(t, "leader")
			t.Do(first, Do{Deed: "hear of systems", N: 1})
			hear(t, here...) // at once
			t.Do(first, Do{Deed: "hear of systems", N: 1})
			late := t.Join("late", nil)
			here = append(here, Said{What: "late joined", Who: late.Admin()})
			hear(t, here[len(t.members)])
			t.Do(second, Do{Deed: "hear of systems", N: 1})
			hear(t, here...)

			assert.NilError(t, late.Shutdown(t.Context()))
			left := Said{What: "late left", Who: late.Admin()}
			hear(t, left, left) // each of the two
			t.Do(first, Do{Deed: "hear of systems"})
			status(t) // which its process answers behind that
			again := t.Join("again", nil)
			hear(t, Said{What: "again joined", Who: again.Admin()})
			assert.NilError(t, t.members[0].Shutdown(t.Context()))
			hear(t, Said{What: "member 1 left", Who: t.members[0].Admin()})
			calm(t, first, second)
		},
	},
	{
		Name:         "conventions/an actor runs in the system that suits, and who is refused hears why from each",
		Unsupported:  severalSystems,
		Capabilities: everywhere,
		Deeds: map[string]Deed{
			// Data is the requirements.
			"create somewhere": func(d *Doer, ctx *actor.Context, m Do) error {
				d.Say(ctx, Said{What: "created", Who: ctx.Create("doer somewhere apart", actor.CreateOptions{Requirements: string(m.Data)})})
				return nil
			},
			"tell the place": func(d *Doer, ctx *actor.Context, _ Do) error {
				d.Say(ctx, Said{What: fmt.Sprint(ctx.Capabilities()["Name"]), Who: ctx.Self()})
				return nil
			},
		},
		Run: func(t *T) {
			last := len(t.members)
			var all []address.Address
			for _, name := range places(t) {
				a := there(t, name)
				assert.Equal(t, place(t, a), name)
				all = append(all, a)
			}
			for _, parent := range []address.Address{all[0], all[last]} { // one in the leader, one in a member
				t.Do(parent, Do{Deed: "report"})
				for _, name := range []string{"leader", "member 1", places(t)[last]} {
					child := childThere(t, parent, name)
					assert.Equal(t, place(t, child), name)
					assert.Equal(t, statusOf(t, child).Parent, parent)
				}
				none := childThere(t, parent, "nobody")
				said := t.Hear()
				assert.Equal(t, said.Who, none)
				namesAll(t, said.What)
			}
			for _, sys := range []*system.System{t.System, t.members[last-1]} { // programs
				_, err := sys.Create(t.Context(), "doer somewhere", actor.CreateOptions{Requirements: "nobody"})
				assert.ErrorIs(t, err, system.ErrNoCompatibleSystem)
				namesAll(t, err.Error())
				_, err = sys.Create(t.Context(), "nothing that there is")
				assert.ErrorIs(t, err, system.ErrUnknownKind)
				a, err := sys.Create(t.Context(), "doer somewhere", actor.CreateOptions{Requirements: "member 1"})
				assert.NilError(t, err)
				assert.Equal(t, within(t, sys, a, Do{Deed: "tell the place"}).What, "member 1")
			}
			calm(t, all...)
		},
	},
	{
		Name:         "conventions/an address that passes through systems reaches its actor, and equals its own",
		Unsupported:  severalSystems,
		Capabilities: everywhere,
		Deeds: map[string]Deed{
			// The first of the addresses is who gets it, who tells the last of them what is wrong. Text is who has sent it.
			"pass around": func(_ *Doer, ctx *actor.Context, m Do) error {
				last := m.Who[len(m.Who)-1]
				switch {
				case m.Who[0] != ctx.Self():
					ctx.Send(last, Said{What: "it is not mine", N: m.N, Who: m.Who[0]})
				case m.N > 0 && m.Text != ctx.Sender().String():
					ctx.Send(last, Said{What: "it is not the sender's", N: m.N, Who: ctx.Sender()})
				case len(m.Who) == 2:
					ctx.Send(last, Said{What: "passed", N: m.N, Who: ctx.Self()})
				default:
					ctx.Send(m.Who[1], Do{Deed: "pass around", N: m.N + 1, Text: ctx.Self().String(), Who: m.Who[1:]})
				}
				return nil
			},
		},
		Run: func(t *T) {
			seen := make(map[address.Address]bool)
			var all, route []address.Address
			for _, name := range places(t) {
				all = append(all, there(t, name))
				seen[all[len(all)-1]] = true
			}
			assert.Equal(t, len(seen), t.Systems)
			for i, a := range all {
				for _, b := range all[i+1:] {
					route = append(route, a, b, a)
				}
			}
			route = slices.Compact(route) // from each to each other one
			for range 2 {
				t.Tell(route[0], Do{Deed: "pass around", Who: append(route, t.System.Address())})
				hear(t, Said{What: "passed", N: len(route) - 1, Who: route[len(route)-1]})
			}
			for _, sys := range t.members { // to programs elsewhere they are the same
				for _, a := range all {
					assert.Equal(t, within(t, sys, a, Do{Deed: "introduce"}).Who, a)
				}
			}
		},
	},
	{
		Name:         "conventions/children in other systems get what is sent before they are there",
		Unsupported:  severalSystems,
		Capabilities: everywhere,
		Deeds: map[string]Deed{
			// It creates two actors, in the systems that the text names, and sends a message along them and itself before it knows anything of them.
			"make friends": func(d *Doer, ctx *actor.Context, m Do) error {
				one, two, _ := strings.Cut(m.Text, ", ")
				a := ctx.Create("doer somewhere apart", actor.CreateOptions{Requirements: one})
				b := ctx.Create("doer somewhere apart", actor.CreateOptions{Requirements: two})
				ctx.Send(a, Do{Deed: "route", Who: []address.Address{b, a, b, ctx.Self(), d.Asker}})
				return nil
			},
		},
		Run: func(t *T) {
			last := places(t)[len(t.members)]
			for _, parent := range []string{"leader", "member 1"} {
				a := there(t, parent)
				for _, friends := range []string{last + ", " + last, "leader, " + last, last + ", leader"} {
					t.Tell(a, Do{Deed: "make friends", Text: friends})
					hear(t, Said{What: "arrived", N: 5, Who: a})
				}
			}
		},
	},
	{
		Name:         "conventions/the end of a child in another system is told to its parent once",
		Unsupported:  severalSystems,
		Capabilities: everywhere,
		Run: func(t *T) {
			last := places(t)[len(t.members)]
			for _, family := range [][2]string{{"leader", last}, {"member 1", "leader"}, {"member 1", last}} {
				parent := there(t, family[0])
				t.Do(parent, Do{Deed: "report"})
				for _, way := range []struct {
					msg    any
					reason string
				}{
					{message.ActorExitRequest{}, "asked to exit"},
					{Do{Deed: "leave", Text: "exit"}, "it called Exit"},
					{Do{Deed: "exit process", N: 3}, "exit status 3"},
					{nil, "signal: killed"},
				} {
					child := childThere(t, parent, family[1])
					assert.Equal(t, place(t, child), family[1])
					if way.msg == nil {
						assert.NilError(t, t.System.Kill(t.Context(), child))
					} else {
						t.Tell(child, way.msg)
					}
					hear(t, Said{What: "child exited: " + way.reason, Who: child})
				}
				calm(t, parent)
			}
		},
	},
	{
		Name:         "conventions/the end of a system is the end of its actors, told to their parents elsewhere once",
		Unsupported:  severalSystems,
		Capabilities: everywhere,
		Run: func(t *T) {
			late := t.Join("late", nil)
			parents := []address.Address{there(t, "leader"), there(t, "member 1")}
			lost := make(map[address.Address]bool)
			for _, parent := range parents {
				t.Do(parent, Do{Deed: "report"})
				for range 2 {
					child := childThere(t, parent, "late")
					assert.Equal(t, place(t, child), "late")
					lost[child] = true
				}
			}
			assert.NilError(t, late.Shutdown(t.Context()))
			for range 4 {
				said := t.Hear()
				assert.Assert(t, strings.HasPrefix(said.What, "child exited: ") && lost[said.Who], words(said))
				delete(lost, said.Who)
			}
			calm(t, parents...)
			_, err := t.System.Create(t.Context(), "doer somewhere", actor.CreateOptions{Requirements: "late"})
			assert.ErrorIs(t, err, system.ErrNoCompatibleSystem)

			// The leader's is no other.
			member := t.members[0]
			parent, err := member.Create(t.Context(), "doer somewhere", actor.CreateOptions{Requirements: "member 1"})
			assert.NilError(t, err)
			within(t, member, parent, Do{Deed: "report"})
			child := within(t, member, parent, Do{Deed: "create somewhere", Data: []byte("leader")}).Who
			assert.Equal(t, within(t, member, child, Do{Deed: "tell the place"}).What, "leader")
			assert.NilError(t, t.System.Shutdown(t.Context()))
			msg, _, err := member.Listen(t.Context())
			assert.NilError(t, err)
			said, err := actor.As[Said](msg)
			assert.NilError(t, err)
			assert.Assert(t, strings.HasPrefix(said.What, "child exited: ") && said.Who == child, words(said))
			assert.Equal(t, within(t, member, parent, Do{Deed: "introduce"}).Who, parent)
		},
	},
	{
		Name:         "conventions/a family in several systems ends with its oldest",
		Unsupported:  severalSystems,
		Capabilities: everywhere,
		Run: func(t *T) {
			last := places(t)[len(t.members)]
			family := []address.Address{there(t, "leader")}
			for _, name := range []string{"member 1", "leader", last, last, "member 1"} {
				family = append(family, childThere(t, family[len(family)-1], name))
			}
			calm(t, family...)
			other := there(t, last)
			t.Tell(family[0], message.ActorExitRequest{})
			ended(t, family...)
			calm(t, other)
		},
	},
	{
		Name:         "conventions/a system ends while actors for it are created elsewhere",
		Unsupported:  severalSystems,
		Capabilities: everywhere,
		Run: func(t *T) {
			last := places(t)[len(t.members)]
			parent := there(t, "leader")
			for range 3 {
				t.Tell(childThere(t, parent, last), Do{Deed: "introduce"})
			}
			assert.NilError(t, t.System.Shutdown(t.Context()))
		},
	},
	{
		Name:         "conventions/what a system offers moves work there and away",
		Unsupported:  severalSystems,
		Capabilities: everywhere,
		Kinds: []actor.Kind{
			{Name: "red painter apart", New: newPainter, Requires: actor.Capabilities{"Red": true}, Startup: actor.Spawn},
			{Name: "green painter apart", New: newPainter, Requires: actor.Capabilities{"Green": "grass"}, Startup: actor.Spawn},
		},
		Run: func(t *T) {
			offer := func(sys *system.System, name string, value any) {
				assert.NilError(t, sys.UpdateCapability(t.Context(), name, value))
			}
			// created waits until the leader has heard of what a system offers.
			created := func(kind string) address.Address {
				for {
					a, err := t.System.Create(t.Context(), kind)
					if err == nil {
						return a
					}
					assert.ErrorIs(t, err, system.ErrNoCompatibleSystem)
				}
			}
			runs := func(a address.Address, place string) { assert.Equal(t, t.Do(a, Do{Text: "Name"}).What, place) }
			member := t.members[len(t.members)-1]
			name := places(t)[len(t.members)]

			_, err := t.System.Create(t.Context(), "red painter apart")
			assert.ErrorIs(t, err, system.ErrNoCompatibleSystem)
			offer(member, "Red", true)
			far := created("red painter apart")
			runs(far, name)
			said, err := actor.As[Said](t.Ask(far, actor.UpdateCapability{Name: "Green", Value: "grass"})) // an actor speaks for its system
			assert.NilError(t, err)
			assert.Equal(t, said.What, "updated")
			runs(created("green painter apart"), name)

			// Parents in both systems, with a child in each.
			offer(t.System, "Red", true)
			parent := t.Create("painter")
			runs(parent, "leader")
			near := paint(t, parent, "red painter apart")
			runs(near, "leader")
			green := paint(t, parent, "green painter apart")
			runs(green, name)
			below := paint(t, green, "red painter apart")
			runs(below, name)

			for range 2 { // what is set again, or taken back again, changes nothing
				offer(member, "Blue", nil)
				offer(member, "Green", "grass")
			}
			offer(t.System, "Red", nil)
			assert.Equal(t, loss(t), near, "nobody else ends")
			red := paint(t, parent, "red painter apart")
			runs(red, name)
			offer(member, "Red", nil)
			lost := []address.Address{loss(t), loss(t)}
			assert.Assert(t, slices.Contains(lost, red) && slices.Contains(lost, below), "%v", lost)
			ended(t, far)
			offer(member, "Red", nil)
			runs(green, name)
			for { // until the leader has heard of that
				if _, err := t.System.Create(t.Context(), "red painter apart"); err != nil {
					assert.ErrorIs(t, err, system.ErrNoCompatibleSystem)
					break
				}
			}
			none := paint(t, parent, "red painter apart")
			said = t.Hear()
			assert.Assert(t, said.Who == none && strings.Contains(said.What, "red painter apart"), words(said))
			calm(t)
		},
	},
	{
		Name:         "conventions/a system that is invited takes part until that is taken back",
		Unsupported:  severalSystems,
		Capabilities: everywhere,
		Deeds: map[string]Deed{
			// Data is the system.
			"invite": func(d *Doer, ctx *actor.Context, m Do) error {
				said := Said{What: "done"}
				if err := ctx.PreRegister(string(m.Data), nil); err != nil {
					said.What = err.Error()
				}
				d.Say(ctx, said)
				return nil
			},
			"part with": func(d *Doer, ctx *actor.Context, m Do) error {
				said := Said{What: "done"}
				if err := ctx.DeRegister(string(m.Data)); err != nil {
					said.What = err.Error()
				}
				d.Say(ctx, said)
				return nil
			},
		},
		Run: func(t *T) {
			// Who only connects to others cannot be invited, but invites.
			host := t.System
			if t.OutboundOnly {
				host = t.start(t.apart("host", everywhere))
			}
			o := t.apart("guest", nil)
			delete(o.Capabilities, "Outbound Only")
			guest := t.start(o)
			at := t.endpoint(guest)
			admin, err := guest.Admin().MarshalText()
			assert.NilError(t, err)

			watcher, err := host.Create(t.Context(), "doer")
			assert.NilError(t, err)
			// hears returns what the watcher says of the guest next.
			hears := func(word string) {
				for {
					msg, _, err := host.Listen(t.Context())
					assert.NilError(t, err)
					said, err := actor.As[Said](msg)
					assert.NilError(t, err)
					if said.What == "guest "+word {
						assert.Equal(t, said.Who.String(), guest.Admin().String())
						return
					}
					assert.Assert(t, strings.HasPrefix(said.What, "member "), words(said))
				}
			}
			requirements := actor.CreateOptions{Requirements: "guest"}
			mine, err := guest.Create(t.Context(), "doer")
			assert.NilError(t, err)
			within(t, host, watcher, Do{Deed: "hear of systems", N: 1})
			for i, back := range []string{at, string(admin)} { // where it is, or who
				does := func(deed, other string) {
					assert.Equal(t, within(t, host, watcher, Do{Deed: deed, Data: []byte(other)}).What, "done")
				}
				_, err = host.Create(t.Context(), "doer somewhere", requirements)
				assert.ErrorIs(t, err, system.ErrNoCompatibleSystem)
				if i == 0 { // the program, then an actor
					assert.NilError(t, host.PreRegister(t.Context(), at, actor.Capabilities{"Name": "somebody else"}))
				} else {
					does("invite", at)
				}
				hears("joined") // with its own name
				a, err := host.Create(t.Context(), "doer somewhere", requirements)
				assert.NilError(t, err)
				assert.Equal(t, within(t, host, a, Do{Deed: "tell the place"}).What, "guest")
				assert.NilError(t, guest.Tell(t.Context(), mine, Do{Deed: "watch", Who: []address.Address{a}}))
				within(t, guest, mine, Do{Deed: "introduce"})
				if i == 0 {
					assert.NilError(t, host.DeRegister(t.Context(), back))
				} else {
					does("part with", back)
				}
				hears("left")
				msg, _, err := guest.Listen(t.Context()) // what it ran for the other has ended
				assert.NilError(t, err)
				said, err := actor.As[Said](msg)
				assert.NilError(t, err)
				assert.Equal(t, words(said), words(Said{What: "exited", Who: a}))
			}
			assert.ErrorContains(t, host.DeRegister(t.Context(), at), "not pre-registered")
			assert.Equal(t, within(t, guest, mine, Do{Deed: "tell the place"}).What, "guest", "what it runs for itself has not")
		},
	},
}
