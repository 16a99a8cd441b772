package system

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/address"
	"thespian.dev/address/record"
	"thespian.dev/admin"
	"thespian.dev/convention"
	"thespian.dev/convention/authority"
	"thespian.dev/message"
	"thespian.dev/transport"
)

// A guarded is a gate that connections in memory come to. Its system has one process, number 2, at the endpoint "process".
type guarded struct {
	*gate
	reached map[string]chan net.Conn // what was dialled, by endpoint

	mu     sync.Mutex
	dialed []string
}

// atGate runs a test with a gate, in virtual time.
func atGate(t *testing.T, test func(t *testing.T, g *guarded)) {
	synctest.Test(t, func(t *testing.T) { withGate(t, test) })
}

// withGate is atGate in real time, for what looks up names: the resolver is one for the whole process.
func withGate(t *testing.T, test func(t *testing.T, g *guarded)) {
	g := &guarded{reached: map[string]chan net.Conn{"process": make(chan net.Conn, 1), "elsewhere": make(chan net.Conn, 1)}}
	known, err := authority.Derive(authority.NewSecret())
	assert.NilError(t, err)
	self := address.Of(record.New(record.ID{System: 1, Process: 2, Counter: 1}))
	shell := newAdminShell(admin.Options{System: 1, Process: 2, Admin: self, Endpoint: "gate", Meets: true, Number: draw}, nil, slog.New(slog.DiscardHandler))
	m := shell.meet(meetingOptions{self: convention.System{Number: 1, Admin: self, Address: "gate"}, authority: known, network: transport.Network{Dial: g.connect}, pass: []byte("the pass")})
	g.gate = m.gate
	over := make(chan struct{})
	go func() {
		defer close(over)
		shell.run()
	}()
	shell.post(func(now time.Time) []admin.Output { return shell.core.Received(now, 2, admin.Met{Endpoint: "process"}) })
	defer func() {
		shell.post(func(now time.Time) []admin.Output { return shell.core.Shutdown(now, 0) })
		<-over
	}()
	test(t, g)
}

// connect is how the gate connects to others.
func (g *guarded) connect(_ context.Context, endpoint string) (net.Conn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dialed = append(g.dialed, endpoint)
	ours, theirs := net.Pipe()
	g.reached[endpoint] <- theirs
	return ours, nil
}

// dial connects to the gate.
func (g *guarded) dial(t *testing.T) net.Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	go g.serve(theirs)
	t.Cleanup(func() { _ = ours.Close() })
	assert.NilError(t, ours.SetDeadline(time.Now().Add(time.Minute)))
	return ours
}

// gateFrame returns what is said at a gate.
func gateFrame(t testing.TB, msg any) []byte {
	t.Helper()
	var b bytes.Buffer
	assert.NilError(t, writeGate(&b, []byte{gateBegins}, msg))
	return b.Bytes()
}

// helloFor returns the first words of a client that looks for a name.
func helloFor(t testing.TB, name string) []byte {
	t.Helper()
	ours, theirs := net.Pipe()
	defer ours.Close()
	go func() {
		_ = tls.Client(theirs, &tls.Config{ServerName: name, InsecureSkipVerify: true}).Handshake()
	}()
	b := make([]byte, 1<<16)
	n, err := ours.Read(b)
	assert.NilError(t, err)
	return b[:n]
}

func TestStrangersAtTheGate(t *testing.T) {
	long, err := message.AppendFrame([]byte{gateBegins}, message.Frame{Kind: lifelineKind, Payload: make([]byte, maxGate+1)})
	assert.NilError(t, err)
	unknown, err := message.AppendFrame([]byte{gateBegins}, message.Frame{Kind: lifelineKind, Payload: []byte("what is that")})
	assert.NilError(t, err)
	for name, says := range map[string][]byte{
		"garbage":                        []byte("GET / HTTP/1.1\r\n\r\n"),
		"garbage for TLS":                append([]byte{tlsBegins}, bytes.Repeat([]byte{0xff}, 100)...),
		"garbage for the gate":           append([]byte{gateBegins}, bytes.Repeat([]byte{0xff}, 100)...),
		"a long message":                 long,
		"a message that nobody knows":    unknown,
		"no pass":                        gateFrame(t, gatePass{System: 5, Process: 6}),
		"another pass":                   gateFrame(t, gatePass{Pass: []byte("the past"), System: 5, Process: 6}),
		"no token":                       gateFrame(t, gateToken{}),
		"a token that nobody awaits":     gateFrame(t, gateToken{Token: []byte(newToken())}),
		"what Admins say":                gateFrame(t, connectBack{Address: "127.0.0.1:1", Process: 2}),
		"what members say":               gateFrame(t, convention.Register{}),
		"what processes say":             gateFrame(t, admin.Shutdown{}),
		"TLS for a process of elsewhere": helloFor(t, nameOf(7)),
		"TLS for nobody":                 helloFor(t, ""),
		"TLS for another name":           helloFor(t, "example.com"),
	} {
		t.Run(name, func(t *testing.T) {
			atGate(t, func(t *testing.T, g *guarded) {
				conn := g.dial(t)
				_, _ = conn.Write(says) // it may be refused before all is said
				n, err := conn.Read(make([]byte, 1))
				assert.Assert(t, n == 0 && err != nil && !errors.Is(err, os.ErrDeadlineExceeded), "%d %v", n, err)
				assert.Equal(t, len(g.dialed), 0, "%v", g.dialed)
			})
		})
	}
}

// Who says nothing, or only begins, is not waited for.
func TestStrangersThatSayNoMore(t *testing.T) {
	for name, says := range map[string][]byte{
		"nothing": nil, "half a hello": helloFor(t, adminName)[:50], "half a pass": gateFrame(t, gatePass{})[:30], "a hello and no more": helloFor(t, adminName),
	} {
		t.Run(name, func(t *testing.T) {
			atGate(t, func(t *testing.T, g *guarded) {
				began := time.Now()
				conn := g.dial(t)
				_, err := conn.Write(says)
				assert.NilError(t, err)
				_, err = io.Copy(io.Discard, conn)
				assert.Assert(t, !errors.Is(err, os.ErrDeadlineExceeded), "%v", err)
				assert.Equal(t, time.Since(began), strangerTime)
			})
		})
	}
}

// Who has no certificate, or another authority's, is not heard as an Admin.
func TestAdminsWithoutCertificate(t *testing.T) {
	other, err := authority.Derive(authority.NewSecret())
	assert.NilError(t, err)
	stranger := other.Client(adminName)
	stranger.VerifyConnection = nil // it does not mind
	for name, c := range map[string]*tls.Config{
		"none": {ServerName: adminName, InsecureSkipVerify: true}, "another's": stranger, "old TLS": {ServerName: adminName, InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12},
	} {
		t.Run(name, func(t *testing.T) {
			atGate(t, func(t *testing.T, g *guarded) {
				line := newLifeline(tls.Client(g.dial(t), c), controlMessages())
				defer line.close()
				_ = line.send(convention.Hello{System: convention.System{Number: 5, Incarnation: 5}})
				_ = line.send(convention.Register{})
				msg, err := line.receive()
				assert.Assert(t, err != nil, "it hears %+v", msg)
				synctest.Wait() // the stranger may know first
				known := ask(g.meeting, g.meeting.report)
				assert.Equal(t, len(known.Members), 0)
				assert.Equal(t, len(known.Refusals), 1)
				assert.Assert(t, known.Refusals[0].Reason != "" && known.Refusals[0].Times == 1, "%+v", known.Refusals)
			})
		})
	}
}

// from is a connection from somewhere.
type from struct {
	net.Conn
	addr net.Addr
}

func (f from) RemoteAddr() net.Addr { return f.addr }

// Of those that are refused a few are kept, by their hosts, and only if they wanted to meet this system.
func TestRefusalsAreBounded(t *testing.T) {
	atGate(t, func(t *testing.T, g *guarded) {
		knock := func(host, port int, says []byte) {
			ours, theirs := net.Pipe()
			go func() {
				_, _ = ours.Write(says)
				_ = ours.Close()
			}()
			g.serve(from{theirs, &net.TCPAddr{IP: net.IPv4(10, 0, 0, byte(host)), Port: port}})
		}
		hello := helloFor(t, adminName)
		knock(100, 1, []byte("GET / HTTP/1.1\r\n\r\n"))
		for host := range maxRefusals + 3 {
			knock(host, 1, hello)
		}
		time.Sleep(time.Minute)
		knock(5, 2, hello)
		refused := ask(g.meeting, g.meeting.report).Refusals
		assert.Equal(t, len(refused), maxRefusals)
		assert.Equal(t, refused[0].From, "10.0.0.5")
		assert.Equal(t, refused[0].Times, uint64(2))
		assert.Equal(t, refused[0].Last, time.Duration(0))
		assert.Equal(t, refused[1].From, fmt.Sprintf("10.0.0.%d", maxRefusals+2))
		assert.Equal(t, refused[1].Last, time.Minute)
		assert.Equal(t, refused[maxRefusals-1].From, "10.0.0.3")
	})
}

// While the name of a leader is looked up, the status names the leader that was asked for, and the former one not as a leader.
func TestLeaderWhoseNameIsLookedUp(t *testing.T) {
	withGate(t, func(t *testing.T, g *guarded) {
		g.reached["former"] = make(chan net.Conn, 1)
		found := newResolver(net.DefaultResolver).resolve(t.Context(), []string{"localhost:1"}) // more than one where it has several addresses
		for _, address := range found {
			g.reached[address] = make(chan net.Conn, 1)
		}
		g.meeting.happened(func(now time.Time) []convention.Output { return g.meeting.core.Follow(now, []string{"former"}) })
		leaders := ask(g.meeting, func() (leaders []string) {
			g.meeting.follow(time.Now(), []string{"localhost:1"})
			for _, c := range g.meeting.report().Contacts { // nothing that was looked up gets here before
				if c.Leader {
					leaders = append(leaders, c.Address)
				}
				assert.Check(t, !c.Reached, c.Address)
			}
			return leaders
		})
		assert.DeepEqual(t, leaders, []string{"localhost:1"})
		for _, address := range found {
			_ = (<-g.reached[address]).Close()
		}
	})
}

// A system that ends says goodbye to the others, also to those that talk all the time: a connection that is closed while there is something to read forgets what was written.
func TestGoodbyeToAMemberThatTalks(t *testing.T) {
	withGate(t, func(t *testing.T, g *guarded) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		assert.NilError(t, err)
		defer l.Close()
		go func() {
			if conn, err := l.Accept(); err == nil {
				g.serve(conn)
			}
		}()
		conn, err := tls.Dial("tcp", l.Addr().String(), g.meeting.authority.Client(adminName))
		assert.NilError(t, err)
		defer conn.Close()
		member := convention.System{Number: 7, Incarnation: 7, Admin: address.Of(record.New(record.ID{System: 7, Process: 2, Counter: 1}))}
		assert.NilError(t, writeControl(conn, controlMessages(), convention.Hello{System: member}))
		greeted, err := readControl(conn, controlMessages())
		assert.NilError(t, err)
		assert.Equal(t, greeted.(convention.Hello).System.Number, uint64(1))
		known, err := readControl(conn, controlMessages())
		assert.NilError(t, err)
		assert.Equal(t, known, convention.Ping{})
		go func() {
			for writeControl(conn, controlMessages(), convention.Ping{}) == nil {
			}
		}()
		g.meeting.shell.post(func(now time.Time) []admin.Output { return g.meeting.shell.core.Shutdown(now, 0) })
		for said := any(nil); said != any(convention.DeRegister{Why: "it was shut down"}); {
			said, err = readControl(conn, controlMessages())
			assert.NilError(t, err)
		}
	})
}

// A connection that is brought to a process is the process's to refuse: the gate neither opens it nor says anything.
func TestConnectionThatIsBroughtOn(t *testing.T) {
	hello := helloFor(t, nameOf(2))
	atGate(t, func(t *testing.T, g *guarded) {
		conn := g.dial(t)
		_, err := conn.Write(hello)
		assert.NilError(t, err)
		brought := <-g.reached["process"]
		got := make([]byte, len(hello))
		_, err = io.ReadFull(brought, got)
		assert.NilError(t, err)
		assert.Assert(t, bytes.Equal(got, hello))
		assert.NilError(t, brought.Close())
		closed(t, conn)
	})
}

// redeemed presents a token, and returns the connection if it was taken.
func (g *guarded) redeemed(t *testing.T, name string) net.Conn {
	t.Helper()
	conn := g.dial(t)
	assert.NilError(t, presentToken(t.Context(), conn, name))
	return conn
}

func closed(t *testing.T, conn net.Conn) {
	t.Helper()
	_, err := conn.Read(make([]byte, 1))
	assert.Assert(t, err != nil && !errors.Is(err, os.ErrDeadlineExceeded), "%v", err)
}

func TestTokens(t *testing.T) {
	atGate(t, func(t *testing.T, g *guarded) {
		name := newToken()
		token, err := g.expect(name)
		assert.NilError(t, err)
		_, err = g.expect(name)
		assert.ErrorContains(t, err, "in use")
		one := g.redeemed(t, name)
		synctest.Wait()
		two := g.redeemed(t, name)
		synctest.Wait()
		three := g.redeemed(t, name)
		closed(t, three) // there are two ends at most
		got, err := token.await(t.Context())
		assert.NilError(t, err)
		g.withdraw(name)
		closed(t, two) // nobody awaits it
		assert.NilError(t, got.Close())
		closed(t, one)
		assert.Assert(t, presentToken(t.Context(), g.dial(t), name) != nil, "it is of use once")
	})
}

// The system may end while connections are awaited, and just as they come.
func TestGateThatClosesWhileConnectionsAreAwaited(t *testing.T) {
	atGate(t, func(t *testing.T, g *guarded) {
		name := newToken()
		token, err := g.expect(name)
		assert.NilError(t, err)
		one := g.redeemed(t, name)
		synctest.Wait()
		ours, theirs := net.Pipe()
		defer ours.Close()
		defer theirs.Close()
		g.close()
		closed(t, one)
		assert.ErrorContains(t, g.hand(ours, name), "not awaited")
		_, err = token.await(t.Context())
		assert.ErrorIs(t, err, errSystemEnds)
		_, err = g.expect(newToken())
		assert.ErrorIs(t, err, errSystemEnds)
	})
}

func TestTooManyTokens(t *testing.T) {
	atGate(t, func(t *testing.T, g *guarded) {
		for range maxTokens {
			_, err := g.expect(newToken())
			assert.NilError(t, err)
		}
		_, err := g.expect(newToken())
		assert.ErrorContains(t, err, "too many")
	})
}

// A member may ask for a connection to anywhere: what is said there has to mean nothing to others.
func TestConnectionsThatMembersAskFor(t *testing.T) {
	atGate(t, func(t *testing.T, g *guarded) {
		for _, token := range []string{"", "\r\nFLUSHALL\r\n", strings.Repeat("\n", tokenLength), strings.Repeat("a", tokenLength+1), strings.Repeat("a", 1<<20)} {
			g.connectBack(connectBack{Token: []byte(token), Address: "elsewhere", Process: 2})
			g.meetAt(meetAt{Token: []byte(token), System: 5, Process: 2})
		}
		synctest.Wait()
		assert.Equal(t, len(g.dialed), 0, "%v", g.dialed)
		assert.Equal(t, len(g.tokens), 0)

		name := newToken()
		g.connectBack(connectBack{Token: []byte(name), Address: "elsewhere", Process: 2})
		conn := <-g.reached["elsewhere"]
		defer conn.Close()
		begin := make([]byte, 1)
		_, err := io.ReadFull(conn, begin)
		assert.NilError(t, err)
		said, err := readGate(conn)
		assert.NilError(t, err)
		assert.DeepEqual(t, said, gateToken{Token: []byte(name)})
	})
}

// What members ask for is not made without bound.
func TestTooManyConnectionsThatMembersAskFor(t *testing.T) {
	atGate(t, func(t *testing.T, g *guarded) {
		release := make(chan struct{})
		began := make(chan struct{}, maxTokens+10)
		for range maxTokens + 10 {
			g.make(func(func()) {
				began <- struct{}{}
				<-release
			})
		}
		synctest.Wait()
		assert.Equal(t, len(began), maxTokens)
		close(release)
		synctest.Wait()
		assert.Equal(t, g.making, 0)
	})
}

// A said is a connection on which so much was said, and no more is.
type said struct {
	net.Conn
	bytes.Reader
}

func (s *said) Read(b []byte) (int, error)  { return s.Reader.Read(b) }
func (s *said) Write(b []byte) (int, error) { panic("a stranger is answered") }

// Whatever a stranger begins with: who reads the connection later reads all of it.
func FuzzServerName(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	for _, name := range []string{"", adminName, nameOf(1 << 60), strings.Repeat("n", 200)} {
		hello := helloFor(f, name)
		f.Add(hello)
		f.Add(hello[:len(hello)/2])
		f.Add(append(bytes.Clone(hello), "more"...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		stranger := &said{}
		stranger.Reset(data)
		_, begun, err := serverName(stranger)
		if err != nil {
			return
		}
		all, err := io.ReadAll(begun)
		assert.NilError(t, err)
		assert.Assert(t, bytes.Equal(all, data))
	})
}

// Whatever is said at the gate: it is not much, and it is a message or an error.
func FuzzReadGate(f *testing.F) {
	f.Add([]byte{})
	for _, msg := range []any{gatePass{Pass: []byte("pass"), System: 1, Process: 2}, gateToken{[]byte("token")}, gateAnswer{"no"}, connectBack{}, convention.Hello{}, convention.Post{Message: admin.Seek{}}} {
		frame := gateFrame(f, msg)[1:]
		f.Add(frame)
		f.Add(frame[:len(frame)-1])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		msg, err := readGate(r)
		assert.Assert(t, len(data)-r.Len() <= message.FrameHeader+maxGate)
		assert.Equal(t, err == nil, msg != nil)
		if err == nil {
			_ = fmt.Sprint(msg)
		}
	})
}
