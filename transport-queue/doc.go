// Package queue is the transport between the processes of one machine, of the base multiprocQueueBase. It opens no network port: nodes talk over Unix sockets, each two directly.
//
// The sockets have names in the abstract namespace of Linux, so that nothing is left of them when a process is killed, and a new process never has the name of an old one, but for that of an Admin's port. Only processes of the same user are let in, and only those that prove Config.Key. Package stream, in the module transport, says what is promised and how.
//
// On other systems than Linux, Open says that the base is not offered.
package queue
