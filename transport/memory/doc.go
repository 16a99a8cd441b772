// Package memory is a network inside one process, with faults that a test can turn on and off: partitions, delay, loss, reordering, duplication, connections
// that break in mid-stream and processes that die.
//
// A [Network] gives a [transport.Base]; all transports opened by its bases live on it and reach each other at endpoints such as "memory:1". What goes wrong between
// two endpoints is said by [Network.SetLink], in each direction apart, and may be changed at any time.
//
// On a base that promises order and delivery, the network behaves like connections with sequence numbers that resume after they broke: loss, reordering and
// duplication cost time alone. On a base that promises less, they are seen by the receiver.
//
// All time passes through package time and all waiting is on channels, so a network made inside a bubble of testing/synctest runs in virtual time. What happens to
// the n-th packet from one endpoint to another depends on the seed, both endpoints and n alone.
//
// The network differs from a real one in this: Config.TLS and the pieces of long messages mean nothing on it, and both ends of a connection notice
// at once that it was reset.
package memory
