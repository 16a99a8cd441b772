//go:build !linux

package system

// writeSocket writes nothing: there are no lifelines here.
func writeSocket(uintptr, []byte) int { return 0 }
