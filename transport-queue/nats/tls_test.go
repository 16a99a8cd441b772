package nats_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"sync"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"gotest.tools/v3/assert"

	"thespian.dev/transport"
	"thespian.dev/transport-queue/nats"
)

// certified returns the configuration of nodes that have one certificate, which they believe.
func certified(t *testing.T) *tls.Config {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	assert.NilError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, DNSNames: []string{"node"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	assert.NilError(t, err)
	cert, err := x509.ParseCertificate(der)
	assert.NilError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}, RootCAs: pool, ServerName: "node"}
}

// With TLS between the nodes the server, and who listens in there, sees nothing of what they say, even on the loopback of this host; whoever has the key and no certificate stays out.
func TestTLSBetweenNodes(t *testing.T) {
	s := startServer(t, 0)
	base := nats.Base(s.ClientURL())
	tap, err := natsgo.Connect(s.ClientURL())
	assert.NilError(t, err)
	defer tap.Close()
	var mu sync.Mutex
	var seen bytes.Buffer
	_, err = tap.Subscribe("thespian.>", func(m *natsgo.Msg) {
		mu.Lock()
		defer mu.Unlock()
		seen.Write(m.Data)
	})
	assert.NilError(t, err)
	assert.NilError(t, tap.Flush())

	config := certified(t)
	secured := func(_ *node, c *transport.Config) { c.TLS = config }
	a, b := open(t, base, 1, secured), open(t, base, 2, secured)
	plainA, plainB := open(t, base, 3), open(t, base, 4)
	a.send(b, []byte("this is secret"))
	plainA.send(plainB, []byte("this is not"))
	b.wait(1, 0)
	plainB.wait(1, 0)
	await(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return bytes.Contains(seen.Bytes(), []byte("this is not"))
	})
	mu.Lock()
	assert.Assert(t, !bytes.Contains(seen.Bytes(), []byte("secret")))
	mu.Unlock()

	bare := open(t, base, 5, func(_ *node, c *transport.Config) { c.Unreachable = 300 * time.Millisecond })
	bare.send(b, []byte("no"))
	bare.wait(0, 1)
	assert.Assert(t, !bare.lost[0].perhaps)
}
