// Package tcp is the transport over TCP, of the base multiprocTCPBase.
//
// A node listens at one port, on this host alone unless it is told otherwise. Two nodes share one connection, which is made when there is something to
// send, carries both directions and is closed, with a goodbye, when it was idle for long or descriptors run short. What is said on it is described in docs/wire.md.
//
// Messages are numbered. Each is kept until the other node confirms that its Handler returned from it; after a connection broke, the next one goes on at the number that the
// receiver names. So each message is delivered once, or its fate is told: never written to a socket, or written and not confirmed.
//
// A message longer than transport.LongMessage travels in pieces, one at a time; between them go messages of other flows.
//
// Connections that leave the host use TLS 1.3 with certificates on both sides if Config.TLS is set, and large frames on them are compressed. What connects has to prove
// Config.Key within seconds; until then it costs a descriptor, a goroutine and a few kilobytes, and there is a limit to how many do.
package tcp
