package system

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"thespian.dev/admin"
	"thespian.dev/convention"
	"thespian.dev/convention/authority"
	"thespian.dev/message"
	"thespian.dev/transport"
)

// A meeting runs the core of the convention beside that of the Admin, on the same goroutine: it makes and reads the connections to other Admins, and does what the core decides.
type meeting struct {
	shell     *adminShell
	core      *convention.Core
	authority *authority.Authority
	gate      *gate

	ctx    context.Context // done when the meeting ends
	cancel context.CancelFunc

	partings sync.WaitGroup // connections that are closed, once the others know why

	// Of the loop's goroutine.
	links    map[uint64]*lifeline
	serial   uint64
	left     bool
	leaders  []string // the texts that name them
	seeking  bool     // it is not known yet where they are: the core follows the former ones
	unfollow func()   // names are looked up no more
	traffic  map[uint64]traffic
	refused  refusals
}

// traffic counts the messages that the cores of two Admins have for each other.
type traffic struct{ sent, received uint64 }

// meetingOptions are what it takes to meet other systems.
type meetingOptions struct {
	self      convention.System
	authority *authority.Authority
	network   transport.Network
	leaders   []string
	timing    convention.Timing
	pass      []byte
}

// meet begins to look for other systems. It is called before the loop runs.
func (s *adminShell) meet(o meetingOptions) *meeting {
	m := &meeting{shell: s, authority: o.authority, leaders: o.leaders, links: make(map[uint64]*lifeline), unfollow: func() {}, traffic: make(map[uint64]traffic)}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	m.gate = newGate(m, o.network, o.pass)
	s.meeting = m
	leaders := o.leaders
	if named(leaders) {
		r := newResolver(net.DefaultResolver)
		leaders = r.resolve(m.ctx, leaders)
		m.lookUp(r, o.leaders, leaders)
	}
	core, do := convention.New(time.Now(), convention.Options{Self: o.self, Leaders: leaders, Timing: o.timing, Number: draw, Size: s.size()})
	m.core = core
	s.readers.Go(func() { s.post(func(time.Time) []admin.Output { return m.perform(do) }) })
	return m
}

// size returns what tells how many bytes a control message takes. It is for the loop's goroutine.
func (s *adminShell) size() func(any) (int, error) {
	var buffer []byte
	return func(msg any) (int, error) {
		data, err := s.messages.Append(buffer[:0], msg)
		if err == nil && cap(data) <= largeBuffer {
			buffer = data
		}
		return len(data), err
	}
}

// follow has other systems lead from now on.
func (m *meeting) follow(now time.Time, leaders []string) []convention.Output {
	m.leaders = leaders
	m.unfollow()
	if m.seeking = named(leaders); m.seeking {
		m.lookUp(newResolver(net.DefaultResolver), leaders, nil)
		return nil
	}
	return m.core.Follow(now, leaders)
}

// lookUp looks up the names of leaders from time to time, at once if it is not known where they are.
func (m *meeting) lookUp(r *resolver, texts, known []string) {
	ctx, cancel := context.WithCancel(m.ctx)
	m.unfollow = cancel
	m.shell.readers.Go(func() {
		for wait := known != nil; ; wait = true {
			if wait {
				select {
				case <-time.After(resolveEvery):
				case <-ctx.Done():
					return
				}
			}
			leaders := r.resolve(ctx, texts)
			decided := known == nil
			if !decided && slices.Equal(leaders, known) {
				continue
			}
			known = leaders
			if !m.happened(func(now time.Time) []convention.Output {
				switch {
				case ctx.Err() != nil: // others lead
					return nil
				case decided:
					m.seeking = false
					return m.core.Follow(now, leaders)
				}
				return m.core.SetLeaders(now, leaders)
			}) {
				return
			}
		}
	})
}

// happened tells the core of something.
func (m *meeting) happened(event func(now time.Time) []convention.Output) bool {
	return m.shell.post(func(now time.Time) []admin.Output { return m.perform(event(now)) })
}

// perform does what the core of the convention has decided, and returns what the Admin's makes of it.
func (m *meeting) perform(decisions []convention.Output) (do []admin.Output) {
	s := m.shell
	for _, decision := range decisions {
		switch d := decision.(type) {
		case convention.Dial:
			m.dial(d.Address)
		case convention.Send:
			if line := m.links[d.Link]; line != nil {
				if err := line.send(d.Message); err != nil {
					s.log.Error("another system cannot be told what it has to know", "error", err)
				}
			}
		case convention.Drop:
			if line := m.links[d.Link]; line != nil {
				s.log.Info("a connection to another system is closed", "reason", d.Why)
				delete(m.links, d.Link)
				m.partings.Go(func() { line.part(lastWords) })
			}
		case convention.Joined:
			s.log.Info("a system has joined", "at", d.System.Address, "admin", d.System.Admin, "again", d.Again)
			do = append(do, s.core.Joined(d.System.Number, d.System.Admin, nameOfSystem(d.System), d.System.Capabilities)...)
		case convention.Left:
			s.log.Info("a system is gone", "at", d.Member.Address, "system", fmt.Sprintf("%016x", d.System), "reason", d.Why)
			delete(m.traffic, d.System)
			do = append(do, s.core.Left(time.Now(), d.System, d.Why)...)
		case convention.Deliver:
			if _, known := m.core.Member(d.From); known {
				m.traffic[d.From] = traffic{m.traffic[d.From].sent, m.traffic[d.From].received + 1}
			}
			do = append(do, m.deliver(d)...)
		case convention.Refused:
			do = append(do, m.refuse(d)...)
		case convention.Lead:
			do = append(do, s.core.Led(d.System)...)
		case convention.Fence:
			s.log.Warn("the system is cut off from others, and begins anew", "reason", d.Why)
			do = append(do, s.core.Fence(time.Now(), d.Incarnation, d.Why)...)
		case convention.Note:
			s.log.Warn(d.Text, "address", d.Address)
		}
	}
	return do
}

// report says whom this system connects to, whom it has refused, and what there is to say of those that it knows.
func (m *meeting) report() admin.ConventionReport {
	var contacts []message.ConventionContact
	for _, k := range m.core.Contacts() {
		contacts = append(contacts, message.ConventionContact{Address: k.Address, Leader: k.Leader && !m.seeking, PreRegistered: k.Invited, Reached: k.Alive, Failure: k.Failure})
	}
	if m.seeking {
		for _, text := range m.leaders {
			contacts = append(contacts, message.ConventionContact{Address: text, Leader: true})
		}
	}
	members := make(map[uint64]message.ConventionMember)
	for _, other := range m.core.Members() {
		members[other.Number] = message.ConventionMember{
			Admin: other.Admin, Address: other.Address, Capabilities: other.Capabilities, Route: routeTo(m.core.Self(), other),
			Heard: time.Since(m.core.Heard(other.Number)), Sent: m.traffic[other.Number].sent, Received: m.traffic[other.Number].received,
		}
	}
	return admin.ConventionReport{Contacts: contacts, Refusals: m.refused.report(time.Now()), Members: members}
}

// routeTo says how the nodes of two systems reach each other, as admin.Core decides it.
func routeTo(self, other convention.System) string {
	switch {
	case other.Host != "" && other.Host == self.Host:
		return "same host"
	case other.Address == "":
		return "outbound only"
	case other.Routed:
		return "admin routing"
	}
	return "direct"
}

func nameOfSystem(c convention.System) string {
	if c.Address == "" {
		return c.Admin.String()
	}
	return c.Address
}

func (m *meeting) deliver(d convention.Deliver) []admin.Output {
	switch body := d.Message.(type) {
	case connectBack:
		m.gate.connectBack(body)
	case meetAt:
		m.gate.meetAt(body)
	default:
		return m.shell.core.FromSystem(time.Now(), d.From, d.Message)
	}
	return nil
}

// refuse deals with what cannot be sent to another system: whoever waits for an answer gets one.
func (m *meeting) refuse(r convention.Refused) []admin.Output {
	s := m.shell
	s.log.Error("another system cannot be told what it has to know", "system", fmt.Sprintf("%016x", r.To), "message", fmt.Sprintf("%T", r.Message), "error", r.Why)
	if place, ok := r.Message.(admin.PlaceActor); ok {
		why := admin.Failure{Code: admin.CodeFailed, Text: "the request for an actor in another system cannot be sent: " + r.Why}
		return s.core.FromSystem(time.Now(), r.To, admin.Placed{Request: place.Request, Failure: why})
	}
	return nil
}

// decided does what the Admin's core has decided that concerns other systems, and returns what that makes of it.
func (m *meeting) decided(decision admin.Output) []admin.Output {
	now := time.Now()
	switch d := decision.(type) {
	case admin.Post:
		if _, known := m.core.Member(d.To); known {
			m.traffic[d.To] = traffic{m.traffic[d.To].sent + 1, m.traffic[d.To].received}
		}
		return m.perform(m.core.Post(now, d.To, d.Message))
	case admin.Offer:
		do := m.core.SetCapabilities(now, d.Capabilities)
		if leaders, err := leadersOf(d.Capabilities); err == nil && !slices.Equal(leaders, m.leaders) {
			do = append(do, m.follow(now, leaders)...)
		}
		return m.perform(do)
	case admin.Invite:
		return m.perform(m.core.PreRegister(now, d.Address))
	case admin.Uninvite:
		address := d.Address
		if address == "" {
			address = m.core.AddressOf(d.System)
		}
		outputs, was := m.core.DeRegister(now, address)
		return append(m.perform(outputs), m.shell.core.Uninvited(d, was)...)
	case admin.Fenced:
		return m.perform(m.core.Fenced(now))
	}
	return nil
}

// dialTime bounds an attempt to connect.
const dialTime = 5 * time.Second

func (m *meeting) dial(address string) {
	s := m.shell
	s.readers.Go(func() {
		ctx, cancel := context.WithTimeout(m.ctx, dialTime)
		conn, err := m.gate.under.Dial(ctx, address)
		if err == nil {
			c := tls.Client(conn, m.authority.Client(adminName))
			if err = c.HandshakeContext(ctx); err != nil {
				_ = conn.Close()
				err = m.authority.Explain(err)
			}
			conn = secured{c}
		}
		cancel()
		if err != nil {
			m.happened(func(now time.Time) []convention.Output {
				return m.core.Failed(now, address, err.Error(), errors.Is(err, syscall.ECONNREFUSED))
			})
			return
		}
		m.read(conn, address)
	})
}

// accept takes a connection of another Admin.
func (m *meeting) accept(conn net.Conn) error {
	c := tls.Server(conn, m.authority.Server())
	if err := c.HandshakeContext(m.ctx); err != nil {
		err = m.authority.Explain(err)
		m.shell.post(func(now time.Time) []admin.Output {
			m.refused.add(now, conn.RemoteAddr(), err.Error())
			return nil
		})
		return err
	}
	_ = conn.SetDeadline(time.Time{})
	if !m.gate.hold(conn) {
		return errSystemEnds
	}
	return m.gate.spawn(func() {
		defer m.gate.drop(conn)
		m.read(secured{c}, "")
	})
}

// read hands what another Admin says to the core, until the end of the connection.
func (m *meeting) read(conn net.Conn, dialled string) {
	s := m.shell
	line := newLifeline(conn, s.messages)
	var number uint64
	began := make(chan struct{})
	if !m.happened(func(now time.Time) []convention.Output {
		defer close(began)
		m.serial++
		number = m.serial
		m.links[number] = line
		return m.core.Opened(now, number, dialled)
	}) {
		line.close()
		return
	}
	select {
	case <-began:
	case <-s.finished:
		line.close()
		return
	}
	for {
		msg, err := line.receive()
		if err != nil {
			why := m.authority.Explain(err).Error()
			m.happened(func(now time.Time) []convention.Output {
				delete(m.links, number)
				return m.core.Closed(now, number, why)
			})
			line.close()
			return
		}
		m.happened(func(now time.Time) []convention.Output { return m.core.Received(now, number, msg) })
	}
}

// leave says goodbye to all.
func (m *meeting) leave() {
	if !m.left {
		m.left = true
		m.perform(m.core.Leave(time.Now()))
	}
}

// end closes all connections, and waits for what works with them.
func (m *meeting) end() {
	m.partings.Wait()
	m.cancel()
	for _, line := range m.links {
		_ = line.conn.Close()
	}
	m.gate.close()
}

// The following are for other goroutines than the loop's.

// ask has a question answered on the loop's goroutine.
func ask[T any](m *meeting, question func() T) (answer T) {
	answered := make(chan T, 1)
	m.shell.post(func(time.Time) []admin.Output {
		answered <- question()
		return nil
	})
	select {
	case answer = <-answered:
	case <-m.shell.finished:
	}
	return answer
}

// endpointOf returns where a process of this system takes connections of others' nodes, "" if nowhere.
func (m *meeting) endpointOf(process uint64) string {
	return ask(m, func() string { return m.shell.core.OutsideOf(process) })
}

// whereIs returns what is known of another system, and this one.
func (m *meeting) whereIs(system uint64) (other, self convention.System) {
	both := ask(m, func() (both [2]convention.System) {
		both[0], _ = m.core.Member(system)
		if both[0].Number == 0 {
			both[0].Address = m.shell.core.AdminOf(system)
		}
		both[1] = m.core.Self()
		return both
	})
	return both[0], both[1]
}

func (m *meeting) leader() convention.System {
	return ask(m, func() convention.System {
		leader, _ := m.core.Member(m.core.Leader())
		return leader
	})
}

func (m *meeting) post(system uint64, msg any) {
	m.happened(func(now time.Time) []convention.Output { return m.core.Post(now, system, msg) })
}

// draw returns a number that nobody has had.
func draw() uint64 {
	var b [8]byte
	for {
		_, _ = rand.Read(b[:]) // never fails
		if n := binary.BigEndian.Uint64(b[:]); n != 0 {
			return n
		}
	}
}

// hostIdentity tells machines, and networks within them, apart.
func hostIdentity() string {
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	network, _ := os.Readlink("/proc/self/ns/net")
	return string(boot) + network
}
