package peers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"thespian.dev/benchmarks"
	"thespian.dev/benchmarks/internal/contest"
	"thespian.dev/benchmarks/internal/second"
	"thespian.dev/transport"
	"thespian.dev/transport-queue/nats"
)

// natsVariable is the environment variable that tells the processes of a system where the NATS server is. They find the base by its name, which has the URL in it.
const natsVariable = "BENCHMARK_NATS_URL"

// Bases returns the base over the NATS server, in the processes of a system on it.
func Bases() []transport.Base {
	if url := os.Getenv(natsVariable); url != "" {
		return []transport.Base{nats.Base(url)}
	}
	return nil
}

// overNATS is the base over a NATS server, a new one for each measurement, in a process of its own.
func overNATS() benchmarks.Venue {
	return benchmarks.Venue{Features: nats.Base("").Features, With: func(ctx context.Context, do func(transport.Base) error) (err error) {
		server, err := second.Start(ctx, natsRole, "")
		if err != nil {
			return err
		}
		defer func() { err = stop(server, err) }()
		if err := os.Setenv(natsVariable, server.Address); err != nil {
			return err
		}
		defer os.Unsetenv(natsVariable)
		return do(nats.Base(server.Address))
	}}
}

// natsWorks returns the works between processes on the base over NATS. Those that send are compared with a bare publisher and subscriber, or with one who asks and one who responds.
func natsWorks() []contest.Work {
	works := benchmarks.Far([]benchmarks.Venue{overNATS()})
	for i := range works {
		w := &works[i]
		w.Goal = contest.Goal{} // those are for the base that needs no broker
		if bare := bareNATS(w.Name); bare != nil {
			*w = compared(*w, contest.Contestant{Name: "bare NATS", Run: bare})
		}
		w.Name += " over NATS"
	}
	return works
}

// bareNATS returns how a work is done with NATS alone; nil: it is not.
func bareNATS(work string) func(context.Context, contest.Meter, int) error {
	switch work {
	case "far tell 64 B", "far tell CBOR":
		return func(ctx context.Context, m contest.Meter, n int) error { return tellNATS(ctx, m, 64, n) }
	case "far tell 1 KiB":
		return func(ctx context.Context, m contest.Meter, n int) error { return tellNATS(ctx, m, 1<<10, n) }
	case "far tell 1 MiB":
		return func(ctx context.Context, m contest.Meter, n int) error { return tellNATS(ctx, m, 1<<20, n) }
	case "far ask 64 B":
		return func(ctx context.Context, m contest.Meter, n int) error { return askNATS(ctx, m, 1, n) }
	case "far ask 64 callers":
		return func(ctx context.Context, m contest.Meter, n int) error { return askNATS(ctx, m, callers, n) }
	}
	return nil
}

const (
	natsSinkRole = "NATS subscriber"
	natsData     = "sink.data"
	natsCount    = "sink.count"
)

// A subscriber is asked for its count for as long as countTime without an answer; what has not come when nothing has for quietTime is lost.
const (
	countTime = time.Second
	quietTime = time.Second
)

// countNATS is a second.Role: it counts what comes, and says how many there were, and when the last of them came, when it is asked.
func countNATS(ctx context.Context, server string, ready func(string)) error {
	c, err := natsgo.Connect(server)
	if err != nil {
		return err
	}
	defer c.Close()
	count, last := 0, time.Now()
	s, err := c.Subscribe("sink.*", func(m *natsgo.Msg) { // one after the other
		if m.Subject == natsData {
			count, last = count+1, time.Now()
			return
		}
		_ = m.Respond(fmt.Appendf(nil, "%d %d", count, last.UnixNano()))
	})
	if err != nil {
		return err
	}
	if err := s.SetPendingLimits(-1, -1); err != nil { // or the client would drop what it has no time for
		return err
	}
	if err := c.Flush(); err != nil {
		return err
	}
	ready(natsData)
	<-ctx.Done()
	return nil
}

// tellNATS publishes, and waits until all has been handled in another process. NATS promises no delivery: a server drops a subscriber that is too slow.
func tellNATS(ctx context.Context, m contest.Meter, size, n int) (err error) {
	server, err := second.Start(ctx, natsRole, "")
	if err != nil {
		return err
	}
	defer func() { err = stop(server, err) }()
	subscriber, err := second.Start(ctx, natsSinkRole, server.Address)
	if err != nil {
		return err
	}
	defer func() { err = stop(subscriber, err) }()
	client, err := natsgo.Connect(server.Address)
	if err != nil {
		return err
	}
	defer client.Close()
	p := publisher{client: client, data: make([]byte, size)}
	if _, _, err := p.send(ctx, 1); err != nil {
		return err
	}
	m.ResetTimer()
	begin := time.Now()
	came, last, err := p.send(ctx, n)
	m.StopTimer()
	switch {
	case err != nil:
		return err
	case came == 0:
		return fmt.Errorf("none of %d messages came", n)
	case came < n:
		contest.Correct(m, came, last.Sub(begin))
	}
	m.ReportMetric(100*float64(n-came)/float64(n), "% lost")
	return nil
}

// A publisher sends to a subscriber, which has counted so many before.
type publisher struct {
	client *natsgo.Conn
	data   []byte
	before int
}

// send publishes, and says how many came, and when the last did.
func (p *publisher) send(ctx context.Context, n int) (came int, last time.Time, err error) {
	for range n {
		if err := p.client.Publish(natsData, p.data); err != nil {
			return 0, last, err
		}
	}
	for changed := time.Now(); ; { // the question is behind what was published, unless something got lost
		now, at, err := p.count(ctx)
		if err != nil {
			return 0, last, err
		}
		if now != came {
			came, last, changed = now, at, time.Now()
		}
		if came >= n || time.Since(changed) > quietTime {
			p.before += came
			return came, last, nil
		}
	}
}

// count asks until there is an answer.
func (p *publisher) count(ctx context.Context) (came int, last time.Time, err error) {
	for {
		limited, cancel := context.WithTimeout(ctx, countTime)
		answer, err := p.client.RequestWithContext(limited, natsCount, nil)
		cancel()
		if ctx.Err() == nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, natsgo.ErrNoResponders)) { // the subscriber may be on its way back to the server
			continue
		}
		if err != nil {
			return 0, last, err
		}
		var at int64
		_, err = fmt.Sscan(string(answer.Data), &came, &at)
		return came - p.before, time.Unix(0, at), err
	}
}
