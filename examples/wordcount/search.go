package main

import (
	"context"

	"thespian.dev/actor"
)

// searched is the end of a search.
type searched struct {
	stats Stats // what could not be read
	err   error
}

// search looks for files beside the actor, and has them come as Found messages. It waits when it is too far ahead.
func (c *coordinator) search(ctx *actor.Context, root string) {
	ahead := c.ahead
	ctx.Go(func(work context.Context) any {
		var end searched
		var batch Found
		send := func() error {
			select {
			case ahead <- struct{}{}:
			case <-work.Done():
				return work.Err()
			}
			ctx.Send(ctx.Self(), batch)
			batch = Found{}
			return nil
		}
		end.err = walk(root, func(path string, size int64) error {
			batch.Files = append(batch.Files, []byte(path))
			batch.Bytes += size
			if len(batch.Files) == batchFiles || batch.Bytes >= batchBytes {
				return send()
			}
			return nil
		}, end.stats.unreadable)
		if end.err == nil && len(batch.Files) > 0 {
			end.err = send()
		}
		return end
	})
}
