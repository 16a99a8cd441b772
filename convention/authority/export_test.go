package authority

import (
	"crypto/tls"
	"time"
)

// SetClock has an authority find another time.
func SetClock(a *Authority, now func() time.Time) { a.now = now }

// AsGiven returns the certificate and the roots of an authority as a user would give them.
func AsGiven(a *Authority) *tls.Config {
	c, err := a.certificate(nil)
	if err != nil {
		panic(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{*c}, RootCAs: a.roots()}
}
