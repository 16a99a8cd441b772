package tcp_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
	tcp "thespian.dev/transport-tcp"
)

// authority makes certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	assert.NilError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	assert.NilError(t, err)
	cert, err := x509.ParseCertificate(der)
	assert.NilError(t, err)
	return authority{cert, key}
}

func (a authority) config(t *testing.T) *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	assert.NilError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	assert.NilError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, RootCAs: pool}
}

// The suite over TLS, on connections that are taken for such that leave the host.
func TestSuiteTLS(t *testing.T) {
	config := newAuthority(t).config(t)
	suite(t, openLeaving, func(c *transport.Config) { c.TLS = config })
}

// Without the right certificate nobody gets through, though it has the key.
func TestTLSRefusals(t *testing.T) {
	good, other := newAuthority(t), newAuthority(t)
	b := newNodeWith(t, openLeaving, func(c *transport.Config) { c.TLS = good.config(t) })
	for _, c := range []struct {
		name   string
		config *tls.Config
	}{
		{"no TLS", nil},
		{"no certificate", &tls.Config{RootCAs: good.config(t).RootCAs}},
		{"another authority's", func() *tls.Config {
			config := other.config(t)
			config.RootCAs = good.config(t).RootCAs
			return config
		}()},
		{"distrusts the server", other.config(t)},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newNodeWith(t, openLeaving, func(o *transport.Config) {
				o.TLS = c.config
				o.Unreachable = 200 * time.Millisecond
			})
			a.send(b, b.tr.Endpoint(), 0, "secret")
			a.wait("the message to be reported", func() bool { return len(a.lost) == 1 })
			assert.Assert(t, !a.lost[0].perhaps)
			b.mu.Lock()
			defer b.mu.Unlock()
			assert.Equal(t, len(b.got[a.id]), 0)
		})
	}
	t.Run("an old version", func(t *testing.T) {
		config := good.config(t)
		config.MaxVersion = tls.VersionTLS12
		c, err := tls.Dial("tcp", b.tr.Endpoint(), config)
		if err == nil {
			c.Close()
		}
		assert.Assert(t, err != nil)
	})
}

// Within the host there is no TLS, whatever the configuration.
func TestNoTLSWithinTheHost(t *testing.T) {
	a, b := newNode(t, func(c *transport.Config) { c.TLS = &tls.Config{} }), newNode(t, nil)
	a.send(b, b.tr.Endpoint(), 0, "hello")
	b.waitFrom(a, 1)
}

// A listener at an address of the host that others can reach asks no TLS of the host itself.
func TestListenAtAllAddresses(t *testing.T) {
	a := newNode(t, func(c *transport.Config) { c.Listen = "0.0.0.0" })
	host, _, err := net.SplitHostPort(a.tr.Endpoint())
	assert.NilError(t, err)
	assert.Assert(t, host != "0.0.0.0")
	b := newNode(t, nil)
	b.send(a, a.tr.Endpoint(), 0, "hello")
	a.waitFrom(b, 1)
}

func TestListen(t *testing.T) {
	a := newNode(t, nil)
	host, port, err := net.SplitHostPort(a.tr.Endpoint())
	assert.NilError(t, err)
	assert.Equal(t, host, "127.0.0.1")
	handler := transport.Config{Self: a.id, Handler: a}
	for _, c := range []struct {
		name   string
		change func(*transport.Config)
		text   string
	}{
		{"in use", func(c *transport.Config) { c.Listen = a.tr.Endpoint() }, port},
		{"no number", func(c *transport.Config) { c.Listen = "localhost:http" }, "localhost:http"},
		{"no address of this host", func(c *transport.Config) { c.Listen = "203.0.113.77:0" }, "203.0.113.77"},
		{"no port", func(c *transport.Config) { c.LowestPort, c.HighestPort = 5000, 4000 }, "5000 to 4000"},
		{"no handler", func(c *transport.Config) { c.Handler = nil }, "Handler"},
	} {
		config := handler
		c.change(&config)
		tr, err := tcp.Base().Open(context.Background(), config)
		if err == nil {
			tr.Close()
		}
		assert.ErrorContains(t, err, c.text, c.name)
	}
}

// A free port is looked for in the range that is allowed; when all are taken, the error says which.
func TestPortRange(t *testing.T) {
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NilError(t, err)
	port := probe.Addr().(*net.TCPAddr).Port
	probe.Close()
	within := func(c *transport.Config) { c.LowestPort, c.HighestPort = port, port }
	a := newNode(t, within)
	assert.Equal(t, a.tr.Endpoint(), (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}).String())
	config := transport.Config{Self: a.id, Handler: a}
	within(&config)
	_, err = tcp.Base().Open(context.Background(), config)
	assert.ErrorContains(t, err, "no port from")
}

func asTimeout(err error, target *net.Error) bool {
	return errors.As(err, target) && (*target).Timeout()
}
