//go:build linux

package conventions

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"thespian.dev/actor"
	"thespian.dev/system"
)

// An issuer makes certificates, as a user's own authority does.
type issuer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	assert.NilError(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	assert.NilError(t, err)
	c, err = x509.ParseCertificate(der)
	assert.NilError(t, err)
	return &issuer{c, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// put replaces a file.
func put(t *testing.T, file string, content []byte) {
	t.Helper()
	assert.NilError(t, os.WriteFile(file+".new", content, 0o600))
	assert.NilError(t, os.Rename(file+".new", file))
}

// issue puts a certificate in place that is valid for two hours around a time.
func (i *issuer) issue(t *testing.T, name string, around time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	assert.NilError(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: around.Add(-time.Hour), NotAfter: around.Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, i.certificate, key.Public(), i.key)
	assert.NilError(t, err)
	text, err := x509.MarshalPKCS8PrivateKey(key)
	assert.NilError(t, err)
	put(t, name+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}))
	put(t, name+".pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// certified returns options with the files of a system.
func certified(name string) system.Options {
	return system.Options{TLS: &system.TLSFiles{Certificate: name + ".pem", Key: name + ".key", Authorities: name + ".authorities"}}
}

// A convention goes over to another authority while it works.
func TestCertificatesAreRenewedWithoutRestart(t *testing.T) {
	t.Chdir(t.TempDir())
	first, second := newIssuer(t), newIssuer(t)
	systems := []string{"leader", "member"}
	for _, name := range systems {
		first.issue(t, name, time.Now())
		put(t, name+".authorities", first.pem)
	}
	leader := startWith(t, "leader", nil, nil, certified("leader"))
	member := startWith(t, "member", leader, actor.Capabilities{"GPU": true}, certified("member"))
	gpu := leader.create(t, "gpu")
	assert.Equal(t, leader.ask(t, gpu, Where{}), "member")

	for _, name := range systems {
		put(t, name+".authorities", slices.Concat(first.pem, second.pem))
	}
	for _, name := range systems {
		second.issue(t, name, time.Now())
	}
	for _, name := range systems {
		put(t, name+".authorities", second.pem)
	}
	assert.Equal(t, leader.ask(t, gpu, Where{}), "member", "what is connected stays")

	// Admins, processes that were there, and new ones meet one that knows the second authority alone.
	second.issue(t, "late", time.Now())
	put(t, "late.authorities", second.pem)
	late := startWith(t, "late", leader, actor.Capabilities{"Disk": true}, certified("late"))
	disk := leader.create(t, "disk")
	assert.Equal(t, leader.ask(t, gpu, Pass{disk}), "late")
	assert.Equal(t, late.ask(t, disk, Pass{gpu}), "member")
	assert.Equal(t, member.ask(t, member.create(t, "servant"), Pass{disk}), "late")
	assert.Equal(t, late.ask(t, late.create(t, "gpu"), Where{}), "member")

	// Who stays with the first one does not belong to it any more.
	first.issue(t, "old", time.Now())
	put(t, "old.authorities", slices.Concat(first.pem, second.pem))
	old := startWith(t, "old", leader, nil, certified("old"))
	logged(t, leader.port, "another authority")
	logged(t, old.port, "refused this system's certificate")
	_, err := old.Create(within(t), "gpu")
	assert.ErrorIs(t, err, system.ErrNoCompatibleSystem)
}

// Certificates that are not valid now: the logs of both sides say it.
func TestCertificatesThatAreNotValid(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	of := newIssuer(t)
	of.issue(t, in("leader"), time.Now())
	put(t, in("leader.authorities"), of.pem)
	leader := startWith(t, "leader", nil, nil, certified(in("leader")))
	for _, c := range []struct {
		name   string
		around time.Time
		why    string
	}{
		{"expired", time.Now().Add(-3 * time.Hour), "has expired"},
		{"ahead", time.Now().Add(3 * time.Hour), "the clocks differ"},
	} {
		of.issue(t, in(c.name), c.around)
		put(t, in(c.name)+".authorities", of.pem)
		member := startWith(t, c.name, leader, nil, certified(in(c.name)))
		logged(t, leader.port, c.why)
		logged(t, member.port, "refused this system's certificate")
	}

	// And when it is the leader's own that has expired.
	of.issue(t, in("leader"), time.Now().Add(-3*time.Hour))
	of.issue(t, in("member"), time.Now())
	put(t, in("member.authorities"), of.pem)
	member := startWith(t, "member", leader, nil, certified(in("member")))
	logged(t, member.port, "has expired")
	logged(t, leader.port, "refused this system's certificate")
	of.issue(t, in("leader"), time.Now())
	watcher := leader.create(t, "servant")
	assert.Equal(t, leader.ask(t, watcher, Updates{}), "member joined")
}

// Files that are none are refused before a system is started.
func TestCertificatesThatAreNotThere(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		files system.TLSFiles
		why   string
	}{
		{system.TLSFiles{}, "has no Certificate"},
		{system.TLSFiles{Certificate: "a", Authorities: "c"}, "has no Key"},
		{system.TLSFiles{Certificate: "a", Key: "b"}, "has no Authorities"},
		{system.TLSFiles{Certificate: "a", Key: "b", Authorities: "c"}, "the certificate of this system"},
	} {
		_, err := app.Start(within(t), &system.Options{TLS: &c.files, Capabilities: actor.Capabilities{"Admin Port": 0}})
		assert.ErrorContains(t, err, c.why)
	}
}
