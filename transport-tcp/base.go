package tcp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"

	"thespian.dev/transport"
)

// Base returns the base whose nodes talk over TCP.
func Base() transport.Base {
	return transport.Base{
		Name:      "multiprocTCPBase",
		Short:     "tcp",
		AdminPort: 1900,
		Features:  features,
		Open: func(ctx context.Context, config transport.Config) (transport.Transport, error) {
			n, err := open(ctx, config, leavesHost)
			if err != nil {
				return nil, err
			}
			return n, nil
		},
	}
}

var features = transport.Features{Ordered: true, Reliable: true, Remote: true}

func open(ctx context.Context, config transport.Config, leaves func(net.Conn) bool) (*node, error) {
	if config.Handler == nil || config.Self == (transport.Node{}) {
		return nil, errors.New("tcp: Config.Self and Config.Handler are needed")
	}
	l, err := listen(ctx, config)
	if err != nil {
		return nil, err
	}
	n := &node{
		config:   config.WithDefaults(features),
		listener: l,
		leaves:   leaves,
		peers:    make(map[transport.Node]*peer),
		drained:  make(chan struct{}, 1),
		down:     make(chan struct{}),
	}
	n.endpoint = endpointOf(l.Addr().(*net.TCPAddr))
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.serverTLS, n.clientTLS = tlsConfigs(config.TLS)
	n.spawn(n.accept)
	return n, nil
}

// listen opens the port that the configuration asks for.
func listen(ctx context.Context, c transport.Config) (net.Listener, error) {
	host, port := c.Listen, 0
	if h, p, err := net.SplitHostPort(c.Listen); err == nil {
		number, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("tcp: the port of %q is no number from 0 to 65535", c.Listen)
		}
		host, port = h, int(number)
	}
	if host == "" && c.Listen == "" {
		host = "127.0.0.1"
	}
	var config net.ListenConfig
	at := func(port int) (net.Listener, error) {
		return config.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	}
	if port != 0 || c.LowestPort <= 0 && c.HighestPort <= 0 {
		l, err := at(port)
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("tcp: port %d is in use: %s belongs to another process: %w", port, net.JoinHostPort(host, strconv.Itoa(port)), err)
		}
		if err != nil {
			return nil, fmt.Errorf("tcp: %w", err)
		}
		return l, nil
	}
	lowest, highest := max(c.LowestPort, 1), min(c.HighestPort, 65535)
	if highest <= 0 {
		highest = 65535
	}
	if lowest > highest {
		return nil, fmt.Errorf("tcp: there is no port from %d to %d", lowest, highest)
	}
	count := highest - lowest + 1
	start := rand.IntN(count) // many processes start at once
	var last error
	for i := range count {
		l, err := at(lowest + (start+i)%count)
		if err == nil {
			return l, nil
		}
		last = err
		if !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, syscall.EACCES) {
			break
		}
	}
	return nil, fmt.Errorf("tcp: no port from %d to %d of %s is free: %w", lowest, highest, host, last)
}

// endpointOf returns where others reach a listener. One that listens at all addresses of the host is reached at the first that leads to the host from outside.
func endpointOf(a *net.TCPAddr) string {
	if !a.IP.IsUnspecified() {
		return a.String()
	}
	found := net.IPv6loopback
	if a.IP.To4() != nil {
		found = net.IPv4(127, 0, 0, 1)
	}
	addrs, _ := net.InterfaceAddrs()
	for _, addr := range addrs {
		if n, ok := addr.(*net.IPNet); ok && n.IP.IsGlobalUnicast() && (a.IP.To4() == nil || n.IP.To4() != nil) {
			found = n.IP
			break
		}
	}
	return net.JoinHostPort(found.String(), strconv.Itoa(a.Port))
}

// leavesHost says whether a connection leads to another host. Both its ends find the same.
func leavesHost(c net.Conn) bool {
	local, ok1 := c.LocalAddr().(*net.TCPAddr)
	remote, ok2 := c.RemoteAddr().(*net.TCPAddr)
	return !ok1 || !ok2 || !remote.IP.IsLoopback() && !remote.IP.Equal(local.IP)
}

// tlsConfigs returns what both ends of a connection use: certificates on both sides, and no version before 1.3.
func tlsConfigs(c *tls.Config) (server, client *tls.Config) {
	if c == nil {
		return nil, nil
	}
	server, client = c.Clone(), c.Clone()
	server.MinVersion, client.MinVersion = tls.VersionTLS13, tls.VersionTLS13
	server.ClientAuth = tls.RequireAndVerifyClientCert
	if server.ClientCAs == nil {
		server.ClientCAs = c.RootCAs
	}
	return server, client
}
