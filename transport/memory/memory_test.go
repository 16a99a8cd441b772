package memory_test

import (
	"testing"
	"time"

	"thespian.dev/transport"
	"thespian.dev/transport/memory"
	"thespian.dev/transport/transporttest"
)

// The suite over each kind of base, on a network without faults and on a bad one.
func TestSuite(t *testing.T) {
	bad := memory.Link{Delay: 3 * time.Millisecond, Jitter: 3 * time.Millisecond, Loss: 0.1, Duplicate: 0.1, Reorder: 0.2}
	for _, c := range []struct {
		name     string
		features transport.Features
		link     memory.Link
	}{
		{"reliable", transport.Features{Ordered: true, Reliable: true, Remote: true}, memory.Link{}},
		{"reliable on a bad network", transport.Features{Ordered: true, Reliable: true, Remote: true}, bad},
		{"reliable without order", transport.Features{Reliable: true, MaxMessage: 100_000}, bad},
		{"ordered", transport.Features{Ordered: true, MaxMessage: 1400}, bad},
		{"nothing promised", transport.Features{MaxMessage: 1400}, bad},
		{"nothing promised on a good network", transport.Features{}, memory.Link{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			transporttest.Run(t, transporttest.Setup{Virtual: true, New: func(t *testing.T) transporttest.Network {
				network := memory.NewNetwork(1)
				network.SetDefault(c.link)
				return transporttest.Network{
					Base:  network.Base(c.features),
					Reset: func(a, b transport.Transport) { network.Reset(a.Endpoint(), b.Endpoint()) },
					Kill:  func(tr transport.Transport) { network.Kill(tr.Endpoint()) },
				}
			}})
		})
	}
}

// The same in real time: nothing may depend on the bubble.
func TestSuiteInRealTime(t *testing.T) {
	transporttest.Run(t, transporttest.Setup{New: func(t *testing.T) transporttest.Network {
		network := memory.NewNetwork(1)
		return transporttest.Network{
			Base:  network.Base(transport.Features{Ordered: true, Reliable: true}),
			Reset: func(a, b transport.Transport) { network.Reset(a.Endpoint(), b.Endpoint()) },
			Kill:  func(tr transport.Transport) { network.Kill(tr.Endpoint()) },
		}
	}})
}
