package system

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"thespian.dev/message"
)

// The leaders of a convention are given as "host:port", or several of them behind commas, in an order that is the same for all systems (Thespian 3.5 feature D9). A host may be
// a name: of one with several addresses, as of a headless service of Kubernetes, each is a leader, in the order of the numbers. A name without a port is looked up as a
// service (SRV records of _thespian._tcp). Names are looked up again from time to time.

// leadersOf returns the texts that name leaders.
func leadersOf(c message.Capabilities) ([]string, error) {
	value, given := c[conventionAddress]
	if !given {
		return nil, nil
	}
	var texts []string
	switch v := value.(type) {
	case string:
		texts = strings.Split(v, ",")
	case []any:
		for _, one := range v {
			texts = append(texts, fmt.Sprint(one))
		}
	case []string:
		texts = v
	default:
		return nil, fmt.Errorf(`capability %q is %v: wanted "host:port", or several of them`, conventionAddress, value)
	}
	var leaders []string
	for _, text := range texts {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		if strings.Contains(text, ":") {
			if err := checkAddress(text); err != nil {
				return nil, fmt.Errorf("capability %q: %w", conventionAddress, err)
			}
		} else if err := checkName(text); err != nil {
			return nil, fmt.Errorf("capability %q: %w", conventionAddress, err)
		}
		leaders = append(leaders, text)
	}
	return leaders, nil
}

// checkName returns why a text is not the name of a service, which is looked up, or nil.
func checkName(name string) error {
	if _, err := netip.ParseAddr(name); err == nil {
		return fmt.Errorf("%s has no port: wanted \"host:port\"", name)
	}
	return checkAddress(name + ":1")
}

// checkAddress returns why a text is not "host:port", or nil.
func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err == nil && host == "" {
		err = errors.New("the host is missing")
	}
	if err == nil && strings.ContainsFunc(host, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		err = errors.New("a host has no spaces")
	}
	if err == nil {
		var number uint64
		if number, err = strconv.ParseUint(port, 10, 16); err == nil && number == 0 {
			err = errors.New("the port is missing")
		}
	}
	if err != nil {
		return fmt.Errorf(`%q is no "host:port": %w`, address, err)
	}
	return nil
}

// resolveEvery is how often names are looked up, resolveTime how long that may take.
const (
	resolveEvery = 15 * time.Second
	resolveTime  = 5 * time.Second
)

// A resolver looks up where leaders are, for one goroutine. What cannot be looked up for once is where it was: a leader must not be let go because a name server does not answer.
type resolver struct {
	names nameServer
	found map[string][]string // the texts that stood for addresses, the last time that they could be looked up
}

// A nameServer does for it what a [net.Resolver] does.
type nameServer interface {
	LookupHost(ctx context.Context, host string) ([]string, error)
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}

func newResolver(n nameServer) *resolver { return &resolver{n, make(map[string][]string)} }

// resolve returns where leaders are now. What could never be looked up stays as it is: whoever connects will say why.
func (r *resolver) resolve(ctx context.Context, texts []string) []string {
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	var all []string
	for _, text := range texts {
		addresses, err := r.lookUp(ctx, text)
		switch {
		case err != nil:
			addresses = r.found[text]
		case addresses != nil:
			r.found[text] = addresses
		}
		if addresses == nil {
			addresses = []string{text}
		}
		for _, address := range addresses {
			if !slices.Contains(all, address) {
				all = append(all, address)
			}
		}
	}
	return all
}

// lookUp returns the addresses for which a text stands, none if it is one itself.
func (r *resolver) lookUp(ctx context.Context, text string) (addresses []string, err error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		_, services, err := r.names.LookupSRV(ctx, "thespian", "tcp", text)
		if err != nil {
			return nil, err
		}
		slices.SortFunc(services, func(a, b *net.SRV) int { // by priority; else so that all systems find the same order
			return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Target, b.Target), cmp.Compare(a.Port, b.Port))
		})
		for _, s := range services {
			addresses = append(addresses, net.JoinHostPort(strings.TrimSuffix(s.Target, "."), strconv.Itoa(int(s.Port))))
		}
		return addresses, nil
	}
	if net.ParseIP(host) != nil {
		return nil, nil
	}
	hosts, err := r.names.LookupHost(ctx, host)
	if err != nil {
		return nil, err
	}
	if len(hosts) < 2 && r.found[text] == nil {
		return nil, nil // by its name, as it may move
	}
	slices.SortFunc(hosts, func(a, b string) int {
		x, _ := netip.ParseAddr(a) // a text that is none comes first
		y, _ := netip.ParseAddr(b)
		return cmp.Or(x.Unmap().Compare(y.Unmap()), cmp.Compare(a, b))
	})
	for _, h := range hosts {
		addresses = append(addresses, net.JoinHostPort(h, port))
	}
	return addresses, nil
}

// named reports whether any of the texts has to be looked up.
func named(texts []string) bool {
	return slices.ContainsFunc(texts, func(text string) bool {
		host, _, err := net.SplitHostPort(text)
		return err != nil || net.ParseIP(host) == nil
	})
}
