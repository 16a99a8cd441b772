package nats

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
)

// maxHost is how long the number of a host may be, in bytes.
const maxHost = 64

// hostNumber tells hosts apart, or what looks like one: on Linux one boot of a kernel and a network namespace of it, as that is what a loopback address stands for. It is a hash, as others see it.
func hostNumber() (string, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	space, err2 := os.Readlink("/proc/self/ns/net")
	what := string(boot) + space
	if err != nil || err2 != nil {
		if what, err = os.Hostname(); err != nil {
			return "", fmt.Errorf("this host has no name: %w", err)
		}
	}
	sum := sha256.Sum256([]byte("thespian host " + what))
	return "host-" + hex.EncodeToString(sum[:8]), nil
}

// isLoopback says whether a host is this one, wherever that is said.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// subject returns the subject of the node at an endpoint.
func (c *client) subject(endpoint string) (string, error) {
	host, port, err := net.SplitHostPort(endpoint)
	if err != nil {
		return "", err
	}
	if isLoopback(host) {
		host = c.host
	}
	subject := nodes + strings.ToLower(host) + "." + port
	if len(subject) > 400 || strings.ContainsAny(subject, " \t\r\n*>") || strings.Contains(subject, "..") || host == "" || port == "" {
		return "", fmt.Errorf("%q is no endpoint: %w", endpoint, errSubject)
	}
	return subject, nil
}

var errSubject = errors.New("wanted a host and a port, without spaces, * and >")
