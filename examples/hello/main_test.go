package main

import (
	"context"
	"fmt"
	"testing"
)

func TestMain(m *testing.M) { app.TestMain(m) }

func Example() {
	if err := run(context.Background()); err != nil {
		fmt.Println("run:", err)
	}
	// Output: Hello, World <nil>
}
