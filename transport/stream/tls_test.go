package stream_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/transport"
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
