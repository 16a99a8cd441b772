package authority

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
	"time"
)

// Files returns the authority of a user's own certificates, in files: this system's certificate and its key, and the authorities of the others' certificates, all as PEM. The
// certificate is read again when its file has changed, so that it is renewed without a restart.
func Files(certificate, key, roots string) (*Authority, error) {
	f := &certificateFiles{certificate: certificate, key: key}
	if _, err := f.get(nil); err != nil {
		return nil, err
	}
	pem, err := os.ReadFile(roots)
	if err != nil {
		return nil, fmt.Errorf("the authorities of the other systems' certificates: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate of an authority", roots)
	}
	return Given(&tls.Config{GetCertificate: f.get, RootCAs: pool})
}

type certificateFiles struct {
	certificate, key string

	mu      sync.Mutex
	current *tls.Certificate
	changed time.Time
}

func (f *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	is, err := os.Stat(f.certificate)
	if err == nil && (f.current == nil || !is.ModTime().Equal(f.changed)) {
		var c tls.Certificate
		if c, err = tls.LoadX509KeyPair(f.certificate, f.key); err == nil {
			f.current, f.changed = &c, is.ModTime()
		}
	}
	if f.current == nil {
		return nil, fmt.Errorf("the certificate of this system: %w", err)
	}
	return f.current, nil // the one of before, if the new one cannot be read yet
}
