package system

import (
	"bytes"
	"os"
	"slices"
	"strconv"

	"thespian.dev/address"
	"thespian.dev/message"
)

// status returns what there is to say of the actor (Thespian 3.5 features J1, J2 and J4).
func (c *cell) status() message.ActorStatus {
	s := message.ActorStatus{
		Actor: c.self, Parent: c.Parent(), Admin: c.node.admin.self, Kind: c.kind.Name,
		Exiting: c.phase.Load() >= leaving, Received: c.received.Load(), Sent: c.sent.Load(), Uptime: c.node.uptime() - c.born,
	}
	for _, child := range c.children() {
		s.Children = append(s.Children, child.self)
	}
	for _, in := range c.node.timers.due(c) {
		s.Wakeups = append(s.Wakeups, message.PendingWakeup{In: in})
	}
	slices.SortFunc(s.Wakeups, func(a, b message.PendingWakeup) int { return int(a.In - b.In) })
	if c.node.client != nil {
		s.PID = os.Getpid()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Pending = len(c.queue)
	if m := c.more; m != nil {
		s.GlobalName = m.globalName
		s.Failed, s.Poisoned = m.failed.Load(), m.poisoned.Load()
		s.Counters = map[string]uint64{"children created": m.created.Load(), "messages held": uint64(len(m.held))}
	}
	return s
}

// status returns what there is to say of the system (Thespian 3.5 feature J3).
func (n *node) status() message.SystemStatus {
	s := message.SystemStatus{
		Admin: n.admin.self, Base: "simple", Capabilities: n.capabilities.current().Clone(), InShutdown: n.closing.Load(),
		GlobalNames: n.names.all(), Uptime: n.uptime(),
	}
	s.DeadLetterHandlers, s.DeadLetters = n.deadLetters.state()
	n.walk(func(c *cell) {
		if c.phase.Load() != ended && !c.stub { // who learned that from a refused message must not see it here
			s.Actors = append(s.Actors, c.status())
		}
	})
	if n.client != nil {
		s.Processes = []message.ProcessStatus{{PID: os.Getpid(), Role: n.role(), Endpoint: n.peers.transport.Endpoint(), Memory: memory(), Lost: n.peers.transport.Lost(), Uptime: n.uptime()}}
	}
	s.Counters = map[string]uint64{"addresses issued": n.counter.Load(), "goroutines": uint64(max(0, n.goroutines.count.Load()))}
	slices.SortFunc(s.DeadLetterHandlers, address.Address.Compare)
	return s
}

func (n *node) role() string {
	switch {
	case n.hosting:
		return "host"
	case n.adminProcess == n.id.Process:
		return "admin"
	}
	return "program"
}

// memory returns how many bytes of memory this process occupies, 0 where that cannot be seen.
func memory() uint64 {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(data)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseUint(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}
