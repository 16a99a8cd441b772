package authority_test

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

	"thespian.dev/convention/authority"
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

// issue returns a new certificate, which is valid until then, and its key.
func (i *issuer) issue(t *testing.T, until time.Time) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	assert.NilError(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: until.Add(-2 * time.Hour), NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, c, i.certificate, private.Public(), i.key)
	assert.NilError(t, err)
	text, err := x509.MarshalPKCS8PrivateKey(private)
	assert.NilError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text})
}

// files are those of a system.
type files struct {
	t                        *testing.T
	certificate, key, others string
	at                       time.Time // when they were changed
}

func newFiles(t *testing.T) *files {
	folder := t.TempDir()
	return &files{t: t, certificate: filepath.Join(folder, "system.pem"), key: filepath.Join(folder, "system.key"), others: filepath.Join(folder, "authorities.pem"), at: time.Now().Add(-time.Hour)}
}

// put replaces a file.
func (f *files) put(file string, content []byte) {
	f.t.Helper()
	assert.NilError(f.t, os.WriteFile(file+".new", content, 0o600))
	f.at = f.at.Add(time.Second)
	assert.NilError(f.t, os.Chtimes(file+".new", f.at, f.at))
	assert.NilError(f.t, os.Rename(file+".new", file))
}

func (f *files) renew(of *issuer, until time.Time) {
	f.t.Helper()
	certificate, key := of.issue(f.t, until)
	f.put(f.key, key)
	f.put(f.certificate, certificate)
}

func (f *files) authority() *authority.Authority {
	f.t.Helper()
	a, err := authority.Files(f.certificate, f.key, f.others)
	assert.NilError(f.t, err)
	return a
}

func TestFilesAreReadAgain(t *testing.T) {
	soon := time.Now().Add(time.Hour)
	first, second := newIssuer(t), newIssuer(t)
	mine, theirs := newFiles(t), newFiles(t)
	for _, f := range []*files{mine, theirs} {
		f.renew(first, soon)
		f.put(f.others, first.pem)
	}
	a, b := mine.authority(), theirs.authority()
	belong := func(why string) {
		t.Helper()
		serverErr, clientErr := meet(t, a, b)
		assert.NilError(t, serverErr, why)
		assert.NilError(t, clientErr, why)
	}
	belong("before")

	mine.renew(first, time.Now().Add(-time.Minute))
	_, clientErr := meet(t, a, b)
	assert.ErrorContains(t, clientErr, "has expired")
	mine.renew(first, soon)
	belong("with a certificate that is renewed")

	// To another authority, step by step.
	both := slices.Concat(first.pem, second.pem)
	mine.put(mine.others, both)
	belong("one knows both authorities")
	theirs.put(theirs.others, both)
	belong("both know both")
	mine.renew(second, soon)
	belong("one has a certificate of the second")
	theirs.renew(second, soon)
	belong("both have")
	mine.put(mine.others, second.pem)
	theirs.put(theirs.others, second.pem)
	belong("the first is gone")
	mine.renew(first, soon)
	_, clientErr = meet(t, a, b)
	assert.ErrorContains(t, clientErr, "another authority")
}

// What is in the files is of no use for a while: all stays as it was.
func TestFilesThatCannotBeRead(t *testing.T) {
	soon := time.Now().Add(time.Hour)
	of := newIssuer(t)
	f := newFiles(t)
	f.renew(of, soon)
	f.put(f.others, of.pem)
	a := f.authority()
	belong := func(why string) {
		t.Helper()
		serverErr, clientErr := meet(t, a, a)
		assert.NilError(t, serverErr, why)
		assert.NilError(t, clientErr, why)
	}
	certificate, key := of.issue(t, soon)
	f.put(f.certificate, certificate)
	belong("the key does not fit")
	f.put(f.key, key)
	belong("the key fits")
	f.put(f.others, []byte("nothing"))
	belong("no authority is left")
	assert.NilError(t, os.Remove(f.certificate))
	assert.NilError(t, os.Remove(f.others))
	belong("no file is left")

	_, err := authority.Files(f.certificate, f.key, f.others)
	assert.ErrorContains(t, err, "the certificate of this system")
	f.put(f.certificate, certificate)
	_, err = authority.Files(f.certificate, f.key, f.others)
	assert.ErrorContains(t, err, "the authorities of the other systems")
	f.put(f.others, []byte("nothing"))
	_, err = authority.Files(f.certificate, f.key, f.others)
	assert.ErrorContains(t, err, "holds no certificate")
}
