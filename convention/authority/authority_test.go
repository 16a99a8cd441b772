package authority_test

import (
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/convention/authority"
	"thespian.dev/convention/authority/authoritytest"
)

// connected returns the two ends of a connection.
func connected(t *testing.T) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NilError(t, err)
	defer l.Close()
	b, err = net.Dial("tcp", l.Addr().String())
	assert.NilError(t, err)
	a, err = l.Accept()
	assert.NilError(t, err)
	t.Cleanup(func() {
		a.Close()
		b.Close()
	})
	return a, b
}

// meet has two sides shake hands, and say a byte to each other, over a connection.
func meet(t *testing.T, server, client *authority.Authority) (serverErr, clientErr error) {
	t.Helper()
	a, b := connected(t)
	assert.NilError(t, a.SetDeadline(time.Now().Add(10*time.Second)))
	done := make(chan error, 1)
	go func() {
		s := tls.Server(a, server.Server())
		_, err := s.Read(make([]byte, 1))
		if err == nil {
			_, err = s.Write([]byte{2})
		}
		finish(a)
		done <- err
	}()
	c := tls.Client(b, client.Client("anybody"))
	_, clientErr = c.Write([]byte{1})
	if clientErr == nil {
		_, clientErr = c.Read(make([]byte, 1))
	}
	finish(b)
	return <-done, clientErr
}

// finish ends one side of a connection, such that the other has what was said: nothing is left unread, which would reset the connection.
func finish(c net.Conn) {
	_ = c.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(io.Discard, c)
	c.Close()
}

// at is how a time stands in a text.
func at(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func derive(t *testing.T, secret string) *authority.Authority {
	t.Helper()
	a, err := authority.Derive(secret)
	assert.NilError(t, err)
	return a
}

func TestSystemsWithOneSecretMeet(t *testing.T) {
	secret := authority.NewSecret()
	serverErr, clientErr := meet(t, derive(t, secret), derive(t, secret+"\n"))
	assert.NilError(t, serverErr)
	assert.NilError(t, clientErr)
}

func TestSystemsWithOtherSecretsDoNot(t *testing.T) {
	server := derive(t, authority.NewSecret())
	serverErr, clientErr := meet(t, server, derive(t, authority.NewSecret()))
	assert.ErrorContains(t, clientErr, "another convention secret")
	assert.ErrorContains(t, server.Explain(serverErr), "the other side refused this system's certificate: the convention secrets of the two differ, or their clocks do (the certificate is valid from ")
	assert.Equal(t, server.Explain(io.EOF), io.EOF, "what is no refusal is what it was")
}

func TestShortSecretsAreRefused(t *testing.T) {
	_, err := authority.Derive("open sesame")
	assert.ErrorIs(t, err, authority.ErrShortSecret)
	assert.Assert(t, len(authority.NewSecret()) >= authority.MinSecret)
	one, other := authority.NewSecret(), authority.NewSecret()
	assert.Assert(t, one != other)
}

// Each side says what its clock shows: who is refused cannot know that of the other one.
func TestClocksThatDiffer(t *testing.T) {
	secret := authority.NewSecret()
	now := time.Now()
	for _, c := range []struct {
		name  string
		ahead time.Duration
		want  string // what the client says, whose clock it is: it looks at the other's certificate first
	}{
		{"an hour", time.Hour, ""},
		{"an hour behind", -time.Hour, ""},
		{"a month", 30 * 24 * time.Hour, "the other side's certificate has expired " + at(now.Add(7*24*time.Hour)) + ", and here it is " + at(now.Add(30*24*time.Hour)) + ": renew it, or mend the clocks"},
		{"a month behind", -30 * 24 * time.Hour, "the other side's certificate is valid from " + at(now.Add(-24*time.Hour)) + " on, and here it is " + at(now.Add(-30*24*time.Hour)) + ": the clocks differ"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server, client := derive(t, secret), derive(t, secret)
			authority.SetClock(server, func() time.Time { return now })
			authority.SetClock(client, func() time.Time { return now.Add(c.ahead) })
			serverErr, clientErr := meet(t, server, client)
			if c.want == "" {
				assert.NilError(t, serverErr)
				assert.NilError(t, clientErr)
				return
			}
			assert.ErrorContains(t, clientErr, c.want)
			assert.ErrorContains(t, server.Explain(serverErr), "the other side refused this system's certificate: the convention secrets of the two differ, or their clocks do (the certificate is valid from "+
				at(now.Add(-24*time.Hour))+" to "+at(now.Add(7*24*time.Hour))+", and here it is "+at(now)+")")
		})
	}
}

// A certificate that is not valid now: both sides say so, whichever of them has it.
func TestCertificatesThatAreNotValidNow(t *testing.T) {
	of := authoritytest.NewIssuer(t)
	now := time.Now()
	for name, c := range map[string]struct {
		until time.Time
		why   string
	}{
		"expired":       {now.Add(-time.Hour), " has expired " + at(now.Add(-time.Hour)) + ", and here it is " + at(now) + ": renew it, or mend the clocks"},
		"not valid yet": {now.Add(3 * time.Hour), " is valid from " + at(now.Add(time.Hour)) + " on, and here it is " + at(now) + ": the clocks differ"},
	} {
		t.Run(name, func(t *testing.T) {
			bad, good := newFiles(t), newFiles(t)
			bad.renew(of, c.until)
			good.renew(of, now.Add(time.Hour))
			bad.put(bad.others, of.PEM)
			good.put(good.others, of.PEM)
			theirs, ours := bad.authority(), good.authority()
			for _, a := range []*authority.Authority{theirs, ours} {
				authority.SetClock(a, func() time.Time { return now })
			}
			says := func(refused, refuses error) {
				t.Helper()
				assert.ErrorContains(t, refuses, "the other side's certificate"+c.why)
				assert.ErrorContains(t, theirs.Explain(refused), "the other side refused this system's certificate, which"+c.why)
			}
			serverErr, clientErr := meet(t, ours, theirs)
			says(clientErr, serverErr)
			serverErr, clientErr = meet(t, theirs, ours)
			says(serverErr, clientErr)
		})
	}
}

func TestCertificatesAreRenewed(t *testing.T) {
	secret := authority.NewSecret()
	clock := time.Now()
	a, b := derive(t, secret), derive(t, secret)
	now := func() time.Time { return clock }
	authority.SetClock(a, now)
	authority.SetClock(b, now)
	for range 30 {
		serverErr, clientErr := meet(t, a, b)
		assert.NilError(t, serverErr)
		assert.NilError(t, clientErr)
		clock = clock.Add(2 * 24 * time.Hour)
	}
	clock = clock.Add(-40 * 24 * time.Hour) // they were wrong
	serverErr, clientErr := meet(t, a, b)
	assert.NilError(t, serverErr)
	assert.NilError(t, clientErr)
}

func TestCertificatesOfOnesOwn(t *testing.T) {
	_, err := authority.Given(&tls.Config{})
	assert.ErrorContains(t, err, "no certificate")
	one, other := derive(t, authority.NewSecret()), derive(t, authority.NewSecret())
	own := func(of *authority.Authority) *authority.Authority {
		a, err := authority.Given(authority.AsGiven(of))
		assert.NilError(t, err)
		return a
	}
	serverErr, clientErr := meet(t, own(one), own(one))
	assert.NilError(t, serverErr)
	assert.NilError(t, clientErr)
	server := own(one)
	serverErr, clientErr = meet(t, server, own(other))
	assert.ErrorContains(t, clientErr, "another authority")
	assert.ErrorContains(t, server.Explain(serverErr), "the authorities of the two differ, or their clocks do (the certificate is valid from ")
	_, err = authority.Given(&tls.Config{Certificates: authority.AsGiven(one).Certificates})
	assert.ErrorContains(t, err, "no RootCAs")
}

func TestWhoShowsNoCertificateIsRefused(t *testing.T) {
	a, b := connected(t)
	done := make(chan error, 1)
	go func() {
		done <- tls.Server(a, derive(t, authority.NewSecret()).Server()).Handshake()
		a.Close()
	}()
	c := tls.Client(b, &tls.Config{InsecureSkipVerify: true})
	_, _ = c.Read(make([]byte, 1))
	assert.ErrorContains(t, <-done, "certificate")
}
