package convention

import (
	"thespian.dev/address"
	"thespian.dev/message"
)

// Messages returns the types of the protocol, for the registry that encodes them.
func Messages() message.TypeSet {
	return message.Types(Hello{}, Register{}, Registered{}, Invite{}, DeRegister{}, Renew{}, Ping{}, Numbered{}, Post{}, Departed{}, Interest{})
}

// A System is what there is to know of a system.
type System struct {
	// Number names the system for ever, Incarnation its life since it was last lost: the first has the number of the system.
	Number, Incarnation uint64
	Admin               address.Address
	AdminProcess        uint64
	// Address is where its Admin can be connected to, "" if that cannot be ("Outbound Only").
	Address string
	// Routed says that its Admin is all that can be reached of it ("Admin Routing", "Outbound Only").
	Routed bool
	// Host tells whether two systems are on one machine, and in one network there.
	Host         string
	Capabilities message.Capabilities
}

// What two Admins say to each other.
type (
	// Hello is the first thing that each says on a connection. Taken is the number of the last message that was taken from the other's incarnation Of.
	Hello struct {
		System System
		Of     uint64
		Taken  uint64
	}

	// Register is how a member joins, and checks in then and when it offers something else. The answer is Registered.
	Register   struct{ Capabilities message.Capabilities }
	Registered struct{ Capabilities message.Capabilities }

	// Invite asks a system that was pre-registered to join.
	Invite struct{}

	// DeRegister says that the sender leaves, or that the receiver was deregistered.
	DeRegister struct{ Why string }

	// Renew says that the receiver was declared lost: it can come back as another incarnation.
	Renew struct{}

	// Ping says that the sender lives, and up to which number it took messages.
	Ping struct{ Taken uint64 }

	// Numbered is a message that must arrive, once.
	Numbered struct {
		Number, Taken uint64
		Post          Post
	}

	// Post is a message from one system's Admin to another's, perhaps by way of a third.
	Post struct {
		From, To uint64
		Hops     int
		Message  any
	}

	// Departed says that a system is not, or not any more, where messages to it go: a Post that comes back, or the word of a leader.
	Departed struct {
		System uint64
		Why    string
	}

	// Interest asks a new leader to tell of the end of systems; of those that it does not know it tells at once.
	Interest struct{ Systems []uint64 }
)
