package admin

import (
	"slices"

	"thespian.dev/address"
)

// conventionAddress is the capability that says where the leaders of the convention are.
const conventionAddress = "Convention Address.IPv4"

// setCapability changes what the system offers, and tells everybody.
func (c *Core) setCapability(p *process, m SetCapability) {
	offers := c.offers.Clone()
	if m.Value == nil {
		delete(offers, m.Name)
	} else {
		offers[m.Name] = m.Value
	}
	err := offers.Validate()
	if m.Name == conventionAddress && m.Value != nil && !c.options.Meets {
		c.tell(p, Done{m.Request, errNoCredentials})
		return
	}
	if method, given := offers["Process Startup Method"]; given && err == nil {
		err = CheckStartup(method)
	}
	if err != nil {
		c.tell(p, Done{m.Request, fail(CodeFailed, "%v", err)})
		return
	}
	c.offers = offers
	for _, other := range c.everyone() {
		c.tell(other, Capabilities{offers})
	}
	if c.options.Meets {
		c.do(Offer{offers})
	}
	c.tell(p, Done{Request: m.Request})
}

// A handler is an actor that takes dead letters.
type handler struct {
	actor   address.Address
	process *process
}

func (c *Core) handleDeadLetters(p *process, m HandleDeadLetters) {
	i := slices.IndexFunc(c.handlers, func(h handler) bool { return h.actor == m.Handler })
	switch {
	case m.Handler.IsZero():
		return
	case m.On && i < 0:
		c.place(p, m.Handler)
		c.handlers = append(c.handlers, handler{m.Handler, p})
	case !m.On && i >= 0:
		c.handlers = slices.Delete(c.handlers, i, i+1)
	default:
		return
	}
	c.announceHandlers()
}

func (c *Core) deadLetterHandlers() []address.Address {
	var all []address.Address
	for _, h := range c.handlers {
		all = append(all, h.actor)
	}
	return all
}

func (c *Core) announceHandlers() {
	for _, p := range c.everyone() {
		c.tell(p, Handlers{c.deadLetterHandlers()})
	}
}

// forgetHandlers takes out the handlers of a process that has ended.
func (c *Core) forgetHandlers(p *process) {
	before := len(c.handlers)
	c.handlers = slices.DeleteFunc(c.handlers, func(h handler) bool { return h.process == p })
	if len(c.handlers) != before {
		c.announceHandlers()
	}
}
