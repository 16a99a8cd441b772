package transporttest_test

import (
	"testing"

	"thespian.dev/transport"
	"thespian.dev/transport/memory"
	"thespian.dev/transport/transporttest"
)

// How the test of a transport calls the suite: here that of a network in memory, in virtual time.
func ExampleRun() {
	_ = func(t *testing.T) { // TestTransport
		transporttest.Run(t, transporttest.Setup{
			Virtual: true,
			New: func(t *testing.T) transporttest.Network {
				network := memory.NewNetwork(1)
				return transporttest.Network{
					Base:  network.Base(transport.Features{Ordered: true, Reliable: true}),
					Reset: func(a, b transport.Transport) { network.Reset(a.Endpoint(), b.Endpoint()) },
					Kill:  func(tr transport.Transport) { network.Kill(tr.Endpoint()) },
				}
			},
		})
	}
}
