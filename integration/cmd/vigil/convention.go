package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"thespian.dev/actor"
	"thespian.dev/convention/authority"
	"thespian.dev/system"
)

// begin starts the systems, and has a watcher in each of them. What has been started must be ended also when there is an error.
func begin(ctx context.Context, members int) (*convention, error) {
	c := &convention{heard: make(chan Heard, 1024), gone: make(map[int]int)}
	secret := authority.NewSecret()
	leader := ""
	for n := range members + 1 {
		at, err := freePort()
		if err != nil {
			return c, err
		}
		given := actor.Capabilities{"Name": nameOf(n), "Admin Port": at}
		if n > 0 {
			given["Convention Address.IPv4"] = leader
		} else {
			leader = fmt.Sprintf("127.0.0.1:%d", at)
		}
		sys, err := app.Start(ctx, &system.Options{New: true, Lifetime: true, ConventionSecret: secret, Capabilities: given, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return c, fmt.Errorf("%s: %w", nameOf(n), err)
		}
		c.systems = append(c.systems, sys)
		w, err := sys.Create(ctx, "watcher")
		if err != nil {
			return c, fmt.Errorf("%s: %w", nameOf(n), err)
		}
		if err := sys.Tell(ctx, w, Listen{sys.Address()}); err != nil {
			return c, err
		}
		go c.listen(sys) // until its end
	}
	return c, nil
}

// listen passes on what a system's watcher tells.
func (c *convention) listen(sys *system.System) {
	for {
		msg, _, err := sys.Listen(context.Background())
		if err != nil {
			return
		}
		if h, ok := msg.(Heard); ok {
			c.heard <- h
		}
	}
}

// freePort returns a port that nobody listens at now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// end ends all systems. Of the members whose Admin was killed or stopped, the processes end with it.
func (c *convention) end() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var errs []error
	for n, sys := range c.systems {
		if pid, gone := c.gone[n]; gone {
			_ = kill(pid)
			select {
			case <-sys.Done():
			case <-ctx.Done():
				errs = append(errs, fmt.Errorf("%s does not end", nameOf(n)))
			}
			continue
		}
		if err := sys.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", nameOf(n), err))
		}
	}
	return errors.Join(errs...)
}
