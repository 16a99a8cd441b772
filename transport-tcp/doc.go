// Package tcp is the transport over TCP, of the base multiprocTCPBase.
//
// A node listens at one port, on this host alone unless it is told otherwise. Two nodes share one connection; package stream, in the module transport, says what it promises and how. Connections
// that leave the host use TLS if Config.TLS is set.
package tcp
