//go:build !linux

package tcp_test

func descriptorsChild() {}
