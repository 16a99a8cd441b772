// Package ports finds the port where a node listens, for transports whose endpoints are a host and a port.
package ports

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"

	"thespian.dev/transport"
)

// Listen listens as the configuration asks: at its port, at any of its range, or at any that is free; on this host alone unless it names an address. listen tries one address with its port.
func Listen[T any](c transport.Config, listen func(address string) (T, error)) (listener T, err error) {
	host, port := c.Listen, 0
	if h, p, err := net.SplitHostPort(c.Listen); err == nil {
		number, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return listener, fmt.Errorf("the port of %q is no number from 0 to 65535", c.Listen)
		}
		host, port = h, int(number)
	}
	if host == "" && c.Listen == "" {
		host = "127.0.0.1"
	}
	at := func(port int) (T, error) { return listen(net.JoinHostPort(host, strconv.Itoa(port))) }
	if port != 0 || c.LowestPort <= 0 && c.HighestPort <= 0 {
		listener, err = at(port)
		if errors.Is(err, syscall.EADDRINUSE) {
			err = fmt.Errorf("port %d is in use: %s belongs to another process: %w", port, net.JoinHostPort(host, strconv.Itoa(port)), err)
		}
		return listener, err
	}
	lowest, highest := max(c.LowestPort, 1), min(c.HighestPort, 65535)
	if highest <= 0 {
		highest = 65535
	}
	if lowest > highest {
		return listener, fmt.Errorf("there is no port from %d to %d", lowest, highest)
	}
	count := highest - lowest + 1
	start := rand.IntN(count) // many processes start at once
	for i := range count {
		if listener, err = at(lowest + (start+i)%count); err == nil {
			return listener, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, syscall.EACCES) {
			break
		}
	}
	return listener, fmt.Errorf("no port from %d to %d of %s is free: %w", lowest, highest, host, err)
}

// Endpoint returns where others reach what listens at an address. At all addresses of the host, that is the first that leads to the host from outside.
func Endpoint(ip net.IP, port int) string {
	if ip.IsUnspecified() {
		ip = outside(ip.To4() != nil)
	}
	return net.JoinHostPort(ip.String(), strconv.Itoa(port))
}

func outside(only4 bool) net.IP {
	addrs, _ := net.InterfaceAddrs()
	for _, addr := range addrs {
		if n, ok := addr.(*net.IPNet); ok && n.IP.IsGlobalUnicast() && (!only4 || n.IP.To4() != nil) {
			return n.IP
		}
	}
	if only4 {
		return net.IPv4(127, 0, 0, 1)
	}
	return net.IPv6loopback
}
