package hello_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"thespian.dev/message"
	"thespian.dev/transport"
	"thespian.dev/transport/hello"
)

var (
	alice = hello.Self{Node: transport.Node{System: 1, Process: 2}, Key: []byte("key"), Endpoint: "a:1", Versions: message.Versions{Lowest: 1, Highest: 3}}
	bob   = hello.Self{Node: transport.Node{System: 1, Process: 3}, Key: []byte("key"), Endpoint: "b:1", Versions: message.Versions{Lowest: 2, Highest: 7}}
)

// meeting is how a handshake ended at both sides.
type meeting struct {
	initiator, acceptor       hello.Remote
	initiatorErr, acceptorErr error
	asked                     bool
}

// meet lets two sides meet. wrap changes the initiator's end of the connection.
func meet(a, b hello.Self, to transport.Node, refusal error, wrap func(io.ReadWriter) io.ReadWriter) (m meeting) {
	x, y := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer y.Close()
		m.acceptor, m.acceptorErr = hello.Accept(y, b, func(hello.Remote) ([]byte, error) {
			m.asked = true
			return []byte("from b"), refusal
		})
	}()
	var conn io.ReadWriter = x
	if wrap != nil {
		conn = wrap(x)
	}
	m.initiator, m.initiatorErr = hello.Initiate(conn, a, to, []byte("from a"))
	x.Close()
	<-done
	return m
}

func TestBothLearnWhoTheOtherIs(t *testing.T) {
	m := meet(alice, bob, bob.Node, nil, nil)
	assert.NilError(t, m.initiatorErr)
	assert.NilError(t, m.acceptorErr)
	assert.DeepEqual(t, m.initiator, hello.Remote{Node: bob.Node, Endpoint: "b:1", Version: 3, Info: []byte("from b")})
	assert.DeepEqual(t, m.acceptor, hello.Remote{Node: alice.Node, Endpoint: "a:1", Version: 3, Info: []byte("from a")})
}

func TestWithoutKeyNothingIsProven(t *testing.T) {
	a, b := alice, bob
	a.Key, b.Key = nil, nil
	m := meet(a, b, b.Node, nil, nil)
	assert.NilError(t, m.initiatorErr)

	m = meet(a, b, b.Node, &hello.RefusedError{Reason: "a reason"}, nil)
	assert.ErrorIs(t, m.initiatorErr, hello.ErrRefused)
	assert.Assert(t, !strings.Contains(m.initiatorErr.Error(), "a reason"), "nobody has proven the key")
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name      string
		change    func(a, b *hello.Self)
		to        transport.Node
		refusal   error
		initiator error
		text      string
	}{
		{name: "another key", change: func(a, _ *hello.Self) { a.Key = []byte("another") }, initiator: hello.ErrKey},
		{name: "a key that differs in zeros", change: func(a, _ *hello.Self) { a.Key = []byte("key\x00") }, initiator: hello.ErrKey},
		{name: "no key", change: func(a, _ *hello.Self) { a.Key = nil }, initiator: hello.ErrKey},
		{name: "no common version", change: func(_, b *hello.Self) { b.Versions = message.Versions{Lowest: 4, Highest: 5} }, initiator: message.ErrVersion, text: "1 to 3, the other 4 to 5"},
		{name: "another node", to: transport.Node{System: 1, Process: 9}, initiator: hello.ErrOtherNode},
		{name: "refused with a reason", refusal: &hello.RefusedError{Reason: "the\nreason"}, initiator: hello.ErrRefused, text: "the?reason"},
		{name: "refused without", refusal: errors.New("secret"), initiator: hello.ErrRefused},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := alice, bob
			if c.change != nil {
				c.change(&a, &b)
			}
			to := b.Node
			if c.to != (transport.Node{}) {
				to = c.to
			}
			m := meet(a, b, to, c.refusal, nil)
			assert.ErrorIs(t, m.initiatorErr, c.initiator)
			assert.ErrorContains(t, m.initiatorErr, c.text)
			assert.Assert(t, !strings.Contains(m.initiatorErr.Error(), "secret"))
			assert.Assert(t, m.acceptorErr != nil)
			assert.Equal(t, m.asked, c.refusal != nil, "who has not proven the key must not be decided about")
		})
	}
}

// tap changes or records what passes.
type tap struct {
	io.ReadWriter
	write func([]byte) []byte
	read  func([]byte)
}

func (p tap) Write(b []byte) (int, error) {
	n := len(b)
	if p.write != nil {
		b = p.write(bytes.Clone(b))
	}
	_, err := p.ReadWriter.Write(b)
	return n, err
}

func (p tap) Read(b []byte) (int, error) {
	n, err := p.ReadWriter.Read(b)
	if p.read != nil {
		p.read(b[:n])
	}
	return n, err
}

// What was said in one handshake is of no use in another.
func TestReplay(t *testing.T) {
	var recorded [][]byte
	m := meet(alice, bob, bob.Node, nil, func(rw io.ReadWriter) io.ReadWriter {
		return tap{ReadWriter: rw, write: func(b []byte) []byte { recorded = append(recorded, b); return b }}
	})
	assert.NilError(t, m.acceptorErr)
	assert.Equal(t, len(recorded), 2)
	i := 0
	m = meet(alice, bob, bob.Node, nil, func(rw io.ReadWriter) io.ReadWriter {
		return tap{ReadWriter: rw, write: func([]byte) []byte { i++; return recorded[i-1] }}
	})
	assert.Assert(t, !m.asked)
	assert.Assert(t, m.acceptorErr != nil && m.initiatorErr != nil)
}

// Who does not know the key cannot use a node to answer itself.
func TestReflection(t *testing.T) {
	x, y := net.Pipe()
	defer x.Close()
	done := make(chan error)
	go func() {
		_, err := hello.Accept(y, bob, func(hello.Remote) ([]byte, error) { t.Error("a stranger was decided about"); return nil, nil })
		y.Close()
		done <- err
	}()
	var greeting bytes.Buffer
	stranger := bob
	stranger.Key = nil
	_, err := hello.Initiate(tap{ReadWriter: struct {
		io.Reader
		io.Writer
	}{bytes.NewReader(nil), &greeting}}, stranger, bob.Node, nil)
	assert.ErrorIs(t, err, io.EOF)
	_, err = x.Write(greeting.Bytes())
	assert.NilError(t, err)
	answer, err := message.ReadFrame(x, 0)
	assert.NilError(t, err)
	reflected, err := message.AppendFrame(nil, message.Frame{Kind: 3, Payload: answer.Payload})
	assert.NilError(t, err)
	_, _ = x.Write(reflected)
	assert.ErrorIs(t, <-done, hello.ErrKey)
}

// Any byte that is changed on the way is noticed.
func TestChangedOnTheWay(t *testing.T) {
	for frame := range 2 {
		for _, at := range []int{16, 17, 18, 20, 33, 34, 50, 57, 16 + 65} {
			n, changed := 0, false
			m := meet(alice, bob, bob.Node, nil, func(rw io.ReadWriter) io.ReadWriter {
				return tap{ReadWriter: rw, write: func(b []byte) []byte {
					n++
					if n-1 != frame || at >= len(b) {
						return b
					}
					changed = true
					f, err := message.ReadFrame(bytes.NewReader(b), 0)
					assert.NilError(t, err)
					f.Payload[at-16] ^= 1
					b, err = message.AppendFrame(nil, f)
					assert.NilError(t, err)
					return b
				}}
			})
			if changed && m.acceptorErr == nil {
				t.Errorf("byte %d of frame %d was changed and nobody noticed", at, frame)
			}
		}
	}
}

func TestTooMuchToTell(t *testing.T) {
	a := alice
	a.Endpoint = strings.Repeat("x", hello.MaxEndpoint+1)
	m := meet(a, bob, bob.Node, nil, nil)
	assert.ErrorContains(t, m.initiatorErr, "255")
}

// Frames of strangers are read up to a small limit.
func TestBoundedForStrangers(t *testing.T) {
	huge, err := message.AppendFrame(nil, message.Frame{Kind: 1, Payload: make([]byte, 1<<20)})
	assert.NilError(t, err)
	r := bytes.NewReader(huge)
	_, err = hello.Accept(struct {
		io.Reader
		io.Writer
	}{r, io.Discard}, bob, nil)
	assert.ErrorIs(t, err, message.ErrFrameTooLarge)
	assert.Assert(t, len(huge)-r.Len() < 4096)
}

// Whatever comes, nobody is admitted who does not know the key, and nothing fails but with an error.
func FuzzAccept(f *testing.F) {
	var said bytes.Buffer
	_, _ = hello.Initiate(struct {
		io.Reader
		io.Writer
	}{bytes.NewReader(nil), &said}, alice, bob.Node, nil)
	f.Add(said.Bytes())
	proof, _ := message.AppendFrame(said.Bytes(), message.Frame{Kind: 3, Payload: make([]byte, 60)})
	f.Add(proof)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := hello.Accept(struct {
			io.Reader
			io.Writer
		}{bytes.NewReader(data), io.Discard}, bob, func(hello.Remote) ([]byte, error) {
			t.Error("a stranger was decided about")
			return nil, nil
		})
		assert.Assert(t, err != nil)
	})
}

// Whatever the other side answers, an initiator that expects a proof gets an error.
func FuzzInitiate(f *testing.F) {
	answer, _ := message.AppendFrame(nil, message.Frame{Kind: 2, Payload: append([]byte{1, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3}, make([]byte, 64)...)})
	f.Add(answer)
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := hello.Initiate(struct {
			io.Reader
			io.Writer
		}{bytes.NewReader(data), io.Discard}, alice, bob.Node, nil)
		assert.Assert(t, err != nil)
	})
}

func Example() {
	a, b := net.Pipe()
	key := []byte("what the nodes of a system share")
	one := hello.Self{Node: transport.Node{System: 1, Process: 1}, Key: key, Endpoint: "127.0.0.1:4001", Versions: message.Versions{Lowest: 1, Highest: 1}}
	two := hello.Self{Node: transport.Node{System: 1, Process: 2}, Key: key, Endpoint: "127.0.0.1:4002", Versions: one.Versions}
	go func() {
		_, _ = hello.Accept(b, two, func(hello.Remote) ([]byte, error) { return []byte("welcome"), nil })
	}()
	remote, err := hello.Initiate(a, one, two.Node, nil)
	fmt.Println(remote.Endpoint, string(remote.Info), err)
	// Output: 127.0.0.1:4002 welcome <nil>
}
