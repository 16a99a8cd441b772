// Package hello is how two nodes that are connected learn who the other one is: the handshake that transports with connections share.
//
// Four frames of package message pass, which docs/wire.md describes: the initiator's greeting, the acceptor's answer with its proof, the initiator's proof, and
// the acceptor's welcome or refusal. Each proof is an HMAC-SHA256 under the system's key over all that was said before, both nodes, two fresh nonces and the role of
// who proves among it, so nothing can be replayed or sent back. Where a node listens, what else it tells, and why it refuses, it says only to those who have
// proven the key.
//
// A stranger costs one small frame, one proof and as much time as the deadline of the connection allows, which the caller sets. What follows on the connection is not
// protected by any of this: connections that leave a host should run over TLS.
package hello
