// Package matrix_test runs the behaviours of package matrix, of the module integration, on the base over a NATS server: in the module of that base, as no other one is to know the broker.
//
//	go test ./transport-queue/nats/matrix                          # in configurations that have the base together with every other setting: some minutes
//	go test -timeout 2h ./transport-queue/nats/matrix -whole       # in all configurations
//	go test ./transport-queue/nats/matrix -whole -run 'TestMatrix/nats-spawn-copies-routing$/failures'   # some of both
package matrix_test

import (
	"flag"
	"os"
	"slices"
	"testing"

	"thespian.dev/integration/leftovers"
	"thespian.dev/integration/matrix"
	"thespian.dev/transport"
	"thespian.dev/transport-queue/nats"
)

// serverURL is the variable of the environment that tells the processes of a system where the server is. They find the base by its name, which has the URL in it.
const serverURL = "THESPIAN_TEST_NATS_URL"

func bases() []transport.Base {
	if url := os.Getenv(serverURL); url != "" {
		return []transport.Base{nats.Base(url)}
	}
	return nil
}

var whole = flag.Bool("whole", false, "all configurations, not only enough for every two settings")

type runner struct{ m *testing.M }

func (r runner) Run() int { return leftovers.Check(r.m.Run) }

func TestMain(m *testing.M) { matrix.App(bases()...).TestMain(runner{m}) }

// TestMatrix runs behaviours on the base over a server that runs here.
func TestMatrix(t *testing.T) {
	s := startServer(t, 0)
	t.Setenv(serverURL, s.ClientURL())

	base := bases()
	configs := matrix.Configs(base...)
	if !*whole {
		configs = matrix.Pairs(configs) // two other settings are together on this base or on another one, in package matrix
	}
	configs = slices.DeleteFunc(configs, func(c matrix.Config) bool { return c.Base != base[0].Short })
	matrix.Test(t, matrix.App(base...), configs)
}
