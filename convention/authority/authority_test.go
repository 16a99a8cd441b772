package authority_test

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/convention/authority"
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
		a.Close()
		done <- err
	}()
	c := tls.Client(b, client.Client("anybody"))
	_, clientErr = c.Write([]byte{1})
	if clientErr == nil {
		_, clientErr = c.Read(make([]byte, 1))
	}
	b.Close()
	return <-done, clientErr
}

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
	serverErr, clientErr := meet(t, derive(t, authority.NewSecret()), derive(t, authority.NewSecret()))
	assert.ErrorContains(t, clientErr, "another convention secret")
	assert.ErrorContains(t, authority.Explain(serverErr), "refused this system's certificate")
}

func TestShortSecretsAreRefused(t *testing.T) {
	_, err := authority.Derive("open sesame")
	assert.ErrorIs(t, err, authority.ErrShortSecret)
	assert.Assert(t, len(authority.NewSecret()) >= authority.MinSecret)
	one, other := authority.NewSecret(), authority.NewSecret()
	assert.Assert(t, one != other)
}

func TestClocksThatDiffer(t *testing.T) {
	secret := authority.NewSecret()
	for _, c := range []struct {
		name  string
		ahead time.Duration
		want  string
	}{
		{"an hour", time.Hour, ""},
		{"an hour behind", -time.Hour, ""},
		{"a month", 30 * 24 * time.Hour, "has expired"},
		{"a month behind", -30 * 24 * time.Hour, "the clocks differ"},
	} {
		t.Run(c.name, func(t *testing.T) {
			other := derive(t, secret)
			authority.SetClock(other, func() time.Time { return time.Now().Add(c.ahead) })
			serverErr, clientErr := meet(t, derive(t, secret), other)
			if c.want == "" {
				assert.NilError(t, serverErr)
				assert.NilError(t, clientErr)
				return
			}
			assert.ErrorContains(t, clientErr, c.want)
			assert.Assert(t, serverErr != nil)
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
	_, clientErr = meet(t, own(one), own(other))
	assert.ErrorContains(t, clientErr, "another authority")
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
