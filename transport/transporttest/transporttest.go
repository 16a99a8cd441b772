// Package transporttest is the suite that every transport has to pass. What the features of a base do not promise is not asked of it.
//
// A transport runs it in a test of its own:
//
//	func TestTransport(t *testing.T) {
//		transporttest.Run(t, transporttest.Setup{
//			New: func(t *testing.T) transporttest.Network {
//				return transporttest.Network{Base: tcp.Base()}
//			},
//		})
//	}
//
// The suite waits for events alone, with a generous deadline after which it fails.
package transporttest

import (
	"net"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"thespian.dev/transport"
)

// Setup says how to test a transport.
type Setup struct {
	// New prepares one test. It is called at the start of each one, inside its bubble if there is one.
	New func(t *testing.T) Network
	// Virtual runs each test in a bubble of testing/synctest, for transports that do without sockets.
	Virtual bool
}

// Network is what one test works with. Base is needed; where another field is nil, what needs it is not tested.
type Network struct {
	Base transport.Base

	// Config changes what each transport of the test is opened with, such as Listen, before the test does.
	Config func(*transport.Config)
	// Endpoint returns where a transport is to be reached by others, if there is something in between. nil: at its own Endpoint.
	Endpoint func(transport.Transport) string
	// Reset breaks the connections between two transports in mid-stream.
	Reset func(a, b transport.Transport)
	// Kill ends a transport as the death of its process would: no goodbye, no call of the Handler after those that run, but what it sent stays
	// readable for its peers. The suite calls Close after it.
	Kill func(transport.Transport)
	// Settle returns when all that transports took has left them as far as it can. It is not needed with Setup.Virtual.
	Settle func()
	// Dial connects to an endpoint as a stranger, if it is a socket.
	Dial func(endpoint string) (net.Conn, error)
	// Hello is what a node sends first on a connection, for strangers that know no more than that.
	Hello []byte
}

// deadline is when an event that is waited for is missing.
const deadline = 30 * time.Second

// check is one test of the suite.
type check struct {
	name     string
	reliable bool // whether it asks for what only a reliable transport promises
	run      func(*env)
}

// Run tests a transport. Each test of the suite is a subtest of t.
func Run(t *testing.T, setup Setup) {
	var checks []check
	checks = append(checks, deliveryChecks...)
	checks = append(checks, sizeChecks...)
	checks = append(checks, windowChecks...)
	checks = append(checks, connectChecks...)
	checks = append(checks, lossChecks...)
	checks = append(checks, forgetChecks...)
	checks = append(checks, assuredChecks...)
	checks = append(checks, attendChecks...)
	checks = append(checks, closeChecks...)
	checks = append(checks, strangerChecks...)
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			body := func(t *testing.T) {
				e := newEnv(t, setup)
				if c.reliable && !e.features.Reliable {
					return // nothing was promised
				}
				c.run(e)
			}
			if setup.Virtual {
				synctest.Test(t, body) // which fails if a goroutine is left
				return
			}
			before := runtime.NumGoroutine()
			t.Cleanup(func() { // after those of the test, which close the transports
				for until := time.Now().Add(deadline); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
					if time.Now().After(until) {
						stacks := make([]byte, 1<<20)
						t.Errorf("a closed transport must leave no goroutine: %d before the test, %d after it\n%s",
							before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
						return
					}
				}
			})
			body(t)
		})
	}
}
