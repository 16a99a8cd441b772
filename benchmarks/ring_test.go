package benchmarks

import (
	"fmt"
	"testing"

	"gotest.tools/v3/assert"
)

// TestLastReceipt plays rings by hand: they must end with the n-th hop.
func TestLastReceipt(t *testing.T) {
	for _, size := range []int{2, 3, 100} {
		for _, n := range []int{1, 2, 3, 99, 100, 101, 250} {
			t.Run(fmt.Sprint(size, " ", n), func(t *testing.T) {
				left := make([]int, size)
				for i := range left {
					left[i] = lastReceipt(n, i, size)
				}
				hops := 0
				for at, over := 0, false; !over && hops <= n; at = (at + 1) % size {
					hops++
					left[at]--
					over = left[at] == 0
				}
				assert.Equal(t, hops, n)
			})
		}
	}
}
