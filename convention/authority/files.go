package authority

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
)

// Files returns the authority of a user's own certificates, in files: this system's certificate and its key, and the authorities of the others' certificates, all as PEM. Files are read
// again when they have changed, for the next connection, so that certificates and authorities are renewed without a restart. What cannot be read then, or a key that does not fit its
// certificate yet, leaves all as it was.
func Files(certificate, key, roots string) (*Authority, error) {
	own := &watched[*tls.Certificate]{file: certificate, read: func() (*tls.Certificate, error) {
		c, err := tls.LoadX509KeyPair(certificate, key)
		return &c, err
	}}
	others := &watched[*x509.CertPool]{file: roots, read: func() (*x509.CertPool, error) {
		pem, err := os.ReadFile(roots)
		pool := x509.NewCertPool()
		if err == nil && !pool.AppendCertsFromPEM(pem) {
			err = fmt.Errorf("%s holds no certificate of an authority", roots)
		}
		return pool, err
	}}
	if _, err := own.get(); err != nil {
		return nil, fmt.Errorf("the certificate of this system: %w", err)
	}
	pool, err := others.get()
	if err != nil {
		return nil, fmt.Errorf("the authorities of the other systems' certificates: %w", err)
	}
	a, err := Given(&tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return own.get() }, RootCAs: pool})
	if err != nil {
		return nil, err
	}
	a.roots = func() *x509.CertPool {
		pool, _ := others.get() // there is one
		return pool
	}
	return a, nil
}

// A watched is what a file holds, which may change.
type watched[T any] struct {
	file string
	read func() (T, error)

	mu      sync.Mutex
	known   bool
	current T
	from    os.FileInfo // what current was read of
}

// changed says whether there is another file now, or the same was written to.
func (w *watched[T]) changed(is os.FileInfo) bool {
	return !os.SameFile(is, w.from) || is.Size() != w.from.Size() || !is.ModTime().Equal(w.from.ModTime())
}

// get returns what the file holds, or the last of it that could be read.
func (w *watched[T]) get() (T, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	is, err := os.Stat(w.file)
	if err == nil && (!w.known || w.changed(is)) {
		var read T
		if read, err = w.read(); err == nil {
			w.current, w.from, w.known = read, is, true
		}
	}
	if !w.known {
		return w.current, err
	}
	return w.current, nil
}
