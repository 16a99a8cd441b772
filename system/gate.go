package system

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"thespian.dev/admin"
	"thespian.dev/message"
	"thespian.dev/transport"
)

// A gate is where connections come to a system's Admin Port that are not those of its own nodes. What they are shows in what they begin with:
//
//   - TLS for the name "admin" is another system's Admin.
//   - TLS for the name of a process is brought to that process, unopened: the two nodes have TLS from end to end.
//   - gatePass is a node of this system that wants to reach one of another system, by way of this Admin and perhaps that system's.
//   - gateToken is a connection that somebody has been asked to make, since the one who wants it cannot.
//
// The gate copies bytes and knows nothing of what they say. Each connection between nodes has its own at the gate, so a slow one holds up nobody else.
type gate struct {
	meeting *meeting
	under   transport.Network
	pass    []byte

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	tokens map[string]*token
	making int // connections that others have asked for
	closed bool
	work   sync.WaitGroup
}

const (
	tlsBegins  = 0x16
	gateBegins = 0x17

	adminName = "admin"
)

type (
	// gatePass asks for a connection to a process of another system.
	gatePass struct {
		Pass            []byte
		System, Process uint64
	}
	// gateToken says for what a connection is.
	gateToken struct{ Token []byte }
	// gateAnswer says that what follows goes to the other end, or why not.
	gateAnswer struct{ Failure string }

	// connectBack asks a system that only connects to others for a connection to one of its processes: it is to be made to the address, with the token.
	connectBack struct {
		Token   []byte
		Address string
		Process uint64
	}
	// meetAt asks the leader to join two connections with a token, of which it asks the one system for the second.
	meetAt struct {
		Token   []byte
		System  uint64
		Process uint64
	}
)

// A token stands for a connection that somebody else makes, or two. Its name is text of nothing but hexadecimal digits: others may choose it, and to which address this Admin brings it, so that
// it must mean nothing to whatever else may listen there.
type token struct{ arrived chan net.Conn }

// tokenLength is how long its name is.
const tokenLength = 48

func validToken(name []byte) bool {
	for _, b := range name {
		if (b < '0' || b > '9') && (b < 'a' || b > 'f') {
			return false
		}
	}
	return len(name) == tokenLength
}

// maxTokens is how many connections may be awaited, and made for others, at once.
const maxTokens = 4096

// How long a connection may take to be made, and a stranger to say what it wants.
const (
	gateTime     = 10 * time.Second
	strangerTime = 5 * time.Second
)

func newGate(m *meeting, under transport.Network, pass []byte) *gate {
	return &gate{meeting: m, under: under, pass: pass, conns: make(map[net.Conn]struct{}), tokens: make(map[string]*token)}
}

// serve takes a connection of which it is not known who has made it. It returns when that is known.
func (g *gate) serve(conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(strangerTime))
	if err := g.receive(conn); err != nil {
		g.meeting.shell.log.Info("a connection was refused", "from", conn.RemoteAddr(), "error", err)
		_ = conn.Close()
	}
}

func (g *gate) receive(conn net.Conn) error {
	first := make([]byte, 1)
	if _, err := io.ReadFull(conn, first); err != nil {
		return err
	}
	switch first[0] {
	case tlsBegins:
		name, begun, err := serverName(&begunConn{conn, first})
		if err != nil {
			return err
		}
		if name == adminName {
			return g.meeting.accept(begun)
		}
		return g.bring(begun, name)
	case gateBegins:
		asked, err := readGate(conn)
		if err != nil {
			return err
		}
		switch m := asked.(type) {
		case gatePass:
			if !hmac.Equal(m.Pass, g.pass) {
				return errors.New("it does not belong to this system")
			}
			return g.spawn(func() { g.leadOut(conn, m) })
		case gateToken:
			return g.redeem(conn, m.Token)
		}
		return fmt.Errorf("it asks for %T", asked)
	}
	return errors.New("it says what nobody understands")
}

// spawn does work that ends with the gate.
func (g *gate) spawn(do func()) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errSystemEnds
	}
	g.work.Go(do)
	return nil
}

var errSystemEnds = errors.New("the system ends")

// hold notes a connection, to close it with the gate.
func (g *gate) hold(c net.Conn) bool {
	g.mu.Lock()
	closed := g.closed
	if !closed {
		g.conns[c] = struct{}{}
	}
	g.mu.Unlock()
	if closed {
		_ = c.Close()
	}
	return !closed
}

func (g *gate) drop(c net.Conn) {
	_ = c.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, c)
}

func (g *gate) close() {
	g.mu.Lock()
	g.closed = true
	conns := slices.Collect(maps.Keys(g.conns))
	for _, t := range g.tokens {
		close(t.arrived)
		conns = append(conns, t.drain()...)
	}
	g.tokens = nil
	g.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
	g.work.Wait()
}

// bring joins a connection with the process that it is for.
func (g *gate) bring(conn net.Conn, name string) error {
	process, err := strconv.ParseUint(strings.TrimPrefix(name, "p"), 16, 64)
	if err != nil {
		return fmt.Errorf("it looks for %.40q", name)
	}
	endpoint := g.meeting.endpointOf(process)
	if endpoint == "" {
		return fmt.Errorf("it looks for a process that is not here: %s", name)
	}
	return g.spawn(func() {
		ctx, cancel := context.WithTimeout(g.meeting.ctx, gateTime)
		defer cancel()
		to, err := g.under.Dial(ctx, endpoint)
		if err != nil {
			_ = conn.Close()
			return
		}
		g.join(conn, to)
	})
}

// join copies what comes from one connection to the other, both ways, until one ends.
func (g *gate) join(a, b net.Conn) {
	_ = a.SetDeadline(time.Time{})
	_ = b.SetDeadline(time.Time{})
	defer g.drop(a)
	defer g.drop(b)
	if !g.hold(a) || !g.hold(b) {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(a, b)
		_ = a.Close()
		_ = b.Close()
	}()
	_, _ = io.Copy(b, a)
	_ = a.Close()
	_ = b.Close()
	<-done
}

// leadOut brings a node of this system to one of another.
func (g *gate) leadOut(conn net.Conn, m gatePass) {
	ctx, cancel := context.WithTimeout(g.meeting.ctx, gateTime)
	defer cancel()
	to, err := g.reach(ctx, m.System, m.Process)
	answer := gateAnswer{}
	if err != nil {
		answer.Failure = err.Error()
	}
	_ = conn.SetDeadline(time.Now().Add(strangerTime))
	if said := writeGate(conn, nil, answer); err != nil || said != nil {
		_ = conn.Close()
		if to != nil {
			_ = to.Close()
		}
		return
	}
	g.join(conn, to)
}

// reach connects to another system, for one of its processes: to its Admin, or by asking that to connect to this one, or, if neither can be connected to, to the leader of both.
func (g *gate) reach(ctx context.Context, system, process uint64) (net.Conn, error) {
	other, self := g.meeting.whereIs(system)
	switch {
	case other.Address != "":
		return g.under.Dial(ctx, other.Address)
	case self.Address != "":
		name := newToken()
		t, err := g.expect(name)
		if err != nil {
			return nil, err
		}
		defer g.withdraw(name)
		g.meeting.post(system, connectBack{[]byte(name), self.Address, process})
		return t.await(ctx)
	}
	leader := g.meeting.leader()
	if leader.Address == "" {
		return nil, errors.New("neither system can be connected to, and no leader can that knows both")
	}
	name := newToken()
	conn, err := g.under.Dial(ctx, leader.Address)
	if err != nil {
		return nil, err
	}
	g.meeting.post(leader.Number, meetAt{[]byte(name), system, process})
	return conn, presentToken(ctx, conn, name)
}

func newToken() string {
	b := make([]byte, tokenLength/2)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// expect has connections taken that bring a token. Whoever calls it withdraws the token.
func (g *gate) expect(name string) (*token, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.closed:
		return nil, errSystemEnds
	case g.tokens[name] != nil:
		return nil, errors.New("the token is in use")
	case len(g.tokens) >= maxTokens:
		return nil, errors.New("too many connections are awaited")
	}
	t := &token{arrived: make(chan net.Conn, 2)}
	g.tokens[name] = t
	return t, nil
}

func (g *gate) withdraw(name string) {
	g.mu.Lock()
	var conns []net.Conn
	if t := g.tokens[name]; t != nil {
		delete(g.tokens, name)
		conns = t.drain()
	}
	g.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
}

// drain takes out the connections that nobody waits for any more, to be closed.
func (t *token) drain() (conns []net.Conn) {
	for {
		select {
		case c, ok := <-t.arrived:
			if !ok {
				return conns
			}
			conns = append(conns, c)
		default:
			return conns
		}
	}
}

// hand gives a connection to who awaits it.
func (g *gate) hand(conn net.Conn, name string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.tokens[name]
	if t == nil {
		return errors.New("its token is not awaited any more")
	}
	select {
	case t.arrived <- conn:
		return nil
	default:
		return errors.New("its token was used")
	}
}

// make does work that another system has asked for, unless there is too much of it. It is over when a connection is made.
func (g *gate) make(do func(made func())) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.making >= maxTokens {
		return // who has asked gives up
	}
	g.making++
	made := sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.making--
	})
	g.work.Go(func() {
		defer made()
		do(made)
	})
}

func (t *token) await(ctx context.Context) (net.Conn, error) {
	select {
	case c, ok := <-t.arrived:
		if !ok {
			return nil, errSystemEnds
		}
		return c, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("the other system did not connect: %w", ctx.Err())
	}
}

// redeem takes a connection that was asked for. Whoever announces its token may be slower: it waits for a moment.
func (g *gate) redeem(conn net.Conn, name []byte) error {
	deadline := time.Now().Add(strangerTime)
	for {
		g.mu.Lock()
		t := g.tokens[string(name)]
		g.mu.Unlock()
		if t != nil {
			if err := writeGate(conn, nil, gateAnswer{}); err != nil {
				return err
			}
			return g.hand(conn, string(name))
		}
		if time.Now().After(deadline) {
			return errors.New("its token is not known")
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-g.meeting.ctx.Done():
			return g.meeting.ctx.Err()
		}
	}
}

// connectBack makes a connection that another system asks for, to a process of this one.
func (g *gate) connectBack(m connectBack) {
	if !validToken(m.Token) {
		return
	}
	g.make(func(made func()) {
		ctx, cancel := context.WithTimeout(g.meeting.ctx, gateTime)
		defer cancel()
		endpoint := g.meeting.endpointOf(m.Process)
		if endpoint == "" {
			return
		}
		to, err := g.under.Dial(ctx, endpoint)
		if err != nil {
			return
		}
		conn, err := g.under.Dial(ctx, m.Address)
		if err == nil {
			err = presentToken(ctx, conn, string(m.Token))
		}
		if err != nil {
			_ = to.Close()
			g.meeting.shell.log.Warn("a connection that another system asked for cannot be made", "to", m.Address, "error", err)
			return
		}
		made()
		g.join(conn, to)
	})
}

// meetAt joins the connections of two systems that only connect to others.
func (g *gate) meetAt(m meetAt) {
	if !validToken(m.Token) {
		return
	}
	name := string(m.Token)
	g.make(func(made func()) { // as the loop is asked
		t, err := g.expect(name)
		if err != nil {
			return
		}
		defer g.withdraw(name)
		_, self := g.meeting.whereIs(m.System)
		g.meeting.post(m.System, connectBack{m.Token, self.Address, m.Process})
		ctx, cancel := context.WithTimeout(g.meeting.ctx, gateTime)
		defer cancel()
		first, err := t.await(ctx)
		if err != nil {
			return
		}
		second, err := t.await(ctx)
		if err != nil {
			_ = first.Close()
			return
		}
		cancel()
		g.withdraw(name)
		made()
		g.join(first, second)
	})
}

// presentToken says on a new connection for what it is, and waits until it is taken. It closes it otherwise.
func presentToken(ctx context.Context, conn net.Conn, name string) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	err := writeGate(conn, []byte{gateBegins}, gateToken{[]byte(name)})
	if err == nil {
		err = readGateAnswer(conn)
	}
	if err != nil {
		_ = conn.Close()
	}
	return err
}

// passGate asks this system's Admin for a connection to a node of another system.
func passGate(ctx context.Context, under transport.Network, with admin.Outside, name string) (net.Conn, error) {
	processText, systemText, _ := strings.Cut(strings.TrimPrefix(name, "p"), ".")
	process, err1 := strconv.ParseUint(processText, 16, 64)
	system, err2 := strconv.ParseUint(systemText, 16, 64)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	conn, err := under.Dial(ctx, with.Gate)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	err = writeGate(conn, []byte{gateBegins}, gatePass{with.Pass, system, process})
	if err == nil {
		err = readGateAnswer(conn)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// maxGate is how long a message at the gate may be: strangers send them.
const maxGate = 4 << 10

func writeGate(w io.Writer, begin []byte, msg any) error {
	frame, err := encodeControl(controlMessages(), msg)
	if err != nil {
		return err
	}
	_, err = w.Write(append(begin, frame...))
	return err
}

func readGate(r io.Reader) (any, error) {
	f, err := message.ReadFrame(r, maxGate)
	if err != nil {
		return nil, err
	}
	return controlMessages().Decode(f.Payload)
}

func readGateAnswer(r io.Reader) error {
	said, err := readGate(r)
	if err != nil {
		return err
	}
	answer, ok := said.(gateAnswer)
	switch {
	case !ok:
		return fmt.Errorf("the Admin answers with %T", said)
	case answer.Failure != "":
		return errors.New(answer.Failure)
	}
	return nil
}

// A begunConn is a connection of which the first bytes were read already.
type begunConn struct {
	net.Conn
	read []byte
}

func (c *begunConn) Read(b []byte) (int, error) {
	if len(c.read) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.read)
	c.read = c.read[n:]
	return n, nil
}

// serverName returns for whom a TLS connection is, and the connection as if nothing had been read.
func serverName(conn net.Conn) (name string, begun net.Conn, err error) {
	listening := &listeningConn{Conn: conn}
	err = tls.Server(listening, &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		name = hello.ServerName
		return nil, errHeard
	}}).Handshake()
	if !errors.Is(err, errHeard) {
		return "", nil, err
	}
	return name, &begunConn{conn, listening.heard.Bytes()}, nil
}

var errHeard = errors.New("heard enough")

// A listeningConn keeps what it reads, and says nothing.
type listeningConn struct {
	net.Conn
	heard bytes.Buffer
}

func (c *listeningConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.heard.Write(b[:n])
	return n, err
}

func (c *listeningConn) Write(b []byte) (int, error) { return len(b), nil }
