package system

import (
	"cmp"
	"crypto/rand"
	"net"
	"os"

	"thespian.dev/admin"
	"thespian.dev/convention"
	"thespian.dev/transport"
)

// bind returns at which address the system listens for others: for its own processes alone, unless it is told otherwise (Thespian 3.5 feature D14). Nothing is guessed.
func (r adminRole) bind() string {
	if r.Credentials == (admin.Credentials{}) {
		return r.Host
	}
	return cmp.Or(text(r.Capabilities, bindAddress), os.Getenv("THESPIAN_BASE_IPADDR"), r.Host)
}

// meets completes what the Admin's core has to know of how the system is reached by others, and returns what the convention's has to.
func (r adminRole) meets(o *admin.Options, base transport.Base) (m meetingOptions, err error) {
	if m.authority, err = authorityOf(r.Credentials); err != nil {
		return m, err
	}
	if m.leaders, err = leadersOf(r.Capabilities); err != nil {
		return m, err
	}
	if m.timing, err = convention.TimingOf(r.Capabilities, os.Getenv); err != nil {
		return m, err
	}
	m.network, m.pass = base.Network, make([]byte, 32)
	_, _ = rand.Read(m.pass) // never fails

	outbound := flag(r.Capabilities, outboundOnly)
	routed := outbound || flag(r.Capabilities, adminRouting)
	advertised := text(r.Capabilities, advertiseAddress)
	address := o.Endpoint
	if advertised != "" {
		address = withPort(advertised, o.Endpoint)
	}
	if outbound {
		address = ""
	}
	o.Meets = true
	host := hostIdentity()
	if direct, given := r.Capabilities[directWithinHost].(bool); given && !direct {
		host = ""
	}
	o.Here = admin.Place{System: o.System, Incarnation: o.System, Host: host, Admin: address, Routed: routed, Outbound: outbound}
	listen := net.JoinHostPort("127.0.0.1", "0")
	if !routed {
		listen = net.JoinHostPort(r.bind(), "0")
		if host, _, err := net.SplitHostPort(advertised); err == nil {
			o.Here.Endpoint = host
		} else {
			o.Here.Endpoint = advertised
		}
	}
	o.Outside = admin.Outside{Credentials: r.Credentials, Listen: listen, LowestPort: r.LowestPort, HighestPort: r.HighestPort, Gate: o.Endpoint, Pass: m.pass}
	m.self = convention.System{Number: o.System, Admin: o.Admin, AdminProcess: o.Process, Address: address, Routed: routed, Host: o.Here.Host, Capabilities: o.Capabilities}
	return m, nil
}

// withPort returns the advertised address, with the port of the endpoint if it has none.
func withPort(advertised, endpoint string) string {
	if _, _, err := net.SplitHostPort(advertised); err == nil {
		return advertised
	}
	_, port, _ := net.SplitHostPort(endpoint)
	return net.JoinHostPort(advertised, port)
}
