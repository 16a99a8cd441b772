package benchmarks

import (
	"context"
	"fmt"
	"sync"

	"thespian.dev/actor"
	"thespian.dev/address"
	"thespian.dev/message"
	"thespian.dev/system"
)

// start starts a system in this process, as any program does.
func start(ctx context.Context, kinds ...actor.Kind) (*system.System, error) {
	app := system.App{Kinds: kinds, Messages: message.Types(Pair{}, Begin{}, Next{})}
	return app.Start(ctx, &system.Options{Base: "simple"})
}

// started is start and the creation of a first actor, of the first kind.
func started(ctx context.Context, kinds ...actor.Kind) (*system.System, address.Address, error) {
	sys, err := start(ctx, kinds...)
	if err != nil {
		return nil, address.Address{}, err
	}
	first, err := sys.Create(ctx, kinds[0].Name)
	if err != nil {
		_ = sys.Close()
		return nil, address.Address{}, err
	}
	return sys, first, nil
}

// await waits until done is closed.
func await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// oneOf returns "one sender" or "one of 8 senders".
func oneOf(n int, who string) string {
	if n == 1 {
		return "one " + who
	}
	return fmt.Sprintf("one of %d %ss", n, who)
}

// share returns the part of n that the i-th of several gets.
func share(n, i, of int) int {
	part := n / of
	if i < n%of {
		part++
	}
	return part
}

// inParallel has several goroutines do their shares of n operations, and returns the first error.
func inParallel(goroutines, n int, do func(n int) error) error {
	if goroutines == 1 {
		return do(n)
	}
	errs := make([]error, goroutines)
	var all sync.WaitGroup
	for i := range goroutines {
		all.Go(func() { errs[i] = do(share(n, i, goroutines)) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
