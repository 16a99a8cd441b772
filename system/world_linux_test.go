package system

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/address"
	"thespian.dev/address/record"
	"thespian.dev/admin"
	"thespian.dev/message"
	"thespian.dev/transport"
	simulated "thespian.dev/transport/memory"
)

// A world is a whole system with several processes, the Admin, hosts and programs, in this one and in virtual time: nodes on a network in memory, with lifelines in memory.
//
// A process has one record for each actor, and what the record knows is that process's own matter. So that the nodes of a world do not share them, each thinks that the system has another
// number: what leaves a node, or comes to it, is rewritten. As these numbers are eight random bytes that nothing else looks like, and that are the same in no other world, that takes no
// knowledge of what is written.
type world struct {
	t       *testing.T
	app     App
	system  uint64 // the number that the system has on the network, and for the Admin
	network *simulated.Network
	log     *slog.Logger
	shell   *adminShell
	over    chan struct{} // closed when the Admin has ended

	mu        sync.Mutex
	hears     func(h *hereHost, msg any) verdict
	tells     func(h *hereHost, msg any)
	endpoints map[uint64]string // by process
	hosts     []*hereHost
}

// A verdict says whether a host dies of what it says, before or after it is heard.
type verdict int

const (
	goOn verdict = iota
	dieBefore
	dieAfter
)

// setHooks has functions called with what a host says to the Admin, and with what it is told. What hears returns decides what becomes of the host.
func (w *world) setHooks(hears func(h *hereHost, msg any) verdict, tells func(h *hereHost, msg any)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hears, w.tells = hears, tells
}

func rewrite(data []byte, from, to uint64) []byte {
	data = bytes.ReplaceAll(data, binary.BigEndian.AppendUint64(nil, from), binary.BigEndian.AppendUint64(nil, to))
	return bytes.ReplaceAll(data, fmt.Appendf(nil, "%016x", from), fmt.Appendf(nil, "%016x", to)) // in hints
}

// newWorld starts the Admin of a system. It ends with the test, which has to shut it down.
func newWorld(t *testing.T, app App, more admin.Options) *world {
	t.Helper()
	w := &world{t: t, app: app, system: draw(), network: simulated.NewNetwork(1), log: slog.New(slog.DiscardHandler), over: make(chan struct{}), endpoints: make(map[uint64]string)}
	base := w.network.Base(transport.Features{Ordered: true, Reliable: true})
	open := base.Open
	base.Open = func(ctx context.Context, c transport.Config) (transport.Transport, error) {
		v := view{c.Self.System, w.system}
		c.Self, c.Handler = v.out(c.Self), viewHandler{c.Handler, v}
		real, err := open(ctx, c)
		if err != nil {
			return nil, err
		}
		w.mu.Lock()
		w.endpoints[c.Self.Process] = real.Endpoint()
		w.mu.Unlock()
		return viewTransport{real, v}, nil
	}
	w.app.Bases = []transport.Base{base}

	id := record.ID{System: w.system, Process: draw(), Counter: 1}
	o := more
	o.System, o.Process, o.Admin, o.Base, o.Listen, o.Limits, o.Number = id.System, id.Process, address.Of(record.New(id)), base.Name, "memory:0", admin.Limits(defaultLimits), draw
	welcome := admin.Welcome{System: o.System, Process: o.Process, AdminProcess: o.Process, Admin: o.Admin, Base: o.Base, Capabilities: o.Capabilities, Limits: o.Limits}
	n, err := w.app.newMember(welcome, &Options{Logger: w.log}, nil, joining{})
	assert.NilError(t, err)
	assert.NilError(t, n.connect(t.Context(), w.app, welcome, "memory:1900", nil))
	o.Endpoint = n.peers.transport.Endpoint()
	w.shell = newAdminShell(o, w, w.log)
	go func() {
		defer close(w.over)
		w.shell.run()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = n.peers.shutdown(ctx)
		n.kill()
		_ = n.peers.close()
	}()
	ours, theirs := w.newWires(w.system)
	w.shell.attachOwn(id.Process, ours)
	n.client.line = newLifeline(theirs, controlMessages())
	go func() {
		_ = n.client.serve()
		n.client.line.close()
	}()
	return w
}

// program attaches a program.
func (w *world) program() *System {
	w.t.Helper()
	ours, theirs := w.newWires(draw())
	w.shell.attach(ours)
	sys, err := w.app.program(w.t.Context(), theirs, &Options{Logger: w.log}, true, false)
	assert.NilError(w.t, err)
	return sys
}

// endpoint returns where the process of a node is on the network.
func (w *world) endpoint(process uint64) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.endpoints[process]
}

// A hereHost is a host of a world.
type hereHost struct {
	world    *world
	title    string
	wires    *wires        // its end of the lifeline
	launched chan struct{} // closed when there is a title

	mu      sync.Mutex
	node    *node
	process uint64
	reason  string
	runs    bool          // an actor
	done    chan struct{} // closed at its end, or death
}

func (w *world) identify(net.Conn, admin.Announce) (string, executable, error) {
	return "build", noExecutable{}, nil
}

func (w *world) pair() (net.Conn, lifelineEnd, error) {
	ours, theirs := w.newWires(draw())
	h := &hereHost{world: w, wires: theirs, launched: make(chan struct{}), done: make(chan struct{})}
	h.wires.says, h.wires.die, h.wires.told = h.says, h.kill, h.told
	return ours, h, nil
}

// Close is a method of lifelineEnd: the launcher has no more use for it.
func (*hereHost) Close() error { return nil }

func (w *world) launch(_ executable, title string, end lifelineEnd, _ func(bool, []byte)) (host, error) {
	h := end.(*hereHost)
	h.title = title
	close(h.launched)
	w.mu.Lock()
	w.hosts = append(w.hosts, h)
	w.mu.Unlock()
	go h.run()
	return h, nil
}

// run is what App.part and App.runHost do in a process of its own.
func (h *hereHost) run() {
	defer h.over("its process has ended")
	if _, err := readControl(h.wires, controlMessages()); err != nil {
		return
	}
	exit := make(chan struct{}, 1)
	leave := func() {
		select {
		case exit <- struct{}{}:
		default:
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	n, shared, err := h.world.app.join(ctx, h.wires, &Options{Logger: h.world.log}, joining{host: true, exit: leave})
	if err != nil {
		if n != nil {
			n.kill()
		}
		return
	}
	h.mu.Lock()
	h.node = n
	over := h.reason != ""
	h.mu.Unlock()
	if over {
		n.kill()
	}
	_ = n.serveHost(shared, exit, h.kill)
}

// says is called with what the host says, and returns what becomes of that and of the host.
func (h *hereHost) says(msg any) verdict {
	h.mu.Lock()
	over := h.reason != ""
	h.mu.Unlock()
	if over {
		return dieBefore
	}
	h.world.mu.Lock()
	hears := h.world.hears
	h.world.mu.Unlock()
	if hears == nil {
		return goOn
	}
	return hears(h, msg)
}

// told is called with what the host is told.
func (h *hereHost) told(msg any) {
	if _, first := msg.(role); first { // which is there before the host
		return
	}
	<-h.launched
	h.mu.Lock()
	switch m := msg.(type) {
	case admin.Welcome:
		h.process = m.Process
	case admin.Run:
		h.runs = true
	}
	h.mu.Unlock()
	h.world.mu.Lock()
	tells := h.world.tells
	h.world.mu.Unlock()
	if tells != nil {
		tells(h, msg)
	}
}

// over notes how the host has ended, and reports whether that was not known.
func (h *hereHost) over(reason string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.reason != "" {
		return false
	}
	h.reason = reason
	close(h.done)
	return true
}

// kill is a method of host: what the host has said is said, and nothing comes from it any more.
func (h *hereHost) kill() {
	if !h.over("signal: killed") { // its endpoint may be another's
		return
	}
	h.mu.Lock()
	n, process := h.node, h.process
	h.mu.Unlock()
	h.world.network.Kill(h.world.endpoint(process))
	go func() { // it may be called by one of the node's own goroutines
		_ = h.wires.Close()
		if n != nil {
			n.kill()
		}
	}()
}

// drain is a method of host: nothing is printed here.
func (*hereHost) drain() {}

// wait is a method of host.
func (h *hereHost) wait() string {
	<-h.done
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reason
}

// host returns the newest host of a title's kind of actors.
func (w *world) host(title string) *hereHost {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := len(w.hosts) - 1; i >= 0; i-- {
		if bytes.HasPrefix([]byte(w.hosts[i].title), []byte(title)) {
			return w.hosts[i]
		}
	}
	w.t.Fatalf("no host is called %s", title)
	return nil
}

// Wires are one end of a lifeline in memory. A write never waits; what was written is read before the end.
type wires struct {
	net.Conn // none: its methods for addresses are not used
	in, out  *wire
	from, to uint64                // as what the system is known at this end, and at the other
	says     func(msg any) verdict // before it is written
	die      func()
	told     func(msg any) // beside the other end's writes
	other    *wires
}

// newWires returns the Admin's end of a lifeline, and that of a process which thinks that the system has the number.
func (w *world) newWires(system uint64) (admins, theirs *wires) {
	a, b := newWire(), newWire()
	admins = &wires{in: a, out: b, from: w.system, to: system}
	theirs = &wires{in: b, out: a, from: system, to: w.system, other: admins}
	admins.other = theirs
	return admins, theirs
}

func (w *wires) Read(b []byte) (int, error) { return w.in.read(b) }

// Write takes whole frames, as all do that write to lifelines.
func (w *wires) Write(b []byte) (int, error) {
	for r := bytes.NewReader(b); r.Len() > 0; {
		f, err := message.ReadFrame(r, message.MaxFrame)
		if err != nil {
			return 0, err
		}
		f.Payload = rewrite(f.Payload, w.from, w.to)
		frame, err := message.AppendFrame(nil, f)
		if err != nil {
			return 0, err
		}
		msg, err := controlMessages().Decode(f.Payload)
		if err != nil {
			return 0, err
		}
		if w.other.told != nil {
			w.other.told(msg)
		}
		then := goOn
		if w.says != nil {
			then = w.says(msg)
		}
		if then != dieBefore {
			err = w.out.write(frame)
		}
		if then != goOn {
			w.die()
			err = io.ErrClosedPipe
		}
		if err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// SetWriteDeadline does nothing, as no write waits.
func (w *wires) SetWriteDeadline(time.Time) error { return nil }

func (w *wires) Close() error {
	w.in.close()
	w.out.close()
	return nil
}

// A wire is one direction.
type wire struct {
	mu     sync.Mutex
	more   sync.Cond
	data   []byte
	closed bool
}

func newWire() *wire {
	w := &wire{}
	w.more.L = &w.mu
	return w
}

func (w *wire) write(b []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return io.ErrClosedPipe
	}
	w.data = append(w.data, b...)
	w.more.Signal()
	return nil
}

func (w *wire) read(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.data) == 0 && !w.closed {
		w.more.Wait()
	}
	if len(w.data) == 0 {
		return 0, io.EOF
	}
	n := copy(b, w.data)
	w.data = w.data[n:]
	return n, nil
}

func (w *wire) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.more.Broadcast()
}

// A view is the number by which a node knows the system.
type view struct{ own, real uint64 }

func (v view) out(n transport.Node) transport.Node {
	if n.System == v.own {
		n.System = v.real
	}
	return n
}

func (v view) in(n transport.Node) transport.Node {
	if n.System == v.real {
		n.System = v.own
	}
	return n
}

type viewTransport struct {
	transport.Transport
	view view
}

func (t viewTransport) Peer(to transport.Node, endpoint string) transport.Peer {
	return viewPeer{t.Transport.Peer(t.view.out(to), endpoint), t.view}
}

type viewPeer struct {
	transport.Peer
	view view
}

func (p viewPeer) Send(ctx context.Context, flow uint64, data []byte) error {
	return p.Peer.Send(ctx, flow, rewrite(data, p.view.own, p.view.real))
}

func (p viewPeer) Assure(ctx context.Context, flow uint64, data []byte) error {
	return p.Peer.Assure(ctx, flow, rewrite(data, p.view.own, p.view.real))
}

type viewHandler struct {
	transport.Handler
	view view
}

func (h viewHandler) Deliver(from transport.Node, messages [][]byte) {
	rewritten := make([][]byte, len(messages))
	for i, data := range messages {
		rewritten[i] = rewrite(data, h.view.real, h.view.own)
	}
	h.Handler.Deliver(h.view.in(from), rewritten)
}

func (h viewHandler) Undelivered(to transport.Node, data []byte, perhaps bool, why error) {
	h.Handler.Undelivered(h.view.in(to), rewrite(data, h.view.real, h.view.own), perhaps, why)
}

func (h viewHandler) Admit(ctx context.Context, from transport.Node) error {
	return h.Handler.Admit(ctx, h.view.in(from))
}

// pooled returns the hosts that live and were started to wait for an actor: those that have none, or those that do.
func (w *world) pooled(run bool) (hosts []*hereHost) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range w.hosts {
		h.mu.Lock()
		if h.title == "waiting" && h.reason == "" && h.runs == run {
			hosts = append(hosts, h)
		}
		h.mu.Unlock()
	}
	return hosts
}

func (w *world) waiting() []*hereHost { return w.pooled(false) }
func (w *world) taken() []*hereHost   { return w.pooled(true) }
