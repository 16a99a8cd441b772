package main

import (
	"context"
	"fmt"
	"testing"
)

func TestMain(m *testing.M) {
	for i := range app.Bases {
		app.Bases[i].AdminPort = 0 // a system for the test alone, whatever else runs here
	}
	app.TestMain(m)
}

func Example() {
	if err := run(context.Background()); err != nil {
		fmt.Println("run:", err)
	}
	// Output: Hello, World <nil>
}
