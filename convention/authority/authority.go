// Package authority is how systems that meet over a network know each other: mutual TLS 1.3 with certificates of one authority, which is derived from a secret that they share, or is
// the user's own.
//
// From a secret follows, with HKDF, an ed25519 key, and from that the certificate of an authority, the same for everybody who has the secret. Each system makes itself a certificate of
// that authority, and renews it. So there is nothing to hand out but the secret, and nothing else to check than certificates.
package authority

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"
)

// MinSecret is how many bytes a secret has at least: fewer could be found by trying.
const MinSecret = 20

// NewSecret makes a secret that nobody can guess, as text.
func NewSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// ErrShortSecret is returned, wrapped, for a secret that could be guessed.
var ErrShortSecret = errors.New("the convention secret is too short")

// How long certificates are valid. They begin in the past, for clocks that are behind.
const (
	slack    = 24 * time.Hour
	validity = 7 * 24 * time.Hour
	renewal  = 24 * time.Hour
)

// An Authority makes and checks certificates. All methods may be called from several goroutines at once.
type Authority struct {
	roots func() *x509.CertPool // of the moment
	now   func() time.Time

	// Of one that is derived from a secret.
	root *x509.Certificate
	key  crypto.Signer

	// Of one that was given.
	given *tls.Config

	mu      sync.Mutex
	current *tls.Certificate
	renewAt time.Time
}

// Derive returns the authority of all who have the secret.
func Derive(secret string) (*Authority, error) {
	secret = strings.TrimSpace(secret)
	if len(secret) < MinSecret {
		return nil, fmt.Errorf("%w: it has %d bytes, %d are the least; \"thespian convention secret\" makes one", ErrShortSecret, len(secret), MinSecret)
	}
	seed, err := hkdf.Key(sha256.New, []byte(secret), []byte("thespian convention"), "certificate authority 1", ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	key := ed25519.NewKeyFromSeed(seed)
	root := &x509.Certificate{ // the same for everybody: nothing in it is drawn or timed
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "thespian convention"},
		NotBefore: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, MaxPathLenZero: true,
	}
	der, err := x509.CreateCertificate(nil, root, root, key.Public(), key) // ed25519 draws nothing
	if err != nil {
		return nil, err
	}
	if root, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	return &Authority{roots: func() *x509.CertPool { return pool }, now: time.Now, root: root, key: key}, nil
}

// Given returns the authority of a user's own certificates. The configuration has a certificate, or a function that returns the one of the moment, and the authorities that
// the others' certificates are of. Names in certificates are not looked at: who has one of the authority belongs to the convention.
func Given(c *tls.Config) (*Authority, error) {
	if len(c.Certificates) == 0 && c.GetCertificate == nil {
		return nil, errors.New("the option TLS has no certificate")
	}
	pool := c.RootCAs
	if pool == nil {
		pool = c.ClientCAs
	}
	if pool == nil {
		return nil, errors.New("the option TLS has no RootCAs, the authorities of the other systems' certificates")
	}
	return &Authority{roots: func() *x509.CertPool { return pool }, now: time.Now, given: c.Clone()}, nil
}

// certificate returns the one of the moment.
func (a *Authority) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if a.given != nil {
		if a.given.GetCertificate != nil {
			if hello == nil {
				hello = &tls.ClientHelloInfo{}
			}
			return a.given.GetCertificate(hello)
		}
		return &a.given.Certificates[0], nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	// The time of day, as others read it: not that since the start, which stands still while the machine sleeps. A clock that went back may be behind the certificate.
	now := a.now().Round(0)
	if made := a.renewAt.Add(-renewal); a.current != nil && now.Before(a.renewAt) && !now.Before(made) {
		return a.current, nil
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	leaf := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "thespian system"}, NotBefore: now.Add(-slack), NotAfter: now.Add(validity),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.root, public, a.key)
	if err != nil {
		return nil, err
	}
	a.current, a.renewAt = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, now.Add(renewal)
	return a.current, nil
}

// verify checks the certificate of the other side, as the two sides' roles differ in nothing.
func (a *Authority) verify(state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the other side shows no certificate")
	}
	leaf, between := state.PeerCertificates[0], x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		between.AddCert(c)
	}
	now := a.now()
	_, err := leaf.Verify(x509.VerifyOptions{Roots: a.roots(), Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err == nil {
		return nil
	}
	if invalid := (x509.CertificateInvalidError{}); errors.As(err, &invalid) && invalid.Reason == x509.Expired {
		if why := untimely(leaf, now); why != "" {
			return fmt.Errorf("the other side's certificate %s: %w", why, err)
		}
	}
	if a.given == nil {
		return fmt.Errorf("the other side has another convention secret: %w", err)
	}
	return fmt.Errorf("the other side's certificate is of another authority: %w", err)
}

// untimely says why a certificate is not valid at a time, "" if it is.
func untimely(c *x509.Certificate, now time.Time) string {
	switch {
	case now.Before(c.NotBefore):
		return fmt.Sprintf("is valid from %s on, and here it is %s: the clocks differ", moment(c.NotBefore), moment(now))
	case now.After(c.NotAfter):
		return fmt.Sprintf("has expired %s, and here it is %s: renew it, or mend the clocks", moment(c.NotAfter), moment(now))
	}
	return ""
}

func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Server and Client return what the two ends of a connection use.
func (a *Authority) Server() *tls.Config {
	c := a.config()
	c.GetCertificate = a.certificate
	c.ClientAuth = tls.RequireAnyClientCert
	return c
}

// Client returns the configuration of the side that connects. Name says whom it looks for.
func (a *Authority) Client(name string) *tls.Config {
	c := a.config()
	c.ServerName = name
	c.InsecureSkipVerify = true // names mean nothing; verify looks at the certificate
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return a.certificate(nil) }
	return c
}

func (a *Authority) config() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS13, VerifyConnection: a.verify, SessionTicketsDisabled: true, Time: a.now}
	if a.given != nil {
		c.CipherSuites, c.CurvePreferences = a.given.CipherSuites, a.given.CurvePreferences
	}
	return c
}

// Explain says what it means that the other side has refused this system's certificate. Its alert names no reason: what this side can know is when the certificate is valid.
func (a *Authority) Explain(err error) error {
	_, alert, refused := strings.Cut(err.Error(), "remote error: tls: ")
	if !refused || !strings.Contains(alert, "certificate") { // others are not about it
		return err
	}
	what, valid := "the convention secrets", ""
	if a.given != nil {
		what = "the authorities"
	}
	if own, e := a.leaf(); e == nil {
		now := a.now()
		if why := untimely(own, now); why != "" {
			return fmt.Errorf("the other side refused this system's certificate, which %s: %w", why, err)
		}
		valid = fmt.Sprintf(" (the certificate is valid from %s to %s, and here it is %s)", moment(own.NotBefore), moment(own.NotAfter), moment(now))
	}
	return fmt.Errorf("the other side refused this system's certificate: %s of the two differ, or their clocks do%s; its log says more: %w", what, valid, err)
}

// leaf returns this system's own certificate.
func (a *Authority) leaf() (*x509.Certificate, error) {
	c, err := a.certificate(nil)
	if err != nil {
		return nil, err
	}
	if c.Leaf != nil {
		return c.Leaf, nil
	}
	if len(c.Certificate) == 0 {
		return nil, errors.New("there is none")
	}
	return x509.ParseCertificate(c.Certificate[0])
}
