// Package nats is the transport over a NATS server: the base multiprocQueueBase between hosts. A program lists it with its bases, and uses it as any other:
//
//	var app = system.App{
//		Bases: []transport.Base{nats.Base("nats://broker.example:4222", natsgo.UserCredentials("app.creds"))},
//		Kinds: …
//	}
//
// All programs of a system name the server with the same text, as the base's name has it.
//
// Nodes connect to the server alone, not to each other, so that a system spans hosts that cannot reach one another. A node is reached at a subject under "thespian.node", and its connections at subjects under
// "thespian.conn"; with permissions, all nodes of a system need to publish and to subscribe to "thespian.>". Whoever may do so can disturb a system.
//
// The key of a system keeps strangers from making connections. It does not seal what passes between the processes of one system: who may use the server as they do can read that, and put messages in between with some effort. So use an account of the
// server for each system that must not trust the others, and TLS to the server; a server that anybody may use is for trials.
//
// Two nodes share one connection, which is made of messages with positions: a gap breaks it. Package stream, in the module transport, says what such connections promise and how. When the server goes away, what
// was not confirmed waits for it, up to Config.Unreachable, and arrives once.
//
// Systems on this base can meet in conventions: a system's address is the endpoint of its Admin, as its status shows it. An address of the loopback has the number of the host in it, so that it is good on other hosts, too;
// those find "127.0.0.1" on their own. The server copies what is said between systems, and cannot read it: connections between them have TLS of their own.
//
// NATS keeps nothing on disk for this: messages wait in the nodes that sent them.
package nats
