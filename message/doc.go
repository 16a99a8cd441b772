// Package message holds what actors and programs send each other: the messages of the system itself, the registry of the types that can be
// sent, and how messages, envelopes and frames look on the wire.
//
// # Types
//
// A message is a value of any registered type. A program lists its types once, with [Types], in its app's Messages; the messages
// of this package and the basic types (strings, numbers, []any, time.Time, address.Address and the like, see [NewRegistry]) are registered always:
//
//	type Greet struct{ Name string }
//
//	var app = system.App{Messages: message.Types(Greet{})}
//
// Types are checked in the same way wherever the receiver lives, so that a program that works in one process works in several. A type
// that would arrive damaged is refused when the program starts, with the field that is to blame.
//
// What arrives is what was sent: the same dynamic types inside fields of type any, pointers that were nil or not, times to the nanosecond with their
// offset from UTC. The names of time zones, the monotonic reading of a clock and the sharing of pointers within a message do not travel.
//
// # Messages nobody here knows
//
// A message of a type that this process does not know, or knows with another shape, is decoded to an [Opaque], which says what the matter is and
// can be sent on unchanged.
//
// # Messages of the system
//
// The system tells actors what happens to them and around them, under the names that Thespian gave: [ActorExitRequest], [ChildActorExited],
// [PoisonMessage], [DeadEnvelope], [WakeupMessage] and so on. [IsSystem] tells them from a program's own.
//
// # On the wire
//
// A [Registry] turns messages into bytes and back ([Registry.Append], [Registry.Decode]); an [Envelope] adds receiver and sender, a [Frame] what a connection
// needs to find its way in a stream. These explain themselves. Over a [Link], which loses nothing and keeps the order, an [Encoder] and a [Decoder] exchange
// shorter envelopes: each type is defined once. docs/wire.md in the repository describes the bytes. The decoders are made for bytes from strangers: they check
// lengths and depths, take memory in proportion to the data, and never panic.
package message
