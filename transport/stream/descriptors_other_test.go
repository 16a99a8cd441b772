//go:build !linux

package stream_test

func descriptorsChild() {}
