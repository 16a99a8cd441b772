package system

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"thespian.dev/address"
	"thespian.dev/admin"
	"thespian.dev/message"
)

// What a node has to do with the convention.

func (n *node) preRegister(ctx context.Context, system string) error {
	if n.client == nil {
		return errNoConvention
	}
	if err := checkAddress(system); err != nil {
		return err
	}
	_, err := n.client.call(ctx, func(number uint64) any { return admin.PreRegister{Request: number, Address: system} }, nil)
	return err
}

// deRegister takes a pre-registration back: of an address, or of the system whose Admin's address it is as text.
func (n *node) deRegister(ctx context.Context, system string) error {
	if n.client == nil {
		return errNoConvention
	}
	request := admin.DeRegister{Address: system}
	if of, err := address.Parse(system); err == nil && !of.IsZero() {
		request = admin.DeRegister{Admin: of}
	} else if err := checkAddress(system); err != nil {
		return err
	}
	_, err := n.client.call(ctx, func(number uint64) any { request.Request = number; return request }, nil)
	return err
}

// tellOfConvention tells an actor of a system that has joined or left.
func (n *node) tellOfConvention(m admin.ConventionUpdate) {
	update := message.ConventionUpdate{Admin: m.Admin, Capabilities: m.Capabilities, Added: m.Added}
	_ = n.deliver(noContext, envelope{update, n.admin.self}, m.Watcher, nil)
}

// orphaned has an actor exit whose parent is out of reach for ever.
func (n *node) orphaned(child address.Address) {
	if c, ok := n.local(child).(*cell); ok {
		c.tell(envelope{message.ActorExitRequest{}, n.admin.self})
	}
}

// leaderTime is how long Start waits for the leader's first acknowledgement.
const leaderTime = 3 * time.Second

// awaitLeader waits until the convention has a leader, but not for ever: the system goes on trying.
func (n *node) awaitLeader(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaderTime)
	defer cancel()
	if _, err := n.client.call(ctx, func(number uint64) any { return admin.AwaitLeader{Request: number} }, nil); err != nil && ctx.Err() != nil {
		n.log.Warn("the leader of the convention is not reached yet; \"thespian convention ls\" says why")
	}
}

// The capabilities that say where a system is in a convention (Thespian 3.5 features C2, D1, D11, D12 and D14).
const (
	conventionAddress = "Convention Address.IPv4"
	adminRouting      = "Admin Routing"
	outboundOnly      = "Outbound Only"
	bindAddress       = "Bind Address"
	advertiseAddress  = "Advertise Address"

	// directWithinHost is true unless it is set to false: then systems on one host meet as if they were on several, which shows whether the way to them works.
	directWithinHost = "Direct Within Host"
)

// credentials returns what the system is known by to others, and whether there is anything.
func (o *Options) credentials() (c admin.Credentials, given bool, err error) {
	ways := 0
	for _, way := range []bool{o.ConventionSecret != "", o.ConventionSecretFile != "", o.TLS != nil, o.Insecure} {
		if way {
			ways++
		}
	}
	switch {
	case ways == 0:
		return c, false, nil
	case ways > 1:
		return c, false, fmt.Errorf("of the options ConventionSecret, ConventionSecretFile, TLS and Insecure one can be given, not %d", ways)
	case o.Insecure:
		c.Secret = insecureSecret
	case o.TLS != nil:
		if c, err = o.TLS.credentials(); err != nil {
			return c, false, err
		}
	case o.ConventionSecretFile != "":
		text, err := os.ReadFile(o.ConventionSecretFile)
		if err != nil {
			return c, false, fmt.Errorf("the convention secret: %w", err)
		}
		c.Secret = string(text)
	default:
		c.Secret = o.ConventionSecret
	}
	_, err = authorityOf(c)
	return c, err == nil, err
}

// credentials returns where the files are, for processes with other working folders.
func (f *TLSFiles) credentials() (c admin.Credentials, err error) {
	for _, file := range []struct {
		what, path string
		absolute   *string
	}{{"Certificate", f.Certificate, &c.Certificate}, {"Key", f.Key, &c.Key}, {"Authorities", f.Authorities, &c.Root}} {
		if file.path == "" {
			return c, fmt.Errorf("the option TLS has no %s", file.what)
		}
		if *file.absolute, err = filepath.Abs(file.path); err != nil {
			return c, err
		}
	}
	return c, nil
}

// insecureSecret is what all know who ask for no security.
const insecureSecret = "no secret: whoever can connect belongs to this convention"

// checkConvention returns why the options cannot be those of a system in a convention. A program that attaches to one gives no credentials.
func (o *Options) checkConvention(given, meets bool) error {
	c := o.Capabilities
	if _, member := c[conventionAddress]; member && !given {
		return fmt.Errorf("capability %q asks for a convention: set Options.ConventionSecret (\"thespian convention secret\" makes one), ConventionSecretFile or TLS (\"thespian start --secret-file\")", conventionAddress)
	}
	if given && !meets {
		return fmt.Errorf("systems on this base do not meet others: use one whose processes talk over TCP")
	}
	for _, name := range []string{adminRouting, outboundOnly, directWithinHost} {
		if value, there := c[name]; there {
			if _, is := value.(bool); !is {
				return fmt.Errorf("capability %q is %v: wanted true or false", name, value)
			}
		}
	}
	for _, name := range []string{bindAddress, advertiseAddress} {
		if value, there := c[name]; there {
			if text, is := value.(string); !is || text == "" {
				return fmt.Errorf("capability %q is %v: wanted a host as text", name, value)
			}
		}
	}
	_, err := leadersOf(c)
	return err
}

func flag(c message.Capabilities, name string) bool {
	value, _ := c[name].(bool)
	return value
}

func text(c message.Capabilities, name string) string {
	value, _ := c[name].(string)
	return value
}
