// Package udp is the transport over UDP, of the base multiprocUDPBase: a datagram for each message.
//
// A message arrives or it does not; nothing is said of one that got lost, but it is counted. What is assured, as the system's own messages are, is confirmed and sent again until it
// arrives. A message that does not fit a datagram is refused. Between two nodes the order is mostly kept, without a promise.
//
// Every datagram is sealed (AES-256-GCM) with a key that follows from Config.Key and the identities of the two nodes: only who knows the key can make one, and none is good for another node, also if that
// listens where the first one did. Each is taken once. A stranger's datagram costs the time to try its seal, and no memory.
//
// A sender waits while more is under way than the receiver's socket holds, or more has arrived than its Handler has taken, so that little gets lost within a host; it asks how things stand
// when it hears nothing. What is said is described in docs/wire.md.
package udp
