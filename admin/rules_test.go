package admin_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/admin"
)

// A harness drives a core as its shell does, and checks after each step the rules that hold whatever processes say.
type harness struct {
	t    testing.TB
	core *admin.Core
	now  time.Time

	processes map[uint64]*peer // those that live
	builds    map[string]bool  // which the shell can launch
	last      uint64           // the number of the newest process
	related   map[[2]uint64]bool
	open      map[request]any       // what was asked for, without an answer
	asked     map[request]time.Time // when
	closing   bool
	deadline  time.Time // of hosts, when closing
	finished  bool
}

// A peer is what a harness knows of a process.
type peer struct{ host, welcomed, announced, lifetime, killed, parting bool }

type request struct{ process, number uint64 }

// own is the number of the Admin's process.
const own = 1

func newHarness(t testing.TB, o admin.Options) *harness {
	h := &harness{
		t: t, now: time.Unix(0, 0), last: own, processes: map[uint64]*peer{own: {welcomed: true, announced: true}}, related: make(map[[2]uint64]bool),
		builds: make(map[string]bool), open: make(map[request]any), asked: make(map[request]time.Time),
	}
	o.System, o.Process, o.Admin, o.Endpoint = 1, own, address1(own, 1), "e1"
	o.Number = func() uint64 { h.last++; return h.last }
	h.core = admin.New(h.now, o)
	return h
}

func (h *harness) attach() []admin.Output {
	number, out := h.core.Attached()
	h.processes[number] = &peer{}
	h.check("attach", nil, 0, out)
	return out
}

func (h *harness) receive(from uint64, msg any) []admin.Output {
	before := h.processes[from]
	heard := before != nil && before.announced
	_, announces := msg.(admin.Announce)
	if n, ok := requestOf(msg); ok && before != nil && (heard || announces) && !h.finished {
		h.open[request{from, n}], h.asked[request{from, n}] = msg, h.now
	}
	if m, ok := msg.(admin.Shutdown); ok && heard {
		h.close(m.Grace)
	}
	if m, ok := msg.(admin.Announce); ok && before != nil && !before.host && !heard && !h.finished {
		h.builds[m.Build] = true
	}
	out := h.core.Received(h.now, from, msg)
	h.check(fmt.Sprintf("%d says %T%+v", from, msg, msg), msg, from, out)
	assert.Assert(h.t, heard || announces || len(out) == 0, "%d is not announced, says %T%+v, and is heard: %+v", from, msg, msg, out)
	if h.finished || !heard && !announces {
		return out
	}
	switch m := msg.(type) {
	case admin.Announce:
		delete(h.open, request{from, m.Request}) // only the first is answered
	case admin.SetCapability:
		assert.Assert(h.t, h.open[request{from, m.Request}] == nil, "%+v has no answer", m)
	case admin.Leaving:
		assert.Assert(h.t, h.open[request{from, m.Request}] == nil, "%+v has no answer", m)
	case admin.Parting:
		assert.Assert(h.t, h.open[request{from, m.Request}] == nil, "%+v has no answer", m)
		h.processes[from].parting = true
	case admin.Locate:
		if other := h.processes[m.Process]; other == nil || other.announced {
			assert.Equal(h.t, len(out), 1, "%+v has no answer", m)
		} else {
			h.relate(from, m.Process)
		}
	}
	return out
}

func (h *harness) gone(number uint64, reason string) []admin.Output {
	if p := h.processes[number]; p != nil {
		if p.lifetime {
			h.close(admin.DefaultGrace)
		}
		delete(h.processes, number)
		maps.DeleteFunc(h.open, func(r request, _ any) bool { return r.process == number })
	}
	out := h.core.Gone(h.now, number, reason)
	h.check(fmt.Sprintf("%d is gone", number), admin.Gone{Process: number}, 0, out)
	if !h.finished {
		for pair := range h.related {
			assert.Assert(h.t, pair[0] != number && pair[1] != number, "nobody told %d of the end of %d", pair[1], pair[0])
		}
	}
	return out
}

// pass lets time pass, with all ticks that are due.
func (h *harness) pass(d time.Duration) (all []admin.Output) {
	end := h.now.Add(d)
	for {
		at, any := h.core.Next()
		if !any || at.After(end) {
			break
		}
		if at.After(h.now) {
			h.now = at
		}
		out := h.core.Tick(h.now)
		h.check("tick", nil, 0, out)
		all = append(all, out...)
		again, any := h.core.Next()
		assert.Assert(h.t, !any || again.After(at), "a tick changed nothing")
	}
	h.now = end
	for r, msg := range h.open {
		switch msg.(type) {
		case admin.StatusRequest, admin.KillActor:
			assert.Assert(h.t, h.now.Before(h.asked[r].Add(2*time.Second)), "%d waits too long for an answer to %T", r.process, msg)
		}
	}
	for _, number := range h.hosts() {
		assert.Assert(h.t, !h.closing || h.now.Before(h.deadline) || h.processes[number].killed, "host %d has had its time and is not killed", number)
	}
	return all
}

// close notes that the system is to end, and when its hosts are to be killed.
func (h *harness) close(grace time.Duration) {
	deadline := h.now.Add(max(0, grace))
	if !h.closing || deadline.Before(h.deadline) {
		h.deadline = deadline
	}
	h.closing = true
}

func (h *harness) shutdown(grace time.Duration) []admin.Output {
	h.close(grace)
	out := h.core.Shutdown(h.now, grace)
	h.check("shutdown", nil, 0, out)
	return out
}

// hosts returns the hosts that live, the oldest first.
func (h *harness) hosts() (numbers []uint64) {
	for _, number := range slices.Sorted(maps.Keys(h.processes)) {
		if h.processes[number].host {
			numbers = append(numbers, number)
		}
	}
	return numbers
}

// check looks at the outputs of one step.
func (h *harness) check(step string, in any, from uint64, out []admin.Output) {
	h.t.Helper()
	wasFinished := h.finished
	for _, o := range out {
		switch o := o.(type) {
		case admin.Launch:
			assert.Assert(h.t, !h.closing, "%s: a host of a system that ends", step)
			assert.Assert(h.t, h.processes[o.Process] == nil, step)
			assert.Assert(h.t, h.builds[o.Build], "%s: a host of build %s, which was given up", step, o.Build)
			h.processes[o.Process] = &peer{host: true}
		case admin.Kill:
			p := h.processes[o.Process]
			assert.Assert(h.t, p != nil && p.host && !p.killed, "%s: process %d is killed, which is gone, no host, or was killed before", step, o.Process)
			p.killed = true
		case admin.Discard:
			assert.Assert(h.t, h.builds[o.Build], "%s: build %s is given up, and nobody had announced it", step, o.Build)
			delete(h.builds, o.Build)
		case admin.Finish:
			assert.Assert(h.t, !h.finished && len(h.hosts()) == 0, "%s: the system ends twice, or has hosts", step)
			h.finished = true
		case admin.Tell:
			assert.Assert(h.t, !h.finished, "%s: something is told after the end", step)
			h.told(step, in, from, o)
		}
	}
	assert.Assert(h.t, !wasFinished || step == "attach" || len(out) == 0, "%s: there is something to do after the end: %+v", step, out)
	assert.Equal(h.t, h.finished, h.closing && (wasFinished || len(h.hosts()) == 0), "%s: the system ends when it is to, and no host is left", step)
	assert.NilError(h.t, h.core.Consistent(), step)
}

func (h *harness) told(step string, in any, from uint64, o admin.Tell) {
	h.t.Helper()
	p := h.processes[o.To]
	assert.Assert(h.t, p != nil, "%s: %T is told to %d, which is gone", step, o.Message, o.To)
	_, first := o.Message.(admin.Welcome)
	assert.Assert(h.t, first != p.welcomed, "%s: %d is told %T, but a welcome comes first, once", step, o.To, o.Message)
	p.welcomed = true
	answered := func(number uint64) {
		h.t.Helper()
		r := request{o.To, number}
		assert.Assert(h.t, h.open[r] != nil, "%s: %d gets %+v, and has not asked, or was answered before", step, o.To, o.Message)
		delete(h.open, r)
	}
	switch m := o.Message.(type) {
	case admin.Run:
		_, create := in.(admin.Create)
		assert.Assert(h.t, create && p.host, step)
		h.relate(from, o.To)
	case admin.Created:
		if _, ok := h.open[request{o.To, m.Request}].(admin.Lookup); ok {
			assert.Equal(h.t, m.Failure, admin.Failure{}, "%s: no actor of a name is no failure", step)
		}
		answered(m.Request)
		if m.Process != 0 {
			h.relate(o.To, m.Process)
		}
	case admin.Done:
		answered(m.Request)
		if a, ok := in.(admin.Announce); ok && m.Failure == (admin.Failure{}) {
			p.announced, p.lifetime = true, a.Lifetime && !p.host
		}
	case admin.Status:
		answered(m.Request)
	case admin.Relayed:
		assert.Assert(h.t, !p.parting || m.Undelivered != "", "%s: %d takes nothing more that is relayed", step, o.To)
		assert.Assert(h.t, m.Undelivered == "" || o.To == own, "%s: %d is told of what was not delivered", step, o.To)
	case admin.Approach:
		assert.Assert(h.t, p.host && h.processes[m.Process] != nil && m.Endpoint != "", step)
		h.relate(o.To, m.Process)
	case admin.Located:
		assert.Assert(h.t, h.processes[m.Process] != nil && m.Endpoint != "", step)
		h.relate(o.To, m.Process)
	case admin.Gone:
		assert.Assert(h.t, h.processes[m.Process] == nil, "%s: %d is told of the end of %d, which lives", step, o.To, m.Process)
		if l, ok := in.(admin.Locate); ok && l.Process == m.Process && from == o.To {
			return
		}
		pair := [2]uint64{m.Process, o.To}
		assert.Assert(h.t, h.related[pair], "%s: %d is told of the end of %d, and has nothing to do with it, or was told before", step, o.To, m.Process)
		delete(h.related, pair)
		delete(h.related, [2]uint64{o.To, m.Process})
	}
}

// relate notes that each of two processes is to be told of the end of the other.
func (h *harness) relate(a, b uint64) {
	if a != b {
		h.related[[2]uint64{a, b}] = true
		h.related[[2]uint64{b, a}] = true
	}
}

func requestOf(msg any) (number uint64, ok bool) {
	switch m := msg.(type) {
	case admin.Announce:
		return m.Request, true
	case admin.Create:
		return m.Request, true
	case admin.Lookup:
		return m.Request, true
	case admin.Find:
		return m.Request, true
	case admin.SetCapability:
		return m.Request, true
	case admin.StatusRequest:
		return m.Request, true
	case admin.Shutdown:
		return m.Request, true
	case admin.KillActor:
		return m.Request, true
	case admin.Leaving:
		return m.Request, true
	case admin.Parting:
		return m.Request, true
	}
	return 0, false
}
