package main

import "context"

// countPlainly counts in a single loop, without actors.
func countPlainly(ctx context.Context, root string, top int) (Result, error) {
	var t tally
	err := walk(root, func(path string, _ int64) error {
		return t.file(ctx, path, func(int64) {})
	}, t.stats.unreadable)
	if err != nil {
		return Result{}, err
	}
	return t.result(top), nil
}
