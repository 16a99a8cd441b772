// Package convention is how systems find each other and stay together, as a pure core: connections that were made or broke, what came over them, and the time go in; what to send, whom
// to connect to, and which systems joined or left come out. It has no goroutine, clock or socket. The shell around it, in package system, does the input and output.
//
// Thespian's words are kept: a member registers with the convention's leader, or is invited by a leader that has pre-registered it (Thespian 3.5 features D1 to D9). What differs:
//
//   - Two Admins share one connection, on which each says at once who it is. It does not matter who made it: a leader behind a firewall connects to its members, a member behind one to its leader.
//   - A heartbeat decides who is alive. A connection that breaks is made anew within a moment, or its system is lost; a silent one is lost after seconds, not after 22 minutes.
//   - A system is known by its number and incarnation, not by its address. Once a system was declared lost, all that crosses the cut is ended at both sides, and it
//     comes back as another incarnation: so nobody answers beside his replacement.
//   - Systems that only know the same leader talk through it, and are told by it of each other's end.
package convention
