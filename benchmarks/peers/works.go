// Package peers measures the system against others that carry messages between processes, and on the base over a NATS server. They have a command of their own, go run ./benchmarks/cmd/peers,
// because an executable that holds them takes more memory and time to start, and hosts are that executable again.
package peers

import (
	"context"
	"maps"
	"runtime"

	"thespian.dev/benchmarks"
	"thespian.dev/benchmarks/internal/contest"
	"thespian.dev/benchmarks/internal/second"
)

// callers is how many wait for answers at once.
const callers = 64

// Works returns the works: questions, one for each of the others, and all works between processes on the base over NATS.
func Works() []contest.Work {
	if runtime.GOOS != "linux" { // as the works between processes that these come from
		return nil
	}
	return append([]contest.Work{
		against(contest.Contestant{Name: "gRPC", Run: askGRPC}),
		against(contest.Contestant{Name: "NATS", Run: func(ctx context.Context, m contest.Meter, n int) error { return askNATS(ctx, m, callers, n) }}),
	}, natsWorks()...)
}

// against returns the work of asking, with another system as what is compared to.
func against(peer contest.Contestant) contest.Work {
	w := benchmarks.FarAsk(benchmarks.Venues(), callers)
	w.Name += ", " + peer.Name
	w.About = "64 bytes from one of 64 callers to another process, and back"
	w.Goal = contest.Goal{Ratio: 3}
	return compared(w, peer)
}

// compared returns a work with one more contestant, to which the others are compared.
func compared(w contest.Work, peer contest.Contestant) contest.Work {
	w.Raw = peer.Name
	w.Contestants = append([]contest.Contestant{peer}, w.Contestants...)
	return w
}

// Roles returns what the second processes of the works can be.
func Roles() map[string]second.Role {
	roles := benchmarks.Roles()
	maps.Copy(roles, map[string]second.Role{grpcRole: serveGRPC, natsRole: serveNATS, natsEchoRole: echoNATS, natsSinkRole: countNATS})
	return roles
}

// askAll has callers ask so many times together.
func askAll(callers, n int, ask func() error) error {
	errs := make(chan error, callers)
	for i := range callers {
		go func() {
			var err error
			for k := i; k < n && err == nil; k += callers {
				err = ask()
			}
			errs <- err
		}()
	}
	var first error
	for range callers {
		if err := <-errs; first == nil {
			first = err
		}
	}
	return first
}
