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

// newPainter returns an actor that creates a child of each kind that it is told in text, and tells whoever told it of the child and of its end. It passes on the
// updates of capabilities that it gets, and says what it sees of them.
func newPainter() actor.Actor {
	askers := make(map[address.Address]address.Address)
	return actor.Func(func(ctx *actor.Context, msg any) error {
		switch m := msg.(type) {
		case string:
			child := ctx.Create(m)
			askers[child] = ctx.Sender()
			ctx.Send(ctx.Sender(), Said{What: "created", Who: child})
		case Do:
			ctx.Send(ctx.Sender(), Said{What: fmt.Sprint(ctx.Capabilities()[m.Text])})
		case message.ChildActorExited:
			ctx.Send(askers[m.Child], Said{What: "lost: " + m.Reason, Who: m.Child})
		case actor.UpdateCapability:
			said := Said{What: "updated", Who: ctx.Self()}
			if err := ctx.UpdateCapability(m.Name, m.Value); err != nil {
				said.What = err.Error()
			}
			ctx.Send(ctx.Sender(), said)
		}
		return nil
	})
}

// What a system offers changes while it runs.
var updates = []Behaviour{
	{
		Name:  "updates/everybody sees what changed",
		Alone: "what a system offers says nothing of others",
		Deeds: map[string]Deed{
			"tell a capability": func(d *Doer, ctx *actor.Context, m Do) error {
				d.Say(ctx, Said{What: fmt.Sprint(ctx.Capabilities()[m.Text])})
				return nil
			},
		},
		Kinds: []actor.Kind{
			{Name: "painter", New: newPainter},
			{Name: "red painter", New: newPainter, Requires: actor.Capabilities{"Red": true}},
			{Name: "green painter", New: newPainter, Requires: actor.Capabilities{"Green": "grass"}},
			{Name: "checked painter", New: newPainter, Check: func(c actor.Capabilities, _ any) error {
				if !c.AsBool("Checked") {
					return fmt.Errorf("nothing is checked")
				}
				return nil
			}},
		},
		Messages: []any{actor.UpdateCapability{}},
		Run: func(t *T) {
			a, b := t.Create("doer"), t.Create("painter")
			for i, value := range []any{1, "two", nil, true, []string{"x", "y"}, nil, nil} {
				update(t, []address.Address{{}, b}[i%2], "Colour", value)
				sees(t, a, "Colour", value)
				sees(t, b, "Colour", value)
				for !t.System.Capabilities().Equal(offers(t, "Colour", value)) {
					assert.NilError(t, t.Context().Err())
				}
				status, err := t.System.Status(t.Context())
				assert.NilError(t, err)
				assert.DeepEqual(t, status.Capabilities["Colour"], value)
			}
		},
	},
	{
		Name:  "updates/actors can be created as long as what they require is offered",
		Alone: "what a system offers says nothing of others",
		Run: func(t *T) {
			parent := t.Create("painter")
			for _, c := range []struct {
				by           address.Address
				kind, name   string
				wrong, right any
			}{
				{address.Address{}, "red painter", "Red", false, true}, {parent, "green painter", "Green", "sea", "grass"}, {address.Address{}, "checked painter", "Checked", "", 7},
			} {
				for _, offered := range []any{nil, c.right, c.wrong} {
					update(t, c.by, c.name, offered)
					sees(t, parent, c.name, offered)
					_, err := t.System.Create(t.Context(), c.kind)
					child := paint(t, parent, c.kind)
					if offered == c.right {
						assert.NilError(t, err)
						assert.Equal(t, statusOf(t, child).Kind, c.kind)
						grandchild := paint(t, child, c.kind)
						assert.Equal(t, statusOf(t, grandchild).Parent, child)
						t.Tell(child, message.ActorExitRequest{}) // before the capability goes
						lost := []address.Address{loss(t), loss(t)}
						assert.Assert(t, slices.Contains(lost, child) && slices.Contains(lost, grandchild))
						continue
					}
					assert.ErrorIs(t, err, system.ErrNoCompatibleSystem)
					said := t.Hear()
					assert.Equal(t, said.Who, child)
					assert.Assert(t, strings.HasPrefix(said.What, "lost: ") && strings.Contains(said.What, c.kind), said.What)
				}
			}
		},
	},
	{
		Name:         "updates/actors end that require what is offered no more",
		Alone:        "what a system offers says nothing of others",
		Capabilities: actor.Capabilities{"Red": true, "Green": "grass", "Checked": 7},
		Run: func(t *T) {
			for i := range 2 {
				// A tree: its red ones are to end, and those that have a red parent.
				root := t.Create("painter")
				sees(t, root, "Red", true)
				sees(t, root, "Green", "grass")
				sees(t, root, "Checked", 7)
				red, green, checked := paint(t, root, "red painter"), paint(t, root, "green painter"), paint(t, root, "checked painter")
				redOfGreen, plainOfRed := paint(t, green, "red painter"), paint(t, red, "painter")
				update(t, []address.Address{{}, redOfGreen}[i], "Red", nil) // by itself, even
				lost := []address.Address{loss(t), loss(t), loss(t)}
				for _, a := range []address.Address{red, redOfGreen, plainOfRed} {
					assert.Assert(t, slices.Contains(lost, a))
				}
				ended(t, lost...)
				for _, a := range []address.Address{root, green, checked} {
					assert.Equal(t, statusOf(t, a).Exiting, false)
				}
				update(t, root, "Checked", nil)
				assert.Equal(t, loss(t), checked)
				update(t, root, "Green", "sea")
				assert.Equal(t, loss(t), green)
				assert.Equal(t, len(statusOf(t, root).Children), 0)
				t.Tell(root, message.ActorExitRequest{})
				ended(t, root)
				for name, value := range (actor.Capabilities{"Red": true, "Green": "grass", "Checked": 7}) {
					update(t, address.Address{}, name, value)
				}
			}
		},
	},
	{
		Name:         "updates/what changes nothing ends nobody",
		Alone:        "what a system offers says nothing of others",
		Capabilities: actor.Capabilities{"Red": true, "Green": "grass"},
		Run: func(t *T) {
			root := t.Create("painter")
			red, green := paint(t, root, "red painter"), paint(t, root, "green painter")
			for _, by := range []address.Address{{}, root} {
				update(t, by, "Blue", nil)
				update(t, by, "Red", true)
				update(t, by, "Green", "grass")
				update(t, by, "Blue", 3)
				update(t, by, "Blue", nil)
				update(t, by, "Blue", nil)
			}
			update(t, root, "Green", nil)
			assert.Equal(t, loss(t), green, "the other would have ended before")
			update(t, root, "Green", nil)
			assert.Equal(t, statusOf(t, red).Exiting, false)
			assert.Equal(t, statusOf(t, paint(t, red, "red painter")).Parent, red)
		},
	},
}

// update sets a capability by an actor, or by the program itself: the zero address.
func update(t *T, by address.Address, name string, value any) {
	if by.IsZero() {
		assert.NilError(t, t.System.UpdateCapability(t.Context(), name, value))
		return
	}
	said, err := actor.As[Said](t.Ask(by, actor.UpdateCapability{Name: name, Value: value}))
	assert.NilError(t, err)
	assert.Equal(t, said.What, "updated")
	for !t.System.Capabilities().Equal(offers(t, name, value)) { // until it has come here
		assert.NilError(t, t.Context().Err())
	}
}

// sees waits until an actor sees a capability.
func sees(t *T, who address.Address, name string, value any) {
	for t.Do(who, Do{Deed: "tell a capability", Text: name}).What != fmt.Sprint(value) {
		assert.NilError(t, t.Context().Err())
	}
}

// offers returns what the system is to offer with a change.
func offers(t *T, name string, value any) actor.Capabilities {
	offers := t.System.Capabilities()
	delete(offers, name)
	if value != nil {
		offers[name] = value
	}
	return offers
}

// paint has a painter create a child. That it has ended is told to Listen, as a further answer.
func paint(t *T, parent address.Address, kind string) address.Address {
	said, err := actor.As[Said](t.Ask(parent, kind))
	assert.NilError(t, err)
	assert.Equal(t, said.What, "created")
	return said.Who
}

// loss returns the child of which a painter says next that it has ended.
func loss(t *T) address.Address {
	said := t.Hear()
	assert.Assert(t, strings.HasPrefix(said.What, "lost: "), said.What)
	return said.Who
}
