//go:build !unix

package matrix

// There are no signals.
var signals []Behaviour
