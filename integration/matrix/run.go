package matrix

import (
	"context"
	"sync"
	"time"

	"thespian.dev/system"
)

// A Result is that of one behaviour in one configuration.
type Result struct {
	Behaviour string
	Config    string
	// Unsupported says why it was not run.
	Unsupported string `json:",omitempty"`
	// Failure says why it does not hold.
	Failure string `json:",omitempty"`
	// Took is how long it took, in nanoseconds.
	Took time.Duration
}

// Run runs behaviours in configurations, some at once, and hands on each result, one after the other, until ctx is done.
func Run(ctx context.Context, app system.App, behaviours []Behaviour, configs []Config, atOnce int, done func(Result)) {
	var results sync.Mutex
	var all sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for _, c := range configs {
		for _, b := range behaviours {
			places <- struct{}{}
			if ctx.Err() != nil {
				<-places
				continue
			}
			all.Go(func() {
				defer func() { <-places }()
				r := Try(ctx, app, b, c)
				results.Lock()
				defer results.Unlock()
				if ctx.Err() == nil { // else it was cut short
					done(r)
				}
			})
		}
	}
	all.Wait()
}

// Try runs one behaviour in one configuration.
func Try(ctx context.Context, app system.App, b Behaviour, c Config) Result {
	r := Result{Behaviour: b.Name, Config: c.String()}
	if c.Apart() {
		r.Unsupported = b.Alone
	}
	if r.Unsupported == "" && b.Unsupported != nil {
		r.Unsupported = b.Unsupported(c)
	}
	if r.Unsupported != "" {
		return r
	}
	began := time.Now()
	if err := run(ctx, app, b, c); err != nil {
		r.Failure = err.Error()
	}
	r.Took = time.Since(began)
	return r
}
