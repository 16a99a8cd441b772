package stream_test

import (
	"os"
	"testing"

	"thespian.dev/transport"
)

// childVariable is set in the processes that tests start.
const childVariable = "TRANSPORT_STREAM_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		descriptorsChild()
		return
	}
	os.Exit(m.Run())
}

// there is the node of such a process.
var there = transport.Node{System: 1, Process: 2}
